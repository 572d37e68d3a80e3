//! The records of a store.

use secevent::{Timestamp, event::ssf::StreamStatus};
use serde::{Deserialize, Serialize};

use crate::{
    Audience, LoggedEvent, Seq, StreamNo, SubjectKey, metadata::DefaultSubjects, stream::StreamConfig,
};

/// Who a store is: what its `jti` are sealed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Fresh for every store, restore and copy.
    pub incarnation: u32,
    /// Never touched by a rotation of signing keys.
    pub sealing_key: [u8; 16],
}

/// An event on its way into the log.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// What is said.
    pub event: LoggedEvent,
    /// Whom it is about.
    pub subject: SubjectKey,
    /// Which streams get it, in ascending order.
    pub streams: Vec<StreamNo>,
}

/// An event of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRow {
    /// Its place.
    pub seq: Seq,
    /// What it says and where it goes.
    pub event: NewEvent,
}

/// A stream as the hub keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamRecord {
    /// Its number.
    pub no: StreamNo,
    /// The audience it shares with streams of the same `aud`.
    pub audience: Audience,
    /// Whose it is: the id of a receiver.
    pub receiver: String,
    /// What the receiver sees.
    pub config: StreamConfig,
    /// Whether events flow.
    pub status: StreamStatus,
    /// Why the status is what it is.
    pub reason: Option<String>,
    /// Who made it so.
    #[serde(default)]
    pub status_by: Party,
    /// A `stream-updated` that the receiver has not taken; it has a place in the log and no route there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Seq>,
    /// Whose events it was made for, as long as the receiver does not wish otherwise.
    #[serde(default)]
    pub default_subjects: DefaultSubjects,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Who changes the status of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Party {
    /// Its receiver.
    #[default]
    Receiver,
    /// The hub itself: the receiver is broken, gone, or inactive.
    Hub,
    /// Whoever runs the hub.
    Operator,
}

/// An event that was set aside for one stream.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// The stream.
    pub stream: StreamNo,
    /// The event.
    pub seq: Seq,
    /// Why, in the receiver's words where it had any.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// It stands for this many events up to `seq`, and not for that event: they were too many for a letter each.
    pub many: Option<u64>,
    /// What it says. A store copies it from the log when it writes the letter and reads it back with the letter; the
    /// log forgets sooner. Whoever hands a letter to a store leaves it out.
    pub event: Option<Box<LoggedEvent>>,
}

/// A SET that was received, verified and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its number; given by the store.
    pub no: u64,
    /// The configured transmitter it came from.
    pub transmitter: String,
    /// Who issued it.
    pub iss: String,
    /// Its id.
    pub jti: String,
    /// The compact token.
    pub set: String,
    /// When it came.
    pub at: Timestamp,
}

/// What a request with an `Idempotency-Key` was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotentAnswer {
    /// The key.
    pub key: String,
    /// SHA-256 of the request's body.
    pub body: [u8; 32],
    /// The place of the first event it accepted; while in a batch, its index there.
    pub first: Seq,
    /// To how many streams each event went.
    pub streams: Vec<u64>,
    /// When.
    pub at: Timestamp,
}

/// What a store need not keep. The log, what was received and the answers go in the order they came, up to the first
/// that is to stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Events at or below this place are settled by every stream; others stay.
    pub settled: Seq,
    /// Settled events accepted before this time go.
    pub events_before: Timestamp,
    /// Dead letters set aside before this time go.
    pub dead_letters_before: Timestamp,
    /// SETs received before this time go.
    pub received_before: Timestamp,
    /// Answers given before this time go.
    pub answers_before: Timestamp,
    /// Rows that one call deletes at most: nothing is committed meanwhile.
    pub rows_max: usize,
}

/// How much room a store takes and has left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes that are in use. What was forgotten counts no more: its room is used again.
    pub used_bytes: u64,
    /// Bytes that its disk has left for it; `None` where there is no disk or no knowing.
    pub free_bytes: Option<u64>,
}

/// What a signing key is used for at a moment. It is not stored: it follows from the times of the keys of one
/// algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum KeyState {
    /// Published, not used yet.
    Next,
    /// Signs.
    Current,
    /// Published while SETs it signed may be on their way.
    Previous,
    /// Not published any more.
    Retired,
}

/// A signing key in the store.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its id.
    pub kid: String,
    /// The private JWK; of a key that was withdrawn only the public members.
    pub jwk: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it signs, until one of its algorithm with a later time does.
    pub signs_from: Timestamp,
    /// When it was taken out of use for good.
    pub withdrawn_at: Option<Timestamp>,
}

impl std::fmt::Debug for KeyRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRecord")
            .field("kid", &self.kid)
            .field("signs_from", &self.signs_from)
            .field("withdrawn_at", &self.withdrawn_at)
            .finish_non_exhaustive()
    }
}
