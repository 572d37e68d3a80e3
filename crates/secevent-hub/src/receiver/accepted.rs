//! What a handler gets, and what it answers with.

use std::fmt;

use secevent::{Claims, SubjectId, Timestamp};

/// An event that was verified, judged and kept, and is now handed over.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Accepted<E> {
    /// What the event says.
    pub payload: E,
    /// The transmitter it came from, by its name here.
    pub transmitter: String,
    /// 1 when it is handed over for the first time, and one more each time after a handler failed.
    pub attempt: u32,
    claims: Claims,
    subject: Option<SubjectId>,
}

impl<E> Accepted<E> {
    pub(super) fn new(payload: E, claims: Claims, transmitter: String, attempt: u32) -> Self {
        let subject = claims.subject().cloned().or_else(|| subject_in_event(&claims));
        Self { payload, transmitter, attempt, claims, subject }
    }

    /// Whom or what the event is about: `sub_id`, or the `subject` in the event where the transmitter may put it there.
    pub const fn subject(&self) -> Option<&SubjectId> {
        self.subject.as_ref()
    }

    /// Who issued the SET.
    pub fn iss(&self) -> &str {
        self.claims.iss()
    }

    /// The id of the SET; with `iss` the key under which it is handed over once.
    pub fn jti(&self) -> &str {
        self.claims.jti()
    }

    /// When it was issued.
    pub fn iat(&self) -> Timestamp {
        self.claims.iat()
    }

    /// What ties together the SETs of one cause.
    pub fn txn(&self) -> Option<&str> {
        self.claims.txn()
    }

    /// All claims.
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }
}

// spec: SUB-042
fn subject_in_event(claims: &Claims) -> Option<SubjectId> {
    let payload = claims.event().payload();
    payload.get("subject").and_then(|subject| SubjectId::from_json(subject).ok())
}

/// What a handler answers with: nothing, or a `Result` whose error is tried again.
pub trait Outcome {
    /// The words of a failure.
    ///
    /// # Errors
    /// When the handler failed.
    fn outcome(self) -> Result<(), String>;
}

impl Outcome for () {
    fn outcome(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: fmt::Display> Outcome for Result<(), E> {
    fn outcome(self) -> Result<(), String> {
        self.map_err(|error| error.to_string())
    }
}
