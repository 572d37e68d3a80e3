//! The documents that are exchanged, against the vectors and against what peers get wrong.

#![expect(clippy::unwrap_used, reason = "the helpers are tests too")]

#[path = "wire/delivery.rs"]
mod delivery;
#[path = "wire/metadata.rs"]
mod metadata;
#[path = "wire/stream.rs"]
mod stream;

use serde_json::Value;
use testkit::Vector;

/// Vectors of this kind, of which there is at least one.
fn vectors(kind: &str) -> Vec<Vector> {
    let found: Vec<_> = testkit::vectors().into_iter().filter(|vector| vector.kind == kind).collect();
    assert!(!found.is_empty(), "no vector is a {kind}");
    found
}

fn json(vector: &Vector) -> Value {
    serde_json::from_slice(&vector.bytes()).expect("the vector is JSON")
}

/// Every vector of a kind is taken, or refused where a transmitter would answer 400 by the document alone.
fn check_requests<T>(kind: &str, parse: impl Fn(&[u8]) -> Result<T, secevent_ssf::Refusal>) {
    for vector in vectors(kind) {
        let refused = vector.expected.get("http").is_some_and(|status| status == 400);
        let parsed = parse(&vector.bytes());
        assert_eq!(parsed.is_err(), refused, "{}: {:?}", vector.file, parsed.err());
    }
}
