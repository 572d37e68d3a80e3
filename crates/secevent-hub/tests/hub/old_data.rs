//! What a hub finds in its store: written by itself long ago, or before its configuration changed.

use std::sync::Arc;

use secevent::{Alg, EventType, Signer as _, SigningKey, SubjectId};
use secevent_ssf::{
    LoggedEvent, Seq, StreamNo, SubjectKey,
    engine::Cursor,
    store::{Batch, NewEvent, Store, Write},
    stream::Delivery,
};
use serde_json::json;

use crate::{
    home::{ACME, ADMIN, Home, Running, eventually, now, users},
    push_receiver::PushReceiver,
    steps::STEPS,
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

/// A store as a program of an older schema left it: a key, and a stream for which the second and third of four events
/// wait; the first was set aside.
fn left_behind(home: &Home, taken: usize, key: &SigningKey) {
    let raw = rusqlite::Connection::open(home.store_file()).unwrap();
    STEPS[..taken].iter().for_each(|step| raw.execute_batch(step).unwrap());
    let origin =
        "INSERT INTO origin (incarnation, sealing_key, last_stream, last_audience) VALUES (9, ?1, 1, 1)";
    raw.execute(origin, [[7_u8; 16].as_slice()]).unwrap();
    for (seq, streams) in (1..).zip([&[1_u8][..], &[1], &[1], &[]]) {
        let event = serde_json::to_string(&logged(&format!("{seq}@x.example"), 1).event).unwrap();
        raw.execute(
            "INSERT INTO event (seq, iat, body) VALUES (?1, ?2, ?3)",
            (seq, now().timestamp().0, event),
        )
        .unwrap();
        raw.execute("INSERT INTO route (seq, subject, streams) VALUES (?1, ?1, ?2)", (seq, streams)).unwrap();
    }
    let mut record = serde_json::to_value(the_one_stream()).unwrap();
    if taken < 3 {
        // Older than who changed a status, and than the wishes of receivers.
        let members = record.as_object_mut().unwrap();
        members.retain(|name, _| name != "status_by" && name != "default_subjects");
    }
    let cursor = Cursor { high: Seq(2), open: vec![Seq(2)] }.to_bytes();
    raw.execute("INSERT INTO stream (no, record, cursor) VALUES (1, ?1, ?2)", (record.to_string(), cursor))
        .unwrap();
    raw.execute(
        "INSERT INTO dead_letter (stream, seq, reason, at) VALUES (1, 1, 'no', ?1)",
        [now().timestamp().0],
    )
    .unwrap();
    let (kid, jwk) = (key.kid(), key.to_jwk().to_string());
    if taken == 1 {
        let sql = r#"INSERT INTO signing_key VALUES (?1, ?2, '"current"', 1700000000)"#;
        raw.execute(sql, (kid, jwk)).unwrap();
    } else {
        raw.execute("INSERT INTO signing_key VALUES (?1, ?2, 1700000000, 1700000000, NULL)", (kid, jwk))
            .unwrap();
    }
    raw.pragma_update(None, "user_version", i64::try_from(taken).unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_every_earlier_schema_delivers_what_was_pending() {
    let key = SigningKey::generate(Alg::Es256).unwrap();
    for taken in 1..STEPS.len() {
        let home = Home::new();
        left_behind(&home, taken, &key);
        let hub = home.start().await;
        let (sets, more) = hub.polled(STREAM, json!({})).await;
        assert_eq!((users(&sets), more), (vec!["2@x.example", "3@x.example"], false), "schema {taken}");
        let letters = letters(&hub).await;
        assert_eq!(letters["dead_letters"][0]["id"], "1", "{letters}");
        let keys = hub.get("/jwks.json", ACME).await.expect(200).json();
        let published = keys["keys"].as_array().unwrap().iter();
        assert!(published.into_iter().any(|published| published["kid"] == key.kid()), "{keys}");
        hub.polled(STREAM, json!({"ack": [sets[0].0, sets[1].0]})).await;
        hub.emit("5@x.example").await;
        assert_eq!(users(&hub.polled(STREAM, json!({})).await.0), ["5@x.example"]);
        hub.stop().await;
    }
}
