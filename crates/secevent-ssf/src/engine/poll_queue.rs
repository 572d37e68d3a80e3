//! The delivery of one poll stream: acknowledgements first, then the selection (RFC 8936 §2.4).
//!
//! Leases live in memory and bind concurrent polls only: a poll with no other in flight is offered everything
//! that is not acknowledged, in order.

use std::collections::BTreeMap;

use super::{Backlog, Millis};
use crate::Seq;

/// The delivery of one poll stream.
#[derive(Debug)]
pub struct PollQueue {
    backlog: Backlog,
    leases: BTreeMap<Seq, Millis>,
    polls: usize,
    held: bool,
    lease_ms: u64,
}

/// What a poll is answered with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The events to send, oldest first.
    pub seqs: Vec<Seq>,
    /// Whether more is waiting (POLL-043).
    pub more: bool,
    /// How many of them were offered before.
    pub again: usize,
}

impl PollQueue {
    /// A queue over this backlog.
    pub const fn new(backlog: Backlog, lease_ms: u64) -> Self {
        Self { backlog, leases: BTreeMap::new(), polls: 0, held: false, lease_ms }
    }

    /// A poll begins. Each must end with [`Self::end`].
    // spec: POLL-030, POLL-036
    pub fn begin(&mut self) {
        if self.polls == 0 {
            self.leases.clear();
        }
        self.polls += 1;
    }

    /// A poll ends: answered, or its receiver went away.
    pub fn end(&mut self) {
        self.polls = self.polls.saturating_sub(1);
    }

    /// The receiver has this event, or reported an error for it: it is released either way (POLL-034).
    /// `false` when it is not open, which is no error (POLL-033).
    // spec: POLL-029, POLL-033, POLL-034
    pub fn ack(&mut self, seq: Seq) -> bool {
        self.leases.remove(&seq);
        self.backlog.settle(seq)
    }

    /// Picks at most `max` events, oldest first, and leases them. The shell serves [`Backlog::wants`] before.
    // spec: POLL-007, POLL-010, POLL-036, POLL-048, SSF-203
    pub fn select(&mut self, max: usize, now: Millis) -> Selection {
        let leases = &self.leases;
        let free = |seq: &Seq| leases.get(seq).is_none_or(|until| *until <= now);
        let open = self.backlog.open().filter(|_| !self.held);
        let offered = self.backlog.notice().into_iter().chain(open).map(|entry| entry.seq).filter(free);
        let mut seqs: Vec<_> = offered.take(max.saturating_add(1)).collect();
        let mut more = seqs.len() > max;
        seqs.truncate(max);
        let notice = self.backlog.notice().map(|notice| notice.seq);
        let again = seqs.iter().filter(|seq| Some(**seq) != notice).count();
        while !self.held
            && seqs.len() < max
            && let Some(entry) = self.backlog.take()
        {
            seqs.push(entry.seq);
        }
        let until = now.plus(self.lease_ms);
        self.leases.extend(seqs.iter().map(|seq| (*seq, until)));
        more |= !self.held && self.backlog.has_more();
        Selection { seqs, more, again }
    }

    /// Forgets everything up to `head`, except a notice.
    // spec: SSF-152
    pub fn skip_to(&mut self, head: Seq) {
        self.backlog.skip_to(head);
        self.leases.clear();
    }

    /// How many polls are being answered.
    pub const fn polls(&self) -> usize {
        self.polls
    }

    /// When the next lease ends: a parked poll looks again then.
    pub fn next_lease_end(&self, now: Millis) -> Option<Millis> {
        self.leases.values().copied().filter(|until| *until > now).min()
    }

    /// Holds the queue while its stream is paused (SSF-148): polls find a notice at most, acknowledgements count.
    // spec: SSF-148, POLL-048
    pub fn hold(&mut self, held: bool) {
        self.held = held;
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
