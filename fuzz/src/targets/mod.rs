//! What is called with any bytes, and what must hold whatever they are.

#![expect(clippy::missing_panics_doc, reason = "a panic is how a target tells what it found")]

#[cfg(feature = "jwe")]
mod jwe;
mod jwks;
mod pem;
mod ssf;
mod subject;
mod text;
mod token;

#[cfg(feature = "jwe")]
pub use jwe::jwe;
pub use jwks::jwks;
pub use pem::pem;
pub use ssf::{metadata, poll, stream};
pub use subject::subject;
pub use text::{base64url, json};
pub use token::{claims, header, token};

use secevent::{Finding, Level, Timestamp};
use serde_json::Value;

/// The clock of every session; that of the vectors.
const NOW: Timestamp = Timestamp(1_767_225_660);

/// Whether a strict reader refuses for these.
fn refused(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.level >= Level::Lenient)
}

/// Equal, except that floats may differ in their last place: `serde_json` does not read every float exactly, so a
/// value that is written and read again need not be the same.
fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (one.as_f64(), other.as_f64()) {
            (Some(a), Some(b)) if one.is_f64() && other.is_f64() => (a - b).abs() <= a.abs() * 1e-15,
            _ => one == other,
        },
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| alike(value, other)))
        }
        _ => one == other,
    }
}

/// Whether a value has a number that is read as a float, at any depth.
fn has_float(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(has_float),
        Value::Object(members) => members.values().any(has_float),
        _ => false,
    }
}
