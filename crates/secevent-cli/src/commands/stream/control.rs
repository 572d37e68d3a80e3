//! Status, subjects and verification of a stream (SSF 1.0 §8.1.2 to §8.1.4).

use clap::{
    Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use secevent::{SubjectId, event::ssf::StreamStatus};
use secevent_ssf::stream::{AddSubject, RemoveSubject, StatusDocument};
use serde_json::{Value, json};

use super::{display, failed, reach};
use crate::{
    failure::{Exit, Failure},
    input,
    output::{self, Form},
    transmitter::Flags,
};

/// Show the status of a stream, or ask for another
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent stream status --issuer http://127.0.0.1:8417 f67e39a0a4d34d56b3aa1bc4cff0069f
  secevent stream status --issuer http://127.0.0.1:8417 f67e39a0a4d34d56b3aa1bc4cff0069f \\
    paused --reason maintenance")]
pub(super) struct Status {
    /// The stream
    id: String,
    /// The status to ask for; only shown if left out
    #[arg(value_name = "STATUS", value_parser = status_names())]
    wanted: Option<StreamStatus>,
    /// Why, for the transmitter's operator
    #[arg(long, value_name = "TEXT", requires = "wanted")]
    reason: Option<String>,
    #[command(flatten)]
    transmitter: Flags,
}

fn status_names() -> impl TypedValueParser<Value = StreamStatus> {
    PossibleValuesParser::new(["enabled", "paused", "disabled"]).map(|name| match name.as_str() {
        "paused" => StreamStatus::Paused,
        "disabled" => StreamStatus::Disabled,
        _ => StreamStatus::Enabled,
    })
}

pub(super) async fn status(args: &Status, form: Form) -> Result<Exit, Failure> {
    let transmitter = reach(&args.transmitter).await?;
    let answer = match args.wanted {
        None => transmitter.status(&args.id).await.map(Some),
        Some(status) => {
            let (stream_id, reason) = (args.id.clone(), args.reason.clone());
            transmitter.set_status(&StatusDocument { stream_id, status, reason }).await
        }
    };
    let Some(now) = answer.map_err(failed(&args.transmitter))? else {
        output::remark("the transmitter has taken the request and decides later; look again");
        if form == Form::Json {
            output::json(&json!({"stream_id": args.id, "decided": false}))?;
        }
        return Ok(Exit::Yes);
    };
    match form {
        Form::Json => output::json(&now)?,
        Form::People => output::say(display::status(&now))?,
    }
    match args.wanted {
        Some(wanted) if wanted != now.status => {
            Err(Failure::no(format_args!("the stream is {} and not {wanted}", now.status)))
        }
        _ => Ok(Exit::Yes),
    }
}

/// Add subjects to a stream, or remove them
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent stream subjects add --issuer http://127.0.0.1:8417 \\
    f67e39a0a4d34d56b3aa1bc4cff0069f '{\"format\":\"email\",\"email\":\"alice@example.com\"}'")]
pub(super) struct Subjects {
    #[command(subcommand)]
    command: SubjectsCommand,
}

#[derive(Subcommand)]
enum SubjectsCommand {
    Add(Add),
    Remove(Remove),
}

/// Ask for the events about a subject
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent stream subjects add --issuer http://127.0.0.1:8417 \\
    f67e39a0a4d34d56b3aa1bc4cff0069f '{\"format\":\"email\",\"email\":\"alice@example.com\"}'")]
struct Add {
    #[command(flatten)]
    target: Target,
    /// Nobody made sure that this is who it claims to be
    #[arg(long)]
    unverified: bool,
}

/// Ask for no more events about a subject
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent stream subjects remove --issuer http://127.0.0.1:8417 \\
    f67e39a0a4d34d56b3aa1bc4cff0069f '{\"format\":\"email\",\"email\":\"alice@example.com\"}'")]
struct Remove {
    #[command(flatten)]
    target: Target,
}

#[derive(clap::Args)]
struct Target {
    /// The stream
    id: String,
    /// The subject identifier, in JSON
    #[arg(value_name = "SUBJECT")]
    about: String,
    #[command(flatten)]
    transmitter: Flags,
}

impl Target {
    fn subject(&self) -> Result<SubjectId, Failure> {
        const EXAMPLE: &str = r#"{"format":"email","email":"alice@example.com"}"#;
        let members = input::object("SUBJECT", &self.about, EXAMPLE)?;
        SubjectId::from_json(&Value::Object(members)).map_err(|findings| {
            let findings = output::table(&findings).replace('\n', "\n  ");
            Failure::usage(format_args!("SUBJECT is no subject identifier\n  {findings}"))
                .next(format!("SUBJECT '{EXAMPLE}'"))
        })
    }
}

pub(super) async fn subjects(args: &Subjects, form: Form) -> Result<Exit, Failure> {
    let (target, member, done) = match &args.command {
        SubjectsCommand::Add(add) => (&add.target, "added", "events about it are asked for"),
        SubjectsCommand::Remove(remove) => (&remove.target, "removed", "events about it end"),
    };
    let (stream_id, subject) = (target.id.clone(), target.subject()?);
    let words = output::one_line(&subject.to_string());
    let transmitter = reach(&target.transmitter).await?;
    let asked = match &args.command {
        SubjectsCommand::Add(add) => {
            let verified = !add.unverified;
            transmitter.add_subject(&AddSubject { stream_id, subject, verified }).await
        }
        SubjectsCommand::Remove(_) => transmitter.remove_subject(&RemoveSubject { stream_id, subject }).await,
    };
    asked.map_err(failed(&target.transmitter))?;
    match form {
        Form::Json => output::json(&json!({"stream_id": target.id, member: true}))?,
        Form::People => output::say(format_args!("{member} {words}: {done}"))?,
    }
    Ok(Exit::Yes)
}

/// Ask for a verification event on a stream
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent stream verify --issuer http://127.0.0.1:8417 f67e39a0a4d34d56b3aa1bc4cff0069f
  secevent stream verify --issuer http://127.0.0.1:8417 f67e39a0a4d34d56b3aa1bc4cff0069f \\
    --state VGhpcyBpcyBhbiBleGFtcGxlIHN0YXRl")]
pub(super) struct Verify {
    /// The stream
    id: String,
    /// What the event repeats, so that you know it for the answer
    #[arg(long, value_name = "TEXT")]
    state: Option<String>,
    #[command(flatten)]
    transmitter: Flags,
}

pub(super) async fn verify(args: &Verify, form: Form) -> Result<Exit, Failure> {
    let asked = reach(&args.transmitter).await?.verify(&args.id, args.state.as_deref()).await;
    asked.map_err(failed(&args.transmitter))?;
    match form {
        Form::Json => output::json(&json!({"stream_id": args.id, "asked": true}))?,
        Form::People => output::say("asked; the verification event comes on the stream")?,
    }
    Ok(Exit::Yes)
}
