//! The receivers: how they answer, poll, lie and fall silent.

use std::collections::{BTreeMap, VecDeque};

use secevent::ErrorCode;
use secevent_ssf::{
    Seq, StreamNo,
    delivery::{SetError, poll::PollRequest, push::Answer},
    engine::Millis,
};

use crate::{
    poll::WAIT_MS,
    rng::Rng,
    world::{Inside, Task, World},
};

/// The deadline of one push.
const PUSH_TIMEOUT_MS: u64 = 10_000;

/// Names that a receiver remembers to lie with.
const REMEMBERED_MAX: usize = 64;

pub(crate) struct Peer {
    /// Pushed to; else it polls.
    pub(crate) push: bool,
    /// Well for the whole run, and so must never wait long.
    pub(crate) steady: bool,
    pub(crate) liar: bool,
    pub(crate) mood: Mood,
    pub(crate) stream: Option<StreamNo>,
    /// Got and not acknowledged.
    unacked: Vec<String>,
    remembered: VecDeque<String>,
    /// Its polls in progress, and whether their answers get lost.
    polls: BTreeMap<u64, bool>,
}

/// How a receiver behaves for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    Slow,
    /// Any status there is.
    Erratic,
    /// Connections break in the middle.
    Cut,
    Away,
    /// 429 or 503 with `Retry-After`.
    Throttling,
    /// What only an operator mends: 401, 403, 404, a key it does not know.
    Misconfigured,
    Gone,
    /// Acknowledges nothing.
    Forgetful,
}

const MOODS: [Mood; 11] = [
    Mood::Well,
    Mood::Well,
    Mood::Slow,
    Mood::Erratic,
    Mood::Erratic,
    Mood::Cut,
    Mood::Away,
    Mood::Throttling,
    Mood::Misconfigured,
    Mood::Gone,
    Mood::Forgetful,
];

const STATUSES: [u16; 26] = [
    200, 202, 202, 202, 204, 206, 301, 302, 307, 400, 400, 400, 401, 403, 404, 408, 409, 410, 413, 415, 422,
    425, 429, 500, 502, 503,
];

/// A SET on its way to a receiver.
#[derive(Clone, Debug)]
pub(crate) struct Push {
    /// In which life of the hub it was sent.
    pub(crate) life: u32,
    pub(crate) stream: StreamNo,
    pub(crate) seq: Seq,
    pub(crate) jti: String,
    pub(crate) sent: Millis,
}

impl Peer {
    pub(crate) fn draw(no: usize, rng: &mut Rng) -> Self {
        let steady = rng.once_in(5);
        Self {
            push: no.is_multiple_of(2),
            steady,
            liar: !steady && rng.once_in(4),
            mood: Mood::Well,
            stream: None,
            unacked: Vec::new(),
            remembered: VecDeque::new(),
            polls: BTreeMap::new(),
        }
    }

    fn got(&mut self, jti: String) {
        if self.remembered.len() == REMEMBERED_MAX {
            self.remembered.pop_front();
        }
        self.remembered.push_back(jti.clone());
        self.unacked.push(jti);
    }
}

impl World {
    /// A receiver changes its mind, if it is one of those.
    pub(crate) fn change_mood(&mut self, peer: usize) {
        if self.healed || self.peers[peer].steady {
            return;
        }
        let mood = self.rng.pick(&MOODS);
        self.trace.note(self.now, format_args!("{peer} is {mood:?}"));
        self.peers[peer].mood = mood;
        if let Some(no) = self.peers[peer].stream {
            self.model.unsure(no);
        }
        let for_ms = self.fate.mood_ms(&mut self.rng);
        self.plan(for_ms, Task::Mood(peer));
    }

    /// A SET reaches its receiver, or does not.
    pub(crate) fn pushed(&mut self, peer: usize, push: &Push) {
        let mood = self.peers[peer].mood;
        let (arrives, answer, after_ms) = answer(mood, &mut self.rng);
        if arrives {
            let taken = matches!(&answer, Some(Answer::Status { status: 200..=299, .. }))
                || (answer.is_none() && self.rng.once_in(2));
            self.model.arrived(self.now, push, taken, self.peers[peer].steady);
        }
        let late = self.now.plus(after_ms).0.saturating_sub(push.sent.0);
        let (answer, late) = match answer {
            Some(answer) if late < PUSH_TIMEOUT_MS => (answer, late),
            _ if arrives => (Answer::Failed("no answer in time".into()), PUSH_TIMEOUT_MS),
            _ => (Answer::Failed("no connection".into()), late.min(PUSH_TIMEOUT_MS)),
        };
        let delay = push.sent.plus(late).0.saturating_sub(self.now.0);
        self.plan(delay, Task::Hub(push.life, Inside::Answered(push.stream, push.seq, answer)));
    }

    /// A polling receiver asks, or lets it be for now.
    pub(crate) fn poll(&mut self, peer: usize) {
        let mood = self.peers[peer].mood;
        let Some(stream) = self.peers[peer].stream.filter(|_| mood != Mood::Away && self.up) else {
            let pause = self.rng.within(&(1_000..=30_000));
            return self.plan(pause, Task::Poll(peer));
        };
        let request = self.request(peer);
        let (id, cut) = (self.number(), mood == Mood::Cut);
        let lost = cut && self.rng.once_in(3);
        self.peers[peer].polls.insert(id, lost);
        if !(cut && self.rng.once_in(3)) {
            let latency = self.rng.within(&(1..=10));
            self.inside(latency, Inside::PollArrives(id, peer, stream, request));
        }
        if cut && self.rng.once_in(3) {
            let hangs_up = self.rng.within(&(5..=20_000));
            self.inside(hangs_up, Inside::PollGone(id));
        }
        self.plan(WAIT_MS + 10_000, Task::Polled(peer, id, None));
    }

    fn request(&mut self, peer: usize) -> PollRequest {
        let mut request = PollRequest::default();
        let (rng, peer) = (&mut self.rng, &mut self.peers[peer]);
        request.ack = std::mem::take(&mut peer.unacked);
        if peer.steady {
            return request;
        }
        request.return_immediately = rng.once_in(5);
        request.max_events = rng.once_in(2).then(|| rng.index(12));
        if peer.mood == Mood::Forgetful {
            request.ack.clear();
        }
        if peer.mood == Mood::Erratic {
            request.ack.retain(|_| !rng.once_in(3));
            if let Some(refused) = request.ack.pop() {
                let code = rng.pick(&ErrorCode::ALL);
                request.set_errs.push((refused, SetError::new(code, "not today")));
            }
        }
        if peer.liar {
            let nonsense = format!("never-{}", rng.next());
            let known: Vec<_> = peer.remembered.iter().cloned().collect();
            let stolen = self.model.names();
            for names in [&known, stolen] {
                if !names.is_empty() {
                    request.ack.push(rng.pick(names));
                    let unsaid = SetError { err: "x".into(), description: String::new() };
                    request.set_errs.push((rng.pick(names), unsaid));
                }
            }
            request.ack.extend(request.ack.clone());
            request.ack.push(nonsense.clone());
            request.set_errs.push((nonsense, SetError::new(ErrorCode::InvalidState, "")));
        }
        request
    }

    /// The answer to a poll reaches its receiver, or its patience ends.
    pub(crate) fn polled(&mut self, peer: usize, id: u64, sets: Option<Vec<(String, Seq)>>) {
        let Some(lost) = self.peers[peer].polls.remove(&id) else { return };
        let sets = sets.filter(|_| !lost);
        let failed = sets.is_none();
        let Some(stream) = self.peers[peer].stream else {
            return self.plan(10_000, Task::Poll(peer));
        };
        for (jti, seq) in sets.into_iter().flatten() {
            self.model.received(self.now, stream, seq, self.peers[peer].steady);
            self.peers[peer].got(jti);
        }
        let pause = match self.peers[peer].mood {
            _ if failed => self.rng.within(&(500..=5_000)),
            Mood::Slow | Mood::Throttling => self.rng.within(&(1_000..=60_000)),
            // It gets the same again and again.
            Mood::Forgetful => self.rng.within(&(1_000..=2_000 + self.fate.lasts_ms / 50)),
            _ => self.rng.within(&(5..=50)),
        };
        self.plan(pause, Task::Poll(peer));
    }
}

/// Whether a SET arrives, how it is answered, and after how long.
fn answer(mood: Mood, rng: &mut Rng) -> (bool, Option<Answer>, u64) {
    let error = |code, status| Answer::of(status, Some(SetError::new(code, "so it says")), None);
    let promptly = rng.within(&(5..=50));
    match mood {
        Mood::Well | Mood::Forgetful => (true, Some(Answer::status(202)), promptly),
        Mood::Slow => (true, Some(Answer::status(202)), rng.within(&(500..=11_000))),
        Mood::Cut => (rng.once_in(2), None, rng.within(&(5..=10_000))),
        Mood::Away => (false, None, rng.pick(&[1, 10_000])),
        Mood::Gone => (true, Some(Answer::status(410)), promptly),
        Mood::Throttling => {
            let after = rng.pick(&[0, 1, 30, 600, 86_400]);
            (true, Some(Answer::of(rng.pick(&[429, 503]), None, Some(after))), promptly)
        }
        Mood::Misconfigured => {
            let faults = [Answer::status(401), Answer::status(404), error(ErrorCode::InvalidKey, 400)];
            (true, Some(rng.pick(&faults)), promptly)
        }
        Mood::Erratic => {
            let answer = match rng.pick(&STATUSES) {
                400 => error(rng.pick(&ErrorCode::ALL), 400),
                status => Answer::status(status),
            };
            (true, Some(answer), promptly)
        }
    }
}
