//! The engines: what to send next, when, and what an answer means. Pure state machines; time comes in as an argument.

mod backlog;
mod backoff;
mod breaker;
mod lane;
mod poll_queue;

pub use backlog::{Backlog, Cursor, OPEN_MAX, RING_MAX};
pub use backoff::backoff;
pub use lane::{Action, Lane, Outcome};
pub use poll_queue::{PollQueue, Selection};

/// Milliseconds since 1970, as the shell reads them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub u64);

impl Millis {
    /// The point in time this much later.
    #[must_use]
    pub const fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Whole seconds.
    pub fn timestamp(self) -> secevent::Timestamp {
        secevent::Timestamp(i64::try_from(self.0 / 1000).unwrap_or(i64::MAX))
    }
}
