//! Poll streams: acknowledgements first, then the selection (`secevent-hub/src/transmitter/poll.rs`).

use secevent_ssf::{
    Seq, StreamNo,
    delivery::poll::PollRequest,
    engine::{Millis, Selection},
};

use crate::{
    fate::letter,
    stream::Queue,
    told::Why,
    world::{Inside, Task, World},
};

/// How long a long poll is held open; longer than a real one, for there is nothing to see in an empty answer.
pub(crate) const WAIT_MS: u64 = 300_000;

const POLL_EVENTS_MAX: usize = 100;

/// A poll in progress.
pub(crate) struct Poll {
    stream: StreamNo,
    peer: usize,
    max: usize,
    immediately: bool,
    deadline: Millis,
    pub(crate) reading: bool,
    /// Counts its waits; an older one is void.
    timer: u64,
}

impl World {
    pub(crate) fn poll_arrives(&mut self, id: u64, peer: usize, no: StreamNo, request: &PollRequest) {
        if !self.hub.streams.contains_key(&no) {
            return self.answer_poll(id, peer, None);
        }
        self.settle_polled(no, request);
        let alone = self.hub.polls.values().all(|poll| poll.stream != no);
        self.model.poll_begins(no, alone);
        if let Some(queue) = self.poll_queue(no) {
            queue.begin();
        }
        let max = request.max_events.unwrap_or(usize::MAX).min(POLL_EVENTS_MAX);
        let immediately = request.return_immediately;
        let deadline = self.now.plus(WAIT_MS);
        let poll = Poll { stream: no, peer, max, immediately, deadline, reading: false, timer: 0 };
        self.hub.polls.insert(id, poll);
        self.step(id);
    }

    fn poll_queue(&mut self, no: StreamNo) -> Option<&mut secevent_ssf::engine::PollQueue> {
        match &mut self.hub.streams.get_mut(&no)?.queue {
            Queue::Poll(queue) => Some(queue),
            Queue::Push(_) => None,
        }
    }

    fn settle_polled(&mut self, no: StreamNo, request: &PollRequest) {
        for (jti, why) in request.ack.iter().map(|jti| (jti, None)).chain(
            request
                .set_errs
                .iter()
                .map(|(jti, error)| (jti, Some(format!("{}: {}", error.err, error.description)))),
        ) {
            let audience = self.hub.streams[&no].record.audience;
            let Some((seq, _)) = self.mint.open(jti).filter(|(_, of)| *of == audience) else { continue };
            let Some(queue) = self.poll_queue(no) else { return };
            let settled = queue.ack(seq);
            self.model.acked(no, seq, settled, if why.is_some() { Why::Dead } else { Why::Taken });
            if !settled {
                self.trace.count("a lie, or too late");
                continue;
            }
            self.trace.count(if why.is_some() { "a refusal" } else { "an acknowledgement" });
            self.trace.note(self.now, format_args!("{no:?} {seq:?} acknowledged, {why:?}"));
            let (at, stream) = (self.now.timestamp(), self.hub.streams.get_mut(&no));
            if let (Some(reason), Some(stream)) = (why, stream) {
                stream.letters.push(letter(no, seq, reason, at));
            }
            self.mark_dirty(no);
        }
    }

    /// All polls of a stream look again.
    pub(crate) fn look(&mut self, no: StreamNo) {
        let polls = self.hub.polls.iter().filter(|(_, poll)| poll.stream == no);
        let ids: Vec<_> = polls.map(|(id, _)| *id).collect();
        for id in ids {
            self.step(id);
        }
    }

    pub(crate) fn poll_timer(&mut self, id: u64, timer: u64) {
        if self.hub.polls.get(&id).is_some_and(|poll| poll.timer == timer) {
            self.step(id);
        }
    }

    pub(crate) fn step(&mut self, id: u64) {
        let Some(poll) = self.hub.polls.get_mut(&id).filter(|poll| !poll.reading) else { return };
        let (no, peer, now) = (poll.stream, poll.peer, self.now);
        let Some(stream) = self.hub.streams.get_mut(&no) else {
            self.hub.polls.remove(&id);
            return self.answer_poll(id, peer, None);
        };
        if let Some(after) = stream.backlog().wants() {
            poll.reading = true;
            return self.read(no, Some(id), after);
        }
        let Queue::Poll(queue) = &mut stream.queue else { return };
        let selection = queue.select(poll.max, now);
        let lease_end = queue.next_lease_end(now);
        self.model.selected((now, self.hub.head), no, &selection, poll.max);
        let done = !selection.seqs.is_empty()
            || (poll.max == 0 && selection.more)
            || poll.immediately
            || now >= poll.deadline;
        if done {
            queue.end();
            self.hub.polls.remove(&id);
            return self.respond(id, peer, no, &selection);
        }
        poll.timer += 1;
        let until = lease_end.unwrap_or(poll.deadline).min(poll.deadline).max(now.plus(1));
        let timer = poll.timer;
        self.inside(until.0 - now.0, Inside::PollTimer(id, timer));
    }

    fn respond(&mut self, id: u64, peer: usize, no: StreamNo, selection: &Selection) {
        let audience = self.hub.streams[&no].record.audience;
        let named = |seq: &Seq| (self.mint.mint(*seq, audience), *seq);
        let sets: Vec<_> = selection.seqs.iter().map(named).collect();
        for (jti, seq) in &sets {
            self.model.offered(no, *seq, jti);
        }
        if selection.more {
            self.trace.count("a poll with more to come");
        }
        self.trace.note(self.now, format_args!("{no:?} polled: {:?}", selection.seqs));
        self.mark_dirty(no);
        self.answer_poll(id, peer, Some(sets));
    }

    fn answer_poll(&mut self, id: u64, peer: usize, sets: Option<Vec<(String, Seq)>>) {
        let latency = self.rng.within(&(1..=10));
        self.plan(latency, Task::Polled(peer, id, sets));
    }

    /// The receiver hung up.
    pub(crate) fn poll_gone(&mut self, id: u64) {
        if let Some(poll) = self.hub.polls.remove(&id)
            && let Some(queue) = self.poll_queue(poll.stream)
        {
            queue.end();
        }
    }
}
