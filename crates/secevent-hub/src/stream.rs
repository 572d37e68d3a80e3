//! Streams at work: what the hub keeps in memory of each.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use secevent::{EventType, event::ssf::StreamStatus};
use secevent_ssf::{
    Audience, Entry, Seq, StreamNo,
    engine::{Backlog, Cursor, Lane, Millis, PollQueue},
    store::{DeadLetter, StreamRecord},
    stream::Delivery,
};
use tokio::sync::Notify;

/// One stream.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) no: StreamNo,
    record: RwLock<Arc<StreamRecord>>,
    work: Mutex<Work>,
    /// Something happened: an event was appended, the status changed, the stream went away.
    pub(crate) wake: Notify,
    gone: AtomicBool,
    /// The disk lacks the record as it is.
    record_dirty: AtomicBool,
    pub(crate) verifications: tokio::sync::Mutex<Verifications>,
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
    /// Set aside and not written yet; they leave when the commit that carries the cursor is done.
    pub(crate) letters: Vec<DeadLetter>,
}

/// How the stream is delivered.
#[derive(Debug)]
pub(crate) enum Queue {
    Push(Lane),
    Poll(PollQueue),
}

impl Queue {
    pub(crate) fn new(record: &StreamRecord, backlog: Backlog, limits: &crate::Limits) -> Self {
        match record.config.delivery {
            Delivery::Push { .. } => Self::Push(Lane::new(backlog, limits.push_window)),
            _ => Self::Poll(PollQueue::new(backlog, limits.poll_lease_ms)),
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
    pub(crate) fn new(record: StreamRecord, queue: Queue) -> Self {
        Self {
            no: record.no,
            record: RwLock::new(Arc::new(record)),
            work: Mutex::new(Work { queue, letters: Vec::new() }),
            wake: Notify::new(),
            gone: AtomicBool::new(false),
            record_dirty: AtomicBool::new(false),
            verifications: tokio::sync::Mutex::default(),
        }
    }

    pub(crate) fn record(&self) -> Arc<StreamRecord> {
        Arc::clone(&self.record.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The record is to be written with the next commit.
    pub(crate) fn mark_record_dirty(&self) {
        self.record_dirty.store(true, Ordering::Release);
    }

    /// The record, if the disk lacks it.
    pub(crate) fn take_dirty_record(&self) -> Option<Arc<StreamRecord>> {
        self.record_dirty.swap(false, Ordering::AcqRel).then(|| self.record())
    }

    pub(crate) fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn offer(&self, entry: Entry) {
        self.work().queue.backlog_mut().offer(entry);
        self.wake.notify_waiters();
    }

    /// What is to be written of this stream: where it stands, and what was set aside on the way there.
    pub(crate) fn take_dirty(&self) -> Option<(Cursor, Vec<DeadLetter>)> {
        let mut work = self.work();
        let cursor = work.queue.backlog_mut().take_dirty()?;
        Some((cursor, work.letters.clone()))
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    fn leave(&self) {
        self.gone.store(true, Ordering::Release);
        self.wake.notify_waiters();
    }
}

/// All streams of the hub.
#[derive(Debug, Default)]
pub(crate) struct Streams(RwLock<Registry>);

#[derive(Debug, Default)]
struct Registry {
    by_id: BTreeMap<String, Arc<Stream>>,
    by_no: BTreeMap<StreamNo, Arc<Stream>>,
    /// Which streams get an event: with many of them, asking each for every event would take longer than writing it.
    by_type: BTreeMap<EventType, BTreeSet<StreamNo>>,
    last_stream: u32,
    last_audience: u32,
}

impl Registry {
    /// Adds what a stream is subscribed to.
    // spec: SSF-081, SSF-147, SSF-149, SSF-152
    fn subscribe(&mut self, record: &StreamRecord) {
        if record.status == StreamStatus::Disabled {
            return;
        }
        for event_type in &record.config.events_delivered {
            self.by_type.entry(event_type.clone()).or_default().insert(record.no);
        }
    }

    fn unsubscribe(&mut self, record: &StreamRecord) {
        for event_type in &record.config.events_delivered {
            let Some(streams) = self.by_type.get_mut(event_type) else { continue };
            streams.remove(&record.no);
            if streams.is_empty() {
                self.by_type.remove(event_type);
            }
        }
    }
}

impl Streams {
    pub(crate) fn new(
        streams: impl IntoIterator<Item = Stream>,
        last_stream: u32,
        last_audience: u32,
    ) -> Self {
        let all = Self(RwLock::new(Registry { last_stream, last_audience, ..Registry::default() }));
        streams.into_iter().for_each(|stream| drop(all.insert(stream)));
        all
    }

    pub(crate) fn insert(&self, stream: Stream) -> Arc<Stream> {
        let stream = Arc::new(stream);
        let mut registry = self.write();
        registry.subscribe(&stream.record());
        registry.by_id.insert(stream.record().config.stream_id.clone(), Arc::clone(&stream));
        registry.by_no.insert(stream.no, Arc::clone(&stream));
        stream
    }

    pub(crate) fn remove(&self, stream: &Stream) {
        let mut registry = self.write();
        registry.unsubscribe(&stream.record());
        registry.by_id.remove(&stream.record().config.stream_id);
        registry.by_no.remove(&stream.no);
        stream.leave();
    }

    /// Changes what is known of a stream, and wakes whoever delivers it.
    pub(crate) fn replace_record(&self, stream: &Stream, record: StreamRecord) {
        {
            let mut registry = self.write();
            registry.unsubscribe(&stream.record());
            registry.subscribe(&record);
            *stream.record.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(record);
        }
        stream.wake.notify_waiters();
    }

    /// Numbers for a new stream of this audience. Streams with the same `aud` share an audience.
    pub(crate) fn numbers_for(&self, aud: &[String]) -> (StreamNo, Audience) {
        let mut registry = self.write();
        registry.last_stream += 1;
        let no = StreamNo(registry.last_stream);
        let shared =
            registry.by_no.values().map(|stream| stream.record()).find(|record| record.config.aud == aud);
        let audience = shared.map_or_else(
            || {
                registry.last_audience += 1;
                Audience(registry.last_audience)
            },
            |record| record.audience,
        );
        (no, audience)
    }

    pub(crate) fn by_id(&self, stream_id: &str) -> Option<Arc<Stream>> {
        self.read().by_id.get(stream_id).cloned()
    }

    pub(crate) fn by_no(&self, no: StreamNo) -> Option<Arc<Stream>> {
        self.read().by_no.get(&no).cloned()
    }

    /// All streams in the order they were made.
    pub(crate) fn all(&self) -> Vec<Arc<Stream>> {
        self.read().by_no.values().cloned().collect()
    }

    /// The streams that an event of this type goes to, in ascending order.
    pub(crate) fn subscribed(&self, event_type: &EventType) -> Vec<StreamNo> {
        self.read().by_type.get(event_type).into_iter().flatten().copied().collect()
    }

    /// Everything at or below this place is settled by every stream.
    pub(crate) fn settled(&self, head: Seq) -> Seq {
        let low = |stream: &Arc<Stream>| {
            let work = stream.work();
            let backlog = work.queue.backlog();
            if backlog.is_empty() { head } else { backlog.cursor().low() }
        };
        self.read().by_no.values().map(low).min().unwrap_or(head)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Registry> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Registry> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
