//! All streams of the hub, and which of them get an event.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use secevent::{EventType, Matching, SubjectId, Timestamp, event::ssf::StreamStatus};
use secevent_ssf::{
    Audience, Seq, StreamNo,
    interest::{Change, Interests, Wish},
    metadata::DefaultSubjects,
    store::StreamRecord,
};

use crate::{again::Again, stream::Stream};

/// All streams of the hub.
#[derive(Debug)]
pub(crate) struct Streams {
    registry: RwLock<Registry>,
    /// Taken after the registry by whoever takes both.
    interests: Mutex<Interests>,
}

#[derive(Debug, Default)]
struct Registry {
    by_id: BTreeMap<String, Arc<Stream>>,
    by_no: BTreeMap<StreamNo, Arc<Stream>>,
    by_receiver: BTreeMap<String, BTreeMap<StreamNo, Arc<Stream>>>,
    /// Which streams get an event: with many of them, asking each for every event would take longer than writing it.
    by_type: BTreeMap<EventType, Subscribers>,
    /// The numbers of audiences, also of those that have no stream now: each number is one of few.
    audiences: BTreeMap<Vec<String>, Audience>,
    last_stream: u32,
    last_audience: u32,
}

/// The streams to which a type of events is delivered.
#[derive(Debug, Default)]
struct Subscribers {
    /// About all subjects, but for some.
    all: BTreeSet<StreamNo>,
    /// About some subjects.
    chosen: BTreeSet<StreamNo>,
}

impl Subscribers {
    fn of(&mut self, default: DefaultSubjects) -> &mut BTreeSet<StreamNo> {
        if default == DefaultSubjects::All { &mut self.all } else { &mut self.chosen }
    }
}

impl Registry {
    /// Adds what a stream is subscribed to.
    // spec: SSF-081, SSF-147, SSF-149, SSF-152
    fn subscribe(&mut self, record: &StreamRecord) {
        if record.status == StreamStatus::Disabled {
            return;
        }
        for event_type in &record.config.events_delivered {
            let subscribers = self.by_type.entry(event_type.clone()).or_default();
            subscribers.of(record.default_subjects).insert(record.no);
        }
    }

    fn unsubscribe(&mut self, record: &StreamRecord) {
        for event_type in &record.config.events_delivered {
            let Some(subscribers) = self.by_type.get_mut(event_type) else { continue };
            subscribers.of(record.default_subjects).remove(&record.no);
            if subscribers.all.is_empty() && subscribers.chosen.is_empty() {
                self.by_type.remove(event_type);
            }
        }
    }
}

impl Streams {
    pub(crate) fn new(
        streams: impl IntoIterator<Item = Stream>,
        (matching, wishes): (Matching, Vec<Wish>),
        (last_stream, last_audience): (u32, u32),
    ) -> Self {
        let registry = Registry { last_stream, last_audience, ..Registry::default() };
        let interests = Mutex::new(Interests::new(matching));
        let all = Self { registry: RwLock::new(registry), interests };
        streams.into_iter().for_each(|stream| drop(all.insert(stream)));
        for wish in wishes {
            all.interests().apply(&Change::Keep(Box::new(wish)));
        }
        all
    }

    pub(crate) fn insert(&self, stream: Stream) -> Arc<Stream> {
        let stream = Arc::new(stream);
        let mut registry = self.write();
        registry.subscribe(&stream.record());
        self.interests().open(stream.no, stream.record().default_subjects);
        let record = stream.record();
        registry.audiences.insert(record.config.aud.clone(), record.audience);
        registry.by_id.insert(record.config.stream_id.clone(), Arc::clone(&stream));
        registry.by_no.insert(stream.no, Arc::clone(&stream));
        let of_receiver = registry.by_receiver.entry(record.receiver.clone()).or_default();
        of_receiver.insert(stream.no, Arc::clone(&stream));
        stream
    }

    pub(crate) fn remove(&self, stream: &Stream) {
        let mut registry = self.write();
        registry.unsubscribe(&stream.record());
        registry.by_id.remove(&stream.record().config.stream_id);
        registry.by_no.remove(&stream.no);
        if let Some(of_receiver) = registry.by_receiver.get_mut(&stream.record().receiver) {
            of_receiver.remove(&stream.no);
        }
        self.interests().close(stream.no);
        stream.leave();
    }

    /// Changes what is known of a stream, and wakes whoever delivers it.
    pub(crate) fn replace_record(&self, stream: &Stream, record: StreamRecord) {
        {
            let mut registry = self.write();
            registry.unsubscribe(&stream.record());
            registry.subscribe(&record);
            stream.replace(record);
        }
        stream.wake.notify_waiters();
    }

    /// Numbers for a new stream of this audience. Streams with the same `aud` share an audience.
    pub(crate) fn numbers_for(&self, aud: &[String]) -> (StreamNo, Audience) {
        let mut registry = self.write();
        registry.last_stream += 1;
        let no = StreamNo(registry.last_stream);
        let next = Audience(registry.last_audience + 1);
        let audience = *registry.audiences.entry(aud.to_vec()).or_insert(next);
        registry.last_audience = registry.last_audience.max(audience.0);
        (no, audience)
    }

    pub(crate) fn by_id(&self, stream_id: &str) -> Option<Arc<Stream>> {
        self.read().by_id.get(stream_id).cloned()
    }

    pub(crate) fn by_no(&self, no: StreamNo) -> Option<Arc<Stream>> {
        self.read().by_no.get(&no).cloned()
    }

    /// The streams of a receiver in the order they were made.
    pub(crate) fn of(&self, receiver: &str) -> Vec<Arc<Stream>> {
        let registry = self.read();
        registry.by_receiver.get(receiver).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// All streams in the order they were made.
    pub(crate) fn all(&self) -> Vec<Arc<Stream>> {
        self.read().by_no.values().cloned().collect()
    }

    /// The streams that an event of this type about this subject goes to, in ascending order.
    // spec: SSF-044, SSF-081, SUB-063, SUB-064
    pub(crate) fn destinations(
        &self,
        event_type: &EventType,
        subject: &SubjectId,
        now: Timestamp,
    ) -> Vec<StreamNo> {
        let registry = self.read();
        let Some(Subscribers { all, chosen }) = registry.by_type.get(event_type) else { return Vec::new() };
        let wishes = self.interests().about(subject, now);
        let but_some = all.iter().filter(|no| wishes.get(no) != Some(&false));
        let some = wishes.iter().filter(|(no, wanted)| **wanted && chosen.contains(no)).map(|(no, _)| no);
        let mut streams: Vec<_> = but_some.chain(some).copied().collect();
        streams.sort_unstable();
        streams
    }

    /// Whether a stream, which this record describes, still wants an event of this type about this subject.
    // spec: SSF-081, SSF-208
    pub(crate) fn wants(
        &self,
        record: &StreamRecord,
        (event_type, subject): (&EventType, &SubjectId),
        now: Timestamp,
    ) -> bool {
        record.config.events_delivered.contains(event_type)
            && self.interests().includes(record.no, subject, now)
    }

    /// What streams wish to hear of subjects.
    pub(crate) fn interests(&self) -> MutexGuard<'_, Interests> {
        self.interests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything at or below this place is settled by every stream.
    pub(crate) fn settled(&self, head: Seq) -> Seq {
        let low = |stream: &Arc<Stream>| {
            let work = stream.work();
            let again = work.again.as_ref().and_then(Again::needs_after);
            again.unwrap_or(head).min(work.queue.backlog().settled_to(head))
        };
        self.read().by_no.values().map(low).min().unwrap_or(head)
    }

    fn read(&self) -> RwLockReadGuard<'_, Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Registry> {
        self.registry.write().unwrap_or_else(PoisonError::into_inner)
    }
}
