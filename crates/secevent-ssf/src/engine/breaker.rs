//! What a lane knows of its receiver: whether it answers at all, and since when it does not.

use std::collections::BTreeSet;

use super::{Millis, backoff};
use crate::Seq;

/// Rounds that fail in a row, without any success between, before the lane only probes.
const OPENS_AT: u32 = 3;

/// Opens when rounds fail in a row; while it is open one SET at a time probes, with growing pauses.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    since: Option<Millis>,
    until: Millis,
    /// On their way when the last failure was counted: should they fail too, it is the same failure.
    round: BTreeSet<Seq>,
}

impl Breaker {
    pub(super) const fn is_open(&self) -> bool {
        self.failures >= OPENS_AT
    }

    /// When the next probe may go.
    pub(super) const fn until(&self) -> Millis {
        if self.is_open() { self.until } else { Millis(0) }
    }

    /// How long the receiver has not answered well, in milliseconds.
    pub(super) fn broken_for(&self, now: Millis) -> u64 {
        self.since.map_or(0, |since| now.0.saturating_sub(since.0))
    }

    pub(super) fn mend(&mut self) {
        *self = Self::default();
    }

    /// A SET failed while these others were on their way. A fault of the stream's configuration opens at once.
    pub(super) fn failed(&mut self, failure: &Failure<'_>, now: Millis, jitter: u32) {
        self.since.get_or_insert(now);
        if !self.round.remove(&failure.seq) {
            self.round.clone_from(failure.in_flight);
            self.failures = self.failures.saturating_add(1).max(if failure.of_stream { OPENS_AT } else { 0 });
            let probes = self.failures.saturating_sub(OPENS_AT) + 1;
            self.until = now.plus(backoff(probes, jitter));
        }
        self.until = self.until.max(now.plus(failure.asked_ms));
    }
}

/// One attempt that failed.
pub(super) struct Failure<'a> {
    pub(super) seq: Seq,
    pub(super) in_flight: &'a BTreeSet<Seq>,
    /// Whether the stream's configuration is at fault, and so every SET.
    pub(super) of_stream: bool,
    /// What the receiver asked for with `Retry-After`.
    pub(super) asked_ms: u64,
}
