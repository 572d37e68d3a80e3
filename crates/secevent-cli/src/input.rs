//! What commands read: tokens, documents, keys and secrets, from arguments, files, stdin and the environment.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read},
    path::Path,
};

use secevent::{JwkSet, SigningKey, finding::quote};
use secevent_jose::json;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::{failure::Failure, net, output};

/// Tokens are at most 64 KiB and key sets 256 KiB; claims of this size are not signals any more.
const INPUT_BYTES_MAX: usize = 1024 * 1024;

/// The text of a token: the argument itself, the file it names, or stdin (`-` or nothing). White space is trimmed.
pub(crate) fn token(argument: Option<&str>) -> Result<String, Failure> {
    let bytes = match argument.map(str::trim) {
        Some(text) if text != "-" && !is_file(text) => {
            if !text.contains('.') {
                output::note(format_args!("{} is no file, so it is taken for a token", quote(text)));
            }
            return Ok(text.to_owned());
        }
        other => document(other, "a token")?,
    };
    // What is not UTF-8 is no token; the words of the refusal are the library's.
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

/// A whole document from a file, or from stdin (`-` or nothing).
pub(crate) fn document(file: Option<&str>, what: &str) -> Result<Vec<u8>, Failure> {
    let (reader, name) = open(file, what)?;
    let mut bytes = Vec::new();
    let read = reader.take(INPUT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| cannot_read(&name, &error))?;
    if bytes.len() > INPUT_BYTES_MAX {
        return Err(Failure::could_not(format_args!("{name} is larger than {INPUT_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

/// A file, or stdin (`-` or nothing), with its name for messages.
pub(crate) fn open(file: Option<&str>, what: &str) -> Result<(Box<dyn Read>, String), Failure> {
    match file {
        None | Some("-") => {
            if io::stdin().is_terminal() {
                output::note(format_args!("reading {what} from the terminal; end with Ctrl-D"));
            }
            Ok((Box::new(io::stdin()), "stdin".to_owned()))
        }
        Some(name) => {
            let file = File::open(name).map_err(|error| cannot_read(name, &error))?;
            Ok((Box::new(file), name.to_owned()))
        }
    }
}

/// Whether the argument means a file: it exists, or it looks like a path and not like a token (`{"` in base64url).
fn is_file(text: &str) -> bool {
    let named =
        || Path::new(text).extension().is_some_and(|ext| ["jwt", "txt", "json"].iter().any(|e| ext == *e));
    Path::new(text).is_file() || (!text.starts_with("eyJ") && (text.contains('/') || named()))
}

/// The keys that tokens are verified with: a JWK Set, or one public JWK, from a file or a URL.
pub(crate) fn jwks(file_or_url: &str) -> Result<JwkSet, Failure> {
    let remote = file_or_url.starts_with("https://") || file_or_url.starts_with("http://");
    let bytes = if remote { fetch(file_or_url) } else { document(Some(file_or_url), "keys") };
    let bytes = bytes.map_err(|failure| failure.or_next(PUBLISH))?;
    let next = if remote { format!("curl -i {file_or_url}") } else { PUBLISH.to_owned() };
    let unusable = |why: &dyn std::fmt::Display| {
        Failure::could_not(format_args!("{file_or_url} holds no usable keys: {why}")).next(&next)
    };
    let members = json::parse_object(&bytes).map_err(|error| unusable(&error))?;
    let set = if members.contains_key("kty") {
        JwkSet::parse(serde_json::json!({ "keys": [members] }).to_string().as_bytes())
    } else {
        JwkSet::parse(&bytes)
    };
    let set = set.map_err(|error| unusable(&error))?;
    match set.skipped() {
        [first, ..] if set.keys().is_empty() => return Err(unusable(first)),
        skipped => skipped.iter().for_each(|reason| output::note(format_args!("{file_or_url}: {reason}"))),
    }
    Ok(set)
}

/// What a URL answers with.
fn fetch(url: &str) -> Result<Vec<u8>, Failure> {
    net::block_on(async {
        let response = net::client(url).get(url).send().await;
        let response = response.map_err(|error| Failure::could_not(format_args!("{url}: {error}")))?;
        match response.status {
            200 => Ok(response.body.to_vec()),
            status => Err(Failure::could_not(format_args!("{url} answered with status {status}"))),
        }
    })
    .map_err(|failure| failure.or_next(&format!("curl -i {url}")))
}

/// A private key: a file with a JWK or PEM, `-` for stdin, or `env:NAME`.
pub(crate) fn signing_key(source: &str) -> Result<SigningKey, Failure> {
    let bytes = secret_bytes(source).map_err(|failure| failure.next(MAKE_A_KEY))?;
    let (form, key) = match pem(&bytes) {
        Some(pem) => ("PEM key", SigningKey::from_pem(pem, None)),
        None => ("JWK", SigningKey::from_jwk(&bytes)),
    };
    key.map_err(|error| {
        Failure::could_not(format_args!("{source} holds no private {form} to sign with: {error}"))
            .next(MAKE_A_KEY)
    })
}

/// The text if it is PEM. One with text before its armour is too, so that the refusal says so.
fn pem(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    (text.contains("-----BEGIN") && !text.trim_start().starts_with('{')).then_some(text)
}

fn secret_bytes(source: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if let Some(name) = source.strip_prefix("env:") {
        return environment(name).map(|secret| Zeroizing::new(secret.into_bytes()));
    }
    let file = source.strip_prefix("file:").unwrap_or(source);
    document(Some(file), "a private key").map(Zeroizing::new)
}

/// The value of a secret flag: `env:NAME`, `file:PATH`, or the text itself.
pub(crate) fn secret(flag: &str) -> Result<Zeroizing<String>, Failure> {
    if !flag.starts_with("env:") && !flag.starts_with("file:") {
        return Ok(Zeroizing::new(flag.to_owned()));
    }
    let bytes = secret_bytes(flag)?;
    let text = std::str::from_utf8(&bytes);
    let text = text.map_err(|_| Failure::could_not(format_args!("{flag} is not text in UTF-8")))?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

#[expect(clippy::disallowed_methods, reason = "this is the edge: only the program reads the environment")]
fn environment(name: &str) -> Result<String, Failure> {
    std::env::var(name)
        .map_err(|error| Failure::could_not(format_args!("environment variable {name}: {error}")))
}

/// A JSON object given as an argument.
pub(crate) fn object(flag: &str, text: &str, example: &str) -> Result<Map<String, Value>, Failure> {
    json::parse_object(text.as_bytes())
        .map_err(|error| Failure::usage(format_args!("{flag}: {error}")).next(format!("{flag} '{example}'")))
}

/// A point in time as an argument: `2026-11-24T03:00:00Z`, or seconds since 1970.
pub(crate) fn time(text: &str) -> Result<i64, String> {
    let date = || text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_second);
    text.parse()
        .or_else(|_| date())
        .map_err(|_| "give 2026-11-24T03:00:00Z, or seconds since 1970".to_owned())
}

/// A file that could not be read.
pub(crate) fn cannot_read(name: &str, error: &io::Error) -> Failure {
    Failure::could_not(format_args!("cannot read {name}: {error}"))
}

const MAKE_A_KEY: &str = "secevent keys generate --alg ES256 --out key.jwk";
const PUBLISH: &str = "secevent keys public key.jwk > jwks.json";
