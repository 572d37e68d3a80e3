//! `secevent keys list` and `secevent keys rotate`: the signing keys of a hub that runs.

use secevent::Alg;
use serde_json::{Map, Value};

use crate::{
    admin::{self, Access},
    failure::{Exit, Failure},
    output::{self, Form},
};

/// Show the signing keys of a hub
///
/// A next key is published and does not sign yet; the current one signs; a previous one is published for the SETs it
/// signed; a retired one is not published any more.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent keys list
  secevent keys list --hub https://signals.example.com --admin-token file:admin.token --json")]
pub(super) struct List {
    #[command(flatten)]
    access: Access,
}

/// Make the next signing key of a hub
///
/// It is published at once and signs ten minutes later, when every receiver has fetched it. Doing it again before that
/// changes nothing. The key before it stays published for [retention] age and a day, so that nothing it signed is lost.
///
/// With --now the current key is taken out of use and out of the JWK Set at once, for when it is compromised: what it
/// signed does not verify any more, and what was not acknowledged is signed anew. The next key signs then, if there is
/// one, and else a new one.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent keys rotate
  secevent keys rotate --alg ES256
  secevent keys rotate --alg ES256 --now")]
pub(super) struct Rotate {
    /// Only keys of this algorithm; of all that sign if left out
    #[arg(long, value_parser = super::alg(), ignore_case = true)]
    alg: Option<Alg>,
    /// The current key is compromised: it leaves at once
    #[arg(long)]
    now: bool,
    #[command(flatten)]
    access: Access,
}

pub(super) fn list(args: &List, form: Form) -> Result<Exit, Failure> {
    match args.access.call("/v1/keys", None)? {
        (200, answer) if form == Form::Json => output::json(&answer)?,
        (200, answer) => keys(&answer).try_for_each(|key| output::say(line(key)))?,
        (status, problem) => return Err(refused(status, &problem, form, "list")),
    }
    Ok(Exit::Yes)
}

pub(super) fn rotate(args: &Rotate, form: Form) -> Result<Exit, Failure> {
    let mut request = Map::new();
    if let Some(alg) = args.alg {
        request.insert("alg".into(), alg.name().into());
    }
    if args.now {
        request.insert("now".into(), true.into());
    }
    match args.access.call("/v1/keys/rotate", Some(&request.into()))? {
        (200, answer) if form == Form::Json => output::json(&answer)?,
        (200, answer) => {
            keys(&answer)
                .filter(|key| key["state"] != "retired")
                .try_for_each(|key| output::say(line(key)))?;
            output::remark(if args.now {
                "the keys before are withdrawn; receivers learn it when they fetch the JWK Set again, in 5 minutes at most"
            } else {
                "each next key takes over by itself; see it with: secevent keys list"
            });
        }
        (status, problem) => return Err(refused(status, &problem, form, "rotate")),
    }
    Ok(Exit::Yes)
}

fn keys(answer: &Value) -> impl Iterator<Item = &Value> {
    answer["keys"].as_array().into_iter().flatten()
}

/// `ES256    current   KID  signs since 2026-01-01T00:00:00Z`
fn line(key: &Value) -> String {
    let text = |name: &str| output::printable(key[name].as_str().unwrap_or_default());
    let date = |name: &str| key[name].as_i64().map(output::date).unwrap_or_default();
    let state = text("state");
    let words = match (state.as_str(), key["until"].is_i64()) {
        ("next", _) => format!("signs from {}", date("until")),
        ("current", true) => format!("signs until {}", date("until")),
        ("current", false) => format!("signs since {}", date("since")),
        ("previous", _) => format!("published until {}", date("until")),
        _ => format!("not published since {}", date("since")),
    };
    format!("{:<7}  {state:<8}  {}  {words}", text("alg"), text("kid"))
}

fn refused(status: u16, problem: &Value, form: Form, command: &str) -> Failure {
    // There is nobody to tell if stdout is closed.
    if form == Form::Json && problem.is_object() {
        drop(output::json(problem));
    }
    let said = admin::said(problem);
    match (status, problem["until"].as_i64()) {
        (404, _) if said.contains("signs here") => Failure::no(said).next("secevent keys list"),
        (409, Some(until)) => Failure::no(format_args!("{said}, at {}", output::date(until)))
            .next("secevent keys list; or --now, if the current key is compromised"),
        _ => {
            let again = format!("secevent keys {command} --admin-token file:secevent-data/admin.token");
            admin::refused(status, problem, &again)
        }
    }
}
