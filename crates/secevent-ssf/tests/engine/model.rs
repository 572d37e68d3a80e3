//! A backlog against a model: the set of what is addressed to a stream, and the set of what it settled.

use std::collections::BTreeSet;

use proptest::prelude::*;
use secevent_ssf::{
    Entry, Seq,
    engine::{Backlog, Cursor},
};

use crate::entry;

/// What happens to a stream.
#[derive(Clone, Debug)]
enum Step {
    /// Events are committed; each is for this stream or not.
    Commit(Vec<bool>),
    /// More events than the ring holds.
    Flood,
    /// The committed events are offered at last, some of them.
    Feed(usize),
    /// Takes events.
    Take(usize),
    /// Settles one that is open.
    Settle(prop::sample::Index),
    /// Somebody sees that the log has to be read, and reads.
    Read(usize),
    /// What was read arrives, perhaps late, perhaps twice.
    Refill,
    /// What is too old is dropped.
    Expire(prop::sample::Index),
    /// The cursor is written.
    Flush,
    /// The process ends without a word and starts again.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => prop::collection::vec(any::<bool>(), 1..8).prop_map(Step::Commit),
        1 => Just(Step::Flood),
        4 => (1..2000_usize).prop_map(Step::Feed),
        4 => (1..600_usize).prop_map(Step::Take),
        8 => any::<prop::sample::Index>().prop_map(Step::Settle),
        3 => prop_oneof![1..5_usize, 1024..1025_usize].prop_map(Step::Read),
        3 => Just(Step::Refill),
        1 => any::<prop::sample::Index>().prop_map(Step::Expire),
        1 => Just(Step::Flush),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..120)
}

/// The log, the disk and the stream.
#[derive(Debug)]
struct World {
    backlog: Backlog,
    /// Every event ever committed: whether it is for the stream.
    log: Vec<bool>,
    /// How many of them were offered; the head that everybody sees.
    fed: usize,
    disk: Cursor,
    settled: BTreeSet<Seq>,
    /// Settled when the cursor was written last.
    settled_on_disk: BTreeSet<Seq>,
    /// Readings of the log under way.
    readings: Vec<(Vec<Entry>, Seq)>,
}

impl World {
    fn new() -> Self {
        let mut backlog = Backlog::new(Seq(0));
        let disk = backlog.take_dirty().expect("a new stream is written");
        Self {
            backlog,
            log: Vec::new(),
            fed: 0,
            disk,
            settled: BTreeSet::new(),
            settled_on_disk: BTreeSet::new(),
            readings: Vec::new(),
        }
    }

    fn addressed(&self, places: std::ops::Range<usize>) -> impl Iterator<Item = Entry> + '_ {
        let places = places.start..places.end.min(self.log.len());
        places.filter(|place| self.log[*place]).map(|place| entry(place as u64 + 1, place as u64 % 7))
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Commit(events) => self.log.extend(events),
            Step::Flood => self.log.extend([true; 1500]),
            Step::Feed(count) => self.feed(count),
            Step::Take(count) => self.take(count),
            Step::Settle(index) => {
                let open: Vec<_> = self.backlog.open().map(|entry| entry.seq).collect();
                if !open.is_empty() {
                    let seq = *index.get(&open);
                    assert!(self.backlog.settle(seq));
                    self.settled.insert(seq);
                }
            }
            Step::Read(limit) => self.read(limit),
            Step::Refill => {
                if let Some((entries, through)) = self.readings.pop() {
                    self.backlog.refill(entries, through, Seq(self.fed as u64));
                }
            }
            Step::Expire(index) => self.expire(index.index(self.fed + 1)),
            Step::Flush => self.flush(),
            Step::Restart => self.restart(),
        }
        let low = self.backlog.cursor().low();
        for entry in self.addressed(0..self.fed) {
            assert_eq!(
                self.backlog.is_settled(entry.seq),
                self.settled.contains(&entry.seq),
                "{:?} with low {low:?}",
                entry.seq
            );
        }
    }

    fn feed(&mut self, count: usize) {
        let until = self.log.len().min(self.fed + count);
        let entries: Vec<_> = self.addressed(self.fed..until).collect();
        self.fed = until;
        for entry in entries {
            self.backlog.offer(entry);
        }
    }

    fn take(&mut self, count: usize) {
        for _ in 0..count {
            let Some(entry) = self.backlog.take() else { return };
            assert!(self.log[place(entry.seq) - 1], "{entry:?} is for another stream");
            assert!(!self.settled.contains(&entry.seq), "{entry:?} was settled and is offered again");
        }
    }

    /// Reads the log as a store does: at most `limit` events of it, up to what is committed.
    fn read(&mut self, limit: usize) {
        let Some(after) = self.backlog.wants() else { return };
        let start = place(after);
        let end = self.log.len().min(start + limit).max(start);
        self.readings.push((self.addressed(start..end).collect(), Seq(end as u64)));
        if limit < 3 {
            self.readings.extend(self.readings.last().cloned());
        }
    }

    /// Everything up to a place counts as settled from now on, and the count is right.
    fn expire(&mut self, through: usize) {
        let (known, unread) = self.backlog.expire(Seq(through as u64));
        let unread = unread.map_or(0, |after| self.addressed(place(after)..through).count());
        let dropped: Vec<_> = self.addressed(0..through).map(|entry| entry.seq).collect();
        let before = self.settled.len();
        self.settled.extend(dropped);
        assert_eq!(known + unread, self.settled.len() - before, "what was dropped is counted");
    }

    fn flush(&mut self) {
        if let Some(cursor) = self.backlog.take_dirty() {
            self.disk = Cursor::from_bytes(&cursor.to_bytes()).expect("it was just written");
            self.settled_on_disk = self.settled.clone();
        }
    }

    fn restart(&mut self) {
        let open: Vec<_> = self.disk.open.iter().map(|seq| entry(seq.0, (seq.0 - 1) % 7)).collect();
        self.backlog = Backlog::resume(self.disk.high, open);
        self.settled = self.settled_on_disk.clone();
        self.fed = self.log.len();
        self.readings.clear();
    }

    /// Everything that was ever addressed to the stream comes out in the end, once.
    fn drain(mut self) {
        self.feed(usize::MAX >> 1);
        loop {
            self.take(usize::MAX);
            let open: Vec<_> = self.backlog.open().map(|entry| entry.seq).collect();
            for seq in open {
                assert!(self.backlog.settle(seq) && self.settled.insert(seq), "{seq:?} came twice");
            }
            self.read(1024);
            match self.readings.pop() {
                Some((entries, through)) => {
                    self.backlog.refill(entries, through, Seq(self.fed as u64));
                }
                None if self.backlog.len() == (0, 0) => break,
                None => {}
            }
        }
        let addressed: BTreeSet<_> = self.addressed(0..self.log.len()).map(|entry| entry.seq).collect();
        assert_eq!(self.settled, addressed);
        let beyond = Seq(u64::MAX);
        assert_eq!(self.backlog.settled_to(beyond), beyond, "nothing is left");
    }
}

fn place(seq: Seq) -> usize {
    usize::try_from(seq.0).expect("tests are short")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_and_nothing_settled_comes_again(steps in steps()) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        world.drain();
    }
}
