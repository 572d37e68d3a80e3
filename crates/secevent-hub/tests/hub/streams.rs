//! Streams through their HTTP API: whose they are, what they say, how they end.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{
    home::{ACME, ACME_AUD, ADMIN, Home, OTHER, eventually},
    http_call::call,
    push_receiver::PushReceiver,
};

// spec: SSF-072, SSF-074, SSF-081, SSF-096, SSF-102, SSF-103, SSF-109
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_says_what_was_agreed() {
    let home = Home::new();
    let hub = home.start().await;
    let custom = "urn:example:custom";
    let request = json!({"events_requested": [custom, custom], "description": "mine"});
    let made = hub.post("/ssf/streams", ACME, &request).await.expect(201);
    assert_eq!(made.header("cache-control"), "no-store");
    assert_eq!(made.header("content-type"), "application/json");
    let made = made.json();
    let id = made["stream_id"].as_str().unwrap();
    assert_eq!((&made["iss"], &made["aud"]), (&json!(hub.url), &json!(ACME_AUD)));
    assert_eq!((&made["events_delivered"], &made["description"]), (&json!([custom]), &json!("mine")));
    let supported = made["events_supported"].as_array().unwrap();
    assert!(supported.contains(&json!(custom)), "what is delivered is supported");
    let poll_url = format!("{}/ssf/poll/{id}", hub.url);
    assert_eq!(made["delivery"], json!({"method": "urn:ietf:rfc:8936", "endpoint_url": poll_url}));
    assert_eq!(hub.get(&format!("/ssf/streams?stream_id={id}"), ACME).await.expect(200).json(), made);
    assert_eq!(hub.get("/ssf/streams", ACME).await.expect(200).json(), json!([made]));
    let status = hub.get(&format!("/ssf/status?stream_id={id}"), ACME).await.expect(200).json();
    assert_eq!(status, json!({"stream_id": id, "status": "enabled"}));
    let found = call("GET", &format!("{}/.well-known/ssf-configuration", hub.url), &[], "").await.expect(200);
    assert_eq!(found.json()["configuration_endpoint"], format!("{}/ssf/streams", hub.url));
    hub.stop().await;
}

// spec: SSF-064, POLL-053, CIOP-035, CIOP-036
#[tokio::test(flavor = "multi_thread")]
async fn who_is_asking_comes_before_what_is_asked() {
    let home = Home::new();
    let hub = home.start().await;
    let stream = hub.create_poll(ACME).await;
    let poll = format!("/ssf/poll/{stream}");
    let doors = [
        ("POST", "/ssf/streams"),
        ("GET", "/ssf/streams"),
        ("DELETE", "/ssf/streams"),
        ("GET", "/ssf/status"),
        ("PATCH", "/ssf/streams"),
        ("PUT", "/ssf/streams"),
        ("POST", "/ssf/status"),
        ("POST", "/ssf/subjects/add"),
        ("POST", "/ssf/subjects/remove"),
        ("POST", "/ssf/verification"),
        ("POST", &poll),
    ];
    let too_large = vec![b'['; 2 * 1024 * 1024];
    for (method, path) in doors {
        for headers in [&[][..], &[("authorization", "Bearer nobody")], &[("authorization", "Basic YTpi")]] {
            let answer = call(method, &format!("{}{path}", hub.url), headers, "{ no json").await.expect(401);
            assert!(answer.header("www-authenticate").starts_with("Bearer"), "{method} {path}: {answer:?}");
        }
    }
    hub.send("POST", "/ssf/streams", ACME, "{ no json").await.expect(400);
    hub.send("POST", "/ssf/streams", ACME, too_large).await.expect(413);
    hub.stop().await;
}

// spec: SSF-065, SSF-068, SSF-113, SSF-154, POLL-033
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_somebody_else_is_not_there() {
    let home = Home::new();
    let hub = home.start().await;
    let stream = hub.create_poll(ACME).await;
    hub.emit("a@x.example").await;
    for id in [stream.as_str(), "no-such-stream"] {
        let query = format!("?stream_id={id}");
        let verification = json!({"stream_id": id});
        let answers = [
            hub.get(&format!("/ssf/streams{query}"), OTHER).await,
            hub.get(&format!("/ssf/status{query}"), OTHER).await,
            hub.send("DELETE", &format!("/ssf/streams{query}"), OTHER, "").await,
            hub.post("/ssf/verification", OTHER, &verification).await,
            hub.poll(id, OTHER, &json!({"returnImmediately": true})).await,
        ];
        let words: Vec<_> = answers.into_iter().map(|answer| answer.expect(404).json()).collect();
        assert!(words.iter().all(|answer| *answer == words[0]), "{words:?}");
    }
    hub.get(&format!("/ssf/status?stream_id={stream}"), "nobody").await.expect(401);
    assert_eq!(hub.get("/ssf/streams", OTHER).await.json(), json!([]));
    assert_eq!(hub.polled(&stream, json!({})).await.0.len(), 1, "nothing happened to it");
    hub.stop().await;
}

// spec: SSF-099, SSF-111, POLL-062
#[tokio::test(flavor = "multi_thread")]
async fn every_stream_has_a_name_and_a_polling_endpoint_of_its_own() {
    let home = Home::new();
    let hub = home.start().await;
    assert_eq!(hub.get("/ssf/streams", ACME).await.expect(200).json(), json!([]));
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(hub.post("/ssf/streams", ACME, &json!({})).await.expect(201).json());
    }
    let different = |pointer: &str| {
        let values = made.iter().map(|stream| stream.pointer(pointer).and_then(Value::as_str).unwrap());
        values.collect::<BTreeSet<_>>().len()
    };
    assert_eq!((different("/stream_id"), different("/delivery/endpoint_url")), (3, 3), "{made:?}");
    let first = made[0]["stream_id"].as_str().unwrap();
    hub.send("DELETE", &format!("/ssf/streams?stream_id={first}"), ACME, "").await.expect(204);
    made.push(hub.post("/ssf/streams", ACME, &json!({})).await.expect(201).json());
    let names: BTreeSet<_> = made.iter().map(|stream| stream["stream_id"].to_string()).collect();
    assert_eq!(names.len(), 4, "the name of a deleted stream does not come back");
    hub.stop().await;
}

// spec: SSF-005, SSF-032
#[tokio::test(flavor = "multi_thread")]
async fn stream_metadata_and_sets_name_the_same_issuer() {
    let (home, receiver) = (Home::new(), PushReceiver::start([]).await);
    let mut settings = home.settings();
    settings.issuer = format!("{}/tenant", home.url());
    let hub = home.start_with(settings, Arc::new(home.store().await), |_| axum::Router::new()).await;
    let found = call("GET", &format!("{}/.well-known/ssf-configuration/tenant", hub.url), &[], "").await;
    let issuer = found.expect(200).json()["issuer"].clone();
    assert_eq!(issuer, format!("{}/tenant", home.url()));
    let delivery = json!({"method": "urn:ietf:rfc:8935", "endpoint_url": receiver.url()});
    let push = hub.post("/tenant/ssf/streams", ACME, &json!({"delivery": delivery})).await.expect(201).json();
    let poll = hub.post("/tenant/ssf/streams", ACME, &json!({})).await.expect(201).json();
    assert_eq!((&push["iss"], &poll["iss"]), (&issuer, &issuer));
    hub.emit("a@x.example").await;
    let id = poll["stream_id"].as_str().unwrap();
    let now = json!({"returnImmediately": true});
    let polled = hub.post(&format!("/tenant/ssf/poll/{id}"), ACME, &now).await.expect(200).json();
    let polled = polled["sets"].as_object().unwrap().values().next().unwrap().as_str().unwrap();
    for set in [polled, &receiver.came(1).await[0].set] {
        assert_eq!(secevent::danger::peek(set).unwrap().claims["iss"], issuer);
    }
    hub.stop().await;
}

// spec: SSF-140, SSF-142
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_stream_is_gone_at_once_and_for_good() {
    let (home, receiver) = (Home::new(), PushReceiver::start([]).await);
    receiver.answer(503);
    let hub = home.start().await;
    let push = hub.create_push(ACME, &receiver.url(), "Bearer r").await;
    let poll = hub.create_poll(ACME).await;
    hub.emit("a@x.example").await;
    receiver.came(1).await;
    hub.send("DELETE", "/ssf/streams", ACME, "").await.expect(400);
    let request = json!({"maxEvents": 0, "ack": []});
    let (parked, ()) = tokio::join!(
        async {
            hub.polled(&poll, json!({"ack": jtis_of(&hub, &poll).await})).await;
            hub.poll(&poll, ACME, &request).await
        },
        async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            for id in [&poll, &push] {
                let path = format!("/ssf/streams?stream_id={id}");
                assert!(hub.send("DELETE", &path, ACME, "").await.expect(204).body.is_empty());
                hub.send("DELETE", &path, ACME, "").await.expect(404);
            }
        }
    );
    parked.expect(404);
    hub.poll(&poll, ACME, &json!({"returnImmediately": true})).await.expect(404);
    let attempts = receiver.pushed().len();
    assert_eq!(hub.emit("b@x.example").await, "2");
    let shown = hub.get("/v1/events/2", ADMIN).await.expect(200).json();
    assert_eq!(shown["streams"], json!([]));
    hub.stop().await;
    let hub = home.start().await;
    assert_eq!(hub.get("/ssf/streams", ACME).await.json(), json!([]));
    let again = hub.create_poll(ACME).await;
    assert_eq!(hub.polled(&again, json!({})).await.0, [], "a new stream begins now");
    hub.stop().await;
    assert!(receiver.pushed().len() <= attempts + 1, "at most what was on its way");
}

async fn jtis_of(hub: &crate::home::Running, stream: &str) -> Vec<String> {
    hub.polled(stream, json!({})).await.0.into_iter().map(|(jti, _)| jti).collect()
}

// spec: SSF-180, SSF-181, SSF-182, SSF-183, SSF-185
#[tokio::test(flavor = "multi_thread")]
async fn verification_comes_with_the_state_that_was_given() {
    let home = Home::new();
    let hub = home.start().await;
    let only = json!({"events_requested": ["urn:example:other"]});
    let stream = hub.post("/ssf/streams", ACME, &only).await.expect(201).json();
    let id = stream["stream_id"].as_str().unwrap();
    for state in [Some("VGhpcyBpcw=="), None] {
        let mut request = json!({"stream_id": id});
        if let Some(state) = state {
            request["state"] = state.into();
        }
        assert!(hub.post("/ssf/verification", ACME, &request).await.expect(204).body.is_empty());
        let answer = hub.poll(id, ACME, &json!({"returnImmediately": true})).await.json();
        let (jti, set) = answer["sets"].as_object().unwrap().iter().next().unwrap();
        let claims = secevent::danger::peek(set.as_str().unwrap()).unwrap().claims;
        let event = &claims["events"]["https://schemas.openid.net/secevent/ssf/event-type/verification"];
        assert_eq!(event.get("state").and_then(Value::as_str), state);
        assert_eq!(claims["sub_id"], json!({"format": "opaque", "id": id}));
        hub.polled(id, json!({"ack": [jti]})).await;
    }
    hub.stop().await;
}

// spec: SSF-086, SSF-087, SSF-088
#[tokio::test(flavor = "multi_thread")]
async fn verification_is_bounded_for_each_stream() {
    let home = Home::new();
    let mut settings = home.settings();
    settings.limits.min_verification_interval = Duration::from_mins(1);
    let hub = home.start_with(settings, Arc::new(home.store().await), |_| axum::Router::new()).await;
    for _ in 0..2 {
        let stream = hub.create_poll(ACME).await;
        let request = json!({"stream_id": stream});
        hub.post("/ssf/verification", ACME, &request).await.expect(204);
        let answer = hub.post("/ssf/verification", ACME, &request).await.expect(429);
        assert_eq!(answer.header("retry-after"), "60");
    }
    hub.stop().await;
}

// spec: SSF-087
#[tokio::test(flavor = "multi_thread")]
async fn verification_events_that_nobody_takes_are_bounded() {
    let home = Home::new();
    let hub = home.start().await;
    let stream = hub.create_poll(ACME).await;
    let request = json!({"stream_id": stream});
    for _ in 0..10 {
        hub.post("/ssf/verification", ACME, &request).await.expect(204);
    }
    hub.post("/ssf/verification", ACME, &request).await.expect(429);
    let jtis = jtis_of(&hub, &stream).await;
    hub.polled(&stream, json!({"ack": jtis[..1]})).await;
    hub.post("/ssf/verification", ACME, &request).await.expect(204);
    hub.post("/ssf/verification", ACME, &request).await.expect(429);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_fits_no_set_is_refused_and_counts_as_no_request() {
    let home = Home::new();
    let mut settings = home.settings();
    settings.limits.min_verification_interval = Duration::from_mins(1);
    settings.limits.set_bytes = 2_000;
    let hub = home.start_with(settings, Arc::new(home.store().await), |_| axum::Router::new()).await;
    let stream = hub.create_poll(ACME).await;
    let long = json!({"stream_id": stream, "state": "x".repeat(900)});
    hub.post("/ssf/verification", ACME, &long).await.expect(400);
    hub.post("/ssf/verification", ACME, &json!({"stream_id": stream})).await.expect(204);
    hub.stop().await;
}

// spec: SSF-100
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_has_no_more_streams_than_it_may() {
    let home = Home::new();
    let mut settings = home.settings();
    settings.limits.streams_per_receiver = 2;
    let hub = home.start_with(settings, Arc::new(home.store().await), |_| axum::Router::new()).await;
    let none = json!({});
    let create = || hub.post("/ssf/streams", ACME, &none);
    let (a, b, c, d) = tokio::join!(create(), create(), create(), create());
    let mut statuses = [a, b, c, d].map(|answer| answer.status);
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 409, 409]);
    hub.create_poll(OTHER).await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_stream_cannot_be_polled() {
    let (home, receiver) = (Home::new(), PushReceiver::start([]).await);
    let hub = home.start().await;
    let stream = hub.create_push(ACME, &receiver.url(), "Bearer r").await;
    hub.poll(&stream, ACME, &json!({})).await.expect(404);
    let listed = hub.get("/v1/streams", ADMIN).await.expect(200);
    assert!(!String::from_utf8_lossy(&listed.body).contains("Bearer"), "no credential is shown");
    eventually("it is listed", async || listed.json()["streams"][0]["stream_id"] == stream.as_str()).await;
    hub.stop().await;
}
