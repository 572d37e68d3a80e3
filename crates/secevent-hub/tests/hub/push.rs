//! Push delivery, end to end.

use std::time::Duration;

use serde_json::json;

use crate::{
    home::{ACME, ACME_AUD, ADMIN, Home, eventually, user_of},
    push_receiver::{PushReceiver, Reply},
};

// spec: PUSH-001, PUSH-003, PUSH-005, SSF-028
#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_pushed_as_agreed_and_verifies() {
    let (home, receiver) = (Home::new(), PushReceiver::start([]).await);
    let hub = home.start().await;
    hub.create_push(ACME, &receiver.url(), "Bearer of-the-receiver").await;
    let id = hub.emit("a@x.example").await;
    let [pushed] = receiver.came(1).await.try_into().unwrap();
    assert_eq!(pushed.headers["authorization"], "Bearer of-the-receiver");
    assert_eq!(pushed.headers["content-type"], "application/secevent+jwt");
    assert_eq!(pushed.headers["accept"], "application/json");
    let set = hub.verify(&pushed.set, ACME_AUD).await;
    assert_eq!((set.alg(), set.txn()), (secevent::Alg::Es256, Some("txn-a@x.example")));
    assert_eq!((user_of(&set).as_str(), set.aud()), ("a@x.example", vec![ACME_AUD]));
    let path = format!("/v1/events/{id}");
    eventually("it is settled", async || {
        hub.get(&path, ADMIN).await.expect(200).json()["streams"][0]["state"] == "settled"
    })
    .await;
    hub.stop().await;
}

// spec: PUSH-042
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_set_is_a_dead_letter_in_the_receivers_words_and_the_stream_goes_on() {
    let words = json!({"err": "invalid_request", "description": "no such tenant"});
    let home = Home::new();
    let receiver = PushReceiver::start([Reply::status(400).body(&words)]).await;
    let hub = home.start().await;
    let stream = hub.create_push(ACME, &receiver.url(), "Bearer r").await;
    let id = hub.emit("a@x.example").await;
    receiver.came(1).await;
    hub.emit("a@x.example").await;
    let pushed = receiver.came(2).await;
    assert_ne!(pushed[0].jti(), pushed[1].jti(), "the refused one does not come again");
    let path = format!("/v1/streams/{stream}/dead-letters");
    let listed = hub.get(&path, ADMIN).await.expect(200).json();
    let [letter] = listed["dead_letters"].as_array().unwrap().as_slice() else { panic!("{listed}") };
    let reason = letter["reason"].as_str().unwrap();
    assert_eq!(letter["id"], id.as_str());
    assert!(reason.contains("invalid_request") && reason.contains("no such tenant"), "{reason}");
    let state = hub.get(&format!("/v1/events/{id}"), ADMIN).await.json();
    assert_eq!(state["streams"][0]["state"], "set-aside");

    hub.stop().await;
    let hub = home.start().await;
    assert_eq!(hub.get(&path, ADMIN).await.json(), listed, "it is kept");
    assert_eq!(hub.get(&format!("{path}?after={id}"), ADMIN).await.json(), json!({"dead_letters": []}));
    hub.stop().await;
}

// spec: PUSH-040, PUSH-044
#[tokio::test(flavor = "multi_thread")]
async fn a_passing_trouble_is_tried_again_with_the_same_jti() {
    let home = Home::new();
    let receiver = PushReceiver::start([Reply::status(503)]).await;
    let hub = home.start().await;
    hub.create_push(ACME, &receiver.url(), "Bearer r").await;
    hub.emit("a@x.example").await;
    let pushed = receiver.came(2).await;
    assert_eq!((pushed[0].status, pushed[1].status), (503, 202));
    assert_eq!(pushed[0].jti(), pushed[1].jti());
    hub.stop().await;
    assert_eq!(receiver.pushed().len(), 2);
}

// spec: PUSH-046
#[tokio::test(flavor = "multi_thread")]
async fn events_of_one_subject_arrive_in_order_one_at_a_time() {
    let home = Home::new();
    let slow = Reply::status(202).after(Duration::from_millis(15));
    let receiver = PushReceiver::start(vec![slow; 10]).await;
    let hub = home.start().await;
    hub.create_push(ACME, &receiver.url(), "Bearer r").await;
    let mut txns = Vec::new();
    for n in 0..10 {
        let mut event = crate::home::event("a@x.example");
        event["txn"] = format!("t{n}").into();
        txns.push(format!("t{n}"));
        hub.post("/v1/events", ADMIN, &event).await.expect(202);
    }
    let mut arrived = Vec::new();
    for pushed in receiver.came(10).await {
        arrived.push(hub.verify(&pushed.set, ACME_AUD).await.txn().unwrap().to_owned());
    }
    assert_eq!(arrived, txns);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gone_receiver_pauses_its_stream_and_others_go_on() {
    let home = Home::new();
    let (gone, well) = (PushReceiver::start([]).await, PushReceiver::start([]).await);
    gone.answer(410);
    let hub = home.start().await;
    let stream = hub.create_push(ACME, &gone.url(), "Bearer r").await;
    hub.create_push(ACME, &well.url(), "Bearer r").await;
    for n in 0..12 {
        hub.emit(&format!("{n}@x.example")).await;
    }
    well.came(12).await;
    eventually("it is paused", async || {
        hub.get(&format!("/ssf/status?stream_id={stream}"), ACME).await.json()["status"] == "paused"
    })
    .await;
    let status = hub.get(&format!("/ssf/status?stream_id={stream}"), ACME).await.json();
    assert!(status["reason"].as_str().unwrap().contains("410"), "{status}");
    let attempts = gone.pushed().len();
    hub.emit("late@x.example").await;
    well.came(13).await;
    assert_eq!(gone.pushed().len(), attempts, "a paused stream sends nothing");
    hub.stop().await;
    let hub = home.start().await;
    let status = hub.get(&format!("/ssf/status?stream_id={stream}"), ACME).await.json();
    assert_eq!(status["status"], "paused");
    let shown = hub.get(&format!("/v1/streams/{stream}"), ADMIN).await.json();
    assert_eq!((shown["status"].as_str(), shown["receiver"].as_str()), (Some("paused"), Some("acme")));
    hub.stop().await;
    assert_eq!(gone.pushed().len(), attempts, "also after a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_one_audience_share_the_name_of_a_set_and_other_audiences_do_not() {
    let home = Home::new();
    let (acme, other) = (PushReceiver::start([]).await, PushReceiver::start([]).await);
    let hub = home.start().await;
    hub.create_push(ACME, &acme.url(), "Bearer r").await;
    hub.create_push(crate::home::TWIN, &acme.url(), "Bearer r").await;
    hub.create_push(crate::home::OTHER, &other.url(), "Bearer r").await;
    hub.emit("a@x.example").await;
    let (acme, other) = (acme.came(2).await, other.came(1).await);
    assert_eq!(acme[0].jti(), acme[1].jti());
    assert_ne!(acme[0].jti(), other[0].jti());
    let set = hub.verify(&other[0].set, "https://other.example.com").await;
    assert_eq!(set.alg(), secevent::Alg::Rs256);
    hub.stop().await;
}

// spec: SSF-107, PUSH-002
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_inside_is_refused_when_the_guard_is_strict() {
    let home = Home::new();
    let mut settings = home.settings();
    settings.client = secevent_http::client::Client::new(secevent_http::client::Egress::strict());
    let store = std::sync::Arc::new(home.store().await);
    let hub = home.start_with(settings, store, |_| axum::Router::new()).await;
    for url in
        ["http://rx.example.com/", "https://127.0.0.1/", "https://[::1]/", "words", "https://u@rx.example/"]
    {
        let delivery = json!({"delivery": {"method": "urn:ietf:rfc:8935", "endpoint_url": url}});
        let answer = hub.post("/ssf/streams", ACME, &delivery).await.expect(400);
        assert!(answer.json()["detail"].as_str().unwrap().contains("/delivery/endpoint_url"), "{answer:?}");
    }
    assert_eq!(hub.get("/ssf/streams", ACME).await.expect(200).json(), json!([]));
    hub.stop().await;
}
