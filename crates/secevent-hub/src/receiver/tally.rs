//! How many SETs came from one transmitter, and what became of them.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Refusal;

/// Counts since the program was started.
#[derive(Debug, Default)]
pub(crate) struct Tally([AtomicU64; OUTCOMES.len()]);

const OUTCOMES: [&str; 3] = ["taken", "refused", "not_now"];

impl Tally {
    /// A SET came: repeats, and what is acknowledged and not acted on, are taken too.
    pub(super) fn count(&self, outcome: &Result<(), Refusal>) {
        let outcome = match outcome {
            Ok(()) => 0,
            Err(Refusal::Set(_) | Refusal::Stream(_)) => 1,
            Err(Refusal::Keys(_) | Refusal::NotNow(_)) => 2,
        };
        self.0[outcome].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        OUTCOMES.into_iter().zip(self.0.iter().map(|count| count.load(Ordering::Relaxed)))
    }
}
