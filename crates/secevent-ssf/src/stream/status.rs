//! The status of a stream (SSF 1.0 §8.1.2).

use secevent::event::ssf::StreamStatus;
use serde::{Deserialize, Serialize};

use crate::{
    Refusal,
    read::{Reader, cut, text},
};

/// What the status endpoint answers, and what a receiver sends to change it.
// spec: SSF-144, SSF-145, SSF-146, SSF-156, SSF-157
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusDocument {
    /// The stream.
    pub stream_id: String,
    /// Its status, or the one wanted.
    pub status: StreamStatus,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl StatusDocument {
    /// Reads a request to change the status; a reason is cut at 1 KiB.
    // spec: SSF-159, SSF-160
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        Self::read(Reader::request(body, "SSF-159")?)
    }

    /// Reads the answer of a transmitter.
    pub fn parse_answer(body: &[u8]) -> Result<Self, Refusal> {
        Self::read(Reader::answer(body, "SSF-144")?)
    }

    fn read(mut reader: Reader) -> Result<Self, Refusal> {
        let stream_id = reader.stream_id("SSF-156")?;
        let wanted = "give `enabled`, `paused` or `disabled`";
        let status =
            reader.required("status", "SSF-145", wanted, |value| StreamStatus::deserialize(value).ok())?;
        let reason = reader.optional("reason", "SSF-146", "give a string", text)?;
        Ok(Self { stream_id, status, reason: reason.map(|text| cut(text, REASON_BYTES_MAX)) })
    }
}

/// A paragraph of text.
const REASON_BYTES_MAX: usize = 1024;
