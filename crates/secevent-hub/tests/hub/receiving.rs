//! The receiver role: one hub subscribes to another.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json,
    routing::{get, post},
};
use http::StatusCode;

use secevent_hub::receiver::TransmitterSettings;
use serde_json::{Value, json};

use crate::{
    home::{ACME, ACME_AUD, ADMIN, Home, Running, event, eventually},
    http_call::call,
};

/// A hub that receives from another.
async fn receiving_hub(home: &Home, from: &Running, push: bool) -> Running {
    let mut settings = TransmitterSettings::new("idp", &from.url, vec![ACME_AUD.to_owned()]);
    settings.push = push;
    settings.authorization = format!("Bearer {ACME}").into();
    let store = Arc::new(home.store().await);
    home.start_with(home.settings(), store, |hub| hub.receive_from(vec![settings])).await
}

async fn received(hub: &Running, query: &str) -> Vec<Value> {
    let answer = hub.get(&format!("/v1/received{query}"), ADMIN).await.expect(200).json();
    answer["received"].as_array().unwrap().clone()
}

fn named(rows: &[Value], event: &str) -> BTreeSet<String> {
    let rows = rows.iter().filter(|row| row["event"] == event);
    rows.map(|row| row["jti"].as_str().unwrap().to_owned()).collect()
}

async fn subscribe_and_receive(push: bool) -> (Home, Running, Home, Running) {
    let (at, bt) = (Home::new(), Home::new());
    let a = at.start().await;
    let b = receiving_hub(&bt, &a, push).await;
    eventually("the stream verified", async || {
        !named(&received(&b, "").await, "ssf:verification").is_empty()
    })
    .await;
    for n in 0..5 {
        a.emit(&format!("{n}@x.example")).await;
    }
    eventually("five arrived", async || named(&received(&b, "").await, "caep:session-revoked").len() == 5)
        .await;
    (at, a, bt, b)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_polling_hub_lists_each_set_once_and_acknowledges() {
    let (_at, a, bt, b) = subscribe_and_receive(false).await;
    let rows = received(&b, "").await;
    assert_eq!(rows.len(), 6);
    let row = rows.iter().find(|row| row["event"] == "caep:session-revoked").unwrap();
    assert_eq!((row["transmitter"].as_str(), row["iss"].as_str()), (Some("idp"), Some(a.url.as_str())));
    a.verify(row["set"].as_str().unwrap(), ACME_AUD).await;
    assert_eq!(received(&b, "?transmitter=idp&after=2").await, rows[2..]);
    assert!(received(&b, "?transmitter=nobody").await.is_empty());
    b.stop().await;

    // Acknowledged on the way out; the next start uses the same stream and takes up where it was.
    let streams = a.get("/v1/streams", ADMIN).await.json();
    assert_eq!(
        (streams["streams"].as_array().unwrap().len(), &streams["streams"][0]["open"]),
        (1, &0.into())
    );
    a.emit("later@x.example").await;
    let b = receiving_hub(&bt, &a, false).await;
    eventually("it goes on", async || named(&received(&b, "").await, "caep:session-revoked").len() == 6)
        .await;
    assert_eq!(a.get("/v1/streams", ADMIN).await.json()["streams"].as_array().unwrap().len(), 1);
    b.stop().await;
    a.stop().await;
}

/// A transmitter that holds no poll open and has nothing to say; it counts the polls.
async fn hasty_transmitter() -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let polls = Arc::new(AtomicUsize::new(0));
    let at = |path: &str| format!("{url}{path}");
    let metadata = json!({"spec_version": "1_0", "issuer": url, "jwks_uri": at("/jwks"),
        "configuration_endpoint": at("/streams"), "verification_endpoint": at("/verification"),
        "delivery_methods_supported": ["urn:ietf:rfc:8936"]});
    let stream = json!({"stream_id": "s1", "iss": url, "aud": ACME_AUD, "events_delivered": [],
        "delivery": {"method": "urn:ietf:rfc:8936", "endpoint_url": at("/poll")}});
    let count = Arc::clone(&polls);
    let poll = move || async move {
        count.fetch_add(1, Ordering::SeqCst);
        Json(json!({"sets": {}}))
    };
    let app = axum::Router::new()
        .route("/.well-known/ssf-configuration", get(move || async move { Json(metadata) }))
        .route("/streams", get(move || async move { Json(json!([stream])) }))
        .route("/verification", post(|| async { StatusCode::NO_CONTENT }))
        .route("/poll", post(poll));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, polls)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transmitter_that_holds_no_poll_open_is_not_asked_without_end() {
    let (url, polls) = hasty_transmitter().await;
    let home = Home::new();
    let settings = TransmitterSettings::new("hasty", url, vec![ACME_AUD.to_owned()]);
    let store = Arc::new(home.store().await);
    let hub = home.start_with(home.settings(), store, |hub| hub.receive_from(vec![settings])).await;
    eventually("it is polled", async || polls.load(Ordering::SeqCst) >= 2).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let polls = polls.load(Ordering::SeqCst);
    assert!((3..=7).contains(&polls), "{polls} polls in a second");
    hub.stop().await;
}

// spec: PUSH-009, PUSH-014, PUSH-029, PUSH-037, PUSH-056, PUSH-059
#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_is_pushed_to_takes_repeats_and_lists_them_once() {
    let (at, a, bt, b) = subscribe_and_receive(true).await;
    let set = received(&b, "").await[0]["set"].as_str().unwrap().to_owned();
    let delivery = &at.kept_stream()["config"]["delivery"];
    let credential = delivery["authorization_header"].as_str().unwrap().to_owned();
    let url = delivery["endpoint_url"].as_str().unwrap().to_owned();
    let secevent = ("content-type", "application/secevent+jwt");
    let push = async |credential: &str, set: &str| {
        call("POST", &url, &[("authorization", credential), secevent], set.to_owned()).await
    };
    assert!(push(&credential, &set).await.expect(202).body.is_empty());
    assert_eq!(received(&b, "").await.len(), 6, "a repeat is listed once");
    assert_eq!(push(&credential, "no token").await.expect(400).json()["err"], "invalid_request");
    let (mut forged, last) = (set.clone(), if set.ends_with("AA") { "BB" } else { "AA" });
    forged.replace_range(set.len() - 2.., last);
    let refused = push(&credential, &forged).await.expect(400).json();
    assert!(["invalid_key", "invalid_request"].contains(&refused["err"].as_str().unwrap()), "{refused}");
    push("Bearer wrong", &set).await.expect(401);
    call("POST", &url, &[secevent], set.clone()).await.expect(401);
    call("POST", &url.replace("/idp", "/nobody"), &[("authorization", &credential), secevent], set.clone())
        .await
        .expect(401);
    call("POST", &url, &[("authorization", &credential)], set).await.expect(415);
    b.stop().await;

    // While it is away nothing is lost, and its credential is still the same.
    a.post("/v1/events", ADMIN, &event("away@x.example")).await.expect(202);
    let b = receiving_hub(&bt, &a, true).await;
    eventually("it goes on", async || named(&received(&b, "").await, "caep:session-revoked").len() == 6)
        .await;
    b.stop().await;
    a.stop().await;
}
