//! A stream at work, as `secevent-hub/src/stream.rs` has it.

use secevent::event::ssf::StreamStatus;
use secevent_ssf::{
    Entry, Seq,
    engine::{Backlog, Cursor, Lane, PollQueue},
    store::{DeadLetter, StreamRecord},
    stream::Delivery,
};

/// SETs of one push stream on their way at once.
pub(crate) const WINDOW: usize = 8;

/// How long an event handed to one poll is kept from others.
pub(crate) const LEASE_MS: u64 = 10_000;

pub(crate) struct Stream {
    pub(crate) record: StreamRecord,
    pub(crate) queue: Queue,
    /// Set aside and not written yet.
    pub(crate) letters: Vec<DeadLetter>,
    pub(crate) record_dirty: bool,
    /// The lane waits for the log.
    pub(crate) reading: bool,
    /// Counts the waits of the lane; an older one is void.
    pub(crate) timer: u64,
}

pub(crate) enum Queue {
    Push(Lane),
    Poll(PollQueue),
}

impl Stream {
    pub(crate) fn new(record: StreamRecord, backlog: Backlog) -> Self {
        let mut queue = match record.config.delivery {
            Delivery::Push { .. } => Queue::Push(Lane::new(backlog, WINDOW)),
            _ => Queue::Poll(PollQueue::new(backlog, LEASE_MS)),
        };
        queue.hold(record.status != StreamStatus::Enabled);
        Self { record, queue, letters: Vec::new(), record_dirty: false, reading: false, timer: 0 }
    }

    /// Which of the receivers it belongs to.
    pub(crate) fn peer(&self) -> usize {
        self.record.receiver.parse().expect("receivers have numbers")
    }

    pub(crate) const fn backlog(&mut self) -> &mut Backlog {
        match &mut self.queue {
            Queue::Push(lane) => lane.backlog_mut(),
            Queue::Poll(queue) => queue.backlog_mut(),
        }
    }

    pub(crate) fn take_dirty_record(&mut self) -> Option<StreamRecord> {
        let waits = self.backlog().notice().map(|notice| notice.seq);
        let taken = self.record.notice.is_some() && self.record.notice != waits;
        if taken {
            self.record.notice = None;
        }
        (std::mem::take(&mut self.record_dirty) || taken).then(|| self.record.clone())
    }

    pub(crate) fn take_dirty(&mut self) -> Option<(Cursor, Vec<DeadLetter>)> {
        let cursor = self.backlog().take_dirty()?;
        Some((cursor, self.letters.clone()))
    }

    /// Mirrors `take_effect` of the hub.
    pub(crate) fn take_effect(&mut self, record: StreamRecord, notice: Option<Entry>, head: Seq) {
        let was_disabled = self.record.status == StreamStatus::Disabled;
        match notice {
            Some(notice) => self.backlog().tell(notice),
            None if record.notice.is_none() => self.backlog().withdraw_notice(),
            None => {}
        }
        if was_disabled || record.status == StreamStatus::Disabled {
            self.queue.skip_to(head);
        }
        self.queue.hold(record.status != StreamStatus::Enabled);
        self.record = record;
    }
}

impl Queue {
    fn hold(&mut self, held: bool) {
        match self {
            Self::Push(lane) => lane.hold(held),
            Self::Poll(queue) => queue.hold(held),
        }
    }

    fn skip_to(&mut self, head: Seq) {
        match self {
            Self::Push(lane) => lane.skip_to(head),
            Self::Poll(queue) => queue.skip_to(head),
        }
    }
}
