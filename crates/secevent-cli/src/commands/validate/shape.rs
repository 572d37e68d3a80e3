//! Whether a document is a well-formed example of its kind: `--as shape`.

use secevent::{
    Check, Finding, Role,
    event::{Payload, caep},
    explain,
    finding::describe,
};
use secevent_jose::json;
use secevent_ssf::{
    Refusal,
    delivery::{
        SetError,
        poll::{PollRequest, PollResponse},
    },
    stream::{StatusDocument, StreamConfig},
};
use serde_json::{Map, Value};

/// Every rule of its kind that the document breaks; `None` for a kind that has none here.
pub(super) fn judge(kind: &str, bytes: &[u8]) -> Option<Vec<Finding>> {
    let refused = |result: Result<(), Refusal>| result.err().map(super::finding).into_iter().collect();
    let findings = match kind {
        "stream-config" => refused(StreamConfig::parse(bytes).map(drop)),
        "stream-config-list" => stream_configs(bytes),
        "stream-status" => refused(StatusDocument::parse_answer(bytes).map(drop)),
        "poll-response" => refused(PollResponse::parse(bytes).map(drop)),
        "multi-push-response" => multi_push_answer(bytes),
        "delivery-error" => members(bytes, |members, check| match SetError::parse(bytes) {
            Some(_) => text(members, "description", "PUSH-025", check),
            None => required(members, "err", "PUSH-023", check),
        }),
        "problem-details" => members(bytes, problem),
        "jose-header" => members(bytes, header),
        "jwk" => members(bytes, jwk),
        "jwks" => members(bytes, jwks),
        "authorization-scheme" => {
            members(bytes, |members, check| required(members, "spec_urn", "SSF-040", check))
        }
        "scim-request-body" => members(bytes, scim),
        "event-claims-fragment" => members(bytes, event_claims),
        _ => match super::http::answer(kind, bytes) {
            Some((_, refusal)) => refusal.map(super::finding).into_iter().collect(),
            None => return None,
        },
    };
    Some(findings)
}

fn members(bytes: &[u8], judge: impl FnOnce(&Map<String, Value>, &mut Check)) -> Vec<Finding> {
    match json::parse_object(bytes) {
        Ok(members) => {
            let mut check = Check::new(Role::Receiver);
            judge(&members, &mut check);
            check.into_findings()
        }
        Err(error) => vec![super::unreadable(&error)],
    }
}

// spec: SSF-110, SSF-111
fn stream_configs(bytes: &[u8]) -> Vec<Finding> {
    let list = match json::parse(bytes) {
        Ok(Value::Array(list)) => list,
        Ok(other) => {
            let mut check = Check::new(Role::Receiver);
            check.error("SSF-110", describe(Some(&other)), "give an array of stream configurations");
            return check.into_findings();
        }
        Err(error) => return vec![super::unreadable(&error)],
    };
    let refusals = list.iter().enumerate().filter_map(|(index, config)| {
        let mut finding = super::finding(StreamConfig::parse(config.to_string().as_bytes()).err()?);
        finding.at.insert_str(0, &format!("/{index}"));
        Some(finding)
    });
    refusals.collect()
}

/// The members are those of a poll that acknowledges, but `ack` must be there.
// spec: MSET-012, MSET-013
fn multi_push_answer(bytes: &[u8]) -> Vec<Finding> {
    match PollRequest::parse(bytes) {
        Err(refusal) => vec![super::finding(refusal)],
        Ok(_) => members(bytes, |members, check| {
            if !members.contains_key("ack") {
                check
                    .within("ack", |check| check.error("MSET-012", describe(None), "give an array of `jti`"));
            }
        }),
    }
}

/// Problem details (RFC 9457) with the code of the delivery error.
// spec: MSET-029, MSET-031
fn problem(members: &Map<String, Value>, check: &mut Check) {
    for name in ["type", "title", "detail", "instance", "err"] {
        text(members, name, "MSET-029", check);
    }
    let status = |value: &Value| value.as_u64().is_some_and(|status| (100..=599).contains(&status));
    fits(members, "status", "MSET-029", "give the HTTP status as a number", status, check);
}

// spec: JWT-002
fn header(members: &Map<String, Value>, check: &mut Check) {
    required(members, "alg", "JWT-002", check);
    for name in ["typ", "cty", "kid"] {
        text(members, name, "JWT-002", check);
    }
    let names = |value: &Value| {
        value.as_array().is_some_and(|names| !names.is_empty() && names.iter().all(Value::is_string))
    };
    fits(members, "crit", "JWT-002", "give an array of the names of header members", names, check);
}

/// The members that RFC 7518 §6 and RFC 8037 §2 ask of each type of key.
fn jwk(members: &Map<String, Value>, check: &mut Check) {
    let parameters: &[&str] = match members.get("kty").and_then(Value::as_str) {
        Some("RSA") => &["n", "e"],
        Some("EC") => &["crv", "x", "y"],
        Some("OKP") => &["crv", "x"],
        Some("oct") => &["k"],
        // Types that are not known are no fault of the key.
        Some(_) => &[],
        None => &["kty"],
    };
    for name in parameters {
        required(members, name, "BCP-020", check);
    }
    for name in ["use", "alg", "kid"] {
        text(members, name, "BCP-020", check);
    }
}

fn jwks(members: &Map<String, Value>, check: &mut Check) {
    check.within("keys", |check| match members.get("keys").and_then(Value::as_array) {
        None => check.error("BCP-020", describe(members.get("keys")), "give an array of keys"),
        Some(keys) => {
            for (index, key) in keys.iter().enumerate() {
                check.within(&index.to_string(), |check| match key.as_object() {
                    Some(members) => jwk(members, check),
                    None => check.error("BCP-020", describe(Some(key)), "give a JWK"),
                });
            }
        }
    });
}

/// RFC 7643 §3: a resource names its schemas.
fn scim(members: &Map<String, Value>, check: &mut Check) {
    let names = |value: &Value| {
        value.as_array().is_some_and(|names| !names.is_empty() && names.iter().all(Value::is_string))
    };
    let wanted = "give an array of schema URIs, at least one";
    if members.contains_key("schemas") {
        fits(members, "schemas", "SCIM-050", wanted, names, check);
    } else {
        check.within("schemas", |check| check.error("SCIM-050", describe(None), wanted));
    }
}

/// The claims that every CAEP event may carry, judged as the payload of one that has no others.
// spec: CAEP-005
fn event_claims(members: &Map<String, Value>, check: &mut Check) {
    let uri = caep::SessionRevoked::URI;
    let claims = serde_json::json!({ "events": { uri: members } });
    for finding in explain::judge_events(claims.to_string().as_bytes()) {
        let Finding { level, code, id, found, mend, at, .. } = finding;
        let member = at.rsplit_once('/').map(|(_, member)| member).unwrap_or_default();
        check.within(member, |check| check.report(level, code, id, found, mend));
    }
}

fn required(members: &Map<String, Value>, name: &str, id: &'static str, check: &mut Check) {
    if members.contains_key(name) {
        text(members, name, id, check);
    } else {
        check.within(name, |check| check.error(id, describe(None), "give a string"));
    }
}

fn text(members: &Map<String, Value>, name: &str, id: &'static str, check: &mut Check) {
    fits(members, name, id, "give a string", Value::is_string, check);
}

fn fits(
    members: &Map<String, Value>,
    name: &str,
    id: &'static str,
    wanted: &str,
    fit: impl FnOnce(&Value) -> bool,
    check: &mut Check,
) {
    if let Some(value) = members.get(name)
        && !fit(value)
    {
        check.within(name, |check| check.error(id, describe(Some(value)), wanted));
    }
}
