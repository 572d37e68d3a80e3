//! Explaining: every rule that a document breaks, with the requirement and the mend.

use secevent_jose::{
    Alg, Compact, Header,
    json::{Document, JsonError, Object},
};
use serde_json::{Map, Value};

use crate::{
    Error, ErrorCode, Profile,
    finding::{Check, Finding, Level, Role},
    set::{self, Envelope, check_claims, check_event},
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
    let jws = Compact::parse(token).map_err(|error| Error::jose(&error))?;
    let (header, payload) = jws.into_parts();
    let document = set::claims_document(payload)?;
    let claims = document.root().as_object().ok_or_else(|| set::not_json(&JsonError::NOT_AN_OBJECT))?;
    let mut check = Check::new(Role::Receiver);
    check_header(&header, profile, &mut check);
    check_claims(claims, &Envelope::of(claims), profile, &mut check);
    check_all_events(claims, &mut check);
    let mut findings = check.into_findings();
    // Framework events are judged by profile and by catalogue; one word about them is enough.
    let mut seen = Vec::new();
    findings.retain(|finding| !seen.contains(finding) && (seen.push(finding.clone()), true).1);
    Ok(Inspection { header: header.members().to_map(), claims: claims.to_map(), findings })
}

fn check_header(header: &Header, profile: &Profile, check: &mut Check) {
    let known = Alg::from_name(header.alg());
    if !known.is_some_and(|alg| profile.algs.contains(alg)) {
        check.within("alg", |check| {
            let found = format!("it is {}", crate::finding::quote(header.alg()));
            let mend = format!("sign with one of {}", profile.algs);
            check.report(Level::Error, ErrorCode::InvalidKey, "CHK-003", found, mend);
        });
    }
    profile.check_typ(header.typ(), check);
    Profile::check_cty(header.cty(), check);
    for name in ["jwk", "jku", "x5u", "x5c"].into_iter().filter(|name| header.members().contains(name)) {
        let found = "keys and key URLs in a header are never used";
        check.within(name, |check| check.warn("BCP-016", found, "publish keys at `jwks_uri`"));
    }
}

/// Judges a claims set under a profile, without its signature and its events' payloads.
pub fn judge_claims(document: &[u8], profile: &Profile) -> Vec<Finding> {
    judge(document, |claims, check| check_claims(claims, &Envelope::of(claims), profile, check))
}

/// Judges the payloads and subjects of the events of a claims set against the catalogue.
pub fn judge_events(document: &[u8]) -> Vec<Finding> {
    judge(document, check_all_events)
}

fn check_all_events(claims: Object<'_>, check: &mut Check) {
    let envelope = Envelope::of(claims);
    for (uri, payload) in envelope.events() {
        check_event(uri, payload, envelope.subject_format(), &mut Vec::new(), check);
    }
}

fn judge(document: &[u8], walk: impl FnOnce(Object<'_>, &mut Check)) -> Vec<Finding> {
    let mut check = Check::new(Role::Receiver);
    let refused = match Document::parse(document.to_vec()) {
        Ok(document) => match document.root().as_object() {
            Some(claims) => {
                walk(claims, &mut check);
                None
            }
            None => Some(JsonError::NOT_AN_OBJECT),
        },
        Err(error) => Some(error),
    };
    if let Some(error) = refused {
        check.error(set::json_rule(&error), error.to_string(), set::JSON_MEND);
    }
    check.into_findings()
}
