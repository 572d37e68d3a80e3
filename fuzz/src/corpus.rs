//! Where mutation begins: the vectors, and inputs that once were findings.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::keys::{ED25519, RSA};

/// A folder of this crate, such as `corpus/json`.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The files of `corpus/NAME`.
pub(crate) fn files(target: &str) -> Vec<Vec<u8>> {
    files_of(&folder("corpus").join(target), None)
}

/// The files of a folder in the order of their names, or those of this extension.
fn files_of(folder: &Path, extension: Option<&str>) -> Vec<Vec<u8>> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| {
        extension.is_none() || path.extension().is_some_and(|is| Some(is) == extension.map(str::as_ref))
    });
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a file of the corpus is readable")).collect()
}

/// The vectors of these kinds.
fn vectors(kinds: &[&str]) -> Vec<Vec<u8>> {
    let all = testkit::vectors().into_iter();
    all.filter(|vector| kinds.contains(&vector.kind.as_str())).map(|vector| vector.bytes()).collect()
}

const CLAIMS: [&str; 3] = ["set", "logout-token", "jwt-claims"];

pub(crate) fn claims() -> Vec<Vec<u8>> {
    vectors(&CLAIMS)
}

/// The compact tokens, and every claims set as a token.
pub(crate) fn tokens() -> Vec<Vec<u8>> {
    let mut tokens = vectors(&["set-compact", "jwt-compact"]);
    for (kind, typ) in [("set", "secevent+jwt"), ("logout-token", "logout+jwt")] {
        let sign = |claims: &Vec<u8>| secevent_jose::sign(Some(typ), claims, &*ED25519).ok();
        tokens.extend(vectors(&[kind]).iter().filter_map(sign).map(String::into_bytes));
    }
    let with_rsa = testkit::bytes("caep-4.json");
    tokens.extend(secevent_jose::sign(Some("secevent+jwt"), &with_rsa, &*RSA).map(String::into_bytes));
    tokens
}

pub(crate) fn headers() -> Vec<Vec<u8>> {
    let mut headers = vectors(&["jose-header"]);
    let table: Vec<Value> =
        serde_json::from_slice(&testkit::bytes("derived-table-3.json")).expect("a table of headers");
    headers.extend(table.iter().map(|row| row["header"].to_string().into_bytes()));
    headers.push(br#"{"typ":"secevent+jwt","alg":"EdDSA","kid":"ed"}"#.to_vec());
    headers.push(br#"{"alg":"Ed25519","cty":"JWT","jwk":{"kty":"OKP"},"x5c":[]}"#.to_vec());
    headers
}

/// Single subjects, and arrays of them, which are compared with one another.
pub(crate) fn subjects() -> Vec<Vec<u8>> {
    let mut subjects = vectors(&["subject"]);
    let table: Vec<Value> =
        serde_json::from_slice(&testkit::bytes("derived-table-2.json")).expect("a table of subjects");
    subjects.extend(
        table
            .iter()
            .map(|row| Value::from([&row["added"], &row["event"]].map(Value::clone)))
            .map(|pair| pair.to_string().into_bytes()),
    );
    subjects
}

pub(crate) fn jwks() -> Vec<Vec<u8>> {
    let mut sets = vectors(&["jwk", "jwks"]);
    let private = [&*ED25519, &*RSA].map(|key| key.to_jwk().as_bytes().to_vec());
    sets.extend(private);
    sets.push(crate::keys::PUBLIC.to_json().into_bytes());
    sets
}

/// The keys of the tests of PEM, good ones and such as are refused.
pub(crate) fn pem() -> Vec<Vec<u8>> {
    files_of(&folder("../crates/secevent-jose/tests/keys"), Some("pem"))
}

/// All of them: what is no JSON is a seed too.
pub(crate) fn json() -> Vec<Vec<u8>> {
    testkit::vectors().iter().map(testkit::Vector::bytes).collect()
}

/// The parts of the tokens.
pub(crate) fn base64url() -> Vec<Vec<u8>> {
    let tokens = vectors(&["set-compact", "jwt-compact"]);
    tokens.iter().flat_map(|token| token.split(|byte| *byte == b'.')).map(<[u8]>::to_vec).collect()
}

pub(crate) fn poll() -> Vec<Vec<u8>> {
    vectors(&["poll-request", "poll-response", "delivery-error"])
}

pub(crate) fn stream() -> Vec<Vec<u8>> {
    vectors(&[
        "stream-config",
        "stream-config-list",
        "stream-create-request",
        "stream-update-request",
        "stream-replace-request",
        "stream-status",
        "stream-status-update-request",
        "add-subject-request",
        "remove-subject-request",
        "verification-request",
    ])
}

pub(crate) fn metadata() -> Vec<Vec<u8>> {
    vectors(&["transmitter-metadata", "transmitter-metadata-fragment", "authorization-scheme"])
}

/// Encrypted tokens are not made anew, since their keys are random: they are the files of the corpus. Here are keys.
#[cfg(feature = "jwe")]
pub(crate) fn jwe() -> Vec<Vec<u8>> {
    crate::keys::DECRYPTION.iter().map(|key| key.to_jwk().as_bytes().to_vec()).collect()
}
