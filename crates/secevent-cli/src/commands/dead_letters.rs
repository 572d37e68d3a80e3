//! `secevent dead-letters`: what a stream of a hub could not deliver, sent again or dropped.

use std::fmt::Write as _;

use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::replay::{Follow, refused};
use crate::{
    admin::{self, Access},
    failure::{Exit, Failure},
    input,
    output::{self, Form},
};

/// Look at what a stream of a hub could not deliver, send it again or drop it
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent dead-letters list --stream f67e39a0a4d34d56b3aa1bc4cff0069f
  secevent dead-letters redrive --stream f67e39a0a4d34d56b3aa1bc4cff0069f --dry-run")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(List),
    Show(Show),
    Redrive(Redrive),
    Drop(Drop),
}

/// List the dead letters of a stream, oldest event first
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent dead-letters list --stream f67e39a0a4d34d56b3aa1bc4cff0069f
  secevent dead-letters list --stream f67e39a0a4d34d56b3aa1bc4cff0069f --after 41 --json")]
struct List {
    #[command(flatten)]
    stream: Stream,
    /// Only of events after this one
    #[arg(long, value_name = "EVENT", default_value_t = 0)]
    after: u64,
}

/// Show a dead letter with all its event says
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent dead-letters show --stream f67e39a0a4d34d56b3aa1bc4cff0069f 42")]
struct Show {
    #[command(flatten)]
    stream: Stream,
    /// The event, as the list names it
    #[arg(value_name = "EVENT")]
    id: u64,
}

/// Send dead letters to their stream again, beside what is new
///
/// Their SETs have the same jti as before. A letter goes when the receiver has its event; one that is refused again
/// stays, with the new reason.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent dead-letters redrive --stream f67e39a0a4d34d56b3aa1bc4cff0069f --dry-run
  secevent dead-letters redrive --stream f67e39a0a4d34d56b3aa1bc4cff0069f --follow
  secevent dead-letters redrive --stream f67e39a0a4d34d56b3aa1bc4cff0069f \\
    --type caep:session-revoked --reason-contains 'no such tenant' --after 2026-11-23T00:00:00Z")]
struct Redrive {
    #[command(flatten)]
    stream: Stream,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    follow: Follow,
}

/// Forget dead letters for good
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent dead-letters drop --stream f67e39a0a4d34d56b3aa1bc4cff0069f --id 42
  secevent dead-letters drop --stream f67e39a0a4d34d56b3aa1bc4cff0069f --all --dry-run")]
struct Drop {
    #[command(flatten)]
    stream: Stream,
    #[command(flatten)]
    filter: Filter,
    /// All of them
    #[arg(long)]
    all: bool,
    /// Only count
    #[arg(long)]
    dry_run: bool,
}

#[derive(clap::Args)]
struct Stream {
    /// The stream
    #[arg(long = "stream", id = "stream", value_name = "ID")]
    id: String,
    #[command(flatten)]
    access: Access,
}

/// Letters that everything given here allows.
#[derive(clap::Args)]
struct Filter {
    /// Only this event; may be given again
    #[arg(long = "id", value_name = "EVENT")]
    ids: Vec<u64>,
    /// Only events of this type: a short name such as caep:session-revoked, or a URI
    #[arg(long = "type", value_name = "NAME_OR_URI")]
    event_type: Option<String>,
    /// Only letters set aside before this time
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    before: Option<i64>,
    /// Only letters set aside after this time
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    after: Option<i64>,
    /// Only letters with these words in their reason
    #[arg(long, value_name = "TEXT")]
    reason_contains: Option<String>,
}

impl Filter {
    fn members(&self) -> Map<String, Value> {
        let ids = (!self.ids.is_empty()).then(|| json!(self.ids));
        let members = [
            ("ids", ids),
            ("type", self.event_type.as_deref().map(Value::from)),
            ("before", self.before.map(Value::from)),
            ("after", self.after.map(Value::from)),
            ("reason_contains", self.reason_contains.as_deref().map(Value::from)),
        ];
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    /// The same as a query.
    fn query(&self) -> String {
        let mut query = String::new();
        for (name, value) in self.members() {
            let text = match &value {
                Value::Array(ids) => ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let _ = write!(query, "&{name}={}", admin::escaped(&text));
        }
        query
    }
}

impl Stream {
    fn path(&self, rest: &str) -> String {
        format!("/v1/streams/{}/{rest}", admin::escaped(&self.id))
    }
}

pub(crate) fn run(args: &Args, form: Form) -> Result<Exit, Failure> {
    match &args.command {
        Command::List(args) => list(args, form),
        Command::Show(args) => show(args, form),
        Command::Redrive(args) => redrive(args, form),
        Command::Drop(args) => drop_some(args, form),
    }
}

/// A page after the other.
fn list(args: &List, form: Form) -> Result<Exit, Failure> {
    let mut after = args.after.to_string();
    loop {
        let path = args.stream.path(&format!("dead-letters?after={after}"));
        let answer = match args.stream.access.call(&path, None)? {
            (200, answer) => answer,
            (status, problem) => return Err(refused(status, &problem, form, "dead-letters list")),
        };
        for letter in answer["dead_letters"].as_array().into_iter().flatten() {
            match form {
                Form::Json => output::json(letter)?,
                Form::People => output::say(line(letter))?,
            }
        }
        match answer["next"].as_str() {
            Some(next) if next != after => next.clone_into(&mut after),
            _ => return Ok(Exit::Yes),
        }
    }
}

/// `42  2026-11-24T03:00:00Z  caep:session-revoked  txn-1  REASON`
fn line(letter: &Value) -> String {
    let text = |name: &str| output::one_line(letter[name].as_str().unwrap_or_default());
    let at = letter["at"].as_i64().map(output::date).unwrap_or_default();
    let what = match (letter["event"].as_str(), letter["many"].as_u64()) {
        (Some(event), _) => format!("{}  {}", output::one_line(event), text("txn")),
        (None, Some(many)) => format!("{many} events up to this one"),
        (None, None) => "an event that is gone".to_owned(),
    };
    format!("{}  {at}  {what}  {}", text("id"), text("reason"))
}

fn show(args: &Show, form: Form) -> Result<Exit, Failure> {
    let path = args.stream.path(&format!("dead-letters/{}", args.id));
    match args.stream.access.call(&path, None)? {
        (200, letter) if form == Form::Json => output::json(&letter)?,
        (200, letter) => output::say(output::pretty(&letter))?,
        (status, problem) => return Err(refused(status, &problem, form, "dead-letters list")),
    }
    Ok(Exit::Yes)
}

fn redrive(args: &Redrive, form: Form) -> Result<Exit, Failure> {
    let mut body = args.filter.members();
    body.insert("dry_run".into(), args.follow.dry_run.into());
    let answer = args.stream.access.call(&args.stream.path("redrive"), Some(&body.into()))?;
    let left_out = answer.1["left_out"].as_u64().unwrap_or_default();
    if left_out > 0 {
        output::note(format_args!(
            "{left_out} more have no event to send again; drop them when you have read them"
        ));
    }
    args.follow.started(answer, form, (&args.stream.access, &args.stream.path("replay")))
}

fn drop_some(args: &Drop, form: Form) -> Result<Exit, Failure> {
    let query = format!("all={}&dry_run={}{}", args.all, args.dry_run, args.filter.query());
    match args.stream.access.delete(&args.stream.path(&format!("dead-letters?{query}")))? {
        (200, answer) if form == Form::Json => output::json(&answer)?,
        (200, answer) => {
            let words = if args.dry_run { "would be dropped" } else { "dropped" };
            output::say(format_args!("{} dead letter(s) {words}", answer["count"]))?;
        }
        (status, problem) => return Err(refused(status, &problem, form, "dead-letters drop")),
    }
    Ok(Exit::Yes)
}
