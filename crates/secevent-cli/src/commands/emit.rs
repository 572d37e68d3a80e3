//! `secevent emit`: hands an event to a hub.

use serde_json::{Map, Value};

use crate::{
    admin::{self, Access},
    failure::{Exit, Failure},
    input,
    output::{self, Form},
};

/// Hand an event to a hub
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent emit --event caep:session-revoked \\
    --subject '{\"format\":\"email\",\"email\":\"alice@example.com\"}'
  secevent emit --event caep:credential-change \\
    --subject '{\"format\":\"iss_sub\",\"iss\":\"https://idp.example\",\"sub\":\"alice\"}' \\
    --claims '{\"credential_type\":\"password\",\"change_type\":\"update\"}' --txn 8675309")]
pub(crate) struct Args {
    /// A short name such as caep:session-revoked, or a URI
    #[arg(long)]
    event: String,
    /// Whom or what it is about: a subject identifier
    #[arg(long, value_name = "JSON")]
    subject: String,
    /// Members of the event's payload
    #[arg(long, value_name = "JSON")]
    claims: Option<String>,
    /// What ties it to others of the same cause
    #[arg(long)]
    txn: Option<String>,
    /// Only for this stream
    #[arg(long, value_name = "ID")]
    stream: Option<String>,
    #[command(flatten)]
    access: Access,
}

pub(crate) fn run(args: &Args, form: Form) -> Result<Exit, Failure> {
    let body = event(args)?;
    let answer = args.access.call("/v1/events", Some(&body))?;
    match answer {
        (202, accepted) if form == Form::Json => output::json(&accepted)?,
        (202, accepted) => {
            let first = &accepted["events"][0];
            let (id, streams) = (first["id"].as_str().unwrap_or_default(), &first["streams"]);
            output::say(format_args!("accepted as event {id}, for {streams} stream(s)"))?;
        }
        (status, problem) => {
            if form == Form::Json && problem.is_object() {
                output::json(&problem)?;
            }
            return Err(refused(status, &problem));
        }
    }
    Ok(Exit::Yes)
}

fn event(args: &Args) -> Result<Value, Failure> {
    const SUBJECT: &str = r#"{"format":"email","email":"alice@example.com"}"#;
    let mut event = Map::new();
    event.insert("event".into(), args.event.as_str().into());
    event.insert("subject".into(), input::object("--subject", &args.subject, SUBJECT)?.into());
    if let Some(claims) = &args.claims {
        event.insert("claims".into(), input::object("--claims", claims, r#"{"reason":"hijacking"}"#)?.into());
    }
    for (name, value) in [("txn", &args.txn), ("stream", &args.stream)] {
        if let Some(value) = value {
            event.insert(name.into(), value.as_str().into());
        }
    }
    Ok(event.into())
}

fn refused(status: u16, problem: &Value) -> Failure {
    let said = admin::said(problem);
    match status {
        400 => Failure::no(format_args!("not accepted: {}", reasons(problem).unwrap_or(said)))
            .next("mend it and emit again; nothing was accepted"),
        404 if problem["title"].as_str().is_some_and(|title| title.contains("stream")) => {
            Failure::no(format_args!("not accepted: {said}"))
                .next("leave --stream out, for every stream that subscribed")
        }
        _ => {
            let again = "secevent emit --admin-token file:secevent-data/admin.token ...";
            admin::refused(status, problem, again)
        }
    }
}

/// Every broken rule: the place, the fact, the mend and the rule. Advice is left out where something was refused.
fn reasons(problem: &Value) -> Option<String> {
    let findings = problem["findings"].as_array()?.iter().filter(|finding| finding["level"] == "error");
    let reason = |finding: &Value| {
        let word = |name: &str| output::printable(finding[name].as_str().unwrap_or_default());
        let place = output::place(finding["where"].as_str().unwrap_or_default());
        format!("{place}: {}; {} ({})", word("found"), word("mend"), word("id"))
    };
    let reasons: Vec<_> = findings.map(reason).collect();
    (!reasons.is_empty()).then(|| reasons.join("\n  "))
}
