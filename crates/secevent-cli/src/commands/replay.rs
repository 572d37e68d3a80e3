//! `secevent replay`: events of a hub's log, sent to one stream again.

mod follow;

use serde_json::{Map, Value};

pub(super) use self::follow::Follow;
use crate::{
    admin::{self, Access},
    failure::{Exit, Failure},
    input,
    output::{self, Form},
};

/// Send events of the log to one stream of a hub again, beside what is new
///
/// What was addressed to the stream, was settled and is still in the log: all of it, or what every option allows. The
/// SETs have the same jti as before. One replay or redrive at a time goes on for a stream.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent replay --stream f67e39a0a4d34d56b3aa1bc4cff0069f --from 2026-11-23T00:00:00Z --dry-run
  secevent replay --stream f67e39a0a4d34d56b3aa1bc4cff0069f --from 2026-11-23T00:00:00Z --follow
  secevent replay --stream f67e39a0a4d34d56b3aa1bc4cff0069f --type caep:session-revoked \\
    --subject '{\"format\":\"email\",\"email\":\"alice@example.com\"}'
  secevent replay --stream f67e39a0a4d34d56b3aa1bc4cff0069f --cancel")]
pub(crate) struct Args {
    /// The stream
    #[arg(long, value_name = "ID")]
    stream: String,
    /// Only events accepted at this time or later
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    from: Option<i64>,
    /// Only events accepted at this time or before
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    to: Option<i64>,
    /// Only this event and later ones
    #[arg(long, value_name = "EVENT")]
    from_seq: Option<u64>,
    /// Only this event and earlier ones
    #[arg(long, value_name = "EVENT")]
    to_seq: Option<u64>,
    /// Only events of this type: a short name such as caep:session-revoked, or a URI
    #[arg(long = "type", value_name = "NAME_OR_URI")]
    event_type: Option<String>,
    /// Only events about exactly this subject
    #[arg(long, value_name = "JSON")]
    subject: Option<String>,
    /// Only this SET
    #[arg(long)]
    jti: Option<String>,
    #[command(flatten)]
    follow: Follow,
    /// Show how far it is, and start nothing; with --follow until it is done
    #[arg(long, conflicts_with_all = STARTING)]
    progress: bool,
    /// End it: what is not sent yet is not
    #[arg(long, conflicts_with_all = STARTING, conflicts_with = "progress")]
    cancel: bool,
    #[command(flatten)]
    access: Access,
}

/// The options of a replay that starts.
const STARTING: [&str; 8] = ["from", "to", "from_seq", "to_seq", "event_type", "subject", "jti", "dry_run"];

pub(crate) fn run(args: &Args, form: Form) -> Result<Exit, Failure> {
    let path = format!("/v1/streams/{}/replay", admin::escaped(&args.stream));
    if args.cancel {
        let (status, ended) = args.access.delete(&path)?;
        return follow::show(status, &ended, form);
    }
    if args.progress {
        return args.follow.progress((&args.access, &path), form);
    }
    let answer = args.access.call(&path, Some(&request(args)?.into()))?;
    args.follow.started(answer, form, (&args.access, &path))
}

fn request(args: &Args) -> Result<Map<String, Value>, Failure> {
    const SUBJECT: &str = r#"{"format":"email","email":"alice@example.com"}"#;
    let subject =
        args.subject.as_deref().map(|text| input::object("--subject", text, SUBJECT)).transpose()?;
    let members = [
        ("from", args.from.map(Value::from)),
        ("to", args.to.map(Value::from)),
        ("from_seq", args.from_seq.map(Value::from)),
        ("to_seq", args.to_seq.map(Value::from)),
        ("type", args.event_type.as_deref().map(Value::from)),
        ("subject", subject.map(Value::from)),
        ("jti", args.jti.as_deref().map(Value::from)),
        ("dry_run", Some(args.follow.dry_run.into())),
    ];
    Ok(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

/// What a refusal means, for everything that sends again; `command` is the one to try with a token.
pub(super) fn refused(status: u16, problem: &Value, form: Form, command: &str) -> Failure {
    // There is nobody to tell if stdout is closed.
    if form == Form::Json && problem.is_object() {
        drop(output::json(problem));
    }
    let said = admin::said(problem);
    match (status, problem["replay"].as_object()) {
        (404, _) if !said.is_empty() => {
            Failure::no(said).next("secevent stream list, for the id of the stream")
        }
        (409, Some(_)) => Failure::no(format_args!("{said} ({})", follow::words(&problem["replay"])))
            .next("secevent replay --stream ID --progress --follow"),
        (400, _) => Failure::usage(said),
        _ => {
            let again = format!("secevent {command} --admin-token file:secevent-data/admin.token ...");
            admin::refused(status, problem, &again)
        }
    }
}
