//! `secevent doctor`: what is wrong with a store, and how to mend it.

use std::path::PathBuf;

use secevent::Timestamp;
use secevent_hub::doctor::{Finding, Level, Report, examine};

use crate::{
    clock,
    data::{Data, size},
    failure::{Exit, Failure},
    output::{self, Form},
};

/// Examine the store of a hub, which may be running, or a copy of it
#[derive(clap::Args)]
#[command(after_help = "\
The store is not changed. All of the file is read, which takes its time with a large one; the
write-ahead log of a running hub grows meanwhile.

Exit code 0 if all is well, 1 with something to mend, 3 if the store could not be examined.

Examples:
  secevent doctor
  secevent doctor --config hub.toml --json
  secevent doctor hub-backup.db")]
pub(crate) struct Args {
    /// A copy to examine instead, as `secevent backup` makes it
    #[arg(value_name = "FILE", conflicts_with_all = ["data", "config"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    data: Data,
}

pub(crate) fn run(args: &Args, form: Form) -> Result<Exit, Failure> {
    let (store, private) = match &args.file {
        Some(file) => (file.clone(), Vec::new()),
        None => (args.data.store()?, args.data.secrets()?),
    };
    let report = examine(&store, &private, clock::millis().timestamp())
        .map_err(|error| Failure::could_not(error).next("secevent doctor --data FOLDER"))?;
    if form == Form::Json {
        output::json(&report)?;
    } else {
        output::say(output::heading(&store.display().to_string()))?;
        output::say(output::printable(&facts(&report)))?;
        for finding in &report.findings {
            output::say(line_of(finding))?;
        }
        if report.findings.is_empty() {
            output::say("all is well")?;
        }
    }
    Ok(if report.findings.is_empty() { Exit::Yes } else { Exit::No })
}

/// A finding in three lines: what, why, how to mend it.
pub(crate) fn line_of(Finding { level, check, what, why, mend, .. }: &Finding) -> String {
    let level = if *level == Level::Fatal { "fatal" } else { "warning" };
    let what = output::one_line(what);
    format!("{level}  {check}: {what}\n         {why}\n         mend: {}", output::one_line(mend))
}

fn facts(report: &Report) -> String {
    let mut lines = Vec::new();
    let schema = report.schema;
    lines.push(if schema < report.schema_today {
        format!(
            "schema    {schema} of {}; a hub brings it up to date when it starts, and more can be told then",
            report.schema_today
        )
    } else {
        format!("schema    {schema}")
    });
    if report.copied {
        lines.push("origin    a copy: the first hub that starts on it names its SETs anew".to_owned());
    }
    let free = report.free_bytes.map(|free| format!("; its disk has {} left", size(free)));
    let (used, file) = (size(report.used_bytes), size(report.file_bytes));
    lines.push(format!("size      {used} in use of {file}{}", free.unwrap_or_default()));
    let at = |at: Option<Timestamp>| at.map_or_else(String::new, |at| output::date(at.0));
    lines.push(match (report.oldest, report.newest) {
        (Some(oldest), Some(newest)) => {
            let (from, to) = (at(report.oldest_at), at(report.newest_at));
            format!("events    {oldest} of {from} to {newest} of {to}")
        }
        _ => "events    none".to_owned(),
    });
    lines.push(format!("streams   {}", report.streams));
    for waiting in &report.waiting {
        let (stream, receiver, events) = (&waiting.stream_id, &waiting.receiver, waiting.events);
        lines.push(format!("  waiting {events} events for {stream} of {receiver}"));
    }
    lines.join("\n")
}
