//! What a stream still has to settle: a cursor over the log, and a ring of what comes next.
//!
//! Everything addressed to the stream at or below `high` that is not `open` is settled. There is no row per event
//! and stream: the cursor is all that is ever written.

use std::collections::{BTreeMap, VecDeque};

use crate::{Entry, Seq, SubjectKey, ascending};

/// Events that a stream may have taken from the log and not settled. Bounds the cursor, which is rewritten on
/// every flush, to a few kilobytes; a stream that is this far behind waits for its receiver.
pub const OPEN_MAX: usize = 1024;

/// Events that wait in memory behind the open ones; a stream further behind reads the log again.
pub const RING_MAX: usize = 1024;

/// The durable part of a backlog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The last event taken from the log.
    pub high: Seq,
    /// Events at or below `high` that are not settled, in order.
    pub open: Vec<Seq>,
}

impl Cursor {
    /// Everything addressed to the stream at or below this is settled.
    pub fn low(&self) -> Seq {
        self.open.first().map_or(self.high, |first| Seq(first.0.saturating_sub(1)))
    }

    /// As bytes: the open events, then `high`.
    pub fn to_bytes(&self) -> Vec<u8> {
        ascending::to_bytes(self.open.iter().chain([&self.high]).map(|seq| seq.0))
    }

    /// The cursor of these bytes; `None` when they are none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut open: Vec<_> = ascending::from_bytes(bytes)?.into_iter().map(Seq).collect();
        let high = open.pop()?;
        Some(Self { high, open })
    }
}

/// A cursor at work.
#[derive(Clone, Debug, Default)]
pub struct Backlog {
    high: Seq,
    open: BTreeMap<Seq, SubjectKey>,
    ring: VecDeque<Entry>,
    /// The ring lacks what the log has after this place; `None` when it lacks nothing.
    behind: Option<Seq>,
    /// The log was read up to here; what was committed meanwhile is offered once more and must not count twice.
    read: Seq,
    dirty: bool,
    /// How many open events were settled since this backlog was made.
    settled: u64,
    /// What the stream is told of itself before everything else. It has a place in the log, and no route there.
    notice: Option<Entry>,
}

impl Backlog {
    /// A new stream: nothing before `head` is for it.
    pub fn new(head: Seq) -> Self {
        Self { high: head, read: head, dirty: true, ..Self::default() }
    }

    /// A stream after a restart: the open events are offered again, the rest is read from the log.
    pub fn resume(high: Seq, open: impl IntoIterator<Item = Entry>) -> Self {
        let open = open.into_iter().map(|entry| (entry.seq, entry.subject)).collect();
        Self { high, open, behind: Some(high), ..Self::default() }
    }

    /// An event was committed that is addressed to the stream; called in the order of the log.
    pub fn offer(&mut self, entry: Entry) {
        if self.behind.is_some() || entry.seq <= self.read {
            return;
        }
        if self.ring.len() < RING_MAX {
            self.ring.push_back(entry);
        } else {
            self.behind = Some(Seq(entry.seq.0 - 1));
        }
    }

    /// Where to read the log from, when the ring ran dry and lacks something.
    pub fn wants(&self) -> Option<Seq> {
        self.behind.filter(|_| self.ring.is_empty())
    }

    /// What the log has for the stream after the place that [`Self::wants`] named, read up to `through`, while
    /// the log ends at `head`. Several may read the same at once, and some of them slowly: what is known is known.
    pub fn refill(&mut self, entries: impl IntoIterator<Item = Entry>, through: Seq, head: Seq) {
        if self.behind.is_none_or(|behind| through < behind) {
            return;
        }
        let known = self.ring.back().map_or(self.high, |last| last.seq);
        self.ring.extend(entries.into_iter().filter(|entry| entry.seq > known));
        if self.ring.is_empty() {
            self.high = self.high.max(through);
        }
        self.read = self.read.max(through);
        self.behind = (through < head).then_some(through);
    }

    /// Drops what is left up to a place, as too old, a notice as well: the status can be read. Answers how many events
    /// that were, and from where on nobody has looked yet whether there were more.
    pub fn expire(&mut self, through: Seq) -> (usize, Option<Seq>) {
        self.notice.take_if(|notice| notice.seq <= through);
        let left = self.open.len() + self.ring.len();
        self.open.retain(|seq, _| *seq > through);
        let old = self.ring.partition_point(|entry| entry.seq <= through);
        self.ring.drain(..old);
        let unread = self.behind.filter(|behind| *behind < through);
        self.high = self.high.max(through);
        self.behind = self.behind.map(|behind| behind.max(through));
        self.read = self.read.max(through);
        self.dirty = true;
        (left - self.open.len() - self.ring.len(), unread)
    }

    /// Takes the next event from the ring; it is open from now on.
    pub fn take(&mut self) -> Option<Entry> {
        if self.open.len() >= OPEN_MAX {
            return None;
        }
        let entry = self.ring.pop_front()?;
        self.high = entry.seq;
        self.open.insert(entry.seq, entry.subject);
        self.dirty = true;
        Some(entry)
    }

    /// Opens an event wherever it is in the log; `false` when there are as many open ones as there may be.
    pub fn reopen(&mut self, entry: Entry) -> bool {
        let fits = self.open.len() < OPEN_MAX || self.open.contains_key(&entry.seq);
        if fits {
            self.open.insert(entry.seq, entry.subject);
            self.dirty = true;
        }
        fits
    }

    /// Settles an open event, or the notice; `false` when it is neither.
    pub fn settle(&mut self, seq: Seq) -> bool {
        let was_open = self.open.remove(&seq).is_some();
        self.settled += u64::from(was_open);
        let settled = was_open || self.notice.take_if(|notice| notice.seq == seq).is_some();
        self.dirty |= settled;
        settled
    }

    /// Tells the stream something of itself: it goes before everything else, also while the stream is held, and in the
    /// place of a notice that was not taken yet.
    // spec: SSF-200, SSF-201, SSF-203
    pub const fn tell(&mut self, notice: Entry) {
        self.notice = Some(notice);
    }

    /// There is nothing to tell any more.
    pub const fn withdraw_notice(&mut self) {
        self.notice = None;
    }

    /// What the stream is to be told and has not taken.
    pub const fn notice(&self) -> Option<Entry> {
        self.notice
    }

    /// Forgets everything up to `head`, except the notice.
    // spec: SSF-152
    pub fn skip_to(&mut self, head: Seq) {
        *self = Self { notice: self.notice, ..Self::new(head) };
    }

    /// Open events in order.
    pub fn open(&self) -> impl Iterator<Item = Entry> + '_ {
        self.open.iter().map(|(seq, subject)| Entry { seq: *seq, subject: *subject })
    }

    /// Whether an event was taken and is not settled.
    pub fn is_open(&self, seq: Seq) -> bool {
        self.open.contains_key(&seq)
    }

    /// Whether an event waits behind the open ones, as far as is known without reading the log.
    pub fn has_more(&self) -> bool {
        !self.ring.is_empty() || self.behind.is_some()
    }

    /// How many events are open and how many wait in memory.
    pub fn len(&self) -> (usize, usize) {
        (self.open.len(), self.ring.len())
    }

    /// How many events are not settled, as far as is known without reading the log.
    pub fn known(&self) -> usize {
        self.open.len() + self.ring.len()
    }

    /// After which place nobody has looked yet what the log has for the stream; `None` when all is known.
    pub const fn unread(&self) -> Option<Seq> {
        self.behind
    }

    /// The event that is this many from the oldest of those that are known; 1 is the oldest.
    pub fn nth(&self, nth: usize) -> Option<Seq> {
        let mut known = self.open.keys().copied().chain(self.ring.iter().map(|entry| entry.seq));
        known.nth(nth.checked_sub(1)?)
    }

    /// How many open events were settled since this backlog was made.
    pub const fn settled(&self) -> u64 {
        self.settled
    }

    /// The first place that is not settled, a notice counts too. Of a stream that has not read on in the log since a
    /// restart, the first that may not be.
    pub fn oldest(&self) -> Option<Seq> {
        let known = || self.ring.front().map(|entry| entry.seq);
        let unread = || self.behind.map(|behind| Seq(behind.0 + 1));
        let first = self.open.keys().next().copied().or_else(known).or_else(unread);
        self.notice.map(|notice| notice.seq).into_iter().chain(first).min()
    }

    /// Whether the log may have more for the stream than is in memory.
    pub const fn is_behind(&self) -> bool {
        self.behind.is_some()
    }

    /// Everything up to here is settled, in a log that ends at `head`.
    pub fn settled_to(&self, head: Seq) -> Seq {
        let before = |entry: Entry| Seq(entry.seq.0.saturating_sub(1));
        let low = if self.open.is_empty() && !self.has_more() { head } else { self.cursor().low() };
        self.notice.map_or(low, |notice| before(notice).min(low))
    }

    /// How the stream stands to an event that is addressed to it.
    pub fn is_settled(&self, seq: Seq) -> bool {
        seq <= self.high && !self.open.contains_key(&seq)
    }

    /// The durable part has to be written again.
    pub const fn mark_dirty(&mut self) {
        self.dirty = true;
    }

    /// The durable part, whenever it changed since it was last asked for.
    pub fn take_dirty(&mut self) -> Option<Cursor> {
        std::mem::take(&mut self.dirty).then(|| self.cursor())
    }

    /// The durable part.
    pub fn cursor(&self) -> Cursor {
        Cursor { high: self.high, open: self.open.keys().copied().collect() }
    }
}
