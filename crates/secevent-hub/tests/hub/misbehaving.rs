//! What a transmitter may send that it must not, and what comes of it.

use std::{sync::Arc, time::Duration};

use axum::Router;
use secevent_hub::receiver::TransmitterSettings;
use serde_json::{Value, json};
use testkit::fake_transmitter::{FakeTransmitter, PushAnswer};

use crate::home::{ADMIN, Home, Running, eventually};

pub(crate) const AUD: &str = "https://receiver.example";

/// A transmitter to be received from, polled unless `change` says otherwise, and impatiently watched.
pub(crate) fn settings(
    idp: &FakeTransmitter,
    change: impl FnOnce(&mut TransmitterSettings),
) -> TransmitterSettings {
    let mut settings = TransmitterSettings::new("idp", &idp.url, vec![AUD.to_owned()]);
    settings.watch.answer = Duration::from_millis(200);
    change(&mut settings);
    settings
}

/// A hub that receives from it, once there is a stream.
pub(crate) async fn receiving(
    home: &Home,
    idp: &FakeTransmitter,
    change: impl FnOnce(&mut TransmitterSettings),
) -> Running {
    let settings = settings(idp, change);
    let store = Arc::new(home.store().await);
    let start = |hub: &secevent_hub::Hub| -> Router { hub.receive_from(vec![settings]) };
    let hub = home.start_with(home.settings(), store, start).await;
    eventually("subscribed", async || status(&hub).await["subscribed"] == true).await;
    hub
}

pub(crate) async fn transmitter(hub: &Running) -> Value {
    hub.get("/v1/transmitters", ADMIN).await.expect(200).json()["transmitters"][0].clone()
}

pub(crate) async fn status(hub: &Running) -> Value {
    transmitter(hub).await["status"].clone()
}

/// The names of what is listed, without verification events.
pub(crate) async fn received(hub: &Running) -> Vec<String> {
    let rows = hub.get("/v1/received", ADMIN).await.expect(200).json()["received"].clone();
    let rows = rows.as_array().unwrap().iter().filter(|row| row["event"] != "ssf:verification");
    rows.map(|row| row["jti"].as_str().unwrap().to_owned()).collect()
}

fn refused(answer: &PushAnswer) -> &str {
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["content-language"], "en");
    assert!(answer.body["description"].as_str().is_some_and(|words| !words.is_empty()), "{answer:?}");
    answer.body["err"].as_str().unwrap()
}

// spec: SSF-006, PUSH-010, PUSH-011, PUSH-012, PUSH-013, PUSH-022, PUSH-023, PUSH-024, PUSH-025, PUSH-026, PUSH-028
// spec: PUSH-017, PUSH-018, PUSH-035, CHK-002, CHK-003, CHK-004, CHK-005, CHK-007, CHK-008, CHK-010, CHK-011, CHK-013
#[tokio::test(flavor = "multi_thread")]
async fn each_bad_set_is_refused_with_the_code_that_says_why() {
    let (idp, home) = (FakeTransmitter::start().await, Home::new());
    let hub = receiving(&home, &idp, |settings| settings.push = true).await;
    let set = || idp.set("bad");
    let twice = set().text().replacen('{', "{\"iss\":\"https://other.example\",", 1);
    let payload = json!({"initiating_entity": "nobody"});
    let uri = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
    let cases = [
        ("invalid_issuer", set().claim("iss", "https://other.example").sign()),
        ("invalid_issuer", set().claim("iss", format!("{}/", idp.url)).sign()),
        ("invalid_audience", set().claim("aud", "https://other.example").sign()),
        ("invalid_audience", set().claim("aud", Value::Null).sign()),
        ("invalid_key", set().tampered()),
        ("invalid_key", set().signed_by_a_stranger()),
        ("invalid_key", set().signed_with_the_public_key()),
        ("invalid_key", set().unsigned()),
        ("invalid_request", set().sign_text(&twice)),
        ("invalid_request", set().header("typ", Value::Null).sign()),
        ("invalid_request", set().header("typ", "JWT").sign()),
        ("invalid_request", set().header("typ", "at+jwt").sign()),
        ("invalid_request", set().header("crit", json!(["exp"])).sign()),
        ("invalid_request", set().claim("sub", "alice").sign()),
        ("invalid_request", set().claim("exp", 4_102_444_800_u64).sign()),
        ("invalid_request", set().claim("iat", 4_102_444_800_u64).sign()),
        ("invalid_request", set().claim("sub_id", Value::Null).sign()),
        ("invalid_request", set().claim("events", json!({})).sign()),
        ("invalid_request", set().event(uri, payload).sign()),
        ("invalid_request", "no token".to_owned()),
        ("invalid_request", String::new()),
    ];
    for (code, token) in cases {
        let answer = idp.push(token.clone()).await;
        assert_eq!(refused(&answer), code, "{token}: {}", answer.body);
    }
    assert_eq!(idp.push("x".repeat(70_000)).await.status, 413);
    assert_eq!(idp.push_as("text/plain", set().sign()).await.status, 415);
    assert!(received(&hub).await.is_empty());
    let answer = idp.push(idp.set("good").sign()).await;
    assert_eq!((answer.status, answer.body), (202, Value::Null));
    assert_eq!(received(&hub).await, ["good"]);
    hub.stop().await;
}

// spec: POLL-019, POLL-022, POLL-023, POLL-042
#[tokio::test(flavor = "multi_thread")]
async fn bad_sets_that_are_polled_are_reported_and_good_ones_acknowledged() {
    let (idp, home) = (FakeTransmitter::start().await, Home::new());
    let hub = receiving(&home, &idp, |_| {}).await;
    idp.queue("wrong-issuer", idp.set("wrong-issuer").claim("iss", "https://other.example").sign());
    idp.queue("forged", idp.set("forged").signed_by_a_stranger());
    idp.queue("misnamed", idp.set("another").sign());
    idp.queue("good", idp.set("good").sign());
    eventually("all are answered", async || idp.script(|script| script.queue.is_empty())).await;
    let refused = idp.script(|script| script.refused.clone());
    let codes: Vec<_> =
        refused.iter().map(|(jti, error)| (jti.as_str(), error["err"].as_str().unwrap())).collect();
    assert_eq!(
        codes,
        [("forged", "invalid_key"), ("misnamed", "invalid_request"), ("wrong-issuer", "invalid_issuer")]
    );
    assert!(idp.script(|script| script.acked.contains(&"good".to_owned())));
    assert_eq!(received(&hub).await, ["good"]);
    hub.stop().await;
}

// spec: CHK-015, PUSH-036, PUSH-037, POLL-028
#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_acknowledged_and_listed_once_and_the_first_content_stays() {
    let (idp, home) = (FakeTransmitter::start().await, Home::new());
    let hub = receiving(&home, &idp, |settings| settings.push = true).await;
    let first = idp.set("once").sign();
    for token in [first.clone(), first.clone(), idp.set("once").claim("txn", "another").sign()] {
        let answer = idp.push(token).await;
        assert_eq!((answer.status, answer.body), (202, Value::Null));
    }
    let rows = hub.get("/v1/received", ADMIN).await.json()["received"].clone();
    let rows: Vec<_> = rows.as_array().unwrap().iter().filter(|row| row["jti"] == "once").collect();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["set"], first);
    hub.stop().await;
}

// spec: CHK-005, SSF-060
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_unknown_keys_costs_one_fetch_and_a_new_key_is_found() {
    let (idp, home) = (FakeTransmitter::start().await, Home::new());
    let hub = receiving(&home, &idp, |settings| settings.push = true).await;
    assert_eq!(idp.push(idp.set("before").sign()).await.status, 202);
    assert_eq!(idp.count("jwks"), 1);
    idp.rotate();
    assert_eq!(idp.push(idp.set("after").sign()).await.status, 202, "the new key is looked for once");
    let flood = (0..30).map(|n| {
        let idp = idp.clone();
        tokio::spawn(async move { idp.push(idp.set(&n.to_string()).signed_by_a_stranger()).await.status })
    });
    for status in flood.collect::<Vec<_>>() {
        assert_eq!(status.await.unwrap(), 400);
    }
    assert_eq!(idp.count("jwks"), 2, "and then not again for every name that is invented");
    assert_eq!(received(&hub).await, ["before", "after"]);
    hub.stop().await;
}

// spec: SSF-060
#[tokio::test(flavor = "multi_thread")]
async fn keys_that_moved_are_found_by_reading_the_metadata_again() {
    let (idp, home) = (FakeTransmitter::start().await, Home::new());
    let nowhere = format!("{}/nowhere", idp.url);
    idp.script(|script| script.metadata.insert("jwks_uri".into(), nowhere.into()));
    let hub = receiving(&home, &idp, |settings| {
        settings.push = true;
        settings.watch.renew_for_keys = Duration::from_millis(300);
    })
    .await;
    assert_eq!(idp.push(idp.set("early").sign()).await.status, 503, "not its fault: it comes again");
    idp.script(|script| script.metadata.clear());
    eventually("the keys are found", async || idp.push(idp.set("late").sign()).await.status == 202).await;
    assert_eq!(idp.count("POST streams"), 1, "on the same stream");
    hub.stop().await;
}

// spec: SSF-038, SUB-057, SUB-058, CHK-014, PUSH-054
#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_critical_subject_member_is_unknown_is_acknowledged_and_discarded() {
    let (idp, home) = (FakeTransmitter::start().await, Home::new());
    idp.script(|script| script.metadata.insert("critical_subject_members".into(), json!(["badge", "user"])));
    let hub = receiving(&home, &idp, |settings| settings.push = true).await;
    let user = json!({"format": "email", "email": "alice@example.com"});
    let known = json!({"format": "complex", "user": user, "device": {"format": "opaque", "id": "d1"}});
    let unknown = json!({"format": "complex", "user": user, "badge": {"format": "opaque", "id": "b1"}});
    assert_eq!(idp.push(idp.set("unknown").claim("sub_id", unknown).sign()).await.status, 202);
    assert_eq!(idp.push(idp.set("known").claim("sub_id", known).sign()).await.status, 202);
    assert_eq!(received(&hub).await, ["known"]);
    hub.stop().await;
}

// spec: PUSH-029, PUSH-030
#[tokio::test(flavor = "multi_thread")]
async fn a_push_before_there_is_a_stream_comes_again_and_a_stranger_learns_nothing() {
    let (idp, home) = (FakeTransmitter::start().await, Home::new());
    let hub = receiving(&home, &idp, |settings| settings.push = true).await;
    hub.stop().await;
    idp.script(|script| script.failing.insert("metadata".into(), 500));
    let settings = settings(&idp, |settings| settings.push = true);
    let store = Arc::new(home.store().await);
    let hub = home.start_with(home.settings(), store, |hub| hub.receive_from(vec![settings])).await;
    assert_eq!(idp.push(idp.set("early").sign()).await.status, 503);
    let credential = |value: &str| {
        let value = value.to_owned();
        idp.script(|script| {
            let delivery = &mut script.stream.as_mut().unwrap()["delivery"];
            std::mem::replace(&mut delivery["authorization_header"], value.into())
        })
    };
    let ours = credential("Bearer guessed");
    assert_eq!(idp.push(idp.set("stranger").sign()).await.status, 401);
    credential(ours.as_str().unwrap());
    idp.script(|script| script.failing.clear());
    eventually("it is taken", async || idp.push(idp.set("early").sign()).await.status == 202).await;
    assert_eq!(received(&hub).await, ["early"]);
    hub.stop().await;
}
