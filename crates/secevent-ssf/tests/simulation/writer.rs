//! The one writer: what waits rides the next commit, with what streams have settled (`secevent-hub/src/writer.rs`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use secevent::event::ssf::StreamStatus;
use secevent_ssf::{
    Entry, Seq, StreamNo,
    store::{Batch, Store, StreamRecord, Write},
};

use crate::{
    changes::{Change, Stage},
    poll::Poll,
    stream::Stream,
    world::{Inside, Task, World},
};

const EVENTS_PER_COMMIT: usize = 1024;
const FLUSH_EVERY_MS: u64 = 200;

/// Everything that a crash takes away.
#[derive(Default)]
pub(crate) struct Hub {
    pub(crate) streams: BTreeMap<StreamNo, Stream>,
    pub(crate) last_stream: u32,
    pub(crate) head: Seq,
    pub(crate) jobs: VecDeque<(Batch, Then)>,
    pub(crate) commit: Option<Commit>,
    pub(crate) dirty: BTreeSet<StreamNo>,
    /// A flush is among the jobs, or planned.
    flush: bool,
    flush_planned: bool,
    pub(crate) changes: VecDeque<Change>,
    pub(crate) changing: bool,
    pub(crate) polls: BTreeMap<u64, Poll>,
}

impl Hub {
    /// Nothing is left to be written.
    pub(crate) fn is_quiet(&self) -> bool {
        let writes = self.jobs.is_empty() && self.commit.is_none() && self.dirty.is_empty();
        writes && !self.changing && self.changes.is_empty()
    }
}

/// Whom a commit is answered to.
#[derive(Clone)]
pub(crate) enum Then {
    /// A producer, about so many events.
    Accepted(u64),
    Stage(Stage),
    ChangeDone,
    /// Everything up to here is settled, which the disk knows from now on.
    Prune(Seq),
}

/// A commit under way.
pub(crate) struct Commit {
    batch: Batch,
    waiting: Vec<(u64, Then)>,
    taken: Vec<Taken>,
    /// Once the disk has it, or has no room for it.
    result: Option<Result<Seq, ()>>,
}

/// What it takes along of a stream.
struct Taken {
    stream: StreamNo,
    letters: usize,
    record: bool,
    cursor: bool,
    /// When the cursor was taken, as the model counts.
    step: u64,
}

impl World {
    pub(crate) fn mark_dirty(&mut self, no: StreamNo) {
        self.hub.dirty.insert(no);
        if !std::mem::replace(&mut self.hub.flush_planned, true) {
            let tick = self.now.0.next_multiple_of(FLUSH_EVERY_MS) - self.now.0;
            self.inside(tick, Inside::Flush);
        }
    }

    pub(crate) fn flush(&mut self) {
        self.hub.flush_planned = false;
        self.hub.flush |= !self.hub.dirty.is_empty();
        self.begin_commit();
    }

    pub(crate) fn write(&mut self, writes: Vec<Write>, then: Then) {
        self.commit(Batch { events: Vec::new(), writes }, then);
    }

    pub(crate) fn commit(&mut self, batch: Batch, then: Then) {
        self.hub.jobs.push_back((batch, then));
        self.begin_commit();
    }

    fn begin_commit(&mut self) {
        if self.hub.commit.is_some() || (self.hub.jobs.is_empty() && !self.hub.flush) {
            return;
        }
        self.hub.flush = false;
        let (mut batch, mut waiting) = (Batch::default(), Vec::new());
        while batch.events.len() < EVENTS_PER_COMMIT
            && let Some((part, then)) = self.hub.jobs.pop_front()
        {
            waiting.push((batch.events.len() as u64, then));
            batch.append(part);
        }
        let taken = self.take_dirty(&mut batch);
        // Once in a while the disk is busy with something else.
        let most = if self.rng.once_in(40) { 700 } else { 8 };
        let durable_in = self.rng.within(&(1..=most));
        let most = if self.rng.once_in(10) { 300 } else { 3 };
        let answered_in = durable_in + self.rng.within(&(0..=most));
        self.hub.commit = Some(Commit { batch, waiting, taken, result: None });
        self.inside(durable_in, Inside::Durable);
        self.inside(answered_in, Inside::Committed);
    }

    fn take_dirty(&mut self, batch: &mut Batch) -> Vec<Taken> {
        let (mut taken, mut writes) = (Vec::new(), Vec::new());
        for no in std::mem::take(&mut self.hub.dirty) {
            let Some(stream) = self.hub.streams.get_mut(&no) else { continue };
            let (record, settled) = (stream.take_dirty_record(), stream.take_dirty());
            let letters = settled.as_ref().map_or(0, |(_, letters)| letters.len());
            let (record_taken, cursor) = (record.is_some(), settled.is_some());
            let step = self.model.step();
            taken.push(Taken { stream: no, letters, record: record_taken, cursor, step });
            writes.extend(record.map(|record| Write::Stream(Box::new(record))));
            if let Some((cursor, letters)) = settled {
                writes.push(Write::Cursor(no, cursor));
                writes.extend(letters.into_iter().map(Write::DeadLetter));
            }
        }
        batch.writes.splice(..0, writes);
        taken
    }

    /// The disk has the commit, and nobody knows it yet.
    pub(crate) fn durable(&mut self) {
        let Some(commit) = &mut self.hub.commit else { return };
        let empty = commit.batch.events.is_empty() && commit.batch.writes.is_empty();
        if empty {
            commit.result = Some(Ok(Seq(self.hub.head.0 + 1)));
            return;
        }
        if self.full {
            commit.result = Some(Err(()));
            self.trace.count("a commit without room");
            return;
        }
        let first = self.disk.commit(&commit.batch).expect("memory has room");
        commit.result = Some(Ok(first));
        let cursors =
            commit.taken.iter().filter(|taken| taken.cursor).map(|taken| (taken.stream, taken.step));
        self.model.written(self.now, first, &commit.batch, cursors);
        self.trace.note(self.now, format_args!("durable from {first:?}"));
    }

    pub(crate) fn committed(&mut self) {
        let Some(Commit { batch, waiting, taken, result }) = self.hub.commit.take() else { return };
        let result = result.expect("a commit is durable or refused before it is answered");
        if let Ok(first) = result {
            for Taken { stream, letters, .. } in &taken {
                if let Some(stream) = self.hub.streams.get_mut(stream) {
                    stream.letters.drain(..*letters);
                }
            }
            self.feed(first, &batch);
        } else {
            for Taken { stream: no, record, cursor, .. } in taken {
                if let Some(stream) = self.hub.streams.get_mut(&no) {
                    stream.record_dirty |= record;
                    if cursor {
                        stream.backlog().mark_dirty();
                    }
                    self.mark_dirty(no);
                }
            }
        }
        for (offset, then) in waiting {
            let at = result.ok().map(|first| Seq(first.0 + offset));
            // Whoever waits goes on a little later, when the next commit may be under way.
            let delay = self.rng.within(&(0..=2));
            self.inside(delay, Inside::Answer(then, at));
        }
        self.begin_commit();
    }

    /// A commit is answered: it is on disk at this place, or found no room.
    pub(crate) fn commit_answered(&mut self, then: Then, at: Option<Seq>) {
        match (then, at) {
            (Then::Accepted(count), at) => self.answer_producer(at, count),
            (Then::Stage(stage), at) => self.go_on(stage, at),
            (Then::ChangeDone, _) => self.change_done(),
            (Then::Prune(settled), Some(_)) => self.prune(settled),
            (Then::Prune(_), None) => {}
        }
    }

    fn feed(&mut self, first: Seq, batch: &Batch) {
        let mut woken = BTreeSet::new();
        for (seq, event) in (first.0..).map(Seq).zip(&batch.events) {
            self.hub.head = seq;
            for no in &event.streams {
                if let Some(stream) = self.hub.streams.get_mut(no) {
                    stream.backlog().offer(Entry { seq, subject: event.subject });
                    woken.insert(*no);
                }
            }
        }
        for no in woken {
            self.work(no);
        }
    }

    /// The hub begins a life over what the disk has.
    pub(crate) fn start(&mut self) {
        let snapshot = self.disk.load().expect("memory can be read");
        self.mint = secevent_ssf::JtiMint::new(snapshot.origin.sealing_key, snapshot.origin.incarnation);
        self.hub = Hub { last_stream: snapshot.last_stream, head: snapshot.head, ..Hub::default() };
        self.up = true;
        let there: BTreeSet<_> = snapshot.streams.iter().map(|(record, _)| record.no).collect();
        self.model.streams.retain(|no, _| there.contains(no));
        for (record, cursor) in snapshot.streams {
            let stream = self.resume(record, &cursor.open, cursor.high);
            self.model.resumed(self.now, &stream.record, snapshot.head);
            self.hub.streams.insert(stream.record.no, stream);
        }
        self.trace.note(self.now, format_args!("life {} from {:?}", self.life, snapshot.head));
        self.inside(1, Inside::House);
        if self.rng.once_in(2) {
            self.plan(0, Task::Produce(8));
        }
        for peer in &mut self.peers {
            peer.stream = None;
        }
        let all: Vec<_> = self.hub.streams.iter().map(|(no, stream)| (*no, stream.peer())).collect();
        for (no, peer) in &all {
            self.peers[*peer].stream = Some(*no);
        }
        for (no, _) in all {
            self.work(no);
        }
    }

    fn resume(&self, record: StreamRecord, open: &[Seq], high: Seq) -> Stream {
        let entries = |seqs: &[Seq]| -> Vec<_> {
            let rows = self.disk.events(seqs).expect("memory can be read").into_iter();
            rows.map(|row| Entry { seq: row.seq, subject: row.event.subject }).collect()
        };
        let mut backlog = secevent_ssf::engine::Backlog::resume(high, entries(open));
        if record.status == StreamStatus::Disabled {
            // What it had left was dropped, and the cursor that says so may not have been written.
            backlog.skip_to(self.hub.head);
        }
        for notice in entries(record.notice.as_slice()) {
            backlog.tell(notice);
        }
        Stream::new(record, backlog)
    }

    /// Memory is gone; what is on its way to receivers is not.
    pub(crate) fn crash(&mut self) {
        self.trace.note(self.now, format_args!("crash"));
        self.trace.count("a crash");
        if self.hub.commit.is_some() {
            self.trace.count("a crash in a commit");
        }
        self.hub = Hub::default();
        self.up = false;
        self.life += 1;
        self.model.crashed();
    }
}
