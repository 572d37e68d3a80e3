//! `secevent inspect`: what a token says, and what is wrong with it.

use std::fmt::Write as _;

use secevent::{EventType, Profile, SubjectId, danger, explain};
use serde_json::{Map, Value, json};

use crate::{
    commands::sign::{profile, profile_of},
    failure::{Exit, Failure},
    input,
    output::{self, Form, heading},
};

/// Show what a token says, without verifying it, and every rule it breaks
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent inspect token.jwt
  secevent inspect < token.jwt
  secevent inspect --profile caep-interop token.jwt
  secevent inspect --json token.jwt
  secevent inspect eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlIn0.")]
pub(crate) struct Args {
    /// The token, a file that holds it, or `-` for stdin
    token: Option<String>,
    /// The rules to judge by; ssf unless the event is logout:* or scim:*
    #[arg(long, value_parser = profile())]
    profile: Option<Profile>,
}

pub(crate) fn run(args: &Args, form: Form) -> Result<Exit, Failure> {
    let token = input::token(args.token.as_deref())?;
    let profile = args.profile.unwrap_or_else(|| guess(&token));
    match explain::inspect(&token, &profile) {
        Ok(said) => {
            if form == Form::Json {
                let (header, claims, findings) = (&said.header, &said.claims, &said.findings);
                output::json(&json!({ "header": header, "claims": claims, "findings": findings }))?;
            } else {
                output::say(for_people(&said, &profile))?;
            }
            Ok(Exit::Yes)
        }
        Err(error) => {
            if form == Form::Json {
                output::json(&json!({ "header": null, "claims": null, "findings": error.findings() }))?;
            } else {
                output::error("this cannot be read as a token", None);
                output::remark(output::table(error.findings()));
            }
            Ok(Exit::No)
        }
    }
}

/// The profile that the token's first event belongs to.
fn guess(token: &str) -> Profile {
    let peeked = danger::peek(token).ok();
    let event = peeked.and_then(|peeked| events(&peeked.claims).next());
    event.map_or(Profile::SSF, |event| profile_of(&event))
}

fn events(claims: &Map<String, Value>) -> impl Iterator<Item = EventType> + use<> {
    let events = claims.get("events").and_then(Value::as_object).cloned().unwrap_or_default();
    events.into_iter().map(|(uri, _)| EventType::from_uri(uri))
}

fn for_people(said: &explain::Inspection, profile: &Profile) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(
            text,
            "{}",
            format_args!("{name:<10}{}", output::printable(value)).to_string().trim_end()
        );
    };
    for event in events(&said.claims) {
        let spec = event.spec().map(|spec| format!("  ({spec})")).unwrap_or_default();
        line("event", &format!("{event}{spec}"));
    }
    line("subject", &subject(&said.claims));
    line("issuer", &text_of(&said.claims, "iss"));
    line("audience", &text_of(&said.claims, "aud"));
    for (name, claim) in [("issued", "iat"), ("expires", "exp"), ("happened", "toe")] {
        if let Some(secs) = said.claims.get(claim).and_then(Value::as_i64) {
            line(name, &output::date(secs));
        }
    }
    let _ = writeln!(text, "\n{}\n{}", heading("header"), output::pretty(&said.header));
    let _ = writeln!(text, "\n{}\n{}", heading("claims (not verified)"), output::pretty(&said.claims));
    let title = format!("findings under profile {}", profile.name);
    let findings = match said.findings.as_slice() {
        [] => "none".to_owned(),
        some => output::table(some),
    };
    let _ = write!(text, "\n{}\n{findings}", heading(&title));
    text
}

fn subject(claims: &Map<String, Value>) -> String {
    let sub_id = claims.get("sub_id").and_then(|id| serde_json::from_value::<SubjectId>(id.clone()).ok());
    match sub_id {
        Some(id) => format!("{id}  ({})", id.format()),
        None => ["sub", "sid"]
            .into_iter()
            .find(|name| claims.contains_key(*name))
            .map_or_else(|| "-".to_owned(), |name| format!("{}  ({name})", text_of(claims, name))),
    }
}

fn text_of(claims: &Map<String, Value>, name: &str) -> String {
    match claims.get(name) {
        None => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(some)) if some.iter().all(Value::is_string) => {
            some.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        }
        Some(other) => other.to_string(),
    }
}
