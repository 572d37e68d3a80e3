//! Poll delivery, end to end.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::home::{ACME, ADMIN, Home, OTHER, Running, TWIN, jtis, users};

async fn with_events(home: &Home, count: usize) -> (Running, String) {
    let hub = home.start().await;
    let stream = hub.create_poll(ACME).await;
    for n in 1..=count {
        hub.emit(&format!("{n}@x.example")).await;
    }
    (hub, stream)
}

// spec: POLL-007, POLL-029, POLL-037, POLL-038, POLL-043
#[tokio::test(flavor = "multi_thread")]
async fn sets_are_offered_until_they_are_acknowledged() {
    let home = Home::new();
    let (hub, stream) = with_events(&home, 3).await;
    let (two, more) = hub.polled(&stream, json!({"maxEvents": 2})).await;
    assert_eq!((users(&two), more), (vec!["1@x.example", "2@x.example"], true));
    let (all, more) = hub.polled(&stream, json!({})).await;
    assert_eq!((users(&all), more), (vec!["1@x.example", "2@x.example", "3@x.example"], false));
    assert_eq!(all[..2], two, "the same names");
    let (rest, _) = hub.polled(&stream, json!({"ack": [all[1].0]})).await;
    assert_eq!(users(&rest), ["1@x.example", "3@x.example"], "acknowledged before the selection");
    let answer = hub.poll(&stream, ACME, &json!({"maxEvents": 0, "returnImmediately": true})).await;
    assert_eq!(answer.json(), json!({"sets": {}, "moreAvailable": true}));
    assert_eq!(
        (answer.header("content-type"), answer.header("cache-control")),
        ("application/json", "no-store")
    );
    hub.polled(&stream, json!({"ack": jtis(&rest)})).await;
    let answer = hub.poll(&stream, ACME, &json!({"returnImmediately": true})).await;
    assert_eq!(answer.json(), json!({"sets": {}}));
    hub.stop().await;
}

// spec: POLL-034, POLL-035
#[tokio::test(flavor = "multi_thread")]
async fn a_reported_error_sets_aside_even_when_it_is_acknowledged_too() {
    let home = Home::new();
    let (hub, stream) = with_events(&home, 3).await;
    let (sets, _) = hub.polled(&stream, json!({})).await;
    let errors = json!({
        "ack": [sets[0].0, sets[1].0],
        "setErrs": {
            &sets[1].0: {"err": "invalid_key", "description": "which key"},
            "unknown": {"err": "invalid_request", "description": ""},
        },
    });
    assert_eq!(users(&hub.polled(&stream, errors).await.0), ["3@x.example"]);
    let path = format!("/v1/streams/{stream}/dead-letters");
    let letters = hub.get(&path, ADMIN).await.json();
    assert_eq!(letters["dead_letters"].as_array().unwrap().len(), 1, "{letters}");
    assert_eq!(letters["dead_letters"][0]["reason"], "invalid_key: which key");
    let late = json!({"setErrs": {&sets[0].0: {"err": "invalid_key", "description": "too late"}}});
    hub.polled(&stream, late).await;
    assert_eq!(hub.get(&path, ADMIN).await.json(), letters, "what was acknowledged is not set aside");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(hub.get(&path, ADMIN).await.json(), letters, "once, also when it was written meanwhile");
    hub.stop().await;
}

// spec: POLL-045, POLL-046
#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_wakes_when_an_event_comes() {
    let home = Home::new();
    let (hub, stream) = with_events(&home, 0).await;
    let (request, started) = (json!({}), Instant::now());
    let waiting = hub.poll(&stream, ACME, &request);
    let emitting = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        hub.emit("a@x.example").await
    };
    let (answer, _) = tokio::join!(waiting, emitting);
    assert_eq!(answer.expect(200).json()["sets"].as_object().unwrap().len(), 1);
    let waited = started.elapsed();
    assert!((Duration::from_millis(300)..Duration::from_secs(2)).contains(&waited), "{waited:?}");
    hub.stop().await;
}

// spec: POLL-012, POLL-040, POLL-045
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_long_poll_ends_after_its_time_and_a_short_one_at_once() {
    let home = Home::new();
    let mut settings = home.settings();
    settings.limits.poll_wait = Duration::from_millis(400);
    let store = std::sync::Arc::new(home.store().await);
    let hub = home.start_with(settings, store, |_| axum::Router::new()).await;
    let stream = hub.create_poll(ACME).await;
    for (request, at_least, at_most) in [
        (json!({}), 400, 2_000),
        (json!({"maxEvents": 0}), 400, 2_000),
        (json!({"returnImmediately": true}), 0, 390),
    ] {
        let started = Instant::now();
        let answer = hub.poll(&stream, ACME, &request).await.expect(200);
        assert_eq!(answer.json(), json!({"sets": {}}));
        let waited = started.elapsed().as_millis();
        assert!((at_least..at_most).contains(&waited), "{request} took {waited} ms");
    }
    hub.stop().await;
}

// spec: POLL-036
#[tokio::test(flavor = "multi_thread")]
async fn polls_at_once_get_different_sets() {
    let home = Home::new();
    let (hub, stream) = with_events(&home, 0).await;
    let request = json!({"maxEvents": 1});
    let emitting = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let two = json!([crate::home::event("1@x.example"), crate::home::event("2@x.example")]);
        hub.post("/v1/events", ADMIN, &two).await.expect(202)
    };
    let poll = || hub.poll(&stream, ACME, &request);
    let (a, b, _) = tokio::join!(poll(), poll(), emitting);
    let name = |answer: &Value| answer["sets"].as_object().unwrap().keys().next().cloned();
    let (a, b) = (name(&a.json()), name(&b.json()));
    assert!(a.is_some() && b.is_some() && a != b, "{a:?} and {b:?}");
    hub.stop().await;
}

// spec: POLL-033
#[tokio::test(flavor = "multi_thread")]
async fn names_of_others_acknowledge_nothing() {
    let home = Home::new();
    let (hub, stream) = with_events(&home, 0).await;
    let (twin, other) = (hub.create_poll(TWIN).await, hub.create_poll(OTHER).await);
    hub.emit("a@x.example").await;
    let now = json!({"returnImmediately": true});
    let sets_of = async |stream: &str, token: &str| {
        let answer = hub.poll(stream, token, &now).await.expect(200).json();
        answer["sets"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let (of_twin, of_other) = (sets_of(&twin, TWIN).await, sets_of(&other, OTHER).await);
    assert_eq!(hub.polled(&stream, json!({})).await.0.len(), 1, "only what was offered can be acknowledged");
    let foreign = json!({"ack": [of_other[0], "bWJq", "", "AAAAAAAAAAAAAAAAAAAAAA"],
        "setErrs": {"24c63fb56e5a2d77a6b512616ca9fa24": {"err": "jwtParse", "description": ""}}});
    assert_eq!(hub.polled(&stream, foreign).await.0.len(), 1);
    // The same name, since the audience is the same: it counts for the stream it is said on, and only there.
    let (mine, _) = hub.polled(&stream, json!({"ack": of_twin})).await;
    assert_eq!(mine, []);
    assert_eq!((sets_of(&twin, TWIN).await, sets_of(&other, OTHER).await), (of_twin, of_other));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_far_behind_is_delivered_in_order_and_whole() {
    const EVENTS: usize = 2_500;
    let home = Home::new();
    let (hub, stream) = with_events(&home, 0).await;
    let users: Vec<_> = (0..EVENTS).map(|n| format!("{n}@x.example")).collect();
    for part in users.chunks(500) {
        let events: Vec<_> = part.iter().map(|user| crate::home::event(user)).collect();
        hub.post("/v1/events", ADMIN, &json!(events)).await.expect(202);
    }
    let (mut ack, mut came) = (Vec::new(), Vec::new());
    loop {
        let request = json!({"ack": ack, "returnImmediately": true});
        let answer = hub.poll(&stream, ACME, &request).await.expect(200).json();
        let sets = answer["sets"].as_object().unwrap();
        ack = sets.keys().cloned().collect();
        came.extend(sets.values().map(|set| {
            let claims = secevent::danger::peek(set.as_str().unwrap()).unwrap().claims;
            claims["sub_id"]["email"].as_str().unwrap().to_owned()
        }));
        if ack.is_empty() {
            assert_eq!(answer.get("moreAvailable"), None);
            break;
        }
    }
    assert_eq!(came, users);
    hub.stop().await;
}
