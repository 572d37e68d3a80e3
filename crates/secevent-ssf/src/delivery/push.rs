//! Push delivery (RFC 8935): the transmitter POSTs one SET, the receiver answers 202 or says why not.
//!
//! ```
//! use secevent_ssf::delivery::push::{Answer, Verdict, judge};
//!
//! assert_eq!(judge(&Answer::status(202)), Verdict::Delivered { proper: true });
//! assert!(matches!(judge(&Answer::status(503)), Verdict::Retry { .. }));
//! ```

use secevent::{ErrorCode, finding::quote};

use super::SetError;

/// The media type of the request: the body is the compact token and nothing else.
// spec: PUSH-003, PUSH-005
pub const CONTENT_TYPE: &str = "application/secevent+jwt";

/// Whether a `Content-Type` field names [`CONTENT_TYPE`]: in any case, with any parameters.
// spec: PUSH-008
pub fn is_content_type(field: &str) -> bool {
    let media_type = field.split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case(CONTENT_TYPE)
}

/// What came of one attempt to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// The receiver answered.
    Status {
        /// The HTTP status.
        status: u16,
        /// What the body says, if it is a SET error.
        error: Option<SetError>,
        /// `Retry-After`, in seconds from the answer on.
        retry_after_secs: Option<u64>,
    },
    /// No answer: connect, TLS, time-out or broken HTTP, in words.
    Failed(String),
}

impl Answer {
    /// An answer without a body.
    pub const fn status(status: u16) -> Self {
        Self::of(status, None, None)
    }

    /// An answer with what its body and its `Retry-After` say.
    pub const fn of(status: u16, error: Option<SetError>, retry_after_secs: Option<u64>) -> Self {
        Self::Status { status, error, retry_after_secs }
    }
}

/// What a transmitter does about an [`Answer`]. The texts are for people and hold what the receiver said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The receiver has it.
    Delivered {
        /// By 202, as it must be; another 2xx is counted.
        proper: bool,
    },
    /// This SET will never be taken: a dead letter now, and the lane goes on.
    Refused(String),
    /// Something about the stream is set up wrong: probe with growing delay, and tell an operator.
    LaneFault(String),
    /// The endpoint is gone for good: pause the stream.
    Pause(String),
    /// A passing trouble: try the same SET again.
    Retry {
        /// What happened.
        reason: String,
        /// How long the receiver wants to be left alone, at most an hour.
        after_secs: Option<u64>,
    },
}

/// Reads the answer of a receiver.
// spec: PUSH-031, PUSH-032, PUSH-039, PUSH-041, PUSH-042, PUSH-044
pub fn judge(answer: &Answer) -> Verdict {
    let (status, error, after_secs) = match answer {
        Answer::Status { status, error, retry_after_secs } => (*status, error.as_ref(), *retry_after_secs),
        Answer::Failed(reason) => return Verdict::Retry { reason: reason.clone(), after_secs: None },
    };
    let words = || words(status, error);
    match status {
        200..=299 => Verdict::Delivered { proper: status == 202 },
        // spec: PUSH-045
        300..=399 => Verdict::LaneFault(format!("{}; redirects are never followed", words())),
        401 | 403 | 404 => Verdict::LaneFault(words()),
        410 => Verdict::Pause(words()),
        413 | 415 => Verdict::Refused(words()),
        408 | 425 | 429 => Verdict::Retry { reason: words(), after_secs: after_secs.map(clamp) },
        400..=499 if is_lane_fault(status, error) => Verdict::LaneFault(words()),
        400..=499 => Verdict::Refused(words()),
        _ => Verdict::Retry { reason: words(), after_secs: after_secs.map(clamp) },
    }
}

/// Whether the code speaks of the stream's keys, names or credentials rather than of this one SET.
fn is_lane_fault(status: u16, error: Option<&SetError>) -> bool {
    match error.and_then(SetError::code) {
        Some(ErrorCode::AuthenticationFailed | ErrorCode::AccessDenied) => true,
        Some(ErrorCode::InvalidKey | ErrorCode::InvalidIssuer | ErrorCode::InvalidAudience) => status == 400,
        _ => false,
    }
}

fn words(status: u16, error: Option<&SetError>) -> String {
    match error {
        None => format!("status {status}"),
        Some(SetError { err, description }) if description.is_empty() => {
            format!("status {status}, {}", quote(err))
        }
        Some(SetError { err, description }) => {
            format!("status {status}, {}: {}", quote(err), quote(description))
        }
    }
}

fn clamp(after_secs: u64) -> u64 {
    after_secs.min(RETRY_AFTER_SECS_MAX)
}

/// The longest that a receiver's `Retry-After` is believed.
pub(crate) const RETRY_AFTER_SECS_MAX: u64 = 3600;
