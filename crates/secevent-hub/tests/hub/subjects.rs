//! Whose events a stream is for, through the API.

use std::{sync::Arc, time::Duration};

use secevent_ssf::{engine::Millis, metadata::DefaultSubjects};
use serde_json::{Value, json};

use crate::{
    home::{ACME, ADMIN, Home, OTHER, Running, now, users},
    http_call::{Answer, call},
};

async fn start(home: &Home, default: DefaultSubjects) -> Running {
    let mut settings = home.settings();
    settings.default_subjects = default;
    home.start_with(settings, Arc::new(home.store().await), |_| axum::Router::new()).await
}

async fn add(hub: &Running, stream: &str, subject: &Value) -> Answer {
    hub.post("/ssf/subjects/add", ACME, &json!({"stream_id": stream, "subject": subject})).await
}

async fn remove(hub: &Running, stream: &str, subject: &Value) -> Answer {
    hub.post("/ssf/subjects/remove", ACME, &json!({"stream_id": stream, "subject": subject})).await
}

fn opaque(id: &str) -> Value {
    json!({"format": "opaque", "id": id})
}

fn user(name: &str) -> Value {
    json!({"format": "email", "email": name})
}

/// How many streams an event about this subject goes to.
async fn reached(hub: &Running, subject: &Value) -> u64 {
    let event = json!({"event": "caep:session-revoked", "subject": subject});
    let answer = hub.post("/v1/events", ADMIN, &event).await.expect(202).json();
    answer["events"][0]["streams"].as_u64().unwrap()
}

// spec: SSF-043, SSF-044, SSF-163, SSF-167, SSF-171, SSF-172, SSF-174, SUB-063, SUB-064
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_for_nobody_gets_what_is_added_also_after_a_restart() {
    let home = Home::new();
    let hub = start(&home, DefaultSubjects::None).await;
    let found = call("GET", &format!("{}/.well-known/ssf-configuration", hub.url), &[], "").await.json();
    assert_eq!(found["default_subjects"], "NONE");
    for endpoint in ["add_subject_endpoint", "remove_subject_endpoint"] {
        assert!(found[endpoint].as_str().unwrap().starts_with(&hub.url), "{found}");
    }
    let stream = hub.create_poll(ACME).await;
    assert_eq!(reached(&hub, &user("a@x.example")).await, 0);
    assert!(add(&hub, &stream, &user("a@x.example")).await.expect(200).body.is_empty());
    add(&hub, &stream, &user("b@x.example")).await.expect(200);
    assert_eq!(reached(&hub, &user("a@x.example")).await, 1);
    assert_eq!(reached(&hub, &user("c@x.example")).await, 0);
    hub.stop().await;

    // What it was made as it stays, whatever new streams are made as.
    let hub = start(&home, DefaultSubjects::All).await;
    assert_eq!(
        (reached(&hub, &user("b@x.example")).await, reached(&hub, &user("c@x.example")).await),
        (1, 0)
    );
    assert!(remove(&hub, &stream, &user("b@x.example")).await.expect(204).body.is_empty());
    assert_eq!(reached(&hub, &user("b@x.example")).await, 0);
    let (sets, _) = hub.polled(&stream, json!({})).await;
    assert_eq!(users(&sets), ["a@x.example"], "what waited about a removed subject is not sent");
    hub.stop().await;
}

// spec: SUB-062, SUB-065, SUB-068, SUB-069, SUB-072
#[tokio::test(flavor = "multi_thread")]
async fn complex_subjects_match_by_their_members_and_the_latest_wish_wins() {
    let home = Home::new();
    let hub = start(&home, DefaultSubjects::None).await;
    let stream = hub.create_poll(ACME).await;
    let acme = json!({"format": "complex", "tenant": opaque("acme")});
    let bob = json!({"format": "complex", "tenant": opaque("acme"), "user": user("bob@x.example")});
    let eve = json!({"format": "complex", "tenant": opaque("acme"), "user": user("eve@x.example")});
    add(&hub, &stream, &acme).await.expect(200);
    assert_eq!((reached(&hub, &bob).await, reached(&hub, &eve).await), (1, 1), "a tenant is all its users");
    remove(&hub, &stream, &bob).await.expect(204);
    assert_eq!((reached(&hub, &bob).await, reached(&hub, &eve).await), (0, 1));
    let device = json!({"format": "complex", "device": opaque("d1")});
    assert_eq!((reached(&hub, &device).await, reached(&hub, &user("eve@x.example")).await), (0, 0));
    add(&hub, &stream, &acme).await.expect(200);
    assert_eq!(reached(&hub, &bob).await, 1, "whoever is added again is there again");
    hub.stop().await;
}

// spec: SSF-165, SSF-166, SSF-170, SSF-173, SSF-176, SSF-205, SUB-073
#[tokio::test(flavor = "multi_thread")]
async fn answers_do_not_tell_what_is_known_here() {
    let home = Home::new();
    let hub = start(&home, DefaultSubjects::All).await;
    let (stream, foreign) = (hub.create_poll(ACME).await, hub.create_poll(OTHER).await);
    for subject in [user("known@x.example"), user("nobody@x.example"), opaque(&stream)] {
        for _ in 0..2 {
            assert!(add(&hub, &stream, &subject).await.expect(200).body.is_empty());
            assert!(remove(&hub, &stream, &subject).await.expect(204).body.is_empty());
        }
    }
    let (unknown, others) =
        (add(&hub, "0000", &user("a@x.example")).await, add(&hub, &foreign, &user("a@x.example")).await);
    assert_eq!(
        (unknown.expect(404).body, others.status),
        (remove(&hub, &foreign, &opaque("x")).await.body, 404)
    );
    for unfit in [json!({}), json!({"format": "email"}), json!("a@x.example"), json!({"format": "aliases"})] {
        add(&hub, &stream, &unfit).await.expect(400);
        remove(&hub, &stream, &unfit).await.expect(400);
    }
    let many = (0..20).map(|n| (format!("m{n}"), opaque("x"))).chain([("format".into(), json!("complex"))]);
    add(&hub, &stream, &Value::Object(many.collect())).await.expect(400);
    add(&hub, &stream, &opaque(&"x".repeat(5000))).await.expect(400);
    for kind in 0..20 {
        let member = format!("m{kind}");
        let complex = json!({"format": "complex", member: opaque("x")});
        remove(&hub, &stream, &complex).await.expect(if kind < 16 { 204 } else { 403 });
    }
    let request = json!({"stream_id": stream, "subject": user("a@x.example"), "verified": "yes"});
    hub.post("/ssf/subjects/add", ACME, &request).await.expect(400);
    // What a stream is told of itself comes all the same.
    hub.post("/ssf/verification", ACME, &json!({"stream_id": stream, "state": "s"})).await.expect(204);
    assert_eq!(users(&hub.polled(&stream, json!({})).await.0), [stream.as_str()]);
    hub.stop().await;
}

// spec: SSF-210
#[tokio::test(flavor = "multi_thread")]
async fn a_removed_subject_has_its_grace() {
    let home = Home::new();
    let later = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let mut settings = home.settings();
    settings.limits.removal_grace = Duration::from_hours(1);
    settings.clock = {
        let later = Arc::clone(&later);
        Arc::new(move || Millis(now().0 + later.load(std::sync::atomic::Ordering::SeqCst)))
    };
    let hub = home.start_with(settings, Arc::new(home.store().await), |_| axum::Router::new()).await;
    let stream = hub.create_poll(ACME).await;
    remove(&hub, &stream, &user("a@x.example")).await.expect(204);
    assert_eq!(reached(&hub, &user("a@x.example")).await, 1);
    later.store(3_601_000, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(reached(&hub, &user("a@x.example")).await, 0);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_has_no_more_subjects_than_it_may() {
    let home = Home::new();
    let mut settings = home.settings();
    settings.limits.subjects_per_stream = 2;
    let hub = home.start_with(settings, Arc::new(home.store().await), |_| axum::Router::new()).await;
    let stream = hub.create_poll(ACME).await;
    for id in ["a", "b", "a"] {
        remove(&hub, &stream, &opaque(id)).await.expect(204);
    }
    assert!(
        remove(&hub, &stream, &opaque("c")).await.expect(403).json()["title"]
            .as_str()
            .unwrap()
            .contains("all")
    );
    add(&hub, &stream, &opaque("a")).await.expect(200);
    remove(&hub, &stream, &opaque("c")).await.expect(204);
    hub.stop().await;
}
