//! The error that a receiver reports about one SET (RFC 8935 §2.3, RFC 8936 §2.6).

use secevent::{ErrorCode, finding::describe};
use secevent_jose::json;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Refusal, read::cut};

/// The body of a 400 to a push, and a value of `setErrs` in a poll.
///
/// `err` is text, because the set of codes is extensible and unknown ones are carried, not dropped.
// spec: PUSH-023, PUSH-025, PUSH-034, POLL-015
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetError {
    /// A code of the registry (RFC 8935 §7.1), such as `invalid_key`.
    pub err: String,
    /// What went wrong, for people; always written, and empty when a peer left it out.
    #[serde(default)]
    pub description: String,
}

impl SetError {
    /// An error of a registered code.
    // spec: PUSH-024
    pub fn new(code: ErrorCode, description: impl Into<String>) -> Self {
        Self { err: code.as_str().to_owned(), description: description.into() }
    }

    /// The registered code, if it is one.
    pub fn code(&self) -> Option<ErrorCode> {
        ErrorCode::from_name(&self.err)
    }

    /// Reads the body of a failed push. `None` when it is missing, no JSON, or has no `err`.
    // spec: PUSH-032
    pub fn parse(body: &[u8]) -> Option<Self> {
        let members = json::parse_object(body.get(..BODY_BYTES_MAX).unwrap_or(body)).ok()?;
        let description = members.get("description").and_then(Value::as_str).unwrap_or_default();
        Self::bounded(members.get("err")?.as_str()?, description)
    }

    /// Reads a value of `setErrs`.
    // spec: POLL-015, POLL-021
    pub(crate) fn read(value: &Value) -> Result<Self, Refusal> {
        const WANTED: &str = "report `err` and, as far as known, `description`, both strings";
        let unfit = |at: &str, value| Refusal::new("POLL-015", at, describe(value), WANTED);
        let members: &Map<_, _> = value.as_object().ok_or_else(|| unfit("", Some(value)))?;
        let description = match members.get("description") {
            None => "",
            Some(value) => value.as_str().ok_or_else(|| unfit("/description", Some(value)))?,
        };
        let err = members.get("err");
        let bounded = err.and_then(Value::as_str).and_then(|code| Self::bounded(code, description));
        bounded.ok_or_else(|| unfit("/err", err))
    }

    fn bounded(err: &str, description: &str) -> Option<Self> {
        let (err, description) = (err.to_owned(), description.to_owned());
        let fits = (1..=ERR_BYTES_MAX).contains(&err.len());
        fits.then(|| Self { err, description: cut(description, DESCRIPTION_BYTES_MAX) })
    }
}

/// What is read of the answer to a push; a code and a sentence need far less.
const BODY_BYTES_MAX: usize = 8 * 1024;
/// The longest registered code has 21 characters.
const ERR_BYTES_MAX: usize = 128;
/// Kept with the dead letter, for people; more than a paragraph is a stack trace.
const DESCRIPTION_BYTES_MAX: usize = 1024;
