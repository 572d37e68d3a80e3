//! What was found in a store.

use secevent::Timestamp;
use serde::Serialize;

use super::{Finding, Level};

/// What was found in a store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The steps of the schema that the file has taken.
    pub schema: usize,
    /// Those that this program knows. A hub takes the missing ones when it starts.
    pub schema_today: usize,
    /// Whether it is a copy on which no hub has started yet.
    pub copied: bool,
    /// Bytes in use.
    pub used_bytes: u64,
    /// Bytes that the file has; what is not in use is used again before it grows.
    pub file_bytes: u64,
    /// Bytes that its disk has left.
    pub free_bytes: Option<u64>,
    /// The place of the oldest event.
    pub oldest: Option<u64>,
    /// When it was accepted.
    pub oldest_at: Option<Timestamp>,
    /// The place of the last event.
    pub newest: Option<u64>,
    /// When it was accepted.
    pub newest_at: Option<Timestamp>,
    /// How many streams there are.
    pub streams: usize,
    /// Those for which most events wait, ten at most.
    pub waiting: Vec<Waiting>,
    /// What is to be mended, the worst first.
    pub findings: Vec<Finding>,
}

/// How many events wait for a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Waiting {
    /// The stream.
    pub stream_id: String,
    /// Whose it is.
    pub receiver: String,
    /// How many events it has not settled.
    pub events: u64,
}

impl Waiting {
    pub(crate) const fn new(stream_id: String, receiver: String, events: u64) -> Self {
        Self { stream_id, receiver, events }
    }
}

impl Report {
    /// Whether a hub must not run on this store.
    pub fn is_fatal(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Fatal)
    }
}
