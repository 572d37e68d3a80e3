//! What a SET costs does not grow with the number of streams and subjects: by processor time of this process, since
//! wall time on a shared machine tells little. One test, so that nothing else runs in its process. Budget: 30 s.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "the helpers are tests too")]

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use secevent::{Alg, EventType, SubjectId, Timestamp, event::caep, event::ssf::StreamStatus};
use secevent_hub::{Hub, NewSignal, ReceiverSettings, Settings};
use secevent_ssf::{
    Audience, StreamNo,
    engine::Millis,
    interest::Wish,
    metadata::DefaultSubjects,
    store::{Batch, MemoryStore, Origin, Party, Store, StreamRecord, Write},
    stream::{Delivery, StreamConfig},
};
use serde_json::{Value, json};
use tower::ServiceExt;

/// Streams that events are for; the others only exist.
const BUSY: u32 = 10;
const FEW: u32 = BUSY;
const MANY: u32 = 10_000;
/// How much dearer a SET may be beside so many streams (docs/benchmarks.md has what was measured).
const DEARER_MAX: f64 = 1.3;
/// Each number of streams is measured so often; the least counts, as the one that was disturbed least.
const RUNS: usize = 6;
const EVENTS: u32 = 600;

fn subject(no: u32) -> SubjectId {
    SubjectId::opaque(format!("user-{no}"))
}

fn record(no: u32) -> StreamRecord {
    let event_type = EventType::of::<caep::SessionRevoked>();
    StreamRecord {
        no: StreamNo(no),
        audience: Audience(no),
        receiver: "acme".into(),
        config: StreamConfig {
            stream_id: format!("stream-{no}"),
            iss: "https://tr.example.com".into(),
            aud: vec![format!("https://rx-{no}.example.com")],
            events_supported: vec![event_type.clone()],
            events_requested: None,
            events_delivered: vec![event_type],
            delivery: Delivery::Poll { endpoint_url: None },
            min_verification_interval: None,
            inactivity_timeout: None,
            description: None,
            other: serde_json::Map::new(),
        },
        status: StreamStatus::Enabled,
        reason: None,
        status_by: Party::Receiver,
        notice: None,
        default_subjects: DefaultSubjects::None,
        created_at: Timestamp(1_700_000_000),
    }
}

/// A hub with so many streams, each for one subject of its own.
async fn hub(streams: u32) -> Hub {
    let store = MemoryStore::new(Origin { incarnation: 1, sealing_key: [7; 16] });
    for no in 1..=streams {
        let wish = Wish {
            stream: StreamNo(no),
            subject: subject(no),
            turn: u64::from(no),
            wanted: true,
            from: Timestamp(0),
            before: None,
            verified: true,
        };
        let writes = vec![Write::Stream(Box::new(record(no))), Write::Wish(Box::new(wish))];
        store.commit(&Batch { events: Vec::new(), writes }).unwrap();
    }
    let clock = Arc::new(|| Millis(1_700_000_000_000));
    let mut settings = Settings::new("https://tr.example.com", clock);
    let mut acme = ReceiverSettings::new("acme", "token", vec!["https://rx.example.com".into()]);
    acme.alg = Alg::Ed25519;
    settings.receivers.push(acme);
    Hub::start(settings, Arc::new(store)).await.unwrap()
}

/// Acknowledges these and answers with the names of what comes next.
async fn poll(app: &Router, no: u32, ack: &[String]) -> Vec<String> {
    let body = json!({"ack": ack, "returnImmediately": true}).to_string();
    let request = Request::post(format!("/ssf/poll/stream-{no}"))
        .header("authorization", "Bearer token")
        .header("content-type", "application/json")
        .body(Body::from(body))
        .unwrap();
    let answer = app.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let answer: Value = serde_json::from_slice(&body).unwrap();
    answer["sets"].as_object().unwrap().keys().cloned().collect()
}

fn processor_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap())
}

/// Processor time of some events, each accepted, polled by the one stream that it is for, and acknowledged.
async fn cost(hub: &Hub, app: &Router) -> Duration {
    let before = processor_time();
    for nth in 0..EVENTS {
        let no = 1 + nth % BUSY;
        let accepted = hub.publish(NewSignal::new(caep::SessionRevoked::new(), subject(no))).await.unwrap();
        assert_eq!(accepted.streams, 1);
        let sets = poll(app, no, &[]).await;
        assert_eq!(sets.len(), 1);
        assert!(poll(app, no, &sets).await.is_empty());
    }
    processor_time().checked_sub(before).unwrap()
}

// spec: SSF-044
#[tokio::test]
async fn a_set_costs_as_much_beside_ten_thousand_streams_and_subjects_as_alone() {
    let (few, many) = (hub(FEW).await, hub(MANY).await);
    let (few_app, many_app) = (few.transmitter_router(), many.transmitter_router());
    let (mut alone, mut beside) = (Duration::MAX, Duration::MAX);
    for _ in 0..RUNS {
        alone = alone.min(cost(&few, &few_app).await);
        beside = beside.min(cost(&many, &many_app).await);
    }
    let dearer = beside.as_secs_f64() / alone.as_secs_f64();
    println!("{EVENTS} SETs: {alone:?} with {FEW} streams, {beside:?} with {MANY}: {dearer:.2} times");
    assert!(
        dearer <= DEARER_MAX,
        "{dearer:.2} times as dear: {alone:?} with {FEW} streams, {beside:?} with {MANY}"
    );
    few.stop().await;
    many.stop().await;
}
