//! The status of a stream through the API: docs/stream-life.md, line by line.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use secevent_ssf::engine::Millis;
use serde_json::json;

use crate::{
    home::{ACME, ACME_AUD, ADMIN, Home, OTHER, Running, eventually, now, users},
    http_call::Answer,
    push_receiver::PushReceiver,
};

async fn set(hub: &Running, stream: &str, status: &str) -> Answer {
    hub.post("/ssf/status", ACME, &json!({"stream_id": stream, "status": status, "reason": "mine"})).await
}

// spec: SSF-145, SSF-146, SSF-147, SSF-148, SSF-149, SSF-151, SSF-156, SSF-157, SSF-159, SSF-160, SSF-161
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_pauses_and_goes_on_and_is_told_nothing_of_it() {
    let home = Home::new();
    let hub = home.start().await;
    let stream = hub.create_poll(ACME).await;
    let paused = set(&hub, &stream, "paused").await.expect(200);
    assert_eq!(paused.header("cache-control"), "no-store");
    assert_eq!(paused.json(), json!({"stream_id": stream, "status": "paused", "reason": "mine"}));
    assert_eq!(set(&hub, &stream, "paused").await.expect(200).json(), paused.json());
    let read = hub.get(&format!("/ssf/status?stream_id={stream}"), ACME).await.expect(200);
    assert_eq!(read.json(), paused.json());
    hub.emit("a@x.example").await;
    hub.emit("b@x.example").await;
    assert_eq!(hub.polled(&stream, json!({})).await, (vec![], false));
    set(&hub, &stream, "enabled").await.expect(200);
    assert_eq!(users(&hub.polled(&stream, json!({})).await.0), ["a@x.example", "b@x.example"]);
    for (body, status) in [
        (json!({"stream_id": stream, "status": "off"}), 400),
        (json!({"stream_id": stream}), 400),
        (json!({"status": "paused"}), 400),
        (json!({"stream_id": "0000", "status": "paused"}), 404),
    ] {
        hub.post("/ssf/status", ACME, &body).await.expect(status);
    }
    let foreign = hub.post("/ssf/status", OTHER, &json!({"stream_id": stream, "status": "paused"})).await;
    assert_eq!(
        foreign.expect(404).body,
        set(&hub, "0000", "paused").await.body,
        "the two cannot be told apart"
    );
    hub.stop().await;
}

// spec: SSF-152, SSF-196
#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_stream_drops_what_waits_and_what_comes() {
    let (home, receiver) = (Home::new(), PushReceiver::start([]).await);
    receiver.answer(503);
    let hub = home.start().await;
    let (poll, push) =
        (hub.create_poll(ACME).await, hub.create_push(ACME, &receiver.url(), "Bearer r").await);
    hub.emit("before@x.example").await;
    assert_eq!(hub.polled(&poll, json!({})).await.0.len(), 1, "it is offered and stays open");
    receiver.came(1).await;
    for stream in [&poll, &push] {
        assert_eq!(set(&hub, stream, "disabled").await.expect(200).json()["status"], "disabled");
    }
    hub.emit("while@x.example").await;
    assert_eq!(hub.polled(&poll, json!({})).await, (vec![], false));
    let asked = hub.post("/ssf/verification", ACME, &json!({"stream_id": poll})).await;
    assert!(asked.expect(400).json()["title"].as_str().unwrap().contains("disabled"));
    hub.post(&format!("/v1/streams/{poll}/pause"), ADMIN, &json!({})).await.expect(409);
    hub.stop().await;

    let hub = home.start().await;
    receiver.answer(202);
    for stream in [&poll, &push] {
        set(&hub, stream, "enabled").await.expect(200);
    }
    hub.emit("after@x.example").await;
    assert_eq!(users(&hub.polled(&poll, json!({})).await.0), ["after@x.example"]);
    eventually("the new one is pushed", async || receiver.taken().len() == 1).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(receiver.taken().len(), 1, "and only that");
    hub.stop().await;
}

// spec: SSF-160
#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_paused_its_receiver_does_not_take_up() {
    let home = Home::new();
    let hub = home.start().await;
    let stream = hub.create_poll(ACME).await;
    let path = format!("/v1/streams/{stream}");
    hub.post(&format!("{path}/pause"), ADMIN, &json!({"reason": "a move"})).await.expect(200);
    for status in ["enabled", "paused", "disabled"] {
        set(&hub, &stream, status).await.expect(403);
    }
    let read = hub.get(&format!("/ssf/status?stream_id={stream}"), ACME).await.json();
    assert_eq!(read, json!({"stream_id": stream, "status": "paused", "reason": "a move"}));
    hub.send("POST", &format!("{path}/resume"), ADMIN, "").await.expect(200);
    set(&hub, &stream, "paused").await.expect(200);
    hub.stop().await;
}

// spec: SSF-199, SSF-200, PUSH-043
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_gone_is_told_once_and_comes_back() {
    let (home, receiver) = (Home::new(), PushReceiver::start([]).await);
    receiver.answer(410);
    let hub = home.start().await;
    let stream = hub.create_push(ACME, &receiver.url(), "Bearer r").await;
    hub.emit("a@x.example").await;
    let status = async || hub.get(&format!("/ssf/status?stream_id={stream}"), ACME).await.json();
    eventually("it is paused", async || status().await["status"] == "paused").await;
    let came = receiver.came(2).await;
    let notice = hub.verify(&came[1].set, ACME_AUD).await;
    assert_eq!(notice.event().payload()["status"], "paused");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(receiver.pushed().len(), 2, "one attempt to say so");
    receiver.answer(202);
    set(&hub, &stream, "enabled").await.expect(200);
    let came = receiver.came(3).await;
    assert_eq!(came[2].jti(), came[0].jti(), "the event itself was not lost");
    hub.stop().await;
}

// spec: SSF-150
#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_for_longer_than_retention_is_dropped_and_said() {
    let home = Home::new();
    let later = Arc::new(AtomicU64::new(0));
    let mut settings = home.settings();
    settings.clock = {
        let later = Arc::clone(&later);
        Arc::new(move || Millis(now().0 + later.load(Ordering::SeqCst)))
    };
    let hub = home.start_with(settings.clone(), Arc::new(home.store().await), |_| axum::Router::new()).await;
    let stream = hub.create_poll(ACME).await;
    set(&hub, &stream, "paused").await.expect(200);
    hub.emit("old@x.example").await;
    hub.emit("old@x.example").await;
    hub.stop().await;

    // Eight days later, at the next look.
    later.store(8 * 24 * 3600 * 1000, Ordering::SeqCst);
    let hub = home.start_with(settings, Arc::new(home.store().await), |_| axum::Router::new()).await;
    let letters = async || hub.get(&format!("/v1/streams/{stream}/dead-letters"), ADMIN).await.json();
    eventually("it is said", async || letters().await["dead_letters"].as_array().unwrap().len() == 1).await;
    let reason = letters().await["dead_letters"][0]["reason"].as_str().unwrap().to_owned();
    assert!(reason.starts_with("2 events up to this one"), "{reason}");
    let letter = letters().await["dead_letters"][0].clone();
    assert_eq!((&letter["many"], &letter["event"]), (&json!(2), &json!(null)), "they cannot be sent again");
    hub.emit("new@x.example").await;
    set(&hub, &stream, "enabled").await.expect(200);
    assert_eq!(users(&hub.polled(&stream, json!({})).await.0), ["new@x.example"]);
    hub.stop().await;
}

// spec: SSF-089, SSF-090, SSF-091, SSF-092
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_asks_for_nothing_is_paused_and_told() {
    let home = Home::new();
    let later = Arc::new(AtomicU64::new(0));
    let mut settings = home.settings();
    settings.limits.inactivity_timeout = Duration::from_secs(1000);
    settings.clock = {
        let later = Arc::clone(&later);
        Arc::new(move || Millis(now().0 + later.load(Ordering::SeqCst)))
    };
    let hub = home.start_with(settings, Arc::new(home.store().await), |_| axum::Router::new()).await;
    let (idle, polled) = (hub.create_poll(ACME).await, hub.create_poll(ACME).await);
    let config = hub.get(&format!("/ssf/streams?stream_id={idle}"), ACME).await.json();
    assert_eq!(config["inactivity_timeout"], 1000);
    let status = async |stream: &str| {
        hub.get(&format!("/v1/streams/{stream}"), ADMIN).await.json()["status"].as_str().unwrap().to_owned()
    };
    later.store(900_000, Ordering::SeqCst);
    hub.polled(&polled, json!({})).await;
    hub.get("/ssf/streams", ACME).await.expect(200);
    later.store(1_100_000, Ordering::SeqCst);
    eventually("it is paused", async || status(&idle).await == "paused").await;
    assert_eq!(status(&polled).await, "enabled", "a poll is activity, a list names no stream");
    let (notice, _) = hub.polled(&idle, json!({})).await;
    assert_eq!(users(&notice), [idle.as_str()]);
    set(&hub, &idle, "enabled").await.expect(200);
    assert_eq!(hub.polled(&idle, json!({})).await.0, [], "what it changed itself makes the notice untrue");
    hub.stop().await;
}
