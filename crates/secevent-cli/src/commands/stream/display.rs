//! How streams look: aligned for people, and without credentials for everybody.

use std::fmt::Write as _;

use secevent::EventType;
use secevent_ssf::stream::{Delivery, StatusDocument, StreamConfig};

use crate::output::{heading, one_line};

/// The stream as the transmitter gave it, but for the credential of its push endpoint.
// spec: PUSH-060
pub(super) fn without_credential(stream: &StreamConfig) -> StreamConfig {
    let mut stream = stream.clone();
    if let Delivery::Push { authorization_header, .. } = &mut stream.delivery {
        *authorization_header = None;
    }
    stream
}

/// One line for each stream.
pub(super) fn list(streams: &[StreamConfig]) -> String {
    let row = |stream: &StreamConfig| {
        let events = match stream.events_delivered.len() {
            1 => stream.events_delivered[0].name(),
            count => format!("{count} events"),
        };
        let description = stream.description.clone().unwrap_or_default();
        [stream.stream_id.clone(), method(&stream.delivery).to_owned(), events, description]
            .map(|cell| one_line(&cell))
    };
    let titles = ["STREAM", "BY", "DELIVERS", "DESCRIPTION"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(titles).chain(streams.iter().map(row)).collect();
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or_default();
    let (id, by, events) = (width(0), width(1), width(2));
    let line = |row: &[String; 4]| {
        let line = format!("{:<id$}  {:<by$}  {:<events$}  {}", row[0], row[1], row[2], row[3]);
        line.trim_end().to_owned()
    };
    let mut lines = rows.iter().map(line);
    let titles = lines.next().map(|titles| heading(&titles)).unwrap_or_default();
    lines.fold(titles, |text, line| text + "\n" + &line)
}

/// What was agreed on for a stream.
pub(super) fn agreed(stream: &StreamConfig) -> String {
    table(stream, None, &[])
}

/// Everything about a stream, on one screen.
pub(super) fn whole(stream: &StreamConfig, status: Option<&StatusDocument>) -> String {
    table(stream, status, &stream.events_supported)
}

fn table(stream: &StreamConfig, status: Option<&StatusDocument>, supported: &[EventType]) -> String {
    let mut text = String::new();
    let mut row = |label: &str, words: &str| {
        if !words.is_empty() {
            let _ = writeln!(text, "{}", wrapped(label, &one_line(words)));
        }
    };
    let requested = stream.events_requested.as_deref().unwrap_or_default();
    let missing = |events: &[EventType]| -> Vec<EventType> {
        events.iter().filter(|event| !stream.events_delivered.contains(event)).cloned().collect()
    };
    let (refused, offered) = (missing(requested), missing(supported));
    row("stream", &stream.stream_id);
    row("status", &status.map(words).unwrap_or_default());
    row("description", stream.description.as_deref().unwrap_or_default());
    row("issuer", &stream.iss);
    row("audience", &stream.aud.join(", "));
    let url = stream.delivery.endpoint_url().unwrap_or_default();
    row("delivery", &format!("{} {url}", method(&stream.delivery)));
    row(
        "delivers",
        &if stream.events_delivered.is_empty() {
            "nothing".to_owned()
        } else {
            names(&stream.events_delivered)
        },
    );
    row("not granted", &names(&refused));
    row("could deliver", &names(&offered));
    let seconds = |secs: Option<u64>| secs.map(|secs| format!("{secs} s")).unwrap_or_default();
    row("verify every", &seconds(stream.min_verification_interval.filter(|secs| *secs > 0)));
    row("inactive for", &seconds(stream.inactivity_timeout.filter(|secs| *secs > 0)));
    text.truncate(text.trim_end().len());
    text
}

/// The status of a stream and its reason, on one line.
pub(super) fn status(status: &StatusDocument) -> String {
    one_line(&words(status))
}

fn words(status: &StatusDocument) -> String {
    let reason = status.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{}{reason}", status.status)
}

const fn method(delivery: &Delivery) -> &'static str {
    match delivery {
        Delivery::Push { .. } => "push",
        _ => "poll",
    }
}

fn names(events: &[EventType]) -> String {
    events.iter().map(EventType::name).collect::<Vec<_>>().join(", ")
}

/// A label and words that go on below themselves where the line ends.
fn wrapped(label: &str, words: &str) -> String {
    let mut text = format!("{label:<LABEL_WIDTH$}");
    let mut width = LABEL_WIDTH;
    for (n, word) in words.split(' ').enumerate() {
        let long = word.chars().count();
        if n > 0 && width + 1 + long > WIDTH {
            let _ = write!(text, "\n{:LABEL_WIDTH$}", "");
            width = LABEL_WIDTH;
        } else if n > 0 {
            text.push(' ');
            width += 1;
        }
        text.push_str(word);
        width += long;
    }
    text
}

/// The longest label and two spaces.
const LABEL_WIDTH: usize = 15;
/// Terminals have 80 columns at least; the id of a stream or a URL may need more.
const WIDTH: usize = 80;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config() -> StreamConfig {
        let config = json!({
            "stream_id": "a\nb", "iss": "https://t.example", "aud": "b",
            "events_supported": ["https://schemas.openid.net/secevent/caep/event-type/session-revoked", "urn:x"],
            "events_requested": ["urn:y"], "events_delivered": [],
            "description": "\u{1b}[2Jgone",
            "delivery": {
                "method": "urn:ietf:rfc:8935", "endpoint_url": "https://r.example", "authorization_header": "Bearer canary",
            },
        });
        serde_json::from_value(config).unwrap()
    }

    // spec: PUSH-060
    #[test]
    fn a_stream_is_shown_on_lines_of_its_own_and_without_its_credential() {
        let shown = whole(&config(), None);
        let wanted = "\
stream         a\\nb
description    \\u001b[2Jgone
issuer         https://t.example
audience       b
delivery       push https://r.example
delivers       nothing
not granted    urn:y
could deliver  caep:session-revoked, urn:x";
        assert_eq!(shown, wanted);
        let machine = serde_json::to_string(&without_credential(&config())).unwrap();
        assert!(!machine.contains("canary") && machine.contains("https://r.example"), "{machine}");
        assert_eq!(list(&[config()]).lines().count(), 2);
    }

    #[test]
    fn long_lists_go_on_below_themselves() {
        let shown = wrapped("delivers", &["caep:session-revoked,"; 5].join(" "));
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[1].starts_with("               caep:"), "{shown}");
        assert!(lines.iter().all(|line| line.len() <= WIDTH), "{shown}");
    }
}
