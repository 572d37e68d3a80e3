//! What a hub finds in its store: written by itself long ago, or before its configuration changed.

use std::sync::Arc;

use secevent::{EventType, SubjectId};
use secevent_ssf::{
    LoggedEvent, StreamNo, SubjectKey,
    store::{Batch, NewEvent, Store, Write},
    stream::Delivery,
};
use serde_json::json;

use crate::{
    home::{ACME, ADMIN, Home, Running, eventually, now, users},
    push_receiver::PushReceiver,
    vectors::{STREAM, the_one_stream},
};

/// An event for stream 1 whose payload has this many bytes.
fn logged(user: &str, bytes: usize) -> NewEvent {
    let subject = SubjectId::email(user);
    let payload = json!({"reason_admin": {"en": "x".repeat(bytes)}});
    let event_type = EventType::from_name("caep:session-revoked").unwrap();
    let payload = payload.as_object().unwrap().clone();
    let event = LoggedEvent::new(now().timestamp(), event_type, subject.clone(), payload, "t".into());
    NewEvent { event, subject: SubjectKey::of(&subject), streams: vec![StreamNo(1)] }
}

/// A hub that finds one stream, an event too large to be signed, and one that is not.
async fn with_an_unsignable_event(home: &Home, push_to: Option<&str>) -> Running {
    let store = Arc::new(home.store().await);
    let mut record = the_one_stream();
    if let Some(url) = push_to {
        record.config.delivery = Delivery::Push { endpoint_url: url.into(), authorization_header: None };
    }
    let events = vec![logged("large@x.example", 70_000), logged("small@x.example", 1)];
    store.commit(&Batch { events, writes: vec![Write::Stream(Box::new(record))] }).unwrap();
    home.start_with(home.settings(), store, |_| axum::Router::new()).await
}

async fn letters(hub: &Running) -> serde_json::Value {
    hub.get(&format!("/v1/streams/{STREAM}/dead-letters"), ADMIN).await.expect(200).json()
}

// spec: CHK-001
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_signed_does_not_stand_in_the_way_of_polls() {
    let home = Home::new();
    let hub = with_an_unsignable_event(&home, None).await;
    assert_eq!(users(&hub.polled(STREAM, json!({})).await.0), ["small@x.example"]);
    let letters = letters(&hub).await;
    assert!(letters["dead_letters"][0]["reason"].as_str().unwrap().contains("signed"), "{letters}");
    hub.stop().await;
}

// spec: CHK-001
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_signed_does_not_stand_in_the_way_of_pushes() {
    let (home, receiver) = (Home::new(), PushReceiver::start([]).await);
    let hub = with_an_unsignable_event(&home, Some(&receiver.url())).await;
    let pushed = receiver.came(1).await;
    assert!(!pushed[0].headers.contains_key("authorization"), "none was agreed");
    eventually("it is set aside", async || letters(&hub).await["dead_letters"][0]["id"] == "1").await;
    hub.stop().await;
}

// spec: SSF-006, SSF-074
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_says_the_issuer_that_its_sets_say() {
    let home = Home::new();
    let hub = with_an_unsignable_event(&home, None).await;
    let streams = hub.get("/ssf/streams", ACME).await.expect(200).json();
    assert_eq!(streams[0]["iss"], hub.url);
    assert_eq!(streams[0]["delivery"]["endpoint_url"], format!("{}/ssf/poll/{STREAM}", hub.url));
    hub.stop().await;
}
