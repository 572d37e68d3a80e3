//! PATCH and PUT of a stream configuration.

use serde_json::{Value, json};

use crate::{
    home::{ACME, ACME_AUD, Home, OTHER, Running, eventually, users},
    http_call::Answer,
    push_receiver::PushReceiver,
};

const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
const CHANGED: &str = "https://schemas.openid.net/secevent/caep/event-type/credential-change";

async fn change(hub: &Running, method: &str, body: &Value) -> Answer {
    hub.send(method, "/ssf/streams", ACME, body.to_string()).await
}

// spec: SSF-075, SSF-116, SSF-117, SSF-121, SSF-122, SSF-123, SSF-126, SSF-130, SSF-134, SSF-135, SSF-138
#[tokio::test(flavor = "multi_thread")]
async fn patch_changes_what_is_there_and_put_replaces_it_all() {
    let home = Home::new();
    let hub = home.start().await;
    let request = json!({"events_requested": [REVOKED], "description": "mine"});
    let made = hub.post("/ssf/streams", ACME, &request).await.expect(201).json();
    let id = made["stream_id"].as_str().unwrap();
    let patch = json!({"stream_id": id, "events_requested": [REVOKED, CHANGED, "urn:example:unknown"]});
    let patched = change(&hub, "PATCH", &patch).await.expect(200);
    assert_eq!(patched.header("cache-control"), "no-store");
    let patched = patched.json();
    assert_eq!(patched["events_delivered"], json!([REVOKED, CHANGED, "urn:example:unknown"]));
    assert_eq!((&patched["description"], &patched["delivery"]), (&json!("mine"), &made["delivery"]));
    assert_eq!(hub.get(&format!("/ssf/streams?stream_id={id}"), ACME).await.json(), patched);
    assert_eq!(
        change(&hub, "PUT", &patched).await.expect(200).json(),
        patched,
        "what was read can be sent back"
    );
    let put = change(&hub, "PUT", &json!({"stream_id": id})).await.expect(200).json();
    assert!(put.get("description").is_none() && put.get("events_requested").is_none(), "{put}");
    assert_eq!(put["delivery"], made["delivery"], "without a delivery it is polled");
    assert!(put["events_delivered"].as_array().unwrap().len() > 20, "without a wish it gets everything");
    assert_eq!(
        (&put["aud"], &put["iss"], &put["stream_id"]),
        (&made["aud"], &made["iss"], &made["stream_id"])
    );
    hub.stop().await;
    let hub = home.start().await;
    assert_eq!(hub.get(&format!("/ssf/streams?stream_id={id}"), ACME).await.json(), put, "the disk has it");
    hub.stop().await;
}

// spec: SSF-065, SSF-068, SSF-075, SSF-114, SSF-120, SSF-125, SSF-128, SSF-133, SSF-137
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_receivers_cannot_be_changed() {
    let home = Home::new();
    let hub = home.start().await;
    let stream = hub.create_poll(ACME).await;
    let before = hub.get("/ssf/streams", ACME).await.json();
    for method in ["PATCH", "PUT"] {
        for (body, status) in [
            (json!({}), 400),
            (json!({"stream_id": 1}), 400),
            (json!({"stream_id": stream, "aud": "https://else.example"}), 400),
            (json!({"stream_id": stream, "iss": "https://else.example"}), 400),
            (json!({"stream_id": stream, "events_delivered": []}), 400),
            (
                json!({"stream_id": stream, "delivery": {"method": "urn:ietf:rfc:8936", "endpoint_url": "https://e.example/"}}),
                400,
            ),
            (
                json!({"stream_id": stream, "delivery": {"method": "urn:ietf:rfc:8935", "endpoint_url": "http://10.0.0.1/"}}),
                400,
            ),
            (
                json!({"stream_id": stream, "delivery": {"method": "urn:ietf:rfc:8935", "endpoint_url": format!("{}/x", hub.url)}}),
                400,
            ),
            (json!({"stream_id": stream, "description": null}), 400),
            (json!({"stream_id": "0000"}), 404),
        ] {
            change(&hub, method, &body).await.expect(status);
        }
        let echoed = json!({"stream_id": stream, "aud": [ACME_AUD]});
        change(&hub, method, &echoed).await.expect(200);
        let body = json!({"stream_id": stream}).to_string();
        let foreign = hub.send(method, "/ssf/streams", OTHER, body).await.expect(404);
        let unknown = change(&hub, method, &json!({"stream_id": "0000"})).await;
        assert_eq!(foreign.body, unknown.body, "the two cannot be told apart");
    }
    assert_eq!(hub.get("/ssf/streams", ACME).await.json(), before);
    hub.stop().await;
}

// spec: SSF-027, SSF-081, SSF-127, PUSH-060
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_follows_the_delivery() {
    let home = Home::new();
    let (first, second) = (PushReceiver::start([]).await, PushReceiver::start([]).await);
    first.answer(503);
    let hub = home.start().await;
    let stream = hub.create_push(ACME, &first.url(), "Bearer first").await;
    hub.emit("a@x.example").await;
    let tried = first.came(1).await;
    let shown = hub.get(&format!("/ssf/streams?stream_id={stream}"), ACME).await.json();
    assert!(shown["delivery"].get("authorization_header").is_none(), "a credential is not shown again");

    // Sent back as it was read, the endpoint keeps its credential.
    first.answer(202);
    change(&hub, "PUT", &shown).await.expect(200);
    eventually("it is taken", async || first.taken().len() == 1).await;
    let pushed = first.pushed();
    assert!(pushed.iter().all(|push| push.headers["authorization"] == "Bearer first"));

    // Another endpoint does not get it.
    first.answer(503);
    hub.emit("b@x.example").await;
    first.came(pushed.len() + 1).await;
    let push_to = json!({"method": "urn:ietf:rfc:8935", "endpoint_url": second.url()});
    change(&hub, "PATCH", &json!({"stream_id": stream, "delivery": push_to})).await.expect(200);
    eventually("it is taken", async || second.taken().len() == 1).await;
    assert!(second.pushed()[0].headers.get("authorization").is_none());
    assert_ne!(second.taken()[0], tried[0].jti());

    // To poll and back.
    second.answer(503);
    hub.emit("c@x.example").await;
    second.came(2).await;
    let poll = json!({"stream_id": stream, "delivery": {"method": "urn:ietf:rfc:8936"}});
    change(&hub, "PATCH", &poll).await.expect(200);
    assert_eq!(users(&hub.polled(&stream, json!({})).await.0), ["c@x.example"]);
    first.answer(202);
    let taken = first.taken().len();
    change(&hub, "PUT", &shown).await.expect(200);
    hub.poll(&stream, ACME, &json!({})).await.expect(404);
    eventually("it is taken", async || first.taken().len() == taken + 1).await;
    hub.stop().await;
}

// spec: SSF-081
#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_is_no_longer_delivered_is_not_sent_from_what_waits() {
    let home = Home::new();
    let hub = home.start().await;
    let stream = hub.create_poll(ACME).await;
    hub.emit("a@x.example").await;
    let patch = |event: &str| json!({"stream_id": stream, "events_requested": [event]});
    change(&hub, "PATCH", &patch(CHANGED)).await.expect(200);
    assert_eq!(hub.polled(&stream, json!({})).await.0, []);
    change(&hub, "PATCH", &patch(REVOKED)).await.expect(200);
    hub.emit("b@x.example").await;
    assert_eq!(users(&hub.polled(&stream, json!({})).await.0), ["b@x.example"]);
    hub.stop().await;
}
