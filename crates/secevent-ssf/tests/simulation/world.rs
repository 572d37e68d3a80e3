//! A world in one thread: an agenda of what happens next, a clock that jumps there, and no other source of events.

use std::collections::{BTreeMap, BTreeSet};

use secevent_ssf::{
    JtiMint, Seq, StreamNo, SubjectKey,
    delivery::{poll::PollRequest, push::Answer},
    engine::Millis,
    store::{MemoryStore, NewEvent, Origin, Routes, Store},
};

use crate::{
    changes::Change,
    fate::{Fate, PEERS, new_event, subjects},
    model::Model,
    peers::{Peer, Push},
    rng::{Rng, Trace},
    writer::{Hub, Then},
};

/// When all is well again, what is left is delivered within this time: SETs that failed for long wait up to four hours,
/// a lane that failed as long probes no earlier, and each may ask for an hour more.
const QUIET_WITHIN_MS: u64 = 12 * 3_600_000;

pub(crate) struct World {
    pub(crate) now: Millis,
    pub(crate) rng: Rng,
    pub(crate) trace: Trace,
    pub(crate) fate: Fate,
    /// What survives a crash.
    pub(crate) disk: MemoryStore,
    /// There is no room on it.
    pub(crate) full: bool,
    pub(crate) hub: Hub,
    pub(crate) mint: JtiMint,
    pub(crate) up: bool,
    /// Which life of the hub this is, or the next one will be.
    pub(crate) life: u32,
    pub(crate) peers: Vec<Peer>,
    pub(crate) model: Model,
    pub(crate) healed: bool,
    pub(crate) subjects: Vec<SubjectKey>,
    pub(crate) template: NewEvent,
    agenda: BTreeMap<(Millis, u64), Task>,
    numbers: u64,
}

/// What can happen.
#[derive(Clone)]
pub(crate) enum Task {
    /// Something in the hub, which means nothing to its next life.
    Hub(u32, Inside),
    Pushed(usize, Push),
    Poll(usize),
    Polled(usize, u64, Option<Vec<(String, Seq)>>),
    Mood(usize),
    Produce(u64),
    Flood,
    /// A receiver makes its first stream.
    Found(usize),
    Operate,
    /// There is room on the disk, or none.
    Room(bool),
    Crash,
    Start,
    Heal,
    /// Whether everything is quiet; asked at this time first.
    Look(Millis),
}

/// What can happen in the hub.
#[derive(Clone)]
pub(crate) enum Inside {
    Flush,
    Durable,
    Committed,
    Answer(Then, Option<Seq>),
    Wake(StreamNo, u64),
    Answered(StreamNo, Seq, Answer),
    Read(StreamNo, Option<u64>, Seq, Option<Routes>),
    PollArrives(u64, usize, StreamNo, PollRequest),
    PollTimer(u64, u64),
    PollGone(u64),
    House,
}

/// Lives through the world of a seed and answers with its story.
pub(crate) fn run(seed: u64, loud: bool) -> Trace {
    let mut rng = Rng::new(seed);
    let fate = Fate::draw(&mut rng);
    let origin = Origin { incarnation: 7, sealing_key: [7; 16] };
    let mut world = World {
        now: Millis(1_700_000_000_000),
        trace: Trace::new(loud),
        fate,
        mint: JtiMint::new(origin.sealing_key, origin.incarnation),
        disk: MemoryStore::new(origin),
        full: false,
        hub: Hub::default(),
        up: false,
        life: 0,
        peers: Vec::with_capacity(PEERS),
        model: Model::new(),
        healed: false,
        subjects: subjects(),
        template: new_event(secevent::Timestamp(0), "somebody", Vec::new()),
        agenda: BTreeMap::new(),
        numbers: 0,
        rng,
    };
    world.start();
    world.plan_all();
    world.live();
    world.finish();
    world.trace
}

impl World {
    pub(crate) fn plan(&mut self, in_ms: u64, task: Task) {
        let number = self.number();
        self.agenda.insert((self.now.plus(in_ms), number), task);
    }

    /// Plans something in the hub, for this life only.
    pub(crate) fn inside(&mut self, in_ms: u64, what: Inside) {
        self.plan(in_ms, Task::Hub(self.life, what));
    }

    pub(crate) const fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn live(&mut self) {
        while let Some(((now, _), task)) = self.agenda.pop_first() {
            self.now = now;
            match task {
                Task::Hub(life, what) if self.up && life == self.life => self.happen(what),
                Task::Pushed(peer, push) => self.pushed(peer, &push),
                Task::Poll(peer) => self.poll(peer),
                Task::Polled(peer, id, sets) => self.polled(peer, id, sets),
                Task::Mood(peer) => self.change_mood(peer),
                Task::Produce(most) => self.produce(most),
                Task::Flood => self.flood(),
                Task::Found(peer) if self.up => self.change(Change::Create(peer)),
                Task::Found(peer) => self.plan(1_000, Task::Found(peer)),
                Task::Operate => self.operate(),
                Task::Room(room) => self.room(room),
                Task::Crash if self.up && !self.healed && !self.fate.calm => {
                    self.crash();
                    let most = self.fate.mood_ms(&mut self.rng);
                    let down_ms = self.rng.within(&(500..=most.max(1_000)));
                    self.plan(down_ms, Task::Start);
                }
                Task::Start if !self.up => self.start(),
                Task::Hub(..) | Task::Crash | Task::Start => {}
                Task::Heal => {
                    self.heal();
                    self.plan(0, Task::Start);
                    self.plan(1, Task::Look(self.now));
                }
                Task::Look(_) if self.resume_all() && self.hub.is_quiet() && self.model.is_done() => return,
                Task::Look(since) => {
                    let late = self.now.0 - since.0 > QUIET_WITHIN_MS;
                    assert!(!late, "stuck: {:?}", self.left());
                    self.plan(60_000, Task::Look(since));
                }
            }
        }
    }

    fn happen(&mut self, what: Inside) {
        match what {
            Inside::Flush => self.flush(),
            Inside::Durable => self.durable(),
            Inside::Committed => self.committed(),
            Inside::Answer(then, at) => self.commit_answered(then, at),
            Inside::Wake(no, timer) => self.wake(no, timer),
            Inside::Answered(no, seq, answer) => self.answered(no, seq, &answer),
            Inside::Read(no, poll, after, routes) => self.has_read(no, poll, after, routes),
            Inside::PollArrives(id, peer, no, request) => self.poll_arrives(id, peer, no, &request),
            Inside::PollTimer(id, timer) => self.poll_timer(id, timer),
            Inside::PollGone(id) => self.poll_gone(id),
            Inside::House => self.keep_house(),
        }
    }

    fn room(&mut self, room: bool) {
        self.full = !room && !self.healed;
        self.trace.note(self.now, format_args!("full: {}", self.full));
        if self.full {
            let for_ms = self.rng.within(&(100..=60_000));
            self.plan(for_ms, Task::Room(true));
        }
    }

    /// How much is left to be delivered, and to whom.
    fn left(&self) -> Vec<(StreamNo, usize)> {
        let left = self.model.streams.iter().filter(|(_, told)| !told.pending.is_empty());
        left.map(|(no, told)| (*no, told.pending.len())).collect()
    }

    fn finish(&self) {
        for (record, cursor) in self.disk.load().expect("memory can be read").streams {
            let letters = self.disk.dead_letters(record.no, Seq(0), usize::MAX).expect("memory can be read");
            let letters: BTreeSet<_> = letters.into_iter().map(|letter| letter.seq).collect();
            let peer: usize = record.receiver.parse().expect("receivers have numbers");
            self.model.finish(record.no, &cursor, &letters, self.peers[peer].liar);
        }
    }
}
