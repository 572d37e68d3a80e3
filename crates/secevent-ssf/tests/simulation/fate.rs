//! What a seed decides before a run begins, and what producers and operators do.

use secevent::{EventType, SubjectId, Timestamp, event::ssf::StreamStatus};
use secevent_ssf::{
    LoggedEvent, Seq, StreamNo, SubjectKey,
    store::{Batch, DeadLetter, NewEvent, Party},
};

use crate::{
    changes::Change,
    peers::{Mood, Peer},
    rng::Rng,
    world::{Task, World},
    writer::Then,
};

/// Half of them are pushed to, half of them poll.
pub(crate) const PEERS: usize = 40;

/// Fewer than there are events, so that order matters.
const SUBJECTS: usize = 20;

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;

/// The plan of a run.
pub(crate) struct Fate {
    pub(crate) lasts_ms: u64,
    pub(crate) retention_secs: i64,
    /// The hub does not crash: some things take a long life.
    pub(crate) calm: bool,
}

impl Fate {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let lasts_ms = rng.pick(&[5 * MINUTE_MS, 5 * MINUTE_MS, 2 * HOUR_MS, 60 * HOUR_MS]);
        let retention_secs = rng.pick(&[1, 2, 100]) * i64::try_from(lasts_ms / 4_000).expect("a few hours");
        let calm = rng.once_in(3);
        Self { lasts_ms, retention_secs, calm }
    }

    /// How long a receiver stays as it is.
    pub(crate) fn mood_ms(&self, rng: &mut Rng) -> u64 {
        let most = self.lasts_ms / rng.pick(&[1, 8, 8, 40]);
        rng.within(&(1..=most))
    }
}

impl World {
    /// Everything that will happen by itself.
    pub(crate) fn plan_all(&mut self) {
        let lasts = self.fate.lasts_ms;
        for peer in 0..PEERS {
            let drawn = Peer::draw(peer, &mut self.rng);
            let concurrent = if drawn.push { 0 } else { 1 + u64::from(self.rng.once_in(4)) };
            self.peers.push(drawn);
            let created = self.rng.within(&(0..=5_000));
            self.plan(created, Task::Found(peer));
            (0..concurrent).for_each(|nth| self.plan(5_000 + nth, Task::Poll(peer)));
            self.plan_some(&Task::Mood(peer), 1, lasts / 4);
        }
        let (posts, changes) = (self.rng.within(&(20..=150)), self.rng.within(&(0..=100)));
        let (crashes, full) = (self.rng.within(&(0..=6)), self.rng.within(&(0..=2)));
        self.plan_some(&Task::Produce(8), posts, lasts);
        self.plan_some(&Task::Operate, changes, lasts);
        self.plan_some(&Task::Crash, crashes, lasts);
        self.plan_some(&Task::Room(false), full, lasts);
        if self.rng.once_in(8) {
            self.plan_some(&Task::Flood, 1, lasts);
        }
        self.plan(lasts, Task::Heal);
    }

    fn plan_some(&mut self, task: &Task, times: u64, within_ms: u64) {
        for _ in 0..times {
            let at = self.rng.within(&(0..=within_ms));
            self.plan(at, task.clone());
        }
    }

    /// A producer hands in a few events.
    pub(crate) fn produce(&mut self, most: u64) {
        if !self.up || self.healed {
            return;
        }
        let events = (0..self.rng.within(&(1..=most))).map(|_| {
            let one_in = self.rng.pick(&[1, 3, 8, 8, 8]);
            self.event(|rng, _| rng.once_in(one_in))
        });
        let events: Vec<_> = events.collect();
        self.post(events);
    }

    /// More for a few streams than their rings hold.
    pub(crate) fn flood(&mut self) {
        if !self.up || self.healed {
            return;
        }
        let chosen: Vec<_> = (0..3).map(|_| self.rng.index(PEERS)).collect();
        // Those that are away fill up to the last place.
        if let Some(peer) = chosen.iter().copied().find(|peer| !self.peers[*peer].steady) {
            self.peers[peer].mood = if self.peers[peer].push { Mood::Away } else { Mood::Forgetful };
        }
        for _ in 0..5 {
            let events = (0..520).map(|_| self.event(|_, peer| chosen.contains(&peer)));
            let events = events.collect();
            self.post(events);
        }
    }

    fn event(&mut self, mut is_for: impl FnMut(&mut Rng, usize) -> bool) -> NewEvent {
        let rng = &mut self.rng;
        let about = rng.index(SUBJECTS);
        let streams =
            self.hub.streams.iter().filter(|(_, stream)| stream.record.status != StreamStatus::Disabled);
        let streams = streams.filter(|(_, stream)| is_for(rng, stream.peer())).map(|(no, _)| *no).collect();
        NewEvent { streams, subject: self.subjects[about], ..self.template.clone() }
    }

    fn post(&mut self, mut events: Vec<NewEvent>) {
        for event in &mut events {
            event.event.iat = self.now.timestamp();
        }
        let count = events.len() as u64;
        self.trace.note(self.now, format_args!("{count} events are handed in"));
        self.commit(Batch { events, writes: Vec::new() }, Then::Accepted(count));
    }

    pub(crate) fn answer_producer(&mut self, first: Option<Seq>, count: u64) {
        if let Some(first) = first {
            self.model.accepted(first, count);
        }
    }

    /// Somebody changes a stream; now and then the hub crashes over it.
    pub(crate) fn operate(&mut self) {
        if let Some(wish) = self.any_change().filter(|_| self.up && !self.healed) {
            self.change(wish);
            if self.rng.once_in(5) {
                let soon = self.rng.within(&(0..=300));
                self.plan(soon, Task::Crash);
            }
        }
    }

    fn any_change(&mut self) -> Option<Change> {
        let without = (0..PEERS).find(|peer| self.peers[*peer].stream.is_none());
        if let Some(peer) = without.filter(|_| self.rng.once_in(2)) {
            return Some(Change::Create(peer));
        }
        // A few are changed again and again, so that one change meets the next.
        let few = if self.rng.once_in(2) { 4 } else { PEERS };
        let streams: Vec<_> = self.hub.streams.keys().copied().take(few).collect();
        let no: StreamNo = (!streams.is_empty()).then(|| self.rng.pick(&streams))?;
        let disabled = self.hub.streams[&no].record.status == StreamStatus::Disabled;
        let status = |status, by| Some(Change::Status(no, status, by));
        match self.rng.index(10) {
            0 => Some(Change::Delete(no)),
            _ if disabled => status(StreamStatus::Enabled, Party::Receiver),
            1..=3 => status(StreamStatus::Paused, Party::Operator),
            4 => status(StreamStatus::Paused, Party::Receiver),
            5 | 6 => status(StreamStatus::Enabled, Party::Operator),
            7 => status(StreamStatus::Enabled, Party::Receiver),
            _ => status(StreamStatus::Disabled, Party::Receiver),
        }
    }

    /// All is well from now on, and stays so.
    pub(crate) fn heal(&mut self) {
        self.trace.note(self.now, format_args!("all is well"));
        (self.healed, self.full) = (true, false);
        for peer in &mut self.peers {
            peer.mood = Mood::Well;
        }
    }

    /// Whoever is paused goes on; true when nobody is.
    pub(crate) fn resume_all(&mut self) -> bool {
        let paused =
            self.hub.streams.iter().filter(|(_, stream)| stream.record.status == StreamStatus::Paused);
        let paused: Vec<_> = paused.map(|(no, _)| *no).collect();
        for no in &paused {
            self.change(Change::Status(*no, StreamStatus::Enabled, Party::Operator));
        }
        paused.is_empty()
    }
}

/// Whom events are about.
pub(crate) fn subjects() -> Vec<SubjectKey> {
    (0..SUBJECTS).map(|n| SubjectKey::of(&SubjectId::opaque(format!("user-{n}")))).collect()
}

pub(crate) fn new_event(iat: Timestamp, about: &str, streams: Vec<StreamNo>) -> NewEvent {
    let subject = SubjectId::opaque(about);
    let event_type = EventType::from_uri("urn:example:event");
    let event = LoggedEvent::new(iat, event_type, subject.clone(), serde_json::Map::new(), "t".into());
    NewEvent { subject: SubjectKey::of(&subject), event, streams }
}

/// An event that is set aside; the store adds what it said.
pub(crate) fn letter(stream: StreamNo, seq: Seq, reason: String, at: Timestamp) -> DeadLetter {
    DeadLetter { stream, seq, reason, at, many: None, event: None }
}
