//! The log: every event once, with the streams it is addressed to.

use secevent::{Draft, Event, EventType, Set, SubjectId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A place in the log, from 1. 0 is before the first event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Seq(pub u64);

/// The number of a stream, from 1; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StreamNo(pub u32);

/// A subject as lanes tell them apart: a hash of its canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SubjectKey(pub u64);

impl SubjectKey {
    /// The key of a subject.
    pub fn of(subject: &SubjectId) -> Self {
        let digest = secevent_jose::sha256(subject.canonical().as_bytes());
        Self(digest.iter().take(8).fold(0, |key, byte| key << 8 | u64::from(*byte)))
    }
}

/// An event that was accepted. Its claims are fixed here and never rebuilt; it is signed when it is first sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoggedEvent {
    /// When it was accepted; the `iat` of its SETs.
    pub iat: Timestamp,
    /// What happened.
    pub event_type: EventType,
    /// To whom.
    pub subject: SubjectId,
    /// The payload.
    pub payload: Map<String, Value>,
    /// What ties it to others of the same cause (SSF-012).
    pub txn: String,
    /// When it happened, if the producer said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toe: Option<Timestamp>,
}

impl LoggedEvent {
    /// The SET of this event for one audience. The same claims every time.
    // spec: SSF-001, SSF-004, SSF-005, SSF-011, SSF-012
    pub fn draft(&self, iss: &str, aud: &[String], jti: String) -> Draft {
        let event = Event::Other { uri: self.event_type.uri().to_owned(), payload: self.payload.clone() };
        let draft = Set::issue(iss).about(self.subject.clone()).event(event).txn(self.txn.clone());
        let draft = aud.iter().fold(draft.at(self.iat).jti(jti), Draft::to);
        self.toe.into_iter().fold(draft, Draft::toe)
    }
}

/// Where an event goes: what a stream far behind reads instead of bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the log.
    pub seq: Seq,
    /// Whom it is about.
    pub subject: SubjectKey,
}
