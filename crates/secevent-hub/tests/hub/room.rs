//! A store that is bounded, and streams that are: what is forgotten early, refused, and set aside.

use std::{sync::Arc, time::Duration};

use secevent_hub::store::SqliteStore;
use secevent_ssf::{Seq, store::Store};
use serde_json::{Value, json};

use crate::home::{ACME, ADMIN, Home, Running, event, eventually, users};

const BOUND: u64 = 1_000_000;

async fn bounded(home: &Home) -> (Running, Arc<SqliteStore>) {
    let store = Arc::new(home.store().await);
    let mut settings = home.settings();
    settings.limits.retention_bytes = Some(BOUND);
    let hub = home.start_with(settings, store.clone(), |_| axum::Router::new()).await;
    (hub, store)
}

/// So many events of a kilobyte and more.
pub(crate) fn large(count: usize) -> Value {
    let one = |n: usize| {
        let mut one = event(&format!("{n}@x.example"));
        one["claims"]["reason_admin"]["en"] = "x".repeat(1_000).into();
        one
    };
    (0..count).map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_settled_is_forgotten_before_its_time_to_stay_within_the_bound() {
    let home = Home::new();
    let (hub, store) = bounded(&home).await;
    for _ in 0..60 {
        eventually("there is room", async || hub.post("/v1/events", ADMIN, &large(50)).await.status == 202)
            .await;
        assert!(store.usage().unwrap().used_bytes < BOUND + 200_000);
    }
    // The log was three times as long as the file may be.
    assert_eq!(store.load().unwrap().head, Seq(3_000));
    let kept = store.events(&(1..=3_000).map(Seq).collect::<Vec<_>>()).unwrap();
    assert_eq!(kept.last().unwrap().seq, Seq(3_000));
    assert!((300..800).contains(&kept.len()), "{} are kept, no more are forgotten than must be", kept.len());
    hub.stop().await;
    let bytes = home.store_file().metadata().unwrap().len();
    assert!(bytes < BOUND + 400_000, "what was forgotten is used again, yet the file has {bytes} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_full_of_what_waits_refuses_events_and_recovers_by_itself() {
    let home = Home::new();
    let (hub, store) = bounded(&home).await;
    let stream = hub.create_poll(ACME).await;
    let mut accepted = 0;
    let refused = loop {
        let answer = hub.post("/v1/events", ADMIN, &large(20)).await;
        if answer.status != 202 {
            break answer.expect(503);
        }
        accepted += 20;
        assert!(accepted < 2_000, "the bound was never reached");
    };
    assert_eq!(refused.header("retry-after"), "5");
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.contains("[retention] bytes allows 1000000") && detail.contains("not settled"),
        "{detail}"
    );
    assert_eq!(store.load().unwrap().head, Seq(accepted), "nothing of it was written");
    let full = store.usage().unwrap().used_bytes;
    assert!((BOUND..BOUND + 100_000).contains(&full), "{full}");
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    hub.post("/v1/events", ADMIN, &large(1)).await.expect(503);

    // What has nothing to do with new events goes on.
    let second = hub.create_poll(ACME).await;
    hub.send("DELETE", &format!("/ssf/streams?stream_id={second}"), ACME, "").await.expect(204);
    let (mut taken, mut ack) = (0, json!([]));
    loop {
        let (sets, more) = hub.polled(&stream, json!({"ack": ack, "maxEvents": 100})).await;
        taken += sets.len() as u64;
        ack = sets.iter().map(|(jti, _)| jti.clone()).collect();
        if sets.is_empty() && !more {
            break;
        }
    }
    assert_eq!(taken, accepted, "all that was accepted is delivered");
    eventually("events are taken again", async || {
        hub.post("/v1/events", ADMIN, &large(1)).await.status == 202
    })
    .await;
    assert!(store.usage().unwrap().used_bytes < BOUND);
    hub.stop().await;
}

async fn letters(hub: &Running, stream: &str) -> Vec<(String, String)> {
    let letters = hub.get(&format!("/v1/streams/{stream}/dead-letters"), ADMIN).await.expect(200).json();
    let text = |letter: &Value, name: &str| letter[name].as_str().unwrap().to_owned();
    let letters = letters["dead_letters"].as_array().unwrap().iter();
    letters.map(|letter| (text(letter, "id"), text(letter, "reason"))).collect()
}

async fn with_pending(home: &Home, pending: usize) -> (Running, String) {
    let mut settings = home.settings();
    settings.limits.pending = pending;
    let hub = home.start_with(settings, Arc::new(home.store().await), |_| axum::Router::new()).await;
    let stream = hub.create_poll(ACME).await;
    (hub, stream)
}

async fn emit(hub: &Running, numbers: std::ops::Range<usize>) {
    let events: Value = numbers.map(|n| event(&format!("{n}@x.example"))).collect();
    hub.post("/v1/events", ADMIN, &events).await.expect(202);
}

fn dropped(count: usize, through: usize) -> (String, String) {
    let words = "were dropped, the oldest of more than `[retention] pending` allows";
    (through.to_string(), format!("{count} events up to this one {words}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_with_too_much_loses_the_oldest_and_says_so() {
    let home = Home::new();
    let (hub, stream) = with_pending(&home, 10).await;
    emit(&hub, 0..10).await;
    let (sets, _) = hub.polled(&stream, json!({"maxEvents": 3})).await;
    assert_eq!(users(&sets), ["0@x.example", "1@x.example", "2@x.example"]);
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(letters(&hub, &stream).await, [], "ten may wait");
    emit(&hub, 10..15).await;
    eventually("five are set aside", async || letters(&hub, &stream).await == [dropped(5, 5)]).await;
    // Those that were handed out are among them; to acknowledge one late does no harm.
    let (sets, more) = hub.polled(&stream, json!({"ack": [sets[0].0]})).await;
    let left: Vec<_> = (5..15).map(|n| format!("{n}@x.example")).collect();
    assert_eq!((users(&sets), more), (left.iter().map(String::as_str).collect(), false));
    hub.stop().await;
}

/// So far behind that most of it is in the log only, and counted there as it grows.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_far_behind_is_counted_in_the_log() {
    let home = Home::new();
    let (hub, stream) = with_pending(&home, 2_000).await;
    // Of every two events one is for the other stream.
    let other = hub.create_poll(crate::home::OTHER).await;
    let two = |n: usize| {
        let to = |id: &str| {
            let mut event = event(&format!("{n}@x.example"));
            event["stream"] = id.into();
            event
        };
        [to(&stream), to(&other)]
    };
    let emit = async |numbers: std::ops::Range<usize>| {
        let events: Value = numbers.flat_map(two).collect();
        hub.post("/v1/events", ADMIN, &events).await.expect(202);
    };
    emit(0..1_500).await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(letters(&hub, &stream).await, [], "of 3000 events 1500 are for it");
    emit(1_500..2_100).await;
    // A hundred too many and a sixteenth of the bound, or less when it was looked while the events came.
    let so_far = async || {
        let letters = letters(&hub, &stream).await;
        let count =
            |(_, reason): &(String, String)| reason.split(' ').next().unwrap().parse::<u64>().unwrap();
        let last = letters.last().map_or_else(String::new, |(id, _)| id.clone());
        (letters.iter().map(count).sum::<u64>(), last)
    };
    let dropped = async |at_least: u64| {
        eventually("the oldest are set aside", async || so_far().await.0 >= at_least).await;
        let (sum, last) = so_far().await;
        assert_eq!(last, (2 * sum - 1).to_string(), "as many as there are up to this place");
        sum
    };
    let first = dropped(126).await;
    assert!(first <= 225, "{first}");
    let fits = usize::try_from(first).unwrap() + 2_000;
    emit(2_100..fits).await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(dropped(1).await, first, "2000 may wait");
    emit(fits..fits + 1).await;
    let both = dropped(first + 1).await;
    assert_eq!(both, first + 126);
    let (mut left, mut ack) = (Vec::new(), json!([]));
    loop {
        let (sets, more) = hub.polled(&stream, json!({"ack": ack})).await;
        left.extend(users(&sets).into_iter().map(str::to_owned));
        ack = sets.iter().map(|(jti, _)| jti.clone()).collect();
        if sets.is_empty() && !more {
            break;
        }
    }
    let rest = usize::try_from(both).unwrap()..=fits;
    assert_eq!(left, rest.map(|n| format!("{n}@x.example")).collect::<Vec<_>>());
    hub.stop().await;
}
