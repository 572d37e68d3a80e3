//! A lane: the delivery of one push stream. A bounded window in flight, one timer, one breaker.
//!
//! Two SETs of one subject are never in flight together and never overtake each other (PUSH-046). While answers
//! fail, one SET at a time probes the receiver, with growing pauses. A SET that its receiver refuses is set aside
//! and the lane goes on.

use std::collections::BTreeSet;

use super::{Backlog, Millis, backoff};
use crate::{Entry, Seq, delivery::push::Verdict};

/// A receiver that is broken for this long is given up and its stream paused.
const GIVE_UP_MS: u64 = 24 * 60 * 60 * 1000;

/// The longest that a receiver's `Retry-After` is believed.
const RETRY_AFTER_SECS_MAX: u64 = 3600;

/// The delivery of one push stream.
#[derive(Debug)]
pub struct Lane {
    backlog: Backlog,
    in_flight: BTreeSet<Seq>,
    /// On their way when the lane failed last: should they fail too, it is the same failure.
    same_round: BTreeSet<Seq>,
    window: usize,
    held: bool,
    failures: u32,
    broken_since: Option<Millis>,
    not_before: Millis,
}

/// What the shell does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Send this SET now and report with [`Lane::answered`].
    Send(Seq),
    /// Read the log after this place and hand it to [`Backlog::refill`].
    Read(Seq),
    /// Ask again at this time, or when something happens before.
    Wait(Millis),
    /// Ask again when something happens.
    Idle,
}

/// What an answer led to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The receiver has it.
    Settled,
    /// The receiver refused it: a dead letter, with its words.
    Dead(String),
    /// It is sent again, not before this time.
    Retry {
        /// When.
        at: Millis,
        /// Why.
        reason: String,
    },
    /// The stream must be paused; the SET stays, and the lane holds itself.
    Pause(String),
}

impl Lane {
    /// A lane over this backlog with at most `window` SETs in flight.
    pub const fn new(backlog: Backlog, window: usize) -> Self {
        Self {
            backlog,
            in_flight: BTreeSet::new(),
            same_round: BTreeSet::new(),
            window,
            held: false,
            failures: 0,
            broken_since: None,
            not_before: Millis(0),
        }
    }

    /// What to do now.
    pub fn next(&mut self, now: Millis) -> Action {
        let window = if self.failures > 0 { 1 } else { self.window };
        if self.held || self.in_flight.len() >= window {
            return Action::Idle;
        }
        match self.candidate() {
            Some(_) if now < self.not_before => Action::Wait(self.not_before),
            Some(entry) => {
                self.in_flight.insert(entry.seq);
                Action::Send(entry.seq)
            }
            None => self.backlog.wants().map_or(Action::Idle, Action::Read),
        }
    }

    /// The first open event that is not in flight and whose subject is not waiting before it; else the next of
    /// the log.
    // spec: PUSH-046
    fn candidate(&mut self) -> Option<Entry> {
        let mut busy = BTreeSet::new();
        for entry in self.backlog.open() {
            if !self.in_flight.contains(&entry.seq) && !busy.contains(&entry.subject) {
                return Some(entry);
            }
            busy.insert(entry.subject);
        }
        std::iter::from_fn(|| self.backlog.take()).find(|entry| !busy.contains(&entry.subject))
    }

    /// The receiver answered, or did not. `jitter` is a fresh random number.
    // spec: PUSH-039, PUSH-040, PUSH-043
    pub fn answered(&mut self, seq: Seq, verdict: Verdict, now: Millis, jitter: u32) -> Outcome {
        self.in_flight.remove(&seq);
        match verdict {
            Verdict::Delivered { .. } => {
                self.mend();
                self.backlog.settle(seq);
                Outcome::Settled
            }
            Verdict::Refused(reason) => {
                // It was heard and answered: the lane itself works.
                self.mend();
                self.backlog.settle(seq);
                Outcome::Dead(reason)
            }
            Verdict::Pause(reason) => self.give_up(reason),
            Verdict::LaneFault(reason) => self.fail(seq, reason, None, now, jitter),
            Verdict::Retry { reason, after_secs } => self.fail(seq, reason, after_secs, now, jitter),
        }
    }

    fn mend(&mut self) {
        self.failures = 0;
        self.broken_since = None;
        self.not_before = Millis(0);
        self.same_round.clear();
    }

    fn give_up(&mut self, reason: String) -> Outcome {
        self.held = true;
        Outcome::Pause(reason)
    }

    fn fail(
        &mut self,
        seq: Seq,
        reason: String,
        after_secs: Option<u64>,
        now: Millis,
        jitter: u32,
    ) -> Outcome {
        let since = *self.broken_since.get_or_insert(now);
        if now.0.saturating_sub(since.0) >= GIVE_UP_MS {
            return self.give_up(format!("no success for 24 hours; last: {reason}"));
        }
        // Several that were in flight together fail together: that is one failure of the lane.
        if !self.same_round.remove(&seq) {
            self.same_round.clone_from(&self.in_flight);
            self.failures = self.failures.saturating_add(1);
            self.not_before = now.plus(backoff(self.failures, jitter));
        }
        let asked = after_secs.map_or(0, |secs| secs.min(RETRY_AFTER_SECS_MAX) * 1000);
        self.not_before = self.not_before.max(now.plus(asked));
        Outcome::Retry { at: self.not_before, reason }
    }

    /// Holds the lane while its stream is paused, or lets it go on at once (SSF-148, SSF-149).
    // spec: SSF-148, SSF-149
    pub fn hold(&mut self, held: bool) {
        self.held = held;
        if !held {
            self.mend();
        }
    }

    /// How many SETs are on their way.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// What is left to deliver.
    pub const fn backlog(&self) -> &Backlog {
        &self.backlog
    }

    /// What is left to deliver.
    pub const fn backlog_mut(&mut self) -> &mut Backlog {
        &mut self.backlog
    }
}
