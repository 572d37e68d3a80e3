//! How a stream works with two lanes: each delivery has a number, under which it is found as long as it goes on.

use secevent_ssf::{
    Entry, Seq,
    delivery::push::Verdict,
    engine::{Backlog, Lane, Millis, OPEN_MAX, Outcome, PollQueue},
    store::{DeadLetter, Replay, Routes, Source, StreamRecord},
};

use super::{Again, Progress, Settled, State, WINDOW};
use crate::{
    Limits,
    stream::{Queue, Work},
};

impl Work {
    /// Begins to send once more, from where this replay stands.
    pub(crate) fn begin_again(&mut self, replay: Replay, record: &StreamRecord, limits: &Limits) -> u64 {
        let backlog = Backlog::resume(replay.high, replay.open.iter().copied());
        let delivery_no = self.next_delivery_no();
        self.again = Some(Again { queue: again_queue(record, backlog, limits), delivery_no, replay });
        self.ended = None;
        delivery_no
    }

    /// The same backlog in another way.
    pub(crate) fn deliver_again_as(&mut self, record: &StreamRecord, limits: &Limits) {
        let delivery_no = self.next_delivery_no();
        if let Some(again) = &mut self.again {
            let backlog = std::mem::take(again.queue.backlog_mut());
            (again.queue, again.delivery_no) = (again_queue(record, backlog, limits), delivery_no);
        }
    }

    /// Adds dead letters to what is sent once more; `false` when they are too many.
    pub(crate) fn add_again(&mut self, entries: &[Entry]) -> Option<bool> {
        let again = self.again.as_mut()?;
        let backlog = again.queue.backlog_mut();
        let new: Vec<_> = entries.iter().filter(|entry| !backlog.is_open(entry.seq)).collect();
        let (open, _) = backlog.len();
        if open + new.len() > OPEN_MAX {
            return Some(false);
        }
        again.replay.count += new.len() as u64;
        Some(new.into_iter().all(|entry| backlog.reopen(*entry)))
    }

    /// Ends what is sent once more; what is on its way counts no more.
    pub(crate) fn end_again(&mut self, state: State) -> Option<Progress> {
        let ended = self.again.take()?.progress(state);
        self.replay_dirty = true;
        self.ended = Some(ended.clone());
        Some(ended)
    }

    /// How it stands with what is sent once more, or how it ended.
    pub(crate) fn progress(&self, held: bool) -> Option<Progress> {
        let state = if held { State::Held } else { State::Running };
        self.again.as_ref().map(|again| again.progress(state)).or_else(|| self.ended.clone())
    }

    /// Whether this is the delivery of what is sent once more.
    pub(crate) fn is_again(&self, delivery_no: u64) -> bool {
        self.again.as_ref().is_some_and(|again| again.delivery_no == delivery_no)
    }

    /// The numbers of what is delivered now: first what is new.
    pub(crate) fn deliveries(&self) -> impl Iterator<Item = u64> + use<> {
        let again = self.again.as_ref().map(|again| again.delivery_no);
        std::iter::once(self.delivery_no).chain(again)
    }

    /// The queue of a delivery, as long as that goes on as it was begun.
    fn queue_of(&mut self, delivery_no: u64) -> Option<&mut Queue> {
        match &mut self.again {
            _ if self.delivery_no == delivery_no => Some(&mut self.queue),
            Some(again) if again.delivery_no == delivery_no => Some(&mut again.queue),
            _ => None,
        }
    }

    /// The same of a push stream.
    pub(crate) fn lane(&mut self, delivery_no: u64) -> Option<&mut Lane> {
        match self.queue_of(delivery_no) {
            Some(Queue::Push(lane)) => Some(lane),
            _ => None,
        }
    }

    /// The queues of a poll stream: first what is new.
    pub(crate) fn poll_queues(&mut self) -> impl Iterator<Item = &mut PollQueue> {
        let again = self.again.as_mut().map(|again| &mut again.queue);
        std::iter::once(&mut self.queue).chain(again).filter_map(|queue| match queue {
            Queue::Poll(queue) => Some(queue),
            Queue::Push(_) => None,
        })
    }

    /// Forgets what was to come up to `head`, and what was to come once more.
    // spec: SSF-152
    pub(crate) fn skip_to(&mut self, head: Seq) {
        self.queue.skip_to(head);
        self.end_again(State::Cancelled);
    }

    pub(crate) fn hold(&mut self, held: bool) {
        self.queue.hold(held);
        if let Some(again) = &mut self.again {
            again.queue.hold(held);
        }
    }

    /// After which place a delivery wants to read; what is sent once more also of what, and up to where.
    pub(crate) fn wants(&mut self, delivery_no: u64) -> Option<(Seq, Option<(Source, Seq)>)> {
        let after = self.queue_of(delivery_no)?.backlog().wants()?;
        let again = self.again.as_ref().filter(|again| again.delivery_no == delivery_no);
        Some((after, again.map(|again| (again.replay.source.clone(), again.replay.through))))
    }

    /// What was read for a delivery, while the log ends at `head`.
    pub(crate) fn refill(&mut self, delivery_no: u64, read: Routes, head: Seq) {
        match &mut self.again {
            Some(again) if again.delivery_no == delivery_no => {
                let mut entries = super::due(&again.replay.source, &self.queue, read.entries);
                let found = entries.len();
                // A letter that was added is under way already, and was counted then.
                entries.retain(|entry| !again.queue.backlog().is_open(entry.seq));
                again.replay.count -= again.replay.count.min((found - entries.len()) as u64);
                again.queue.backlog_mut().refill(entries, read.through, again.replay.through);
            }
            _ if self.delivery_no == delivery_no => {
                self.queue.backlog_mut().refill(read.entries, read.through, head);
            }
            _ => {}
        }
    }

    /// A push was answered, or not.
    pub(crate) fn answered(
        &mut self,
        delivery_no: u64,
        letter: DeadLetter,
        verdict: Verdict,
        (now, jitter): (Millis, u32),
    ) -> Option<Outcome> {
        let delivered = matches!(verdict, Verdict::Delivered { .. });
        let outcome = self.lane(delivery_no)?.answered(letter.seq, verdict, now, jitter);
        match &outcome {
            Outcome::Settled if delivered => self.has_taken(delivery_no, letter.seq),
            Outcome::Dead(reason) => {
                self.set_aside(delivery_no, DeadLetter { reason: reason.clone(), ..letter });
            }
            _ => {}
        }
        Some(outcome)
    }

    /// Releases an event of a poll stream and says of which delivery it was; `None` when it is not open.
    pub(crate) fn release(&mut self, seq: Seq) -> Option<u64> {
        let nth = self.poll_queues().position(|queue| queue.ack(seq))?;
        self.deliveries().nth(nth)
    }

    /// The receiver has an event: what was set aside of it can go.
    pub(crate) fn has_taken(&mut self, delivery_no: u64, seq: Seq) {
        if self.is_again(delivery_no) {
            self.taken.push(seq);
        }
    }

    pub(crate) fn set_aside(&mut self, delivery_no: u64, letter: DeadLetter) {
        if let Some(again) = self.again.as_mut().filter(|again| again.delivery_no == delivery_no) {
            again.replay.refused += 1;
        }
        self.letters.push(letter);
    }

    /// What is to be written, if anything is. What is sent once more ends here when all of it is done.
    pub(crate) fn take_dirty(&mut self) -> Option<Settled> {
        if self.again.as_ref().is_some_and(Again::is_finished) {
            self.end_again(State::Finished);
        }
        let cursor = self.queue.backlog_mut().take_dirty();
        let again = self.again.as_mut().and_then(|again| again.queue.backlog_mut().take_dirty());
        let replay_changed = std::mem::take(&mut self.replay_dirty) || again.is_some();
        (cursor.is_some() || replay_changed).then(|| {
            let replay = self.again.as_ref().filter(|_| replay_changed).map(Again::replay);
            let (letters, taken) = (self.letters.clone(), self.taken.clone());
            Settled { cursor, replay_changed, replay, letters, taken }
        })
    }
}

/// The queue of what is sent once more.
fn again_queue(record: &StreamRecord, backlog: Backlog, limits: &Limits) -> Queue {
    Queue::with_window(record, backlog, (WINDOW, limits))
}
