//! What is known of one stream.

use std::collections::{BTreeMap, BTreeSet};

use secevent::event::ssf::StreamStatus;
use secevent_ssf::{
    Seq, StreamNo, SubjectKey,
    engine::{Cursor, Millis, OPEN_MAX},
};

/// How long a receiver that is always well may wait for an event that nothing holds up.
pub(crate) const PUSH_LAG_MS: u64 = 60_000;
/// The same for one that polls: it may have to notice first that the hub it waits for is no more.
pub(crate) const POLL_LAG_MS: u64 = crate::poll::WAIT_MS + 60_000;

/// The step of what the disk knows by itself.
pub(crate) const ALWAYS: u64 = 0;

/// Why an event is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    Taken,
    /// A dead letter has the reason.
    Dead,
    /// The stream was disabled.
    Dropped,
    /// Nobody took it within retention.
    Expired,
}

/// What is known of a stream.
pub(crate) struct Told {
    pub(crate) status: StreamStatus,
    pub(crate) addressed: BTreeMap<Seq, SubjectKey>,
    pub(crate) pending: BTreeSet<Seq>,
    /// With the step in which that was so.
    pub(crate) settled: BTreeMap<Seq, (u64, Why)>,
    /// The disk knows what was settled before this step.
    pub(crate) disk_step: u64,
    pub(crate) low: Seq,
    /// Up to here everything was dropped when the stream was disabled.
    pub(crate) forbidden: Seq,
    pub(crate) on_way: BTreeSet<Seq>,
    /// Shown to a poll in this life, and not settled.
    pub(crate) offered: BTreeSet<Seq>,
    pub(crate) leases: BTreeMap<Seq, Millis>,
    pub(crate) names: BTreeMap<Seq, String>,
    pub(crate) arrived: BTreeMap<Seq, u32>,
    pub(crate) taken: BTreeSet<Seq>,
    pub(crate) last_of: BTreeMap<SubjectKey, Seq>,
    /// Nothing has held it up since.
    pub(crate) free_since: Millis,
    /// The receiver is well, and the hub has seen it.
    pub(crate) works_since: Option<Millis>,
    /// Its lane holds itself.
    pub(crate) given_up: bool,
    /// Those that failed wait by themselves.
    pub(crate) failed: BTreeSet<Seq>,
    /// When the last one about each subject was settled.
    pub(crate) free_since_of: BTreeMap<SubjectKey, Millis>,
    /// Where the letters of retention are.
    pub(crate) expired: BTreeMap<Seq, u64>,
}

impl Told {
    pub(crate) fn new(now: Millis, status: StreamStatus) -> Self {
        Self {
            status,
            free_since: now,
            addressed: BTreeMap::new(),
            pending: BTreeSet::new(),
            settled: BTreeMap::new(),
            disk_step: ALWAYS + 1,
            low: Seq(0),
            forbidden: Seq(0),
            on_way: BTreeSet::new(),
            offered: BTreeSet::new(),
            leases: BTreeMap::new(),
            names: BTreeMap::new(),
            arrived: BTreeMap::new(),
            taken: BTreeSet::new(),
            last_of: BTreeMap::new(),
            expired: BTreeMap::new(),
            works_since: None,
            given_up: false,
            failed: BTreeSet::new(),
            free_since_of: BTreeMap::new(),
        }
    }

    pub(crate) fn settle(&mut self, seq: Seq, step: u64, why: Why) {
        self.settled.entry(seq).or_insert((step, why));
        self.pending.remove(&seq);
        self.offered.remove(&seq);
        self.leases.remove(&seq);
    }

    pub(crate) fn settle_through(&mut self, through: Seq, step: u64, why: Why) -> usize {
        let old: Vec<_> = self.pending.range(..=through).copied().collect();
        for seq in &old {
            self.settle(*seq, step, why);
        }
        old.len()
    }

    pub(crate) fn drop_through(&mut self, head: Seq, step: u64) {
        self.settle_through(head, step, Why::Dropped);
        self.forbidden = head;
    }

    /// It may go to the receiver now.
    pub(crate) fn may_go(&self, no: StreamNo, seq: Seq) {
        assert!(self.addressed.contains_key(&seq), "{seq:?} is not for {no:?}");
        assert_eq!(self.status, StreamStatus::Enabled, "{no:?} is held and gets {seq:?}");
        assert!(seq > self.forbidden, "{seq:?} was dropped when {no:?} was disabled, and comes again");
        let settled = self.settled.get(&seq);
        assert!(settled.is_none(), "{no:?} gets {seq:?} again, which is settled: {settled:?}");
    }

    pub(crate) fn name(&mut self, seq: Seq, jti: &str) {
        let known = self.names.entry(seq).or_insert_with(|| jti.to_owned());
        assert_eq!(known, jti, "{seq:?} has two names");
    }

    /// How long a receiver that is always well waited for an event.
    pub(crate) fn waited(&self, now: Millis, written: Millis) -> u64 {
        now.0.saturating_sub(written.max(self.free_since).0)
    }

    pub(crate) fn wrote(&mut self, no: StreamNo, cursor: &Cursor) {
        assert!(cursor.open.len() <= OPEN_MAX, "{no:?} has {} open", cursor.open.len());
        assert!(
            cursor.low() >= self.low,
            "the low mark of {no:?} falls from {:?} to {:?}",
            self.low,
            cursor.low()
        );
        self.low = cursor.low();
        let passed = self.pending.range(..=cursor.high).filter(|seq| cursor.open.binary_search(seq).is_err());
        let passed: Vec<_> = passed.copied().collect();
        // What was still addressed to a stream while it was being disabled goes when it is enabled.
        let doomed = self.status == StreamStatus::Disabled;
        assert!(
            doomed || passed.is_empty(),
            "the cursor of {no:?} takes for settled what is not: {passed:?}"
        );
        for seq in passed {
            self.settle(seq, ALWAYS, Why::Dropped);
        }
        if doomed {
            let dropped = self.settled.range_mut(..=cursor.high);
            let dropped = dropped.filter(|(seq, _)| cursor.open.binary_search(seq).is_err());
            dropped.for_each(|(_, (step, _))| *step = ALWAYS);
        }
    }
}
