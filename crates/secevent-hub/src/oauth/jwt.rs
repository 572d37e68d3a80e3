//! What the JWTs of OAuth have in common: a signature by one of these keys, an audience, and times (RFC 7519).

use secevent::{JwkSet, Timestamp};
use secevent_jose::{AlgSet, Compact, json};
use serde_json::{Map, Value};

/// Clocks differ.
pub(super) const SKEW_SECS: i64 = 60;

/// The claims of a token whose signature verifies. Symmetric algorithms and `none` do not exist here.
// spec: BCP-001, BCP-008
pub(super) fn claims(jws: &Compact<'_>, keys: &JwkSet) -> Result<Map<String, Value>, String> {
    let verify = || {
        let key = keys.find(jws.alg()?, jws.header().kid())?;
        let payload = jws.verify(key, AlgSet::ALL)?;
        Ok::<_, secevent_jose::Error>(json::parse_object(payload)?)
    };
    verify().map_err(|error| error.to_string())
}

pub(super) fn text<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c str> {
    claims.get(name).and_then(Value::as_str)
}

/// Whether `aud` names one of these (RFC 7519 §4.1.3).
pub(super) fn is_for(claims: &Map<String, Value>, names: &[&str]) -> bool {
    let is_us = |value: &Value| value.as_str().is_some_and(|aud| names.contains(&aud));
    match claims.get("aud") {
        Some(Value::Array(audiences)) => audiences.iter().any(is_us),
        Some(value) => is_us(value),
        None => false,
    }
}

/// Its `exp`, if that is there and has not passed, and neither `nbf` nor `iat` is in the future.
pub(super) fn alive_until(claims: &Map<String, Value>, now: Timestamp) -> Option<Timestamp> {
    let begun = |name| match claims.get(name) {
        None => true,
        Some(value) => seconds(value).is_some_and(|at| at <= now.plus_secs(SKEW_SECS)),
    };
    let until = seconds(claims.get("exp")?)?;
    (now < until.plus_secs(SKEW_SECS) && begun("nbf") && begun("iat")).then_some(until)
}

/// A NumericDate, which may have a fraction (RFC 7519 §2).
fn seconds(value: &Value) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "what has no exact whole number is left out before")]
    let whole = |secs: f64| (secs.abs() < 1e15).then(|| secs.floor() as i64);
    value.as_i64().or_else(|| value.as_f64().and_then(whole)).map(Timestamp)
}
