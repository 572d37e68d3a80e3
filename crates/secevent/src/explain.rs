//! Explaining: every rule that a document breaks, with the requirement and the mend.

use secevent_jose::json;
use serde_json::{Map, Value};

use crate::{
    Error, ErrorCode, Profile,
    danger::{self, Peeked},
    finding::{Check, Finding, Level, Role},
    set::{self, check_claims, check_event},
};

/// What a token says, and what is wrong with that.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// The JOSE header.
    pub header: Map<String, Value>,
    /// The claims.
    pub claims: Map<String, Value>,
    /// Every rule broken and advice not followed, as far as can be said without key and clock.
    pub findings: Vec<Finding>,
}

/// Judges a token's header and claims without verifying them.
///
/// # Errors
/// When the token cannot be read at all.
pub fn inspect(token: &str, profile: &Profile) -> Result<Inspection, Error> {
    let Peeked { header, claims } = danger::peek(token)?;
    let mut check = Check::new(Role::Receiver);
    check_header(&header, profile, &mut check);
    check_claims(&claims, profile, &mut check);
    check_all_events(&claims, &mut check);
    let mut findings = check.into_findings();
    // Framework events are judged by profile and by catalogue; one word about them is enough.
    let mut seen = Vec::new();
    findings.retain(|finding| !seen.contains(finding) && (seen.push(finding.clone()), true).1);
    Ok(Inspection { header, claims, findings })
}

fn check_header(header: &Map<String, Value>, profile: &Profile, check: &mut Check) {
    let alg = header.get("alg").and_then(Value::as_str).unwrap_or_default();
    let known = secevent_jose::Alg::from_name(alg);
    if !known.is_some_and(|alg| profile.algs.contains(alg)) {
        check.within("alg", |check| {
            let found = format!("it is {}", crate::finding::quote(alg));
            let mend = format!("sign with one of {}", profile.algs);
            check.report(Level::Error, ErrorCode::InvalidKey, "CHK-003", found, mend);
        });
    }
    profile.check_typ(header.get("typ").and_then(Value::as_str), check);
    Profile::check_cty(header.get("cty").and_then(Value::as_str), check);
    for name in ["jwk", "jku", "x5u", "x5c"].into_iter().filter(|name| header.contains_key(*name)) {
        let found = "keys and key URLs in a header are never used";
        check.within(name, |check| check.warn("BCP-016", found, "publish keys at `jwks_uri`"));
    }
}

/// Judges a claims set under a profile, without its signature and its events' payloads.
pub fn judge_claims(document: &[u8], profile: &Profile) -> Vec<Finding> {
    judge(document, |claims, check| {
        check_claims(claims, profile, check);
    })
}

/// Judges the payloads and subjects of the events of a claims set against the catalogue.
pub fn judge_events(document: &[u8]) -> Vec<Finding> {
    judge(document, check_all_events)
}

fn check_all_events(claims: &Map<String, Value>, check: &mut Check) {
    let subject = claims.get("sub_id").and_then(|id| serde_json::from_value(id.clone()).ok());
    for (uri, payload) in claims.get("events").and_then(Value::as_object).into_iter().flatten() {
        check_event(uri, payload, subject.as_ref(), check);
    }
}

fn judge(document: &[u8], walk: impl FnOnce(&Map<String, Value>, &mut Check)) -> Vec<Finding> {
    let mut check = Check::new(Role::Receiver);
    match json::parse_object(document) {
        Ok(claims) => walk(&claims, &mut check),
        Err(error) => check.error(set::json_rule(&error), error.to_string(), set::JSON_MEND),
    }
    check.into_findings()
}
