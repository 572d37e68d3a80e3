//! A store in a file that fails at a call of its choice, and watches what is done to it.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use secevent::Timestamp;
use secevent_hub::store::SqliteStore;
use secevent_ssf::{
    Seq, StreamNo,
    store::{
        Batch, DeadLetter, IdempotentAnswer, LogRow, Received, Retention, Routes, Snapshot, Store,
        StoreError, Usage,
    },
};
use tokio::time::Instant;

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing is done.
    Failed,
    /// It is done, and fails nevertheless.
    FailedTooLate,
    /// There is no room, for a few calls.
    Full,
}

/// Calls that find no room in a row: more than one try of anything.
const FULL_CALLS: usize = 5;

/// A reading and a commit may fail and begin at the same time; after this long the writer knows.
const HEARD_WITHIN: Duration = Duration::from_millis(100);

/// A store in a file whose n-th call fails.
pub(crate) struct Faulty {
    pub(crate) inner: SqliteStore,
    fault: Fault,
    nth: usize,
    calls: AtomicUsize,
    /// When it failed, as far as it did.
    failed_at: Mutex<Option<Instant>>,
    /// What should not have happened.
    complaints: Mutex<Vec<String>>,
}

impl Faulty {
    pub(crate) fn new(inner: SqliteStore, fault: Fault, nth: usize) -> Arc<Self> {
        let (calls, failed_at, complaints) = (AtomicUsize::new(0), Mutex::default(), Mutex::default());
        Arc::new(Self { inner, fault, nth, calls, failed_at, complaints })
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.calls.load(Ordering::SeqCst) > self.nth
    }

    pub(crate) fn must_end(&self) -> bool {
        self.has_failed() && self.fault != Fault::Full
    }

    /// A store that does not fail, and is watched.
    pub(crate) fn watched(inner: SqliteStore) -> Arc<Self> {
        Self::new(inner, Fault::Full, usize::MAX)
    }

    pub(crate) fn complaints(&self) -> Vec<String> {
        self.complaints.lock().unwrap().clone()
    }

    fn complain(&self, what: String) {
        self.complaints.lock().unwrap().push(what);
    }

    fn call<T>(&self, act: impl FnOnce(&SqliteStore) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let now = self.calls.fetch_add(1, Ordering::SeqCst);
        if now == self.nth {
            *self.failed_at.lock().unwrap() = Some(Instant::now());
        }
        match self.fault {
            Fault::Full if (self.nth..self.nth.saturating_add(FULL_CALLS)).contains(&now) => {
                Err(StoreError::Full("no space".into()))
            }
            Fault::Failed if now == self.nth => Err(StoreError::Failed("input/output error".into())),
            Fault::FailedTooLate if now == self.nth => {
                drop(act(&self.inner));
                Err(StoreError::Failed("input/output error".into()))
            }
            _ => act(&self.inner),
        }
    }

    /// What is forgotten is settled on disk: after a crash nobody could say any more what became of it.
    fn watch_prune(&self, settled: Seq) -> Result<(), StoreError> {
        for (record, cursor) in self.inner.load()?.streams {
            let routes = self.inner.routes(record.no, cursor.high, usize::MAX)?;
            let ahead = routes.entries.into_iter().map(|entry| entry.seq);
            let pending: Vec<_> =
                cursor.open.into_iter().chain(ahead).filter(|seq| *seq <= settled).collect();
            if !pending.is_empty() {
                self.complain(format!(
                    "{pending:?} may be forgotten; stream {:?} has them to come",
                    record.no
                ));
            }
        }
        Ok(())
    }
}

impl Store for Faulty {
    fn load(&self) -> Result<Snapshot, StoreError> {
        self.call(Store::load)
    }

    fn commit(&self, batch: &Batch) -> Result<Seq, StoreError> {
        let failed_at = *self.failed_at.lock().unwrap();
        if self.must_end() && failed_at.is_some_and(|at| at.elapsed() > HEARD_WITHIN) {
            self.complain(format!("written after a failure: {batch:?}"));
        }
        self.call(|store| store.commit(batch))
    }

    fn events(&self, seqs: &[Seq]) -> Result<Vec<LogRow>, StoreError> {
        self.call(|store| store.events(seqs))
    }

    fn routes(&self, stream: StreamNo, after: Seq, limit: usize) -> Result<Routes, StoreError> {
        self.call(|store| store.routes(stream, after, limit))
    }

    fn last_before(&self, before: Timestamp) -> Result<Option<Seq>, StoreError> {
        self.call(|store| store.last_before(before))
    }

    fn dead_letters(
        &self,
        stream: StreamNo,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        self.call(|store| store.dead_letters(stream, after, limit))
    }

    fn received(&self, from: Option<&str>, after: u64, limit: usize) -> Result<Vec<Received>, StoreError> {
        self.call(|store| store.received(from, after, limit))
    }

    fn received_as(&self, iss: &str, jti: &str) -> Result<Option<Received>, StoreError> {
        self.call(|store| store.received_as(iss, jti))
    }

    fn answer(&self, key: &str) -> Result<Option<IdempotentAnswer>, StoreError> {
        self.call(|store| store.answer(key))
    }

    fn prune(&self, retention: &Retention) -> Result<usize, StoreError> {
        self.watch_prune(retention.settled)?;
        self.call(|store| store.prune(retention))
    }

    fn usage(&self) -> Result<Usage, StoreError> {
        self.call(Store::usage)
    }
}
