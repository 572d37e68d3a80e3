//! When the last events were accepted, to the millisecond; an event of the log itself knows its second.

use std::sync::atomic::{AtomicU64, Ordering};

use secevent_ssf::{Seq, engine::Millis};

/// Twice what is kept in memory of the log: whoever is not far behind finds its events here.
const PLACES: usize = 8192;

/// A ring of times, written by the writer's thread and read without a lock.
#[derive(Debug)]
pub(super) struct AcceptTimes(Vec<Place>);

#[derive(Debug, Default)]
struct Place {
    /// The event; 0 while its time is written.
    seq: AtomicU64,
    at: AtomicU64,
}

impl Default for AcceptTimes {
    fn default() -> Self {
        Self(std::iter::repeat_with(Place::default).take(PLACES).collect())
    }
}

impl AcceptTimes {
    /// These events were accepted at this time.
    pub(super) fn note(&self, first: Seq, events: u64, at: Millis) {
        for seq in first.0..first.0 + events {
            let place = self.place(seq);
            place.seq.store(0, Ordering::SeqCst);
            place.at.store(at.0, Ordering::SeqCst);
            place.seq.store(seq, Ordering::SeqCst);
        }
    }

    /// When an event was accepted, if that is not long ago.
    pub(super) fn of(&self, seq: Seq) -> Option<Millis> {
        let place = self.place(seq.0);
        let is_there = || place.seq.load(Ordering::SeqCst) == seq.0;
        // Asked before and after: meanwhile the place may have been given to another.
        let at = is_there().then(|| Millis(place.at.load(Ordering::SeqCst)));
        at.filter(|_| is_there())
    }

    fn place(&self, seq: u64) -> &Place {
        let at = usize::try_from(seq % PLACES as u64).unwrap_or_default();
        &self.0[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_events_have_their_times_and_older_ones_none() {
        let times = AcceptTimes::default();
        times.note(Seq(1), 2, Millis(10));
        times.note(Seq(3), PLACES as u64 - 1, Millis(20));
        let found = [1, 2, 3, PLACES as u64 + 1, PLACES as u64 + 2].map(|seq| times.of(Seq(seq)));
        assert_eq!(found, [None, Some(Millis(10)), Some(Millis(20)), Some(Millis(20)), None]);
    }
}
