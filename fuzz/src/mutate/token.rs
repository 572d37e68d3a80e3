//! Mutation of compact tokens: a part is decoded, changed, encoded and, half of the time, signed again.

use fastrand::Rng;
use secevent::Signer as _;
use secevent_jose::{base64url, base64url_decode};
use serde_json::Value;

use super::{Pool, bytes, json};
use crate::keys::{ED25519, RSA};

/// The parts of a JWS or JWE.
fn parts(input: &[u8]) -> Option<Vec<String>> {
    let text = std::str::from_utf8(input).ok()?;
    let parts: Vec<String> = text.split('.').map(str::to_owned).collect();
    matches!(parts.len(), 3 | 5).then_some(parts).filter(|parts| base64url_decode(&parts[0]).is_ok())
}

/// The JSON of an input: the input itself, or what is inside of a token.
pub(super) fn documents(input: &[u8]) -> Vec<Value> {
    let inside = parts(input).unwrap_or_default();
    let decoded = inside.iter().filter_map(|part| base64url_decode(part).ok());
    decoded.chain([input.to_vec()]).filter_map(|text| serde_json::from_slice(&text).ok()).collect()
}

pub(super) fn mutate(input: &[u8], pool: &Pool, rng: &mut Rng) -> Option<Vec<u8>> {
    let mut parts = parts(input)?;
    let at = if rng.u8(..4) == 0 { rng.usize(..parts.len()) } else { rng.usize(..2) };
    let decoded = base64url_decode(&parts[at]).ok()?;
    let changed = match rng.u8(..8) {
        0 => bytes::mutate(&decoded, pool, rng),
        _ => json::mutate(&decoded, pool, rng).unwrap_or_else(|| bytes::mutate(&decoded, pool, rng)),
    };
    parts[at] = base64url(&changed);
    match rng.u8(..16) {
        0 => parts[at].push('='),
        1 => parts[at] = parts[at].replace('-', "+").replace('_', "/"),
        _ => {}
    }
    if parts.len() == 3 && rng.bool() {
        let input = format!("{}.{}", parts[0], parts[1]);
        // An RSA signature takes thirty times as long.
        let key: &secevent::SigningKey = if rng.u8(..64) == 0 { &RSA } else { &ED25519 };
        parts[2] = base64url(&key.sign(input.as_bytes()).ok()?);
    }
    Some(parts.join(".").into_bytes())
}
