//! Stops, restarts and kills: what was answered is kept, what was acknowledged does not come again.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use secevent::event::ssf::StreamStatus;
use secevent_ssf::store::{Batch, Store, Write};
use serde_json::json;

use crate::{
    home::{ACME, Home, event, jtis, users},
    push_receiver::{PushReceiver, Pushed, Reply},
};

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_only_what_was_not_acknowledged_is_polled_with_the_same_names() {
    let home = Home::new();
    let hub = home.start().await;
    let stream = hub.create_poll(ACME).await;
    for n in 1..=5 {
        hub.emit(&format!("{n}@x.example")).await;
    }
    let (all, _) = hub.polled(&stream, json!({"maxEvents": 4})).await;
    let ack = json!({"ack": [all[0].0, all[2].0], "maxEvents": 0});
    hub.polled(&stream, ack).await;
    hub.stop().await;

    let hub = home.start().await;
    let (again, more) = hub.polled(&stream, json!({})).await;
    assert_eq!((users(&again), more), (vec!["2@x.example", "4@x.example", "5@x.example"], false));
    assert_eq!((&again[0].0, &again[1].0), (&all[1].0, &all[3].0));
    hub.polled(&stream, json!({"ack": jtis(&again)})).await;
    hub.emit("6@x.example").await;
    hub.stop().await;

    let hub = home.start().await;
    assert_eq!(users(&hub.polled(&stream, json!({})).await.0), ["6@x.example"]);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_pushes_go_on_with_the_same_names() {
    let (home, receiver) = (Home::new(), PushReceiver::start([]).await);
    let hub = home.start().await;
    hub.create_push(ACME, &receiver.url(), "Bearer r").await;
    hub.emit("1@x.example").await;
    receiver.came(1).await;
    receiver.answer(503);
    for n in 2..=4 {
        hub.emit(&format!("{n}@x.example")).await;
    }
    let refused = receiver.came(2).await;
    hub.stop().await;
    receiver.answer(202);

    let before = receiver.pushed().len();
    let hub = home.start().await;
    let pushed = receiver.came(before + 3).await;
    let taken = receiver.taken();
    assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), 4, "each once: {taken:?}");
    assert_eq!(taken.len(), 4);
    let refused: BTreeSet<_> = refused[1..].iter().map(Pushed::jti).collect();
    let resumed: BTreeSet<_> = pushed[before..].iter().map(Pushed::jti).collect();
    assert!(refused.is_subset(&resumed), "the same names as before");
    hub.stop().await;
    assert_eq!(receiver.pushed().len(), before + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graceful_stop_finishes_what_is_on_its_way() {
    let home = Home::new();
    let slow = Reply::status(202).after(Duration::from_millis(600));
    let receiver = PushReceiver::start([slow]).await;
    let hub = home.start().await;
    hub.create_push(ACME, &receiver.url(), "Bearer r").await;
    let poll = hub.create_poll(ACME).await;
    hub.emit("1@x.example").await;
    receiver.came(1).await;
    let (sets, _) = hub.polled(&poll, json!({})).await;
    hub.polled(&poll, json!({"ack": jtis(&sets)})).await;
    let parked = {
        let (url, request) = (format!("{}/ssf/poll/{poll}", hub.url), json!({}).to_string());
        let parked = tokio::spawn(async move {
            let headers = [("authorization", "Bearer acme-token")];
            crate::http_call::call("POST", &url, &headers, request).await
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        parked
    };
    hub.stop().await;
    assert_eq!(parked.await.unwrap().expect(200).json(), json!({"sets": {}}), "a long poll ends in peace");

    let hub = home.start().await;
    hub.emit("2@x.example").await;
    receiver.came(2).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let names: Vec<_> = receiver.pushed().iter().map(Pushed::jti).collect();
    assert_eq!(names.len(), 2, "the answered push was written down");
    assert_ne!(names[0], names[1]);
    hub.stop().await;
}

#[test]
fn a_kill_loses_nothing_that_was_answered() {
    let home = Arc::new(Home::new());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (stream, accepted) = runtime.block_on(async {
        let hub = home.start().await;
        let stream = hub.create_poll(ACME).await;
        let dead = "http://127.0.0.1:1/events";
        hub.create_push(ACME, dead, "Bearer r").await;
        let (sender, mut accepted) = tokio::sync::mpsc::unbounded_channel();
        let hub = Arc::new(hub);
        for producer in 0..4 {
            let (hub, sender) = (Arc::clone(&hub), sender.clone());
            tokio::spawn(async move {
                for n in 0.. {
                    let user = format!("{producer}-{n}@x.example");
                    let answer = hub.post("/v1/events", crate::home::ADMIN, &event(&user)).await;
                    if answer.status == 202 {
                        sender.send(user).unwrap();
                    }
                }
            });
        }
        let mut users = BTreeSet::new();
        while users.len() < 100 {
            users.insert(accepted.recv().await.unwrap());
        }
        (stream, (users, accepted))
    });
    // Everything ends here, wherever it is; nobody says goodbye.
    runtime.shutdown_timeout(Duration::from_secs(5));
    let (mut users, mut more) = accepted;
    while let Ok(user) = more.try_recv() {
        users.insert(user);
    }

    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let hub = home.start().await;
        let mut kept = BTreeSet::new();
        let mut ack = Vec::new();
        loop {
            let (sets, _) = hub.polled(&stream, json!({"ack": ack})).await;
            ack = sets.iter().map(|(jti, _)| jti.clone()).collect();
            if ack.is_empty() {
                break;
            }
            for (_, user) in sets {
                assert!(kept.insert(user), "an event came under two names");
            }
        }
        let lost: Vec<_> = users.difference(&kept).collect();
        assert!(lost.is_empty(), "answered 202 and lost: {lost:?}");
        hub.stop().await;
    });
}

// spec: SSF-152
#[tokio::test(flavor = "multi_thread")]
async fn what_was_dropped_when_a_stream_was_disabled_stays_away_whenever_the_hub_dies() {
    let home = Home::new();
    let hub = home.start().await;
    let stream = hub.create_poll(ACME).await;
    hub.emit("1@x.example").await;
    hub.stop().await;
    // It was disabled, and the hub died before it wrote down that nothing is left.
    let store = home.store().await;
    let (mut record, _) = store.load().unwrap().streams.remove(0);
    record.status = StreamStatus::Disabled;
    store.commit(&Batch { events: Vec::new(), writes: vec![Write::Stream(Box::new(record))] }).unwrap();
    drop(store);

    let hub = home.start().await;
    let enabled = json!({"stream_id": stream, "status": "enabled"});
    hub.post("/ssf/status", ACME, &enabled).await.expect(200);
    // And it dies again as soon as it is enabled.
    let after = home.copy();
    hub.stop().await;

    let hub = after.start().await;
    hub.emit("2@x.example").await;
    assert_eq!(users(&hub.polled(&stream, json!({})).await.0), ["2@x.example"]);
    hub.stop().await;
}
