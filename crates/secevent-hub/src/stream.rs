//! A stream at work: what the hub keeps in memory of it.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use secevent::{SubjectId, event::ssf::StreamStatus};
use secevent_ssf::{
    Entry, Seq, StreamNo, SubjectKey,
    engine::{Backlog, Lane, Millis, PollQueue},
    store::{DeadLetter, StreamRecord},
    stream::Delivery,
};
use tokio::sync::Notify;

use crate::again::{Again, Progress, Settled};
use crate::turns::LATE;

/// One stream.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) no: StreamNo,
    record: RwLock<Arc<StreamRecord>>,
    work: Mutex<Work>,
    /// Something happened: an event was appended, the status changed, the stream went away.
    pub(crate) wake: Notify,
    gone: AtomicBool,
    /// Its receiver took long for the last push.
    late: AtomicBool,
    /// When its receiver last asked for something, in milliseconds since 1970.
    active: AtomicU64,
    /// Its receiver is not configured: what the record says of that is for memory only.
    orphan: bool,
    /// The disk lacks the record as it is.
    record_dirty: AtomicBool,
    pub(crate) verifications: tokio::sync::Mutex<Verifications>,
    /// Held while its receiver adds or removes a subject.
    pub(crate) wishes: tokio::sync::Mutex<()>,
}

/// Verification events that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Verifications {
    last: Option<Millis>,
    /// Not settled when it was last looked. In memory only: after a restart as many may be asked for again.
    unsettled: BTreeSet<Seq>,
}

/// A receiver that asks again and again without taking the answers fills its own stream no further.
const VERIFICATIONS_MAX: usize = 10;

impl Verifications {
    /// Whether the last one is this long ago.
    // spec: SSF-086, SSF-087
    pub(crate) fn may_ask(&self, now: Millis, interval: Duration) -> bool {
        let interval = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
        self.last.is_none_or(|last| now >= last.plus(interval))
    }

    /// Whether too many wait for the receiver to take them.
    pub(crate) fn is_full(&mut self, stream: &Stream) -> bool {
        let work = stream.work();
        self.unsettled.retain(|seq| !work.queue.backlog().is_settled(*seq));
        self.unsettled.len() >= VERIFICATIONS_MAX
    }

    pub(crate) fn asked(&mut self, now: Millis, seq: Seq) {
        self.last = Some(now);
        self.unsettled.insert(seq);
    }
}

/// What changes with every event.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) queue: Queue,
    /// Which delivery this is: what was begun before says nothing of the delivery of now.
    pub(crate) delivery_no: u64,
    /// What is sent once more beside it.
    pub(crate) again: Option<Again>,
    /// How the last of that ended.
    pub(crate) ended: Option<Progress>,
    /// The disk lacks that something is sent once more, or is not any more.
    pub(crate) replay_dirty: bool,
    /// Deliveries so far.
    delivery_count: u64,
    /// Set aside and not written yet; they leave when the commit that carries the cursor is done.
    pub(crate) letters: Vec<DeadLetter>,
    /// Dead letters that were taken when they were sent once more; not forgotten on disk yet.
    pub(crate) taken: Vec<Seq>,
}

impl Work {
    /// Delivers the same backlog as this record says from now on.
    pub(crate) fn deliver_as(&mut self, record: &StreamRecord, limits: &crate::Limits) {
        let backlog = std::mem::take(self.queue.backlog_mut());
        self.queue = Queue::new(record, backlog, limits);
        self.delivery_no = self.next_delivery_no();
        self.deliver_again_as(record, limits);
    }

    pub(crate) const fn next_delivery_no(&mut self) -> u64 {
        self.delivery_count += 1;
        self.delivery_count
    }
}

/// How the stream is delivered.
#[derive(Debug)]
pub(crate) enum Queue {
    Push(Lane),
    Poll(PollQueue),
}

impl Queue {
    /// A queue over this backlog, held unless the stream is enabled.
    pub(crate) fn new(record: &StreamRecord, backlog: Backlog, limits: &crate::Limits) -> Self {
        Self::with_window(record, backlog, (limits.push_window, limits))
    }

    /// The same with another window for pushes.
    pub(crate) fn with_window(
        record: &StreamRecord,
        backlog: Backlog,
        (window, limits): (usize, &crate::Limits),
    ) -> Self {
        let mut queue = match record.config.delivery {
            Delivery::Push { .. } => Self::Push(Lane::new(backlog, window)),
            _ => Self::Poll(PollQueue::new(backlog, limits.poll_lease_ms)),
        };
        queue.hold(record.status != StreamStatus::Enabled);
        queue
    }

    pub(crate) fn skip_to(&mut self, head: Seq) {
        match self {
            Self::Push(lane) => lane.skip_to(head),
            Self::Poll(queue) => queue.skip_to(head),
        }
    }

    pub(crate) fn hold(&mut self, held: bool) {
        match self {
            Self::Push(lane) => lane.hold(held),
            Self::Poll(queue) => queue.hold(held),
        }
    }

    pub(crate) const fn backlog(&self) -> &Backlog {
        match self {
            Self::Push(lane) => lane.backlog(),
            Self::Poll(queue) => queue.backlog(),
        }
    }

    pub(crate) const fn backlog_mut(&mut self) -> &mut Backlog {
        match self {
            Self::Push(lane) => lane.backlog_mut(),
            Self::Poll(queue) => queue.backlog_mut(),
        }
    }
}

impl Stream {
    pub(crate) fn new(record: StreamRecord, queue: Queue, now: Millis) -> Self {
        Self {
            no: record.no,
            record: RwLock::new(Arc::new(record)),
            work: Mutex::new(Work {
                queue,
                delivery_no: 0,
                again: None,
                ended: None,
                replay_dirty: false,
                delivery_count: 0,
                letters: Vec::new(),
                taken: Vec::new(),
            }),
            wake: Notify::new(),
            gone: AtomicBool::new(false),
            late: AtomicBool::new(false),
            active: AtomicU64::new(now.0),
            orphan: false,
            record_dirty: AtomicBool::new(false),
            verifications: tokio::sync::Mutex::default(),
            wishes: tokio::sync::Mutex::default(),
        }
    }

    /// A stream whose receiver is not configured.
    pub(crate) fn orphaned(self) -> Self {
        Self { orphan: true, ..self }
    }

    pub(crate) fn record(&self) -> Arc<StreamRecord> {
        Arc::clone(&self.record.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What events about the stream itself are about.
    // spec: SSF-198
    pub(crate) fn own_subject(&self) -> SubjectKey {
        SubjectKey::of(&SubjectId::opaque(self.record().config.stream_id.as_str()))
    }

    /// The record is to be written with the next commit.
    pub(crate) fn mark_record_dirty(&self) {
        self.record_dirty.store(true, Ordering::Release);
    }

    /// The record, if the disk lacks it; a notice that was taken is no longer in it.
    pub(crate) fn take_dirty_record(&self) -> Option<Arc<StreamRecord>> {
        if self.orphan {
            return None;
        }
        let waits = self.work().queue.backlog().notice().map(|notice| notice.seq);
        let mut record = self.record.write().unwrap_or_else(PoisonError::into_inner);
        let taken = record.notice.is_some() && record.notice != waits;
        if taken {
            Arc::make_mut(&mut record).notice = None;
        }
        (self.record_dirty.swap(false, Ordering::AcqRel) || taken).then(|| Arc::clone(&record))
    }

    pub(crate) fn replace(&self, record: StreamRecord) {
        *self.record.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(record);
    }

    /// Its receiver is there.
    // spec: SSF-090, SSF-092
    pub(crate) fn touch(&self, now: Millis) {
        self.active.fetch_max(now.0, Ordering::AcqRel);
    }

    /// How long its receiver has not asked for anything.
    pub(crate) fn inactive_for(&self, now: Millis) -> Duration {
        Duration::from_millis(now.0.saturating_sub(self.active.load(Ordering::Acquire)))
    }

    pub(crate) fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it stands with what is sent once more, or how that ended.
    pub(crate) fn progress(&self) -> Option<Progress> {
        let held = self.record().status != StreamStatus::Enabled;
        self.work().progress(held)
    }

    /// Adds what was committed; whoever delivers it is woken after.
    pub(crate) fn offer(&self, entry: Entry) {
        self.work().queue.backlog_mut().offer(entry);
    }

    /// What is to be written of this stream: where it stands, and what was set aside on the way there.
    pub(crate) fn take_dirty(&self) -> Option<Settled> {
        let settled = self.work().take_dirty();
        if settled.as_ref().is_some_and(|settled| settled.replay_changed && settled.replay.is_none()) {
            // Whoever delivered it has nothing to do any more.
            self.wake.notify_waiters();
        }
        settled
    }

    /// Whether its receiver takes long for a push.
    pub(crate) fn is_late(&self) -> bool {
        self.late.load(Ordering::Relaxed)
    }

    pub(crate) fn answered_after(&self, time: Duration) {
        self.late.store(time >= LATE, Ordering::Relaxed);
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    pub(crate) fn leave(&self) {
        self.gone.store(true, Ordering::Release);
        self.wake.notify_waiters();
    }
}
