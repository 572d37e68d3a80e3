//! A disk that is full, and one that fails.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use secevent::{Timestamp, event::ssf::StreamStatus};
use secevent_ssf::{
    Seq, StreamNo,
    store::{
        Batch, DeadLetter, IdempotentAnswer, LogRow, MemoryStore, Received, Retention, Routes, Snapshot,
        Store, StoreError, Usage,
    },
};
use serde_json::json;

use crate::{
    exposition::Exposition,
    home::{ACME, ADMIN, Home, event, eventually},
    metrics::exposed,
    push_receiver::{PushReceiver, Reply},
    room::large,
};

/// A store in memory whose disk is well, full or broken.
struct Moody {
    inner: MemoryStore,
    mood: AtomicU8,
    /// How often something was forgotten, and how often before the disk knew it as settled.
    forgotten: AtomicU8,
    forgotten_early: AtomicU8,
}

const WELL: u8 = 0;
const FULL: u8 = 1;
const BROKEN: u8 = 2;
/// The log cannot be read for want of room.
const UNREADABLE: u8 = 3;
/// There is little room left; what is written still finds it.
const SHORT: u8 = 4;

impl Moody {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            inner: MemoryStore::new(secevent_hub::fresh_origin()),
            mood: AtomicU8::new(WELL),
            forgotten: AtomicU8::new(0),
            forgotten_early: AtomicU8::new(0),
        })
    }

    fn turn(&self, mood: u8) {
        self.mood.store(mood, Ordering::SeqCst);
    }

    /// Whether every stream has settled everything up to a place, as far as the disk knows.
    fn knows_as_settled(&self, through: Seq) -> bool {
        self.inner.load().unwrap().streams.iter().all(|(record, cursor)| {
            let after = self.inner.routes(record.no, cursor.high, usize::MAX).unwrap().entries;
            let mut waiting = cursor.open.iter().copied().chain(after.iter().map(|entry| entry.seq));
            waiting.all(|seq| seq > through)
        })
    }
}

impl Store for Moody {
    fn commit(&self, batch: &Batch) -> Result<Seq, StoreError> {
        match self.mood.load(Ordering::SeqCst) {
            FULL => Err(StoreError::Full("no space".into())),
            BROKEN => Err(StoreError::Failed("input/output error".into())),
            _ => self.inner.commit(batch),
        }
    }

    fn load(&self) -> Result<Snapshot, StoreError> {
        self.inner.load()
    }

    fn events(&self, seqs: &[Seq]) -> Result<Vec<LogRow>, StoreError> {
        self.inner.events(seqs)
    }

    fn routes(&self, stream: StreamNo, after: Seq, limit: usize) -> Result<Routes, StoreError> {
        match self.mood.load(Ordering::SeqCst) {
            UNREADABLE => Err(StoreError::Full("no memory to share".into())),
            _ => self.inner.routes(stream, after, limit),
        }
    }

    fn last_before(&self, before: Timestamp) -> Result<Option<Seq>, StoreError> {
        self.inner.last_before(before)
    }

    fn dead_letters(
        &self,
        stream: StreamNo,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        self.inner.dead_letters(stream, after, limit)
    }

    fn received(&self, from: Option<&str>, after: u64, limit: usize) -> Result<Vec<Received>, StoreError> {
        self.inner.received(from, after, limit)
    }

    fn received_as(&self, iss: &str, jti: &str) -> Result<Option<Received>, StoreError> {
        self.inner.received_as(iss, jti)
    }

    fn answer(&self, key: &str) -> Result<Option<IdempotentAnswer>, StoreError> {
        self.inner.answer(key)
    }

    fn prune(&self, retention: &Retention) -> Result<usize, StoreError> {
        let known = self.knows_as_settled(retention.settled);
        let rows = self.inner.prune(retention)?;
        self.forgotten.fetch_add(u8::from(rows > 0), Ordering::SeqCst);
        self.forgotten_early.fetch_add(u8::from(rows > 0 && !known), Ordering::SeqCst);
        Ok(rows)
    }

    fn usage(&self) -> Result<Usage, StoreError> {
        match self.mood.load(Ordering::SeqCst) {
            SHORT => Ok(Usage { free_bytes: Some(1_000_000), ..self.inner.usage()? }),
            _ => self.inner.usage(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_events_while_deliveries_go_on() {
    let (home, store, receiver) = (Home::new(), Moody::new(), PushReceiver::start([]).await);
    receiver.answer(503);
    let hub = home.start_with(home.settings(), store.clone(), |_| axum::Router::new()).await;
    hub.create_push(ACME, &receiver.url(), "Bearer r").await;
    let poll = hub.create_poll(ACME).await;
    hub.emit("a@x.example").await;
    receiver.came(1).await;

    store.turn(FULL);
    let refused = hub.post("/v1/events", ADMIN, &event("b@x.example")).await.expect(503);
    assert!(!refused.header("retry-after").is_empty());
    hub.post("/ssf/streams", ACME, &json!({})).await.expect(503);
    let full = |seen: &Exposition| {
        let refused = seen.value("secevent_requests_refused_total", &[("reason", "full")]);
        (seen.value("secevent_store_full", &[]), refused)
    };
    assert_eq!(full(&exposed(&hub).await), (1.0, 1.0));
    hub.send("DELETE", &format!("/ssf/streams?stream_id={poll}"), ACME, "").await.expect(503);
    receiver.answer(202);
    eventually("it was delivered", async || receiver.taken().len() == 1).await;
    let (sets, _) = hub.polled(&poll, json!({})).await;
    assert_eq!(sets.len(), 1, "a stream that could not be deleted is still there");
    hub.polled(&poll, json!({"ack": [sets[0].0]})).await;

    store.turn(WELL);
    assert_eq!(hub.emit("c@x.example").await, "2", "the refused event left nothing behind");
    assert_eq!(full(&exposed(&hub).await), (0.0, 1.0));
    eventually("both streams are written down", async || {
        let streams = store.load().unwrap().streams;
        streams.iter().all(|(_, cursor)| cursor.low() >= Seq(1))
    })
    .await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_with_little_room_keeps_it_for_what_is_settled() {
    let (home, store) = (Home::new(), Moody::new());
    let hub = home.start_with(home.settings(), store.clone(), |_| axum::Router::new()).await;
    let stream = hub.create_poll(ACME).await;
    hub.emit("a@x.example").await;
    let emit = async || hub.post("/v1/events", ADMIN, &event("b@x.example")).await;
    store.turn(SHORT);
    eventually("events are refused", async || emit().await.status == 503).await;
    let refused = emit().await.expect(503);
    assert!(!refused.header("retry-after").is_empty());
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("the disk has 1000000 bytes left"), "{detail}");
    let head = store.load().unwrap().head;
    let (mut sets, _) = hub.polled(&stream, json!({})).await;
    let ack: Vec<_> = sets.drain(..).map(|(jti, _)| jti).collect();
    hub.polled(&stream, json!({"ack": ack})).await;
    eventually("it is written down", async || store.load().unwrap().streams[0].1.low() == head).await;
    store.turn(WELL);
    eventually("events are taken", async || emit().await.status == 202).await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_finds_no_room_is_written_later() {
    let (home, store) = (Home::new(), Moody::new());
    let gone = Reply::status(410).after(Duration::from_millis(300));
    let receiver = PushReceiver::start([gone]).await;
    let hub = home.start_with(home.settings(), store.clone(), |_| axum::Router::new()).await;
    let stream = hub.create_push(ACME, &receiver.url(), "Bearer r").await;
    hub.emit("a@x.example").await;
    receiver.came(1).await;
    store.turn(FULL);
    eventually("it is paused", async || {
        hub.get(&format!("/v1/streams/{stream}"), ADMIN).await.json()["status"] == "paused"
    })
    .await;
    let written = || store.load().unwrap().streams[0].0.status;
    assert_eq!(written(), StreamStatus::Enabled);
    let refused = hub.send("POST", &format!("/v1/streams/{stream}/resume"), ADMIN, "").await.expect(503);
    assert_eq!(refused.json()["detail"], "the hub cannot write now");
    store.turn(WELL);
    eventually("it is written down", async || written() == StreamStatus::Paused).await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_cannot_read_its_log_goes_on_when_it_can() {
    let (home, store, receiver) = (Home::new(), Moody::new(), PushReceiver::start([]).await);
    let hub = home.start_with(home.settings(), store.clone(), |_| axum::Router::new()).await;
    hub.create_push(ACME, &receiver.url(), "Bearer r").await;
    let poll = hub.create_poll(ACME).await;
    hub.stop().await;
    store.turn(UNREADABLE);
    let hub = home.start_with(home.settings(), store.clone(), |_| axum::Router::new()).await;
    hub.emit("a@x.example").await;
    let refused = hub.poll(&poll, ACME, &json!({})).await.expect(503).json();
    assert_eq!(refused["detail"], "the hub cannot read now");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(receiver.pushed().is_empty());
    store.turn(WELL);
    receiver.came(1).await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_disk_ends_the_hub() {
    let (home, store) = (Home::new(), Moody::new());
    let hub = home.start_with(home.settings(), store.clone(), |_| axum::Router::new()).await;
    store.turn(BROKEN);
    hub.post("/v1/events", ADMIN, &event("a@x.example")).await.expect(503);
    let why = tokio::time::timeout(std::time::Duration::from_secs(5), hub.hub.failed()).await.unwrap();
    assert!(why.contains("input/output error"), "{why}");
    store.turn(WELL);
    hub.post("/v1/events", ADMIN, &event("a@x.example")).await.expect(503);
    hub.stop().await;
    assert_eq!(store.load().unwrap().head, Seq(0), "nothing is written after a failure");
}

// spec: SSF-033
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_cannot_be_written_changes_nothing() {
    let (home, store) = (Home::new(), Moody::new());
    let hub = home.start_with(home.settings(), store.clone(), |_| axum::Router::new()).await;
    let keys = async || hub.get("/v1/keys", ADMIN).await.expect(200).json();
    let before = keys().await;
    store.turn(FULL);
    for request in [json!({}), json!({"now": true})] {
        hub.post("/v1/keys/rotate", ADMIN, &request).await.expect(503);
        assert_eq!(keys().await, before);
    }
    store.turn(WELL);
    hub.post("/v1/keys/rotate", ADMIN, &json!({})).await.expect(200);
    assert_ne!(keys().await, before);
    hub.stop().await;
}

/// A crash would leave a stream that waits for what is gone, or lose the dead letter of what was dropped.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_forgotten_before_the_disk_knows_it_as_settled() {
    let (home, store) = (Home::new(), Moody::new());
    let mut settings = home.settings();
    settings.limits.retention_bytes = Some(1_000_000);
    let hub = home.start_with(settings, store.clone(), |_| axum::Router::new()).await;
    let stream = hub.create_poll(ACME).await;
    while hub.post("/v1/events", ADMIN, &large(50)).await.status == 202 {}
    // Acknowledged one by one, so that there is always something that the disk does not know yet.
    let mut ack = json!([]);
    for _ in 0..1_000 {
        let (sets, _) = hub.polled(&stream, json!({"ack": ack, "maxEvents": 1})).await;
        ack = sets.into_iter().map(|(jti, _)| jti).collect();
        if store.forgotten.load(Ordering::SeqCst) > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    assert!(store.forgotten.load(Ordering::SeqCst) > 0, "there was something to forget");
    assert_eq!(store.forgotten_early.load(Ordering::SeqCst), 0);
    hub.stop().await;
}
