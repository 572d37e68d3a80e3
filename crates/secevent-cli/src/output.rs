//! How results look: for people, with colour on terminals, or JSON for machines.

use std::{
    cmp::Reverse,
    fmt::{Display, Write as _},
    io::{self, Write as _},
};

use clap::builder::styling::{AnsiColor, Style};
use secevent::{EventType, Finding, Level};
use serde::Serialize;

/// For whom results are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    People,
    /// `--json` was given.
    Json,
}

/// One JSON value on a line of its own.
pub(crate) fn json(value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}

/// A result for people; colours are left out where stdout is no terminal.
pub(crate) fn say(text: impl Display) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// What is not the result: remarks and reasons. There is nobody to tell if stderr is closed.
pub(crate) fn remark(text: impl Display) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// What went wrong, and the command to try next.
pub(crate) fn error(what: &str, next: Option<&str>) {
    remark(format_args!("{ERROR}error:{ERROR:#} {what}"));
    if let Some(next) = next {
        remark(format_args!("  {DIM}try:{DIM:#} {next}"));
    }
}

/// A remark about how the answer was reached.
pub(crate) fn note(text: impl Display) {
    remark(format_args!("{DIM}note:{DIM:#} {text}"));
}

/// A heading over a part of a result.
pub(crate) fn heading(text: &str) -> String {
    format!("{BOLD}{text}{BOLD:#}")
}

/// Findings one to a line, the heaviest first: level, requirement, place, what was found and how to mend it.
pub(crate) fn table(findings: &[Finding]) -> String {
    let mut rows: Vec<_> = findings.iter().map(|finding| (finding, place(&finding.at))).collect();
    rows.sort_by_key(|(finding, _)| Reverse(finding.level));
    let level_width = widest(rows.iter().map(|(finding, _)| label(finding.level)));
    let id_width = widest(rows.iter().map(|(finding, _)| finding.id));
    let place_width = widest(rows.iter().map(|(_, place)| place.as_str())).min(PLACE_WIDTH_MAX);
    let mut table = String::new();
    for (Finding { level, id, found, mend, .. }, place) in &rows {
        let (style, label) = (style(*level), label(*level));
        let words = printable(&format!("{found}; {mend}"));
        let _ = writeln!(
            table,
            "{style}{label:<level_width$}{style:#}  {id:<id_width$}  {place:<place_width$}  {words}"
        );
    }
    table.truncate(table.trim_end().len());
    table
}

/// JSON with indentation, safe to show on a terminal and still JSON.
pub(crate) fn pretty(value: &impl Serialize) -> String {
    printable(&serde_json::to_string_pretty(value).expect("maps with text keys are JSON"))
}

/// Text of a peer without what would steer a terminal: other controls than line feed, and marks that turn the
/// direction of text, are written as JSON escapes.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let steers = c.is_control() && c != '\n'
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if steers {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// The same in one line, so that it cannot pass for another line of ours.
pub(crate) fn one_line(text: &str) -> String {
    printable(text).replace('\n', "\\n")
}

/// A point in time for people, in UTC; the number itself where the calendar ends.
pub(crate) fn date(secs: i64) -> String {
    jiff::Timestamp::from_second(secs).map_or_else(|_| secs.to_string(), |at| at.to_string())
}

/// A JSON Pointer for people: escapes undone, and events by their short names.
pub(crate) fn place(pointer: &str) -> String {
    let mut place = String::new();
    let mut parent = "";
    for part in pointer.split('/').skip(1) {
        let name = part.replace("~1", "/").replace("~0", "~");
        let name = if parent == "events" { EventType::from_uri(name).name() } else { name };
        let _ = write!(place, "/{name}");
        parent = part;
    }
    if place.is_empty() { "-".to_owned() } else { printable(&place) }
}

fn label(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Lenient => "lenient",
        Level::OutsideProfile => "outside-profile",
        _ => "warning",
    }
}

const fn style(level: Level) -> Style {
    match level {
        Level::Error => ERROR,
        _ => WARNING,
    }
}

fn widest<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(|text| text.chars().count()).max().unwrap_or_default()
}

/// Beyond this a long place pushes its own line out instead of all of them.
const PLACE_WIDTH_MAX: usize = 60;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_peer_cannot_steer_a_terminal() {
        assert_eq!(printable("a\u{9b}2J\u{7f}\u{202e}b\nü"), "a\\u009b2J\\u007f\\u202eb\nü");
    }

    #[test]
    fn places_name_events_shortly() {
        let uri = "https:~1~1schemas.openid.net~1secevent~1caep~1event-type~1session-revoked";
        assert_eq!(
            place(&format!("/events/{uri}/reason_admin")),
            "/events/caep:session-revoked/reason_admin"
        );
        assert_eq!(place(""), "-");
        assert_eq!(place("/a~0b/~01"), "/a~b/~1");
    }

    #[test]
    fn dates_are_utc_and_absurd_ones_are_numbers() {
        assert_eq!(date(1_767_225_600), "2026-01-01T00:00:00Z");
        assert_eq!(date(i64::MAX), "9223372036854775807");
    }
}
