//! Asking for a verification event (SSF 1.0 §8.1.4.2).

use serde::Serialize;

use crate::{Refusal, read::Reader};

/// A request to send a verification event.
// spec: SSF-179
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerificationRequest {
    /// The stream.
    pub stream_id: String,
    /// What the event shall repeat, unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

impl VerificationRequest {
    /// Reads a request; a state of more than 1 KiB is refused, since it could not be repeated unchanged.
    // spec: SSF-181, SSF-195
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let mut reader = Reader::request(body, "SSF-195")?;
        let stream_id = reader.stream_id("SSF-179")?;
        let state = reader.optional("state", "SSF-179", "give a string of at most 1024 bytes", |value| {
            value.as_str().filter(|text| text.len() <= STATE_BYTES_MAX).map(str::to_owned)
        })?;
        Ok(Self { stream_id, state })
    }
}

/// A state is a nonce; it travels in a SET and is kept until that is settled.
const STATE_BYTES_MAX: usize = 1024;
