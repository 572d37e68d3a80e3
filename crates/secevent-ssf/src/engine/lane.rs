//! A lane: the delivery of one push stream. A bounded window in flight, one timer, one breaker.
//!
//! Two SETs of one subject are never in flight together and never overtake each other (PUSH-046). A SET that fails
//! waits by itself while those of other subjects go on; a receiver that fails altogether is probed by one SET at a
//! time. A SET that its receiver refuses, or does not take within a week, is set aside, and the lane goes on.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Backlog, Millis, backoff,
    breaker::{Breaker, Failure},
};
use crate::{
    Entry, Seq,
    delivery::push::{RETRY_AFTER_SECS_MAX, Verdict},
};

/// A receiver that is broken for this long is given up and its stream paused.
const GIVE_UP_MS: u64 = 24 * 60 * 60 * 1000;

/// A SET that fails for this long while others are taken is set aside: the default of retention.
const SET_ASIDE_MS: u64 = 7 * GIVE_UP_MS;

/// The delivery of one push stream.
#[derive(Debug)]
pub struct Lane {
    backlog: Backlog,
    in_flight: BTreeSet<Seq>,
    /// SETs that failed and wait for their next attempt.
    waiting: BTreeMap<Seq, Waiting>,
    breaker: Breaker,
    window: usize,
    held: bool,
    /// A notice on its way: nothing overtakes it, no later notice either.
    telling: Option<Seq>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    failures: u32,
    since: Millis,
    until: Millis,
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
    /// The stream is held and its receiver could not be told.
    Untold(String),
}

impl Lane {
    /// A lane over this backlog with at most `window` SETs in flight.
    pub fn new(backlog: Backlog, window: usize) -> Self {
        let (in_flight, waiting, breaker) = (BTreeSet::new(), BTreeMap::new(), Breaker::default());
        Self { backlog, in_flight, waiting, breaker, window, held: false, telling: None }
    }

    /// What to do now.
    pub fn next(&mut self, now: Millis) -> Action {
        let window = if self.breaker.is_open() { 1 } else { self.window };
        if self.in_flight.len() >= window || self.telling.is_some() {
            return Action::Idle;
        }
        if let Some(notice) = self.notice(now) {
            self.in_flight.insert(notice);
            self.telling = Some(notice);
            return Action::Send(notice);
        }
        if self.held {
            return Action::Idle;
        }
        if now < self.breaker.until() {
            return Action::Wait(self.breaker.until());
        }
        match self.candidate(now) {
            Ok(entry) => {
                self.in_flight.insert(entry.seq);
                Action::Send(entry.seq)
            }
            Err(earliest) => match self.backlog.wants() {
                Some(after) => Action::Read(after),
                None => earliest.map_or(Action::Idle, Action::Wait),
            },
        }
    }

    /// The turn of a SET has come, some time after [`Action::Send`]: whether it is still to be sent. If not, it is no
    /// longer on its way; it stays what it is otherwise.
    pub fn may_still_go(&mut self, seq: Seq) -> bool {
        let is_notice = self.backlog.notice().is_some_and(|notice| notice.seq == seq);
        let may_go = is_notice || !self.held && self.backlog.is_open(seq);
        if !may_go {
            self.in_flight.remove(&seq);
            self.telling.take_if(|told| *told == seq);
        }
        may_go
    }

    /// The notice, if it may go: at once when the lane is held, else as the other SETs may.
    // spec: SSF-200, SSF-201
    fn notice(&self, now: Millis) -> Option<Seq> {
        let seq = self.backlog.notice()?.seq;
        let waiting = self.waiting.get(&seq).map(|waiting| waiting.until);
        let again = waiting.unwrap_or_else(|| self.breaker.until());
        (self.held || again <= now).then_some(seq)
    }

    /// The first SET that may go: not in flight, not waiting, and no earlier one of its subject is open. While only
    /// probes go, those that failed before come last: a SET which always fails does not keep the others from probing.
    /// Else the time at which the first one that waits may go.
    // spec: PUSH-046
    fn candidate(&mut self, now: Millis) -> Result<Entry, Option<Millis>> {
        let mut busy = BTreeSet::new();
        let mut again = None;
        let told = self.backlog.notice().and_then(|notice| self.waiting.get(&notice.seq));
        let mut earliest = told.map(|waiting| waiting.until);
        for entry in self.backlog.open().filter(|entry| busy.insert(entry.subject)) {
            match self.waiting.get(&entry.seq) {
                _ if self.in_flight.contains(&entry.seq) => {}
                None => return Ok(entry),
                Some(waiting) if waiting.until <= now && !self.breaker.is_open() => return Ok(entry),
                Some(waiting) if waiting.until <= now => _ = again.get_or_insert(entry),
                Some(waiting) => {
                    earliest = Some(earliest.map_or(waiting.until, |at: Millis| at.min(waiting.until)));
                }
            }
        }
        let fresh = std::iter::from_fn(|| self.backlog.take()).find(|entry| busy.insert(entry.subject));
        fresh.or(again).ok_or(earliest)
    }

    /// The receiver answered, or did not. `jitter` is a fresh random number.
    // spec: PUSH-039, PUSH-040, PUSH-043
    pub fn answered(&mut self, seq: Seq, verdict: Verdict, now: Millis, jitter: u32) -> Outcome {
        self.in_flight.remove(&seq);
        self.telling.take_if(|told| *told == seq);
        let is_notice = self.backlog.notice().is_some_and(|notice| notice.seq == seq);
        if self.held && is_notice {
            return self.told(seq, verdict);
        }
        if !is_notice && !self.backlog.is_open(seq) {
            // It was dropped meanwhile, or another notice took its place.
            self.waiting.remove(&seq);
            return Outcome::Settled;
        }
        match verdict {
            Verdict::Delivered { .. } => {
                self.breaker.mend();
                self.settle(seq);
                Outcome::Settled
            }
            Verdict::Refused(reason) => {
                // It was heard and answered: the receiver itself works.
                self.breaker.mend();
                self.settle(seq);
                Outcome::Dead(reason)
            }
            Verdict::Pause(reason) => self.give_up(reason),
            Verdict::LaneFault(reason) => self.fail(seq, reason, None, true, (now, jitter)),
            Verdict::Retry { reason, after_secs } => self.fail(seq, reason, after_secs, false, (now, jitter)),
        }
    }

    /// The one attempt to tell a stream that it is held. Whatever came of it, the status can be read as well.
    fn told(&mut self, seq: Seq, verdict: Verdict) -> Outcome {
        self.settle(seq);
        match verdict {
            Verdict::Delivered { .. } => Outcome::Settled,
            Verdict::Refused(reason)
            | Verdict::Pause(reason)
            | Verdict::LaneFault(reason)
            | Verdict::Retry { reason, .. } => Outcome::Untold(reason),
        }
    }

    /// The SET is not sent after all, whatever the reason: nobody is told, and nothing is known of the receiver.
    pub fn forget(&mut self, seq: Seq) {
        self.in_flight.remove(&seq);
        self.telling.take_if(|told| *told == seq);
        self.settle(seq);
    }

    /// Forgets everything up to `head`, except a notice. Answers to what is on its way count no more.
    // spec: SSF-152
    pub fn skip_to(&mut self, head: Seq) {
        self.backlog.skip_to(head);
        self.waiting.clear();
    }

    fn settle(&mut self, seq: Seq) {
        self.waiting.remove(&seq);
        self.backlog.settle(seq);
    }

    fn give_up(&mut self, reason: String) -> Outcome {
        self.held = true;
        Outcome::Pause(reason)
    }

    // spec: PUSH-031, PUSH-041, PUSH-044
    fn fail(
        &mut self,
        seq: Seq,
        reason: String,
        after_secs: Option<u64>,
        of_stream: bool,
        (now, jitter): (Millis, u32),
    ) -> Outcome {
        let asked_ms = after_secs.map_or(0, |secs| secs.min(RETRY_AFTER_SECS_MAX) * 1000);
        self.breaker.failed(&Failure { seq, in_flight: &self.in_flight, of_stream, asked_ms }, now, jitter);
        if self.breaker.broken_for(now) >= GIVE_UP_MS {
            return self.give_up(format!("no success for 24 hours; last: {reason}"));
        }
        let fresh = Waiting { failures: 0, since: now, until: now };
        let waiting = self.waiting.entry(seq).or_insert(fresh);
        if now.0.saturating_sub(waiting.since.0) >= SET_ASIDE_MS {
            self.settle(seq);
            return Outcome::Dead(format!("not taken within a week; last: {reason}"));
        }
        waiting.failures = waiting.failures.saturating_add(1);
        waiting.until = now.plus(backoff(waiting.failures, jitter).max(asked_ms));
        Outcome::Retry { at: waiting.until.max(self.breaker.until()), reason }
    }

    /// Holds the lane while its stream is paused, or lets it go on at once (SSF-148, SSF-149).
    // spec: SSF-148, SSF-149
    pub fn hold(&mut self, held: bool) {
        self.held = held;
        if !held {
            self.breaker.mend();
            self.waiting.clear();
        }
    }

    /// Whether a SET failed before and is sent again.
    pub fn has_failed(&self, seq: Seq) -> bool {
        self.waiting.contains_key(&seq)
    }

    /// Whether the receiver fails altogether and is only probed.
    pub const fn is_broken(&self) -> bool {
        self.breaker.is_open()
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
