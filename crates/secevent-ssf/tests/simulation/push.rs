//! Push streams: does what a lane says and tells it the answers (`secevent-hub/src/push_worker.rs`).

use secevent_ssf::{
    Seq, StreamNo,
    delivery::push::{Answer, Verdict, judge},
    engine::{Action, Outcome, RING_MAX},
    store::{Routes, Store},
};

use crate::{
    changes::Change,
    fate::letter,
    peers::{Mood, Push},
    stream::{Queue, WINDOW},
    told::Why,
    world::{Inside, Task, World},
};

impl World {
    /// Something happened to a stream: its lane is asked, or its polls look again.
    pub(crate) fn work(&mut self, no: StreamNo) {
        loop {
            let Some(stream) = self.hub.streams.get_mut(&no) else { return };
            let Queue::Push(lane) = &mut stream.queue else { return self.look(no) };
            if stream.reading {
                return;
            }
            let action = lane.next(self.now);
            assert!(lane.in_flight() <= WINDOW, "{no:?} has {} in flight", lane.in_flight());
            match action {
                Action::Send(seq) => self.send(no, seq),
                Action::Read(after) => {
                    stream.reading = true;
                    return self.read(no, None, after);
                }
                Action::Wait(until) => {
                    stream.timer += 1;
                    let timer = stream.timer;
                    return self.inside(until.0.saturating_sub(self.now.0).max(1), Inside::Wake(no, timer));
                }
                _ => return,
            }
        }
    }

    pub(crate) fn wake(&mut self, no: StreamNo, timer: u64) {
        if self.hub.streams.get(&no).is_some_and(|stream| stream.timer == timer) {
            self.work(no);
        }
    }

    fn send(&mut self, no: StreamNo, seq: Seq) {
        let stream = &self.hub.streams[&no];
        let (jti, peer) = (self.mint.mint(seq, stream.record.audience), stream.peer());
        self.model.sent(no, seq, &jti);
        self.trace.note(self.now, format_args!("{no:?} sends {seq:?}"));
        let latency = self.rng.within(&(1..=10));
        let push = Push { life: self.life, stream: no, seq, jti, sent: self.now };
        self.plan(latency, Task::Pushed(peer, push));
    }

    pub(crate) fn answered(&mut self, no: StreamNo, seq: Seq, answer: &Answer) {
        let Some(stream) = self.hub.streams.get_mut(&no) else { return };
        let peer = stream.peer();
        let Queue::Push(lane) = &mut stream.queue else { return };
        let (now, verdict) = (self.now, judge(answer));
        self.trace.count(kind(&verdict));
        let delivered = matches!(verdict, Verdict::Delivered { .. });
        let asked_ms = match &verdict {
            Verdict::Retry { after_secs, .. } => after_secs.unwrap_or_default().min(3_600) * 1000,
            _ => 0,
        };
        let mut took = false;
        let outcome = lane.answered(seq, verdict, now, self.rng.jitter());
        self.trace.count(fate(&outcome));
        self.trace.note(now, format_args!("{no:?} {seq:?} answered: {outcome:?}"));
        self.model.landed(no, seq);
        match outcome {
            Outcome::Settled if delivered => {
                took = true;
                self.model.settle(no, seq, Why::Taken);
                if self.peers[peer].mood == Mood::Well {
                    self.model.works(no, now);
                }
            }
            Outcome::Settled => self.model.expect_settled(no, seq),
            Outcome::Dead(reason) => {
                let refused = matches!(answer, Answer::Status { status: 400 | 409 | 413 | 415 | 422, .. });
                assert!(refused, "{no:?} {seq:?} is given up after {answer:?}");
                assert!(!reason.is_empty(), "a dead letter has a reason");
                stream.letters.push(letter(no, seq, reason, now.timestamp()));
                self.model.settle(no, seq, Why::Dead);
            }
            Outcome::Retry { at, .. } => {
                self.model.failed(no, seq);
                assert!(at >= now.plus(asked_ms), "{no:?} {seq:?} again at {at:?}, asked for {asked_ms} ms");
            }
            Outcome::Pause(reason) => {
                self.model.gave_up(no);
                self.change(Change::HubPause(no, reason));
            }
            _ => {}
        }
        self.mark_dirty(no);
        self.work(no);
        let reading = self.hub.streams.get_mut(&no).is_none_or(|stream| stream.backlog().wants().is_some());
        if took && !reading {
            self.model.expect_at_work(no, self.hub.head);
        }
    }

    /// Asks the log what it has for a stream, for its lane or one of its polls. What is read is as old as
    /// the question, or as new as the answer.
    pub(crate) fn read(&mut self, no: StreamNo, poll: Option<u64>, after: Seq) {
        let routes = self.rng.once_in(2).then(|| self.routes(no, after));
        let most = if self.rng.once_in(10) { 400 } else { 5 };
        let delay = self.rng.within(&(0..=most));
        self.inside(delay, Inside::Read(no, poll, after, routes));
    }

    fn routes(&self, no: StreamNo, after: Seq) -> Routes {
        self.disk.routes(no, after, RING_MAX).expect("memory can be read")
    }

    pub(crate) fn has_read(&mut self, no: StreamNo, poll: Option<u64>, after: Seq, routes: Option<Routes>) {
        let routes = routes.unwrap_or_else(|| self.routes(no, after));
        let head = self.hub.head;
        if let Some(stream) = self.hub.streams.get_mut(&no) {
            self.trace.note(self.now, format_args!("{no:?} has read up to {:?}", routes.through));
            self.trace.count("a reading of the log");
            if routes.entries.len() == RING_MAX {
                self.trace.count("a reading as long as the ring");
            }
            stream.backlog().refill(routes.entries, routes.through, head);
            stream.reading &= poll.is_some();
        }
        let Some(id) = poll else { return self.work(no) };
        if let Some(poll) = self.hub.polls.get_mut(&id) {
            poll.reading = false;
            self.step(id);
        }
    }
}

const fn kind(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Delivered { .. } => "delivered",
        Verdict::Refused(_) => "refused",
        Verdict::LaneFault(_) => "a fault of the lane",
        Verdict::Pause(_) => "gone",
        _ => "a passing trouble",
    }
}

fn fate(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Settled => "settled",
        Outcome::Dead(_) => "a dead letter",
        Outcome::Retry { .. } => "again later",
        Outcome::Pause(why) if why.contains("24 hours") => "paused after 24 hours",
        Outcome::Pause(_) => "paused at once",
        _ => "untold",
    }
}
