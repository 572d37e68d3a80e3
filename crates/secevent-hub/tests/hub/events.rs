//! `POST /v1/events`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    home::{ACME, ADMIN, Home, OTHER, Running, event, users},
    http_call::{Answer, call},
};

async fn send(hub: &Running, more: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
    let mut headers = vec![("authorization", "Bearer admin-token")];
    headers.extend(more);
    call("POST", &format!("{}/v1/events", hub.url), &headers, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_many_and_lines_of_events_are_taken() {
    let home = Home::new();
    let hub = home.start().await;
    let stream = hub.create_poll(ACME).await;
    let one = hub.post("/v1/events", ADMIN, &event("a@x.example")).await.expect(202).json();
    assert_eq!(one, json!({"accepted": 1, "events": [{"id": "1", "streams": 1}]}));
    let many = json!([event("b@x.example"), event("c@x.example")]);
    let many = hub.post("/v1/events", ADMIN, &many).await.expect(202).json();
    assert_eq!((&many["accepted"], &many["events"][1]["id"]), (&json!(2), &json!("3")));
    for name in ["application/x-ndjson", "Application/NDJSON; charset=utf-8"] {
        let lines = format!("{}\n\n{}\r\n", event("d@x.example"), event("e@x.example"));
        assert_eq!(send(&hub, &[("content-type", name)], lines).await.expect(202).json()["accepted"], 2);
    }
    let (sets, more) = hub.polled(&stream, json!({"maxEvents": 5})).await;
    assert_eq!(users(&sets), ["a", "b", "c", "d", "e"].map(|user| format!("{user}@x.example")));
    assert!(more);
    hub.stop().await;
}

// spec: SSF-012, SSF-013
#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_a_txn_gets_one_for_all_its_sets_and_for_no_other() {
    let home = Home::new();
    let hub = home.start().await;
    let streams = [(hub.create_poll(ACME).await, ACME), (hub.create_poll(OTHER).await, OTHER)];
    let mut unnamed = event("a@x.example");
    unnamed.as_object_mut().unwrap().remove("txn");
    hub.post("/v1/events", ADMIN, &json!([unnamed, unnamed, unnamed])).await.expect(202);
    let mut txns = Vec::new();
    for (stream, token) in streams {
        let answer = hub.poll(&stream, token, &json!({"returnImmediately": true})).await.expect(200).json();
        let sets = answer["sets"].as_object().unwrap().values();
        let txn =
            |set: &Value| secevent::danger::peek(set.as_str().unwrap()).unwrap().claims["txn"].to_string();
        txns.push(sets.map(txn).collect::<BTreeSet<_>>());
    }
    assert_eq!(txns[0], txns[1], "one cause, one name, whoever is told");
    assert_eq!(txns[0].len(), 3, "{txns:?}");
    assert!(txns[0].iter().all(|txn| txn.starts_with('"') && txn.len() > 2), "{txns:?}");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_event_refuses_all_and_is_named() {
    let home = Home::new();
    let hub = home.start().await;
    let stream = hub.create_poll(ACME).await;
    let good = event("a@x.example");
    let with = |member: &str, value: Value| {
        let mut bad = good.clone();
        bad[member] = value;
        bad
    };
    let bad = [
        json!("no object"),
        with("event", json!("caep:no-such-event")),
        with("event", Value::Null),
        with("subject", json!({"format": "email"})),
        with("subject", json!(7)),
        with("claims", json!([])),
        with("claims", json!({"reason_admin": "must be an object by language"})),
        with("toe", json!("yesterday")),
        with("unknown", json!(1)),
        json!({"event": "caep:session-revoked"}),
    ];
    for bad in bad {
        let answer = hub.post("/v1/events", ADMIN, &json!([good, bad])).await.expect(400);
        assert_eq!(answer.json()["index"], 1, "{bad}: {answer:?}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    for body in ["", "[]", "{", "[1,", "\u{feff}{}"] {
        send(&hub, &[], body).await.expect(400);
    }
    let lines = format!("{good}\n{{\n{good}");
    let answer = send(&hub, &[("content-type", "application/x-ndjson")], lines).await.expect(400);
    assert_eq!(answer.json()["index"], 1);
    assert_eq!(hub.polled(&stream, json!({})).await, (vec![], false), "nothing was accepted");
    assert_eq!(hub.emit("b@x.example").await, "1", "and no number was used");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_no_receiver_would_read_is_refused() {
    let home = Home::new();
    let hub = home.start().await;
    let stream = hub.create_poll(ACME).await;
    let sized = |bytes: usize| {
        let mut event = event("a@x.example");
        event["claims"]["reason_admin"]["en"] = "x".repeat(bytes).into();
        event
    };
    let answer = hub.post("/v1/events", ADMIN, &sized(64 * 1024)).await.expect(400).json();
    assert_eq!(answer["findings"][0]["id"], "CHK-001", "{answer}");
    // As close to the limit as is taken: it can be signed and delivered.
    let mut bytes = 48 * 1024;
    while hub.post("/v1/events", ADMIN, &sized(bytes)).await.status == 400 {
        bytes -= 16;
    }
    assert!(bytes > 46 * 1024, "{bytes}");
    assert_eq!(users(&hub.polled(&stream, json!({})).await.0), ["a@x.example"]);
    send(&hub, &[], vec![b' '; 1024 * 1024 + 1]).await.expect(413);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_under_its_key_gets_the_same_answer_and_another_body_is_refused() {
    let home = Home::new();
    let hub = home.start().await;
    let stream = hub.create_poll(ACME).await;
    hub.emit("first@x.example").await;
    let key = [("idempotency-key", "k-1")];
    let body = json!([event("a@x.example"), event("b@x.example")]).to_string();
    let first = send(&hub, &key, body.clone()).await.expect(202).json();
    assert_eq!(first["events"][0]["id"], "2");
    hub.emit("between@x.example").await;
    assert_eq!(send(&hub, &key, body.clone()).await.expect(202).json(), first);
    send(&hub, &key, event("c@x.example").to_string()).await.expect(422);
    assert_eq!(hub.polled(&stream, json!({})).await.0.len(), 4);
    for bad in ["", "\u{e9}", &"k".repeat(256)] {
        send(&hub, &[("idempotency-key", bad)], body.clone()).await.expect(400);
    }
    hub.stop().await;
    let hub = home.start().await;
    assert_eq!(send(&hub, &key, body).await.expect(202).json(), first, "also after a restart");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_at_once_under_one_key_are_accepted_once() {
    let home = Home::new();
    let hub = home.start().await;
    let body = event("a@x.example").to_string();
    let key = [("idempotency-key", "k-1")];
    let one = || send(&hub, &key, body.clone());
    let (a, b, c, d) = tokio::join!(one(), one(), one(), one());
    for answer in [a, b, c, d] {
        assert_eq!(answer.expect(202).json()["events"][0]["id"], "1");
    }
    assert_eq!(hub.emit("b@x.example").await, "2");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_goes_where_it_is_wanted_or_told() {
    let home = Home::new();
    let hub = home.start().await;
    let revoked = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
    let subscribed = json!({"events_requested": [revoked]});
    let wanted = hub.post("/ssf/streams", ACME, &subscribed).await.expect(201).json();
    let wanted = wanted["stream_id"].as_str().unwrap();
    let other =
        json!({"event": "risc:account-disabled", "subject": {"format": "email", "email": "a@x.example"}});
    let nobody = hub.post("/v1/events", ADMIN, &other).await.expect(202).json();
    assert_eq!(nobody["events"], json!([{"id": "1", "streams": 0}]));
    let second = hub.create_poll(ACME).await;
    let mut told = event("b@x.example");
    told["stream"] = second.clone().into();
    assert_eq!(hub.post("/v1/events", ADMIN, &told).await.expect(202).json()["events"][0]["streams"], 1);
    told["stream"] = "no-such-stream".into();
    let unknown = hub.post("/v1/events", ADMIN, &json!([event("c@x.example"), told])).await.expect(404);
    assert_eq!(unknown.json()["index"], 1);
    assert_eq!(hub.polled(wanted, json!({})).await.0, []);
    assert_eq!(users(&hub.polled(&second, json!({})).await.0), ["b@x.example"]);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_api_needs_its_token_and_health_does_not() {
    let home = Home::new();
    let hub = home.start().await;
    for path in ["/v1/events", "/v1/streams", "/v1/received", "/v1/tail"] {
        for token in ["", ACME, "admin-tokeN"] {
            let answer = hub.send(if path == "/v1/events" { "POST" } else { "GET" }, path, token, "{").await;
            assert!(answer.expect(401).header("www-authenticate").starts_with("Bearer"), "{path}");
        }
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        hub.get(path, "").await.expect(200);
    }
    hub.get("/no/such/door", "").await.expect(404);
    hub.get("/v1/tail", ADMIN).await.expect(501);
    hub.get("/v1/events/99", ADMIN).await.expect(404);
    hub.get("/v1/events/words", ADMIN).await.expect(404);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_cannot_be_read_is_a_problem_like_any_other() {
    let home = Home::new();
    let hub = home.start().await;
    for path in [
        "/v1/received?after=x",
        "/v1/received?after=1&after=2",
        "/v1/streams/a/dead-letters?after=-1",
        "/v1/streams/%FF",
        "/v1/events/%FF",
    ] {
        let answer = hub.get(path, ADMIN).await.expect(400);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
        assert_eq!(answer.json()["title"], "the URL cannot be read", "{path}");
    }
    hub.stop().await;
}
