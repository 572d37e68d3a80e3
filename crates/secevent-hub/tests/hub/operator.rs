//! What an operator does to streams: pause, resume, change the configuration they stand on.

use std::{sync::Arc, time::Duration};

use secevent_hub::Settings;
use serde_json::json;

use crate::{
    home::{ACME, ACME_AUD, ADMIN, Home, Running, event, eventually, jtis, users},
    push_receiver::PushReceiver,
};

async fn start(home: &Home, settings: Settings) -> Running {
    home.start_with(settings, Arc::new(home.store().await), |_| axum::Router::new()).await
}

/// Long enough for a push that should not be sent.
async fn a_while() {
    tokio::time::sleep(Duration::from_millis(200)).await;
}

// spec: SSF-148, SSF-149, SSF-151, SSF-197, SSF-198, SSF-199, SSF-200, SSF-201
#[tokio::test(flavor = "multi_thread")]
async fn a_paused_push_stream_holds_in_order_and_delivers_when_it_is_resumed() {
    let (home, receiver) = (Home::new(), PushReceiver::start([]).await);
    let hub = home.start().await;
    let stream = hub.create_push(ACME, &receiver.url(), "Bearer r").await;
    let path = format!("/v1/streams/{stream}");
    let paused = hub.post(&format!("{path}/pause"), ADMIN, &json!({"reason": "a move"})).await.expect(200);
    assert_eq!(paused.json(), hub.get(&path, ADMIN).await.json());
    assert_eq!((&paused.json()["status"], &paused.json()["reason"]), (&json!("paused"), &json!("a move")));
    let mut wanted = Vec::new();
    for n in 0..3 {
        let mut event = event("a@x.example");
        event["txn"] = format!("t{n}").into();
        wanted.push(format!("t{n}"));
        hub.post("/v1/events", ADMIN, &event).await.expect(202);
    }
    a_while().await;
    let told = hub.verify(&receiver.came(1).await[0].set, ACME_AUD).await;
    let told = (told.event().payload(), told.subject().unwrap().text("id").unwrap().to_owned());
    let notice = json!({"status": "paused", "reason": "a move"});
    assert_eq!(told, (notice.as_object().unwrap().clone(), stream.clone()));
    hub.stop().await;

    let hub = home.start().await;
    let status = hub.get(&format!("/ssf/status?stream_id={stream}"), ACME).await.json();
    assert_eq!(status, json!({"stream_id": stream, "status": "paused", "reason": "a move"}), "it is kept");
    a_while().await;
    assert_eq!(receiver.pushed().len(), 1, "it is told once, and nothing else comes");
    let resumed = hub.send("POST", &format!("{path}/resume"), ADMIN, "").await.expect(200).json();
    assert_eq!((&resumed["status"], &resumed["reason"]), (&json!("enabled"), &json!(null)));
    let mut came = Vec::new();
    for (nth, pushed) in receiver.came(5).await.into_iter().enumerate().skip(1) {
        if nth == 1 {
            let told = hub.verify(&pushed.set, ACME_AUD).await;
            assert_eq!(told.event().payload()["status"], "enabled", "before everything else");
            continue;
        }
        came.push(hub.verify(&pushed.set, ACME_AUD).await.txn().unwrap().to_owned());
    }
    assert_eq!(came, wanted);
    hub.stop().await;
}

// spec: SSF-148, POLL-048, SSF-199, SSF-201, SSF-203, SSFC-011
#[tokio::test(flavor = "multi_thread")]
async fn a_paused_poll_stream_wakes_its_poll_when_it_is_resumed() {
    let home = Home::new();
    let hub = home.start().await;
    let stream = hub.create_poll(ACME).await;
    let path = format!("/v1/streams/{stream}");
    hub.send("POST", &format!("{path}/pause"), ADMIN, "").await.expect(200);
    hub.emit("a@x.example").await;
    let (notice, more) = hub.polled(&stream, json!({})).await;
    assert_eq!((users(&notice), more), (vec![stream.as_str()], false), "a notice, and nothing else");
    assert_eq!(hub.polled(&stream, json!({})).await.0, notice, "until it is acknowledged");
    let (nothing, more) = hub.polled(&stream, json!({"ack": jtis(&notice)})).await;
    assert!(nothing.is_empty() && !more);
    let request = json!({});
    let (answer, ()) = tokio::join!(hub.poll(&stream, ACME, &request), async {
        a_while().await;
        hub.send("POST", &format!("{path}/resume"), ADMIN, "{}").await.expect(200);
    });
    assert_eq!(answer.expect(200).json()["sets"].as_object().unwrap().len(), 2, "a notice, and the event");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pause_and_resume_refuse_what_they_do_not_know() {
    let home = Home::new();
    let hub = home.start().await;
    let path = format!("/v1/streams/{}", hub.create_poll(ACME).await);
    hub.send("POST", &format!("{path}/pause"), ACME, "").await.expect(401);
    hub.send("GET", &format!("{path}/pause"), ADMIN, "").await.expect(405);
    for body in ["[]", "{", r#"{"reason": 1}"#, r#"{"cause": "x"}"#] {
        hub.send("POST", &format!("{path}/pause"), ADMIN, body).await.expect(400);
    }
    hub.post(&format!("{path}/pause"), ADMIN, &json!({"reason": "x".repeat(1025)})).await.expect(400);
    assert_eq!(hub.get(&path, ADMIN).await.json()["status"], "enabled");
    for verb in ["pause", "resume"] {
        hub.send("POST", &format!("/v1/streams/nobodys/{verb}"), ADMIN, "").await.expect(404);
    }
    hub.send("POST", &format!("{path}/restart"), ADMIN, "").await.expect(404);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_no_longer_configured_gets_nothing_until_it_is_back() {
    let (home, receiver) = (Home::new(), PushReceiver::start([]).await);
    let hub = home.start().await;
    let path = format!("/v1/streams/{}", hub.create_push(ACME, &receiver.url(), "Bearer r").await);
    hub.stop().await;
    let mut settings = home.settings();
    settings.receivers.retain(|receiver| receiver.id != "acme");
    let hub = start(&home, settings).await;
    hub.emit("a@x.example").await;
    let shown = hub.get(&path, ADMIN).await.json();
    assert_eq!(shown["status"], "paused");
    assert!(shown["reason"].as_str().unwrap().contains("not in the configuration"), "{shown}");
    hub.send("POST", &format!("{path}/resume"), ADMIN, "").await.expect(409);
    a_while().await;
    hub.stop().await;
    assert!(receiver.pushed().is_empty());

    let hub = home.start().await;
    assert_eq!(hub.get(&path, ADMIN).await.json()["status"], "enabled");
    receiver.came(1).await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_whose_receiver_was_away_is_as_it_was_and_still_has_its_notice() {
    let (home, receiver) = (Home::new(), PushReceiver::start([]).await);
    receiver.answer(503);
    let hub = home.start().await;
    let path = format!("/v1/streams/{}", hub.create_push(ACME, &receiver.url(), "Bearer r").await);
    for verb in ["pause", "resume"] {
        hub.send("POST", &format!("{path}/{verb}"), ADMIN, "").await.expect(200);
    }
    receiver.came(1).await;
    hub.stop().await;
    receiver.answer(202);
    let mut settings = home.settings();
    settings.receivers.retain(|receiver| receiver.id != "acme");
    let hub = start(&home, settings).await;
    a_while().await;
    hub.stop().await;
    assert!(receiver.taken().is_empty(), "nobody is told of a receiver that is away");
    let hub = home.start().await;
    assert_eq!(hub.get(&path, ADMIN).await.json()["status"], "enabled");
    eventually("it is told", async || receiver.taken().len() == 1).await;
    hub.stop().await;
}

// spec: SSF-081
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_may_have_less_now_gets_less() {
    let home = Home::new();
    let hub = home.start().await;
    let stream = hub.create_poll(ACME).await;
    hub.stop().await;
    let mut settings = home.settings();
    settings.receivers[0].events = vec!["risc:*".into()];
    let hub = start(&home, settings).await;
    let config = hub.get(&format!("/ssf/streams?stream_id={stream}"), ACME).await.expect(200).json();
    let delivered = config["events_delivered"].as_array().unwrap();
    assert!(!delivered.is_empty());
    assert!(delivered.iter().all(|uri| uri.as_str().unwrap().contains("/risc/")), "{config}");
    let accepted = hub.post("/v1/events", ADMIN, &event("a@x.example")).await.expect(202).json();
    assert_eq!(accepted["events"][0]["streams"], 0);
    hub.stop().await;
}
