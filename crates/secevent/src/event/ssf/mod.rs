//! Events of Shared Signals 1.0 itself, about the stream they travel on.

mod stream_updated;
mod verification;

pub use stream_updated::{StreamStatus, StreamUpdated};
pub use verification::Verification;

use crate::{Check, finding::quote};

/// The subject is the stream: `opaque` with the stream's id.
// spec: SSF-183, SSF-198
fn check_stream(format: Option<&str>, check: &mut Check) {
    if let Some(format) = format.filter(|format| *format != "opaque") {
        check.error(
            "SSF-183",
            format!("format {}", quote(format)),
            "name the stream: `opaque` with its stream_id",
        );
    }
}
