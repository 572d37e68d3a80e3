//! `stream-updated` (SSF 1.0 §8.1.5).

use super::check_stream;
use crate::event::define::{event, string_enum};

event! {
    /// The transmitter enabled, paused or disabled the stream on its own initiative.
    // spec: SSF-197, SSF-198
    StreamUpdated, "https://schemas.openid.net/secevent/ssf/event-type/stream-updated", "SSF 1.0 §8.1.5",
    subject = check_stream;
    required {
        /// The status from now on.
        status: StreamStatus, "status" = "SSF-197";
    }
    optional {
        /// Why.
        reason: String, "reason" = "SSF-197";
    }
}

string_enum! {
    /// The status of a stream (SSF 1.0 §8.1.2.1).
    // spec: SSF-145
    closed StreamStatus {
        /// Events are sent.
        Enabled = "enabled",
        /// Events are held.
        Paused = "paused",
        /// Events are neither sent nor held.
        Disabled = "disabled",
    }
}

impl serde::Serialize for StreamStatus {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for StreamStatus {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        [Self::Enabled, Self::Paused, Self::Disabled]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| {
                serde::de::Error::custom(format!(
                    "status must be {}",
                    <Self as crate::event::Member>::EXPECTED
                ))
            })
    }
}
