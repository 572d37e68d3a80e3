//! `secevent validate`: judge a JSON document without a signature.

mod http;
mod shape;

use std::borrow::Cow;

use clap::{ValueEnum, builder::PossibleValuesParser};
use secevent::{Check, Finding, Level, Profile, Role, check_subject, danger, explain};
use secevent_jose::json;
use secevent_ssf::{Refusal, metadata::judge_metadata};
use serde_json::{Value, json};

use crate::{
    failure::{Exit, Failure},
    input,
    output::{self, Form},
};

/// Judge a JSON document as a receiver would, without signature and clock
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent verify --jwks jwks.json token.jwt > claims.json
  secevent validate --kind set --as ssf claims.json
  secevent validate --kind set --as event claims.json
  echo '{\"issuer\":\"https://tr.example.com\"}' |
    secevent validate --kind transmitter-metadata --as metadata
  echo '{\"format\":\"email\",\"email\":\"alice@example.com\"}' |
    secevent validate --kind subject --as subject")]
pub(crate) struct Args {
    /// What the document is
    #[arg(long, value_parser = PossibleValuesParser::new(KINDS))]
    kind: String,
    /// What it is judged as
    #[arg(long = "as", value_name = "KEY")]
    key: Key,
    /// A file, or `-` for stdin
    file: Option<String>,
}

/// A question to a document.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Key {
    /// Is it JSON
    Json,
    /// Is it a well-formed example of its kind
    Shape,
    /// Is it a legal SET (RFC 8417)
    Rfc8417,
    /// Is it a SET of Shared Signals 1.0
    Ssf,
    /// Does it keep the CAEP Interoperability Profile
    Interop,
    /// Do the payloads of known events conform
    Event,
    /// Is it a Logout Token (errata set 1)
    Logout,
    /// Is it a Logout Token (2022 text, without `exp`)
    #[value(name = "logout_2022")]
    Logout2022,
    /// Is the subject identifier well formed (RFC 9493)
    Subject,
    /// Is it transmitter metadata
    Metadata,
    /// What a hub answers to the request, as an HTTP status
    Http,
}

/// The kinds of documents, as in the manifest of the test vectors.
const KINDS: [&str; 34] = [
    "add-subject-request",
    "authorization-scheme",
    "catalogue",
    "delivery-error",
    "event-claims-fragment",
    "jose-header",
    "jwk",
    "jwks",
    "jwt-claims",
    "jwt-compact",
    "logout-error",
    "logout-token",
    "multi-push-request",
    "multi-push-response",
    "poll-request",
    "poll-response",
    "problem-details",
    "remove-subject-request",
    "scim-request-body",
    "set",
    "set-compact",
    "stream-config",
    "stream-config-list",
    "stream-create-request",
    "stream-replace-request",
    "stream-status",
    "stream-status-update-request",
    "stream-update-request",
    "sub-id-fragment",
    "subject",
    "table",
    "transmitter-metadata",
    "transmitter-metadata-fragment",
    "verification-request",
];

/// The answer, and why.
struct Judgement(Cow<'static, str>, Vec<Finding>);

pub(crate) fn run(args: &Args, form: Form) -> Result<Exit, Failure> {
    let bytes = input::document(args.file.as_deref(), "a document")?;
    let Judgement(verdict, findings) = judge(args.key, &args.kind, &bytes)?;
    if form == Form::Json {
        output::json(&json!({ "verdict": verdict, "findings": findings }))?;
    } else {
        output::say(&verdict)?;
        if !findings.is_empty() {
            output::remark(output::table(&findings));
        }
    }
    Ok(if verdict == "valid" { Exit::Yes } else { Exit::No })
}

fn judge(key: Key, kind: &str, bytes: &[u8]) -> Result<Judgement, Failure> {
    let under = |profile: Profile| move |claims: &[u8]| explain::judge_claims(claims, &profile);
    match key {
        Key::Json => Ok(judge_json(bytes)),
        Key::Rfc8417 => judge_claims(kind, bytes, under(Profile::SET)),
        Key::Ssf => judge_claims(kind, bytes, under(Profile::SSF)),
        Key::Interop => judge_claims(kind, bytes, under(Profile::CAEP_INTEROP)),
        Key::Logout => judge_claims(kind, bytes, under(Profile::LOGOUT)),
        Key::Logout2022 => judge_claims(kind, bytes, under(Profile::LOGOUT_2022)),
        Key::Event => judge_claims(kind, bytes, explain::judge_events),
        Key::Subject => judge_subject(kind, bytes),
        Key::Shape => shape::judge(kind, bytes).map(verdict).ok_or_else(|| senseless(kind, "shape")),
        Key::Metadata => metadata(kind, bytes),
        Key::Http => answer(kind, bytes),
    }
}

/// The verdict is the status; 400 comes with its reason.
fn answer(kind: &str, bytes: &[u8]) -> Result<Judgement, Failure> {
    let (status, refusal) = http::answer(kind, bytes).ok_or_else(|| senseless(kind, "request"))?;
    Ok(Judgement(status.as_str().to_owned().into(), refusal.map(finding).into_iter().collect()))
}

/// A part of a document has no issuer, and is called what it is.
// spec: SSF-031
fn metadata(kind: &str, bytes: &[u8]) -> Result<Judgement, Failure> {
    let mut findings = judge_metadata(bytes);
    match kind {
        "transmitter-metadata" => Ok(verdict(findings)),
        "transmitter-metadata-fragment" => {
            let is_part = json::parse_object(bytes).is_ok_and(|members| !members.contains_key("issuer"));
            findings.retain(|finding| !is_part || finding.at != "/issuer");
            let Judgement(verdict, findings) = verdict(findings);
            let part = is_part && verdict == "valid";
            Ok(Judgement(if part { "fragment".into() } else { verdict }, findings))
        }
        _ => Err(senseless(kind, "metadata")),
    }
}

fn finding(refusal: Refusal) -> Finding {
    let mut check = Check::new(Role::Receiver);
    check.error(refusal.id, refusal.detail, refusal.mend);
    let mut finding = check.into_findings().remove(0);
    finding.at = refusal.at;
    finding
}

/// Repeated members are JSON by its grammar, and are refused by everything that decides something.
fn judge_json(bytes: &[u8]) -> Judgement {
    match json::parse(bytes) {
        Ok(_) => Judgement("valid".into(), Vec::new()),
        Err(error) => {
            let verdict = if error.is_duplicate() { "valid (duplicate members)" } else { "invalid" };
            Judgement(verdict.into(), vec![unreadable(&error)])
        }
    }
}

fn unreadable(error: &json::JsonError) -> Finding {
    let (id, mend) = if error.is_duplicate() {
        ("JWT-007", "write each member once")
    } else {
        ("JWT-004", "write strict JSON (RFC 8259)")
    };
    let mut check = Check::new(Role::Receiver);
    check.error(id, error.to_string(), mend);
    check.into_findings().remove(0)
}

/// Judges the claims set in a document that is one or carries one.
fn judge_claims(
    kind: &str,
    bytes: &[u8],
    judge: impl FnOnce(&[u8]) -> Vec<Finding>,
) -> Result<Judgement, Failure> {
    let findings = match kind {
        "set" | "jwt-claims" | "logout-token" => judge(bytes),
        "set-compact" | "jwt-compact" => match danger::peek(String::from_utf8_lossy(bytes).trim()) {
            Ok(peeked) => judge(Value::Object(peeked.claims).to_string().as_bytes()),
            Err(error) => error.findings().to_vec(),
        },
        _ => return Err(senseless(kind, "claims")),
    };
    Ok(verdict(findings))
}

fn judge_subject(kind: &str, bytes: &[u8]) -> Result<Judgement, Failure> {
    let pointer = match kind {
        "subject" => "",
        "sub-id-fragment" | "jwt-claims" | "set" | "logout-token" => "/sub_id",
        "add-subject-request" | "remove-subject-request" => "/subject",
        _ => return Err(senseless(kind, "subject")),
    };
    let document = match json::Document::parse(bytes.to_vec()) {
        Ok(document) => document,
        Err(error) => return Ok(verdict(vec![unreadable(&error)])),
    };
    let mut check = Check::new(Role::Receiver);
    match pointer.strip_prefix('/') {
        None => check_subject(document.root(), &mut check),
        Some(member) => match document.root().as_object().and_then(|members| members.get(member)) {
            Some(subject) => check.within(member, |check| check_subject(subject, check)),
            None => check.error("SUB-001", format!("`{member}` is missing"), "name the subject"),
        },
    }
    // Asked about the identifier alone, a reader has no reason to be lenient.
    let refused = check.refused();
    Ok(Judgement(if refused { "invalid" } else { "valid" }.into(), check.into_findings()))
}

fn senseless(kind: &str, part: &str) -> Failure {
    Failure::usage(format_args!("a document of kind {kind} has no {part} to judge")).next("--as json")
}

/// The heaviest finding decides.
fn verdict(findings: Vec<Finding>) -> Judgement {
    let verdict = match findings.iter().map(|finding| finding.level).max() {
        Some(Level::Error) => "invalid",
        Some(Level::Lenient) => "lenient-only",
        Some(Level::OutsideProfile) => "outside-profile",
        _ => "valid",
    };
    Judgement(verdict.into(), findings)
}
