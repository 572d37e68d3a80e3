//! The one writer: a thread that owns the order of the log. Requests that arrive while it commits ride the next
//! commit, and so does whatever streams have settled meanwhile.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
};

use secevent_ssf::{
    Entry, Seq, StreamNo,
    store::{Batch, NewEvent, Store, StoreError, StreamRecord, Write},
};
use tokio::sync::{mpsc, oneshot, watch};
use tracing::{debug_span, info, warn};

use crate::{
    again::Settled,
    follow,
    metrics::Metrics,
    recent::Recent,
    room::{Room, brings_more},
    stream::Stream,
    streams::Streams,
};

/// Requests that wait for the next commit; more wait for a place here.
const JOBS_MAX: usize = 4096;

/// Events of one commit: bounds its time on disk, and how much a failed one takes along.
const EVENTS_PER_COMMIT: usize = 1024;

/// What the hub's parts share with the writer.
#[derive(Debug)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    store: Arc<dyn Store>,
    streams: Arc<Streams>,
    recent: Arc<Recent>,
    room: Arc<Room>,
    metrics: Arc<Metrics>,
    head: AtomicU64,
    dirty: Mutex<BTreeSet<StreamNo>>,
    failure: watch::Sender<Option<String>>,
    /// Whether the last commit found no room.
    full: AtomicBool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("head", &self.head).finish_non_exhaustive()
    }
}

enum Job {
    Commit(Batch, oneshot::Sender<Result<Seq, StoreError>>),
    Flush,
    Stop,
}

/// What a commit takes along of a stream.
struct Taken {
    stream: Arc<Stream>,
    record: bool,
    settled: Option<Settled>,
}

impl Writer {
    pub(crate) fn start(
        store: Arc<dyn Store>,
        streams: Arc<Streams>,
        (recent, room, metrics): (Arc<Recent>, Arc<Room>, Arc<Metrics>),
        head: Seq,
    ) -> std::io::Result<Self> {
        let (jobs, receiver) = mpsc::channel(JOBS_MAX);
        let shared = Arc::new(Shared {
            store,
            streams,
            recent,
            room,
            metrics,
            head: AtomicU64::new(head.0),
            dirty: Mutex::default(),
            failure: watch::Sender::new(None),
            full: AtomicBool::new(false),
        });
        let thread = std::thread::Builder::new().name("writer".into()).spawn({
            let shared = Arc::clone(&shared);
            move || shared.run(receiver)
        })?;
        Ok(Self { jobs, shared, thread: Mutex::new(Some(thread)) })
    }

    /// Writes a batch durably and answers with the place of its first event. Where there is no room for events, those
    /// of the batch are refused before anything is written.
    pub(crate) async fn commit(&self, batch: Batch) -> Result<Seq, StoreError> {
        self.shared.room.admit(&batch)?;
        let (done, answer) = oneshot::channel();
        let stopped = || StoreError::Failed("the hub is stopping".into());
        self.jobs.send(Job::Commit(batch, done)).await.map_err(|_| stopped())?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// A stream settled something; it is written with the next commit.
    pub(crate) fn mark_dirty(&self, stream: StreamNo) {
        self.shared.dirty().insert(stream);
    }

    /// Writes what streams have settled, if nothing else takes it along.
    pub(crate) async fn flush(&self) {
        let idle = self.shared.dirty().is_empty();
        if !idle {
            // A full queue carries it along anyway; a closed one has nothing left to lose.
            drop(self.jobs.send(Job::Flush).await);
        }
    }

    /// The last place of the log.
    pub(crate) fn head(&self) -> Seq {
        Seq(self.shared.head.load(Ordering::Acquire))
    }

    /// Whether the last commit found no room.
    pub(crate) fn is_full(&self) -> bool {
        self.shared.full.load(Ordering::Acquire)
    }

    /// Becomes `Some` when the disk can no longer be trusted; the process must end then.
    pub(crate) fn failure(&self) -> watch::Receiver<Option<String>> {
        self.shared.failure.subscribe()
    }

    /// Tells that the store failed in another place than a commit.
    pub(crate) fn fail(&self, error: &StoreError) {
        self.shared.failure.send_replace(Some(error.to_string()));
    }

    /// Writes everything that was handed in before, then ends the thread.
    pub(crate) async fn stop(&self) {
        drop(self.jobs.send(Job::Stop).await);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            drop(tokio::task::spawn_blocking(move || thread.join()).await);
        }
    }
}

impl Shared {
    fn dirty(&self) -> std::sync::MutexGuard<'_, BTreeSet<StreamNo>> {
        self.dirty.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut jobs: mpsc::Receiver<Job>) {
        let mut stopping = false;
        while !stopping && self.failure.borrow().is_none() {
            let Some(first) = jobs.blocking_recv() else { break };
            let mut batch = Batch::default();
            let mut waiting = Vec::new();
            let mut next = Some(first);
            while let Some(job) = next {
                match job {
                    Job::Commit(part, done) => {
                        waiting.push((batch.events.len() as u64, done));
                        batch.append(part);
                    }
                    Job::Flush => {}
                    Job::Stop => stopping = true,
                }
                next = (!stopping && batch.events.len() < EVENTS_PER_COMMIT)
                    .then(|| jobs.try_recv().ok())
                    .flatten();
            }
            let result = self.commit(batch);
            for (offset, done) in waiting {
                let answer = match &result {
                    Ok((first, _)) => Ok(Seq(first.0 + offset)),
                    Err(StoreError::Full(why)) => Err(StoreError::Full(why.clone())),
                    Err(error) => Err(StoreError::Failed(error.to_string())),
                };
                // Whoever asked may have gone away; the commit stands.
                drop(done.send(answer));
            }
            // After the answers: an event for thousands of streams sets as many to work.
            for stream in result.into_iter().flat_map(|(_, fed)| fed) {
                stream.wake.notify_waiters();
            }
        }
    }

    /// Writes a batch; answers with the place of its first event and the streams that have more to do.
    fn commit(&self, mut batch: Batch) -> Result<(Seq, Vec<Arc<Stream>>), StoreError> {
        // A read may have failed since the last commit, and nothing is written after that.
        if let Some(why) = self.failure.borrow().clone() {
            return Err(StoreError::Failed(why));
        }
        let taken = self.take_dirty(&mut batch);
        if batch.events.is_empty() && batch.writes.is_empty() {
            return Ok((Seq(self.head.load(Ordering::Acquire) + 1), Vec::new()));
        }
        let spans =
            follow::each(&batch.events, |event| debug_span!("commit", txn = %event.txn.escape_debug()));
        let committed = self.metrics.commit(batch.events.len(), || self.store.commit(&batch));
        drop(spans);
        match committed {
            Ok(first) => {
                if self.full.swap(false, Ordering::AcqRel) {
                    info!("the store has room again; events are taken");
                }
                // Until now they were listed from memory.
                for Taken { stream, settled, .. } in &taken {
                    let Some(settled) = settled else { continue };
                    let mut work = stream.work();
                    work.letters.drain(..settled.letters.len());
                    work.taken.drain(..settled.taken.len());
                }
                self.metrics.logged(first, batch.events.len());
                let more = brings_more(&batch);
                let fed = self.feed(first, batch.events);
                if more {
                    self.measure();
                }
                Ok((first, fed))
            }
            Err(StoreError::Full(why)) => {
                if !self.full.swap(true, Ordering::AcqRel) {
                    warn!(%why, "the store is full: no events are taken until there is room");
                }
                // Nothing was written: what was settled is written when there is room again.
                self.give_back(&taken);
                Err(StoreError::Full(why))
            }
            Err(error) => {
                self.failure.send_replace(Some(error.to_string()));
                Err(error)
            }
        }
    }

    /// Looks how much room is left.
    fn measure(&self) {
        match self.store.usage() {
            Ok(usage) => self.room.measured(usage),
            Err(error @ StoreError::Failed(_)) => drop(self.failure.send_replace(Some(error.to_string()))),
            Err(_) => {}
        }
    }

    /// Adds what streams have settled, and records that the disk lacks, to a batch.
    fn take_dirty(&self, batch: &mut Batch) -> Vec<Taken> {
        let mut taken = Vec::new();
        let mut writes = Vec::new();
        for no in std::mem::take(&mut *self.dirty()) {
            let Some(stream) = self.streams.by_no(no) else { continue };
            let record = stream.take_dirty_record();
            let settled = stream.take_dirty();
            if record.is_none() && settled.is_none() {
                continue;
            }
            writes.extend(record.as_ref().map(|record| Write::Stream(Box::new(StreamRecord::clone(record)))));
            if let Some(Settled { cursor, replay_changed, replay, letters, taken }) = &settled {
                writes.extend(cursor.clone().map(|cursor| Write::Cursor(no, cursor)));
                let replay = replay_changed.then(|| Write::Replay(no, replay.clone().map(Box::new)));
                writes.extend(replay);
                // What was taken goes first: a letter of the same event is of a later attempt.
                writes.extend(taken.iter().map(|seq| Write::DropDeadLetter(no, *seq)));
                writes.extend(letters.iter().cloned().map(Write::DeadLetter));
            }
            taken.push(Taken { stream, record: record.is_some(), settled });
        }
        // In front: a stream that this very batch changes or drops must not be written over.
        batch.writes.splice(..0, writes);
        taken
    }

    fn give_back(&self, taken: &[Taken]) {
        for Taken { stream, record, settled } in taken {
            if *record {
                stream.mark_record_dirty();
            }
            if let Some(Settled { cursor, replay_changed, .. }) = settled {
                let mut work = stream.work();
                if cursor.is_some() {
                    work.queue.backlog_mut().mark_dirty();
                }
                work.replay_dirty |= replay_changed;
            }
            self.dirty().insert(stream.no);
        }
    }

    /// Hands committed events to their streams, in the order of the log.
    fn feed(&self, first: Seq, events: Vec<NewEvent>) -> Vec<Arc<Stream>> {
        let mut fed = BTreeMap::new();
        for (seq, event) in (first.0..).map(Seq).zip(events) {
            let entry = Entry { seq, subject: event.subject };
            let event = self.recent.insert(seq, event);
            self.head.store(seq.0, Ordering::Release);
            for stream in event.streams.iter().filter_map(|no| self.streams.by_no(*no)) {
                stream.offer(entry);
                fed.insert(stream.no, stream);
            }
        }
        fed.into_values().collect()
    }
}
