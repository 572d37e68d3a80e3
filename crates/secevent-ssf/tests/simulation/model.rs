//! What must be true of every run: nothing lost, nothing twice without a reason, nothing to whom it is not for.

use std::collections::{BTreeMap, BTreeSet};

use secevent::event::ssf::StreamStatus;
use secevent_ssf::{
    Seq, StreamNo,
    engine::{Cursor, Millis, Selection},
    store::{Batch, StreamRecord, Write},
};

use crate::{
    peers::Push,
    stream::{LEASE_MS, WINDOW},
    told::{ALWAYS, POLL_LAG_MS, PUSH_LAG_MS, Told, Why},
};

pub(crate) struct Model {
    /// When each event was written.
    events: BTreeMap<Seq, Millis>,
    notices: BTreeMap<Seq, StreamNo>,
    pub(crate) streams: BTreeMap<StreamNo, Told>,
    names: BTreeMap<String, Seq>,
    all_names: Vec<String>,
    /// Counts the cursors that were taken.
    step: u64,
}

impl Model {
    pub(crate) const fn new() -> Self {
        Self {
            events: BTreeMap::new(),
            notices: BTreeMap::new(),
            streams: BTreeMap::new(),
            names: BTreeMap::new(),
            all_names: Vec::new(),
            step: ALWAYS + 1,
        }
    }

    /// A cursor is taken now.
    pub(crate) const fn step(&mut self) -> u64 {
        self.step += 1;
        self.step
    }

    pub(crate) fn created(&mut self, now: Millis, record: &StreamRecord) {
        self.streams.insert(record.no, Told::new(now, record.status));
    }

    /// The hub begins again with this stream.
    pub(crate) fn resumed(&mut self, now: Millis, record: &StreamRecord, head: Seq) {
        let told = self.streams.entry(record.no).or_insert_with(|| Told::new(now, record.status));
        (told.status, told.free_since) = (record.status, now);
        if record.status == StreamStatus::Disabled {
            told.drop_through(head, self.step);
        }
        self.notices.extend(record.notice.map(|seq| (seq, record.no)));
    }

    /// What was not written is forgotten.
    pub(crate) fn crashed(&mut self) {
        for told in self.streams.values_mut() {
            let disk_step = told.disk_step;
            told.settled.retain(|_, (step, _)| *step < disk_step);
            told.expired.retain(|_, step| *step < disk_step);
            told.pending =
                told.addressed.keys().copied().filter(|seq| !told.settled.contains_key(seq)).collect();
            (told.works_since, told.given_up) = (None, false);
            told.on_way.clear();
            told.offered.clear();
            told.leases.clear();
        }
    }

    pub(crate) fn deleted(&mut self, no: StreamNo) {
        self.streams.remove(&no);
    }

    /// A commit is on disk.
    pub(crate) fn written(
        &mut self,
        now: Millis,
        first: Seq,
        batch: &Batch,
        cursors: impl Iterator<Item = (StreamNo, u64)>,
    ) {
        for write in &batch.writes {
            if let Write::Cursor(no, cursor) = write
                && let Some(told) = self.streams.get_mut(no)
            {
                told.wrote(*no, cursor);
            }
        }
        for (no, step) in cursors {
            if let Some(told) = self.streams.get_mut(&no) {
                told.disk_step = step;
            }
        }
        for (seq, event) in (first.0..).map(Seq).zip(&batch.events) {
            assert!(self.events.insert(seq, now).is_none(), "{seq:?} was handed out twice");
            for no in &event.streams {
                if let Some(told) = self.streams.get_mut(no) {
                    told.addressed.insert(seq, event.subject);
                    told.pending.insert(seq);
                }
            }
        }
    }

    /// A producer was told that these are kept.
    pub(crate) fn accepted(&self, first: Seq, count: u64) {
        for seq in first.0..first.0 + count {
            assert!(self.events.contains_key(&Seq(seq)), "{seq} was accepted and is not on disk");
        }
    }

    pub(crate) fn told(&mut self, no: StreamNo, notice: Seq) {
        self.notices.insert(notice, no);
    }

    fn is_notice(&self, no: StreamNo, seq: Seq) -> bool {
        let whose = self.notices.get(&seq);
        assert!(whose.is_none_or(|whose| *whose == no), "the notice {seq:?} of {whose:?} goes to {no:?}");
        whose.is_some()
    }

    pub(crate) fn status(&mut self, now: Millis, no: StreamNo, status: StreamStatus, head: Seq) {
        let step = self.step;
        let Some(told) = self.streams.get_mut(&no) else { return };
        if [status, told.status].contains(&StreamStatus::Disabled) {
            told.drop_through(head, step);
        }
        (told.status, told.free_since, told.works_since) = (status, now, None);
        told.given_up = false;
    }

    pub(crate) fn expired(&mut self, no: StreamNo, through: Seq, dropped: usize) {
        let step = self.step;
        let Some(told) = self.streams.get_mut(&no) else { return };
        let old = told.settle_through(through, step, Why::Expired);
        assert_eq!(dropped, old, "what {no:?} drops as too old up to {through:?}");
        told.works_since = None;
        if dropped > 0 {
            told.expired.insert(through, step);
        }
    }

    /// A push leaves the hub.
    pub(crate) fn sent(&mut self, no: StreamNo, seq: Seq, jti: &str) {
        let notice = self.is_notice(no, seq);
        self.name(seq, jti);
        let told = self.streams.get_mut(&no).expect("only a stream that is there is sent to");
        if !notice {
            told.may_go(no, seq);
            let subject = told.addressed[&seq];
            let beside = told
                .on_way
                .iter()
                .find(|other| told.pending.contains(other) && told.addressed.get(other) == Some(&subject));
            assert_eq!(beside, None, "two SETs of one subject are on their way on {no:?}: {seq:?}");
            told.name(seq, jti);
        }
        assert!(told.on_way.insert(seq), "{seq:?} is on its way on {no:?} twice");
    }

    fn name(&mut self, seq: Seq, jti: &str) {
        let known = self.names.insert(jti.to_owned(), seq);
        assert!(known.is_none_or(|known| known == seq), "two events have one name: {known:?} and {seq:?}");
        if known.is_none() {
            self.all_names.push(jti.to_owned());
        }
    }

    /// Every name there is.
    pub(crate) fn names(&self) -> &[String] {
        &self.all_names
    }

    /// A push came back, in whatever way.
    pub(crate) fn landed(&mut self, no: StreamNo, seq: Seq) {
        if let Some(told) = self.streams.get_mut(&no) {
            told.on_way.remove(&seq);
        }
    }

    /// The receiver is well, and took something.
    pub(crate) fn works(&mut self, no: StreamNo, now: Millis) {
        if let Some(told) = self.streams.get_mut(&no) {
            told.works_since.get_or_insert(now);
        }
    }

    /// The receiver just took something: whatever may go to it is on its way, as far as the window has room.
    pub(crate) fn expect_at_work(&self, no: StreamNo, head: Seq) {
        /// Enough to see whether the window is used.
        const LOOKED_AT: usize = 64;
        let Some(told) = self.streams.get(&no) else { return };
        let telling = told.on_way.iter().any(|seq| self.notices.contains_key(seq));
        if telling || told.given_up || told.status != StreamStatus::Enabled {
            return;
        }
        let mut subjects = BTreeSet::new();
        let first_of = told.pending.range(..=head).take(LOOKED_AT);
        let first_of = first_of.filter(|seq| subjects.insert(told.addressed[*seq]));
        let ready = first_of.filter(|seq| !told.failed.contains(seq)).count();
        let on_way = told.on_way.len();
        assert!(on_way >= ready.min(WINDOW), "{no:?} sends {on_way} of {ready} that may go");
    }

    /// The receiver may behave in another way from now on.
    pub(crate) fn unsure(&mut self, no: StreamNo) {
        if let Some(told) = self.streams.get_mut(&no) {
            told.works_since = None;
        }
    }

    /// The lane holds itself until the stream is paused.
    pub(crate) fn gave_up(&mut self, no: StreamNo) {
        if let Some(told) = self.streams.get_mut(&no) {
            told.given_up = true;
        }
    }

    pub(crate) fn failed(&mut self, no: StreamNo, seq: Seq) {
        if let Some(told) = self.streams.get_mut(&no) {
            told.failed.insert(seq);
        }
    }

    pub(crate) fn settle(&mut self, no: StreamNo, seq: Seq, why: Why) {
        let (step, notice) = (self.step, self.is_notice(no, seq));
        if let Some(told) = self.streams.get_mut(&no).filter(|_| !notice) {
            told.settle(seq, step, why);
        }
    }

    /// The hub did not mind that this one failed.
    pub(crate) fn expect_settled(&self, no: StreamNo, seq: Seq) {
        let pending = self.streams.get(&no).is_some_and(|told| told.pending.contains(&seq));
        assert!(!pending, "{no:?} {seq:?} failed, and is taken for settled");
    }

    /// A push reaches its receiver, perhaps long after it was sent.
    pub(crate) fn arrived(&mut self, now: Millis, push: &Push, taken: bool, steady: bool) {
        let (no, seq) = (push.stream, push.seq);
        assert_eq!(self.names.get(&push.jti), Some(&seq), "what arrives has the name it was sent with");
        let (notice, written) = (self.is_notice(no, seq), self.events[&seq]);
        let Some(told) = self.streams.get_mut(&no).filter(|_| !notice) else { return };
        let times = told.arrived.entry(seq).or_default();
        *times += 1;
        let times = *times;
        assert!(
            !steady || times <= push.life + 1,
            "{no:?} {seq:?} comes for the {times}th time without a cause"
        );
        let left = matches!(told.settled.get(&seq), Some((_, Why::Dropped | Why::Expired)));
        if times == 1 && !left {
            let before = told.last_of.insert(told.addressed[&seq], seq);
            assert!(
                before.is_none_or(|before| before < seq),
                "{no:?}: {before:?} overtook {seq:?} of its subject"
            );
        }
        let subject = told.addressed[&seq];
        if !taken {
            return;
        }
        let free = told.free_since_of.insert(subject, now).unwrap_or(written);
        let works_since = told.works_since.filter(|_| !told.failed.contains(&seq));
        let since = if steady { Some(written) } else { works_since };
        let first = told.taken.insert(seq);
        if let Some(since) = since.filter(|_| first) {
            let waited = told.waited(now, written.max(since).max(free));
            assert!(waited <= PUSH_LAG_MS, "{no:?} is well and waited {waited} ms for {seq:?}");
        }
    }

    /// An acknowledgement came, or a refusal; the hub took it for one, or for nothing.
    pub(crate) fn acked(&mut self, no: StreamNo, seq: Seq, settled: bool, why: Why) {
        if let Some(whose) = self.notices.get(&seq) {
            assert!(!settled || *whose == no, "{no:?} settles the notice of {whose:?}");
            return;
        }
        let step = self.step;
        let Some(told) = self.streams.get_mut(&no) else { return };
        if settled {
            assert!(told.pending.contains(&seq), "{no:?} {seq:?} is settled, and it was not open");
            told.settle(seq, step, why);
        } else {
            assert!(!told.offered.contains(&seq), "{no:?} {seq:?} was acknowledged in vain");
        }
    }

    pub(crate) fn poll_begins(&mut self, no: StreamNo, alone: bool) {
        if let Some(told) = self.streams.get_mut(&no).filter(|_| alone) {
            told.leases.clear();
        }
    }

    /// What a poll finds in a log that was fed up to `head`.
    pub(crate) fn selected(
        &mut self,
        (now, head): (Millis, Seq),
        no: StreamNo,
        selection: &Selection,
        max: usize,
    ) {
        let Selection { seqs, more, .. } = selection;
        assert!(seqs.len() <= max, "more than asked for");
        let events: Vec<_> = seqs.iter().copied().filter(|seq| !self.is_notice(no, *seq)).collect();
        let Some(told) = self.streams.get_mut(&no) else { return };
        assert!(events.is_sorted_by(|a, b| a < b), "{no:?} gets {events:?}");
        for seq in &events {
            told.may_go(no, *seq);
            let leased = told.leases.insert(*seq, now.plus(LEASE_MS));
            assert!(leased.is_none_or(|until| until <= now), "{seq:?} is leased until {leased:?}");
        }
        if told.status != StreamStatus::Enabled {
            return;
        }
        let leases = &told.leases;
        let free = |seq: &&Seq| leases.get(seq).is_none_or(|until| *until <= now);
        let left = told.offered.iter().find(free);
        assert!(seqs.len() == max || left.is_none(), "{no:?} is not offered {left:?} again");
        let left = told.pending.range(..=head).find(free);
        assert!(*more || left.is_none(), "{no:?} is told that there is no more than {seqs:?}, not {left:?}");
    }

    pub(crate) fn offered(&mut self, no: StreamNo, seq: Seq, jti: &str) {
        let notice = self.is_notice(no, seq);
        self.name(seq, jti);
        if let Some(told) = self.streams.get_mut(&no).filter(|_| !notice) {
            told.name(seq, jti);
            told.offered.insert(seq);
        }
    }

    /// The receiver holds what a poll found.
    pub(crate) fn received(&mut self, now: Millis, no: StreamNo, seq: Seq, steady: bool) {
        let (notice, written) = (self.is_notice(no, seq), self.events[&seq]);
        let Some(told) = self.streams.get_mut(&no).filter(|_| !notice) else { return };
        if told.taken.insert(seq) && steady {
            let waited = told.waited(now, written);
            assert!(waited <= POLL_LAG_MS, "{no:?} is well and waited {waited} ms for {seq:?}");
        }
    }

    /// Nothing is left to be delivered to a stream that may have it.
    pub(crate) fn is_done(&self) -> bool {
        self.streams.values().all(|told| told.status == StreamStatus::Disabled || told.pending.is_empty())
    }

    /// The end of a stream: where everything went, as the disk tells it.
    pub(crate) fn finish(&self, no: StreamNo, cursor: &Cursor, letters: &BTreeSet<Seq>, liar: bool) {
        let told = &self.streams[&no];
        let dead = told.settled.iter().filter(|(_, (_, why))| *why == Why::Dead).map(|(seq, _)| *seq);
        let expected: BTreeSet<_> = dead.chain(told.expired.keys().copied()).collect();
        // A notice that was refused is set aside too; whether it was is not followed here.
        let unexpected =
            letters.iter().find(|seq| !expected.contains(seq) && self.notices.get(seq) != Some(&no));
        assert_eq!(unexpected, None, "a dead letter of {no:?} that nobody wrote");
        let lost = expected.iter().find(|seq| !letters.contains(seq));
        assert_eq!(lost, None, "a dead letter of {no:?} is lost");
        if told.status == StreamStatus::Disabled {
            return;
        }
        let end = told.addressed.last_key_value().map(|(seq, _)| *seq);
        assert!(
            cursor.open.is_empty() && end.is_none_or(|end| end <= cursor.high),
            "{no:?} is not written down"
        );
        for (seq, (_, why)) in &told.settled {
            let fine = *why != Why::Taken || liar || told.taken.contains(seq);
            assert!(fine, "{no:?} {seq:?} is settled, and nobody has it");
        }
    }
}
