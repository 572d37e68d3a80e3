//! `GET /metrics`: what it says after traffic that is known.

#![expect(clippy::float_cmp, reason = "counts are whole, and ages are what the clock of the test says")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use secevent_ssf::engine::Millis;
use serde_json::json;

use crate::{
    exposition::Exposition,
    home::{ACME, ADMIN, Home, OTHER, Running, event, eventually, jtis},
    push_receiver::{PushReceiver, Reply},
};

/// What a hub measures, as it says itself.
pub(crate) async fn exposed(hub: &Running) -> Exposition {
    let answer = hub.get("/metrics", ADMIN).await.expect(200);
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(answer.header("content-type"), media_type);
    Exposition::parse(std::str::from_utf8(&answer.body).unwrap())
}

/// As many streams have a line of their own.
const STREAMS_NAMED_MAX: usize = 20;

// spec: PUSH-031, PUSH-042
#[tokio::test(flavor = "multi_thread")]
async fn pushes_are_counted_by_what_came_of_them() {
    let home = Home::new();
    let refused = json!({"err": "invalid_request", "description": "no such tenant"});
    let receiver = PushReceiver::start([Reply::status(503), Reply::status(400).body(&refused)]).await;
    let hub = home.start().await;
    let stream = hub.create_push(ACME, &receiver.url(), "Bearer of-the-receiver").await;
    hub.emit("a@x.example").await;
    receiver.came(1).await;
    hub.emit("b@x.example").await;
    receiver.came(2).await;
    hub.emit("c@x.example").await;
    let mut broken = event("d@x.example");
    broken["claims"]["event_timestamp"] = "soon".into();
    hub.post("/v1/events", ADMIN, &broken).await.expect(400);
    receiver.came(4).await;
    eventually("all is settled", async || {
        exposed(&hub).await.value("secevent_stream_unsettled_events", &[("stream", &stream)]) == 0.0
    })
    .await;
    let seen = exposed(&hub).await;
    let attempts = |outcome| seen.value("secevent_push_attempts_total", &[("outcome", outcome)]);
    let outcomes = ["delivered", "retry", "refused", "lane_fault", "gone"].map(attempts);
    assert_eq!(outcomes, [2.0, 1.0, 1.0, 0.0, 0.0]);
    for (name, labels, value) in [
        ("events_accepted_total", [].as_slice(), 3.0),
        ("requests_refused_total", &[("reason", "invalid")], 1.0),
        ("requests_refused_total", &[("reason", "full")], 0.0),
        ("dead_letters_total", &[("reason", "refused")], 1.0),
        ("dead_letters_total", &[("reason", "expired")], 0.0),
        ("repeats_total", &[("delivery", "push")], 1.0),
        ("repeats_total", &[("delivery", "poll")], 0.0),
        ("signatures_total", &[("alg", "ES256")], 3.0),
        ("signatures_total", &[("alg", "RS256")], 0.0),
        ("signature_cache_hits_total", &[], 1.0),
        ("sign_seconds_count", &[], 3.0),
        ("first_attempt_delay_seconds_count", &[], 3.0),
        ("commit_events_sum", &[], 3.0),
        ("streams", &[("delivery", "push"), ("status", "enabled")], 1.0),
        ("streams", &[("delivery", "poll"), ("status", "enabled")], 0.0),
        ("stream_in_flight", &[("stream", &stream), ("receiver", "acme")], 0.0),
        ("stream_breaker_open", &[("stream", &stream)], 0.0),
        ("stream_oldest_unsettled_age_seconds", &[("stream", &stream)], 0.0),
        ("log_head", &[], 3.0),
        ("store_full", &[], 0.0),
        ("build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0),
    ] {
        assert_eq!(seen.value(&format!("secevent_{name}"), labels), value, "{name} {labels:?}");
    }
    assert!(seen.value("secevent_store_bytes", &[]) > 0.0);
    let commits = seen.value("secevent_commits_total", &[("outcome", "done")]);
    assert!(commits >= 4.0 && commits == seen.value("secevent_commit_seconds_count", &[]), "{commits}");
    let within = |le| seen.value("secevent_first_attempt_delay_seconds_bucket", &[("le", le)]);
    assert_eq!((within("3600.0"), within("+Inf")), (3.0, 3.0));
    for secret in [ACME, ADMIN, "of-the-receiver", "x.example", "no such tenant", "txn-"] {
        assert!(!seen.text.contains(secret), "{secret}: {}", seen.text);
    }
    hub.stop().await;
}

// spec: POLL-007, POLL-029
#[tokio::test(flavor = "multi_thread")]
async fn polls_are_counted_and_what_is_offered_again() {
    let home = Home::new();
    let hub = home.start().await;
    let stream = hub.create_poll(ACME).await;
    for user in ["a@x.example", "b@x.example", "c@x.example"] {
        hub.emit(user).await;
    }
    hub.polled(&stream, json!({"maxEvents": 2})).await;
    let (sets, _) = hub.polled(&stream, json!({})).await;
    let errors = json!({"ack": jtis(&sets[..2]),
        "setErrs": {&sets[2].0: {"err": "invalid_request", "description": "no"}}});
    let parked = tokio::spawn({
        let (url, stream) = (hub.url.clone(), stream.clone());
        async move {
            let bearer = format!("Bearer {ACME}");
            let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
            let url = format!("{url}/ssf/poll/{stream}");
            crate::http_call::call("POST", &url, &headers, errors.to_string()).await
        }
    });
    eventually("a poll is parked", async || exposed(&hub).await.value("secevent_polls", &[]) == 1.0).await;
    let seen = exposed(&hub).await;
    for (name, labels, value) in [
        ("poll_sets_offered_total", [].as_slice(), 5.0),
        ("poll_sets_acknowledged_total", &[], 2.0),
        ("repeats_total", &[("delivery", "poll")], 2.0),
        ("dead_letters_total", &[("reason", "refused")], 1.0),
        ("first_attempt_delay_seconds_count", &[], 3.0),
        ("stream_unsettled_events", &[("stream", &stream)], 0.0),
    ] {
        assert_eq!(seen.value(&format!("secevent_{name}"), labels), value, "{name} {labels:?}");
    }
    hub.emit("d@x.example").await;
    parked.await.unwrap().expect(200);
    assert_eq!(exposed(&hub).await.value("secevent_polls", &[]), 0.0);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_age_of_what_waits_is_told_by_the_clock_also_after_a_restart() {
    let home = Home::new();
    let time = Arc::new(AtomicU64::new(1_795_485_600_000));
    let settings = || {
        let (mut settings, time) = (home.settings(), Arc::clone(&time));
        settings.clock = Arc::new(move || Millis(time.load(Ordering::SeqCst)));
        settings
    };
    let start = async || {
        let store = Arc::new(home.store().await);
        home.start_with(settings(), store, |_| axum::Router::new()).await
    };
    let hub = start().await;
    let stream = hub.create_poll(ACME).await;
    let quick = hub.create_poll(OTHER).await;
    hub.emit("a@x.example").await;
    time.fetch_add(90_250, Ordering::SeqCst);
    hub.emit("b@x.example").await;
    let jti = {
        let answer = hub.poll(&quick, OTHER, &json!({"maxEvents": 1})).await.expect(200).json();
        answer["sets"].as_object().unwrap().keys().next().unwrap().clone()
    };
    hub.poll(&quick, OTHER, &json!({"ack": [jti], "maxEvents": 0, "returnImmediately": true})).await;
    let age = |seen: &Exposition, stream: &str| {
        seen.value("secevent_stream_oldest_unsettled_age_seconds", &[("stream", stream)])
    };
    let seen = exposed(&hub).await;
    assert_eq!((age(&seen, &stream), age(&seen, &quick)), (90.25, 0.0));
    assert_eq!(seen.value("secevent_first_attempt_delay_seconds_sum", &[]), 90.25);
    hub.stop().await;
    let hub = start().await;
    time.fetch_add(10_000, Ordering::SeqCst);
    let seen = exposed(&hub).await;
    let old = age(&seen, &stream);
    assert!((100.0..101.3).contains(&old), "{old}: from the log, to the second");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_streams_than_lines_are_summed_the_youngest_together() {
    const STREAMS: usize = STREAMS_NAMED_MAX + 5;
    let home = Home::new();
    let mut settings = home.settings();
    settings.limits.streams_per_receiver = STREAMS;
    let store = Arc::new(home.store().await);
    let hub = home.start_with(settings, store, |_| axum::Router::new()).await;
    let mut streams = Vec::new();
    for nth in 0..STREAMS {
        streams.push(hub.create_poll(ACME).await);
        // A stream gets what comes after it was made: the first made has waited the longest.
        hub.emit(&format!("{nth}@x.example")).await;
    }
    let seen = exposed(&hub).await;
    for name in ["oldest_unsettled_age_seconds", "unsettled_events", "in_flight", "breaker_open"] {
        let lines = seen.series(&format!("secevent_stream_{name}"), &[]);
        assert_eq!(lines.len(), STREAMS_NAMED_MAX + 1, "{name}");
    }
    let unsettled = |stream: &str| seen.value("secevent_stream_unsettled_events", &[("stream", stream)]);
    assert_eq!(unsettled(&streams[0]), 25.0);
    assert_eq!(unsettled(&streams[STREAMS_NAMED_MAX - 1]), 6.0);
    assert_eq!(unsettled("other"), 5.0 + 4.0 + 3.0 + 2.0 + 1.0);
    assert!(!seen.text.contains(&streams[STREAMS_NAMED_MAX]));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_receiver_is_seen_by_its_breaker() {
    let home = Home::new();
    let receiver = PushReceiver::start([]).await;
    receiver.answer(403);
    let hub = home.start().await;
    let stream = hub.create_push(ACME, &receiver.url(), "Bearer r").await;
    hub.emit("a@x.example").await;
    eventually("the breaker opens", async || {
        exposed(&hub).await.value("secevent_stream_breaker_open", &[("stream", &stream)]) == 1.0
    })
    .await;
    let seen = exposed(&hub).await;
    assert_eq!(seen.value("secevent_push_attempts_total", &[("outcome", "lane_fault")]), 1.0);
    assert_eq!(seen.value("secevent_stream_unsettled_events", &[("stream", &stream)]), 1.0);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_open_on_loopback_and_for_the_admin_elsewhere() {
    let home = Home::new();
    let mut settings = home.settings();
    settings.open_health = false;
    let store = Arc::new(home.store().await);
    let hub = home.start_with(settings, store, |_| axum::Router::new()).await;
    for (token, status) in [("", 401), (ACME, 401), (ADMIN, 200)] {
        hub.get("/metrics", token).await.expect(status);
    }
    hub.stop().await;
    let hub = home.start().await;
    hub.get("/metrics", "").await.expect(200);
    hub.stop().await;
}

/// Through the whole hub, whose listener counts connections.
#[tokio::test(flavor = "multi_thread")]
async fn connections_are_counted_while_they_are_open() {
    let home = Home::new();
    let store = Arc::new(home.store().await);
    let hub = secevent_hub::Hub::start(home.settings(), store).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let idle = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let served =
        tokio::spawn(async move { hub.serve(listener, Vec::new(), async { drop(stopped.await) }).await });
    let open = async || {
        let answer = crate::http_call::call("GET", &format!("{url}/metrics"), &[], "").await.expect(200);
        Exposition::parse(std::str::from_utf8(&answer.body).unwrap()).value("secevent_connections", &[])
    };
    eventually("the idle one and the asking one", async || open().await == 2.0).await;
    drop(idle);
    eventually("the asking one", async || open().await == 1.0).await;
    drop(stop);
    tokio::time::timeout(Duration::from_secs(5), served).await.unwrap().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_batch_are_counted_each_and_a_repeated_request_once() {
    let home = Home::new();
    let hub = home.start().await;
    let two = json!([event("1@x.example"), event("2@x.example")]).to_string();
    let (url, bearer) = (format!("{}/v1/events", hub.url), format!("Bearer {ADMIN}"));
    let headers =
        [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", "k")];
    for _ in 0..2 {
        crate::http_call::call("POST", &url, &headers, two.clone()).await.expect(202);
    }
    crate::http_call::call("POST", &url, &headers, event("3@x.example").to_string()).await.expect(422);
    let seen = exposed(&hub).await;
    assert_eq!(seen.value("secevent_events_accepted_total", &[]), 2.0);
    assert_eq!(seen.value("secevent_requests_refused_total", &[("reason", "key_reused")]), 1.0);
    hub.stop().await;
}
