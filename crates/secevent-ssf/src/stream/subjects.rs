//! Adding subjects to a stream and removing them (SSF 1.0 §8.1.3).

use secevent::SubjectId;
use serde::Serialize;
use serde_json::Value;

use crate::{Refusal, read::Reader};

/// A receiver is interested in a subject.
// spec: SSF-163, SSF-164
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AddSubject {
    /// The stream.
    pub stream_id: String,
    /// The subject.
    pub subject: SubjectId,
    /// Whether the receiver verified that the subject is who it claims to be.
    pub verified: bool,
}

impl AddSubject {
    /// Reads a request; a missing `verified` is true.
    // spec: SSF-165, SSF-166, SSF-170
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let mut reader = Reader::request(body, "SSF-170")?;
        let stream_id = reader.stream_id("SSF-163")?;
        let subject = reader.subject("SSF-163")?;
        let verified = reader.optional("verified", "SSF-165", "give true or false", Value::as_bool)?;
        Ok(Self { stream_id, subject, verified: verified.unwrap_or(true) })
    }
}

/// A receiver is no longer interested in a subject.
// spec: SSF-171
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RemoveSubject {
    /// The stream.
    pub stream_id: String,
    /// The subject.
    pub subject: SubjectId,
}

impl RemoveSubject {
    /// Reads a request.
    // spec: SSF-173
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let mut reader = Reader::request(body, "SSF-173")?;
        Ok(Self { stream_id: reader.stream_id("SSF-171")?, subject: reader.subject("SSF-171")? })
    }
}
