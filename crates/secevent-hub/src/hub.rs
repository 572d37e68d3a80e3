//! The hub: what its parts share, how it starts and how it ends.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use secevent::Signer;
use secevent_http::client::Client;
use secevent_ssf::{
    JtiMint, Seq,
    engine::Millis,
    store::{Batch, NewEvent, Store, StoreError, StreamRecord},
};
use tokio::{sync::watch, task::JoinSet};
use tracing::warn;

use crate::{
    ReceiverSettings, Settings,
    accept::{IdempotencyLocks, address_bytes, is_framework},
    follow,
    keys::KeyRing,
    metrics::Metrics,
    oauth::OAuth,
    receiver::Transmitters,
    receivers::Receivers,
    recent::Recent,
    replay,
    resume::resume,
    room::Room,
    stream::Stream,
    streams::Streams,
    turns::Turns,
    writer::Writer,
};

/// A running hub; cheap to clone.
#[derive(Clone, Debug)]
pub struct Hub(pub(crate) Arc<Shared>);

/// What the parts of a hub share.
pub(crate) struct Shared {
    /// Without the receivers.
    pub(crate) settings: Settings,
    pub(crate) receivers: Arc<Receivers>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) streams: Arc<Streams>,
    pub(crate) writer: Writer,
    pub(crate) recent: Arc<Recent>,
    pub(crate) room: Arc<Room>,
    pub(crate) keys: KeyRing,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) jti: JtiMint,
    pub(crate) transmitters: Transmitters,
    pub(crate) oauth: OAuth,
    pub(crate) turns: Turns,
    pub(crate) stopping: watch::Sender<bool>,
    /// Held while a stream is made, changed or removed, so that the disk sees what memory saw, in one order.
    pub(crate) stream_changes: tokio::sync::Mutex<()>,
    pub(crate) idempotency: IdempotencyLocks,
    /// What the addressing of a SET adds to its length.
    pub(crate) address_bytes: usize,
    pub(crate) workers: Mutex<JoinSet<()>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("issuer", &self.settings.issuer).finish_non_exhaustive()
    }
}

/// Why a hub could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A signing key cannot be made or read.
    #[error("signing keys: {0}")]
    Keys(#[from] secevent_jose::Error),
    /// A thread cannot be started.
    #[error("the writer's thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// How long a stop waits for what is on its way.
pub(crate) const DRAIN_MAX: Duration = Duration::from_secs(10);

impl Hub {
    /// Starts a hub over a store: loads streams and keys, makes the keys that are missing, begins to deliver.
    ///
    /// # Errors
    /// When the store, a key or a thread cannot be used.
    pub async fn start(mut settings: Settings, store: Arc<dyn Store>) -> Result<Self, HubError> {
        let (oauth, address_bytes) = (OAuth::new(&settings), address_bytes(&settings));
        let receivers = Arc::new(Receivers::new(std::mem::take(&mut settings.receivers)));
        let (mut snapshot, streams) = {
            let (store, settings) = (Arc::clone(&store), settings.clone());
            let receivers = Arc::clone(&receivers);
            blocking(move || {
                let mut snapshot = store.load()?;
                let records = std::mem::take(&mut snapshot.streams).into_iter();
                let mut replays: BTreeMap<_, _> = std::mem::take(&mut snapshot.replays).into_iter().collect();
                let streams = records.map(|(record, cursor)| {
                    let replay = replays.remove(&record.no);
                    resume(&*store, record, (&cursor, snapshot.head, replay), (&settings, &receivers))
                });
                let streams = streams.collect::<Result<Vec<_>, _>>()?;
                Ok((snapshot, streams))
            })
            .await?
        };
        let wishes = (settings.matching, std::mem::take(&mut snapshot.wishes));
        let streams = Streams::new(streams, wishes, (snapshot.last_stream, snapshot.last_audience));
        let streams = Arc::new(streams);
        let recent = Arc::new(Recent::default());
        let room = Arc::new(Room::new(settings.limits.retention_bytes));
        let metrics = Arc::new(Metrics::new(Arc::clone(&settings.clock)));
        let hub = Self(Arc::new(Shared {
            keys: KeyRing::load(&snapshot.keys, settings.limits.retention)?,
            jti: JtiMint::new(snapshot.origin.sealing_key, snapshot.origin.incarnation),
            writer: Writer::start(
                Arc::clone(&store),
                Arc::clone(&streams),
                (Arc::clone(&recent), Arc::clone(&room), Arc::clone(&metrics)),
                snapshot.head,
            )?,
            oauth,
            address_bytes,
            receivers,
            settings,
            store,
            streams,
            recent,
            room,
            metrics,
            transmitters: Transmitters::default(),
            turns: Turns::new(),
            stopping: watch::Sender::new(false),
            stream_changes: tokio::sync::Mutex::default(),
            idempotency: IdempotencyLocks::default(),
            workers: Mutex::default(),
        }));
        hub.look_after_keys().await?;
        for stream in hub.0.streams.all() {
            hub.work_on(&stream);
        }
        hub.spawn(Self::keep_settlements);
        hub.spawn(Self::keep_house);
        hub.spawn(Self::keep_keys);
        Ok(hub)
    }

    /// The issuer of its SETs.
    pub fn issuer(&self) -> &str {
        &self.0.settings.issuer
    }

    /// Where the hub may connect to, with a connection pool of its own.
    pub fn client(&self) -> &Client {
        &self.0.settings.client
    }

    /// The key that signs with this algorithm now: for whoever issues other tokens under the same published keys,
    /// such as an identity provider its Logout Tokens.
    pub fn signer(&self, alg: secevent::Alg) -> Option<secevent::SigningKey> {
        self.0.keys.signer(alg, self.now().timestamp())
    }

    /// The present.
    pub fn now(&self) -> Millis {
        (self.0.settings.clock)()
    }

    /// Resolves when the disk can no longer be trusted; the process must end then, with these words.
    pub async fn failed(&self) -> String {
        let mut failure = self.0.writer.failure();
        let why = failure.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
        match why {
            Some(why) => why,
            None => std::future::pending().await,
        }
    }

    /// Says that the end is near: parked polls are answered, lanes begin nothing new.
    pub fn begin_stop(&self) {
        self.0.stopping.send_replace(true);
    }

    /// Stops: takes nothing new, finishes what is on its way (10 s at most), writes everything down.
    pub async fn stop(&self) {
        self.begin_stop();
        let mut workers = std::mem::take(&mut *self.0.workers.lock().unwrap_or_else(PoisonError::into_inner));
        let drained = tokio::time::timeout(DRAIN_MAX, async { while workers.join_next().await.is_some() {} });
        if drained.await.is_err() {
            warn!("some deliveries did not end in time; they are repeated after the next start");
        }
        self.0.writer.stop().await;
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.0.stopping.borrow()
    }

    /// Runs a worker that `stop` waits for.
    pub(crate) fn spawn<F: Future<Output = ()> + Send + 'static>(&self, work: impl FnOnce(Self) -> F) {
        let mut workers = self.0.workers.lock().unwrap_or_else(PoisonError::into_inner);
        while workers.try_join_next().is_some() {}
        if !self.is_stopping() {
            workers.spawn(work(self.clone()));
        }
    }

    /// Writes a batch. A store that failed ends the process by way of [`Hub::failed`].
    pub(crate) async fn commit(&self, batch: Batch) -> Result<Seq, StoreError> {
        self.0.writer.commit(batch).await
    }

    /// Reads from the store, away from the threads that serve requests.
    pub(crate) async fn read_store<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = Arc::clone(&self.0.store);
        let result = blocking(move || read(store.as_ref())).await;
        if let Err(error @ StoreError::Failed(_)) = &result {
            self.0.writer.fail(error);
        }
        result
    }

    /// An event of the log, from memory or the store.
    pub(crate) async fn event(&self, seq: Seq) -> Result<Option<Arc<NewEvent>>, StoreError> {
        if let Some(event) = self.0.recent.event(seq) {
            return Ok(Some(event));
        }
        let mut rows = self.read_store(move |store| store.events(&[seq])).await?;
        Ok(rows.pop().map(|row| Arc::new(row.event)))
    }

    /// The SET of an event for a stream, signed once for its audience. What the stream wants is looked at now, not
    /// when the event came. `again` when it was sent to the stream before.
    // spec: SSF-005, SSF-010, SSF-011, SSF-208
    pub(crate) async fn signed(
        &self,
        seq: Seq,
        record: &StreamRecord,
        again: bool,
    ) -> Result<ToSend, SignError> {
        let event = match self.event(seq).await? {
            Some(event) => Some(event),
            None => self.event_of_letter(record.no, seq).await?,
        };
        let Some(event) = event else { return Ok(ToSend::Gone) };
        let what = (&event.event.event_type, &event.event.subject);
        if !is_framework(what.0) && !self.0.streams.wants(record, what, self.now().timestamp()) {
            return Ok(ToSend::Unwanted);
        }
        follow::is_of(&event.event.txn);
        if !again {
            self.0.metrics.first_attempt(seq, event.event.iat);
        }
        let alg = self.alg_of(record);
        let key = self.signer(alg).ok_or(SignError::NoKey(alg))?;
        if let Some(set) = self.0.recent.signed(seq, record.audience, key.kid()) {
            self.0.metrics.signed_before();
            return Ok(ToSend::Set(set));
        }
        let jti = self.0.jti.mint(seq, record.audience);
        let template = event.event.template(self.issuer())?;
        let sign = || template.sign(&jti, &record.config.aud, &key);
        let set: Arc<str> = self.0.metrics.sign(alg, sign)?.into();
        self.0.recent.insert_signed(seq, record.audience, key.kid(), &set);
        Ok(ToSend::Set(set))
    }

    /// Reads on for one delivery of a stream, a page; `false` when it lacks nothing.
    pub(crate) async fn refill(&self, stream: &Arc<Stream>, delivery_no: u64) -> Result<bool, StoreError> {
        /// Entries read at a time; fits the ring.
        const ROUTES_MAX: usize = secevent_ssf::engine::RING_MAX;
        let Some((after, again)) = stream.work().wants(delivery_no) else { return Ok(false) };
        let (no, own) = (stream.no, stream.own_subject());
        let read = move |store: &dyn Store| match again {
            Some((source, through)) => replay::page(store, (no, own), &source, (after, through)),
            None => store.routes(no, after, ROUTES_MAX),
        };
        let read = self.read_store(read).await?;
        // Under the lock that offers also take: nothing can be appended between the look at the head and
        // the refill without being seen by one of them.
        let mut work = stream.work();
        work.refill(delivery_no, read, self.0.writer.head());
        if work.is_again(delivery_no) {
            // Perhaps that was the last of it.
            self.0.writer.mark_dirty(no);
        }
        Ok(true)
    }

    /// Delivers a push stream until it goes away; poll streams are delivered by their requests.
    pub(crate) fn work_on(&self, stream: &Arc<Stream>) {
        let deliveries = stream.work().deliveries();
        deliveries.for_each(|delivery_no| self.deliver(stream, delivery_no));
    }

    /// The same for one delivery of it.
    pub(crate) fn deliver(&self, stream: &Arc<Stream>, delivery_no: u64) {
        if stream.work().lane(delivery_no).is_some() {
            let stream = Arc::clone(stream);
            self.spawn(move |hub| crate::push_worker::run(hub, stream, delivery_no));
        }
    }

    /// The algorithm that the SETs of a stream are signed with.
    pub(crate) fn alg_of(&self, record: &StreamRecord) -> secevent::Alg {
        self.receiver_of(record).map_or(secevent::Alg::Rs256, |receiver| receiver.alg)
    }

    /// Whose a stream is, as far as the configuration still has it.
    pub(crate) fn receiver_of(&self, record: &StreamRecord) -> Option<&ReceiverSettings> {
        self.0.receivers.by_id(&record.receiver)
    }
}

/// What there is to send of an event.
#[derive(Debug)]
pub(crate) enum ToSend {
    /// This SET.
    Set(Arc<str>),
    /// Nothing: the stream does not want it any more.
    Unwanted,
    /// Nothing: it is no longer in the log.
    Gone,
}

/// Why a SET could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignError {
    #[error("there is no current key for {0}")]
    NoKey(secevent::Alg),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Set(#[from] secevent::Error),
}

/// A duration as a stream configuration says it; none of zero.
pub(crate) fn seconds(time: Duration) -> Option<u64> {
    Some(time.as_secs()).filter(|secs| *secs > 0)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(StoreError::Failed(format!("a reading thread ended: {error}"))),
    }
}

/// Resolves when somebody says stop.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}
