//! Events of the log, sent to one stream again.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    home::{ACME, ADMIN, Home, OTHER, Running, event, eventually, jtis, users},
    push_receiver::{PushReceiver, Pushed, Reply},
    redrive::{finished, letters, progress},
    rotation::{Clock, DAY},
};

async fn replay(hub: &Running, stream: &str, filter: &Value, status: u16) -> Value {
    hub.post(&format!("/v1/streams/{stream}/replay"), ADMIN, filter).await.expect(status).json()
}

/// Hands in an event of each user, some at a time.
async fn emit_all(hub: &Running, users: impl IntoIterator<Item = String>) {
    let events: Vec<_> = users.into_iter().map(|user| event(&user)).collect();
    for part in events.chunks(500) {
        hub.post("/v1/events", ADMIN, &json!(part)).await.expect(202);
    }
}

/// Waits until so much came, longer than anything takes.
async fn came(receiver: &PushReceiver, count: usize) {
    let arrived = async {
        while receiver.pushed().len() < count {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let came = tokio::time::timeout(Duration::from_secs(90), arrived).await;
    assert!(came.is_ok(), "{} of {count} came", receiver.pushed().len());
}

/// Everything is acknowledged.
async fn take_all(hub: &Running, stream: &str) -> Vec<(String, String)> {
    let mut taken: Vec<(String, String)> = Vec::new();
    loop {
        let last: Vec<_> = taken.iter().rev().take(1_000).map(|(jti, _)| jti.clone()).collect();
        let (sets, more) = hub.polled(stream, json!({"ack": last})).await;
        taken.extend(sets.clone());
        if sets.is_empty() && !more {
            return taken;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_filter_counts_first_and_then_sends_just_that_under_the_same_names() {
    let (home, clock) = (Home::new(), Clock::default());
    let hub = clock.start(&home).await;
    let stream = hub.create_poll(ACME).await;
    let mut ids = Vec::new();
    let start = hub.hub.now().timestamp().0;
    for (user, name) in
        [("a@x", "caep:session-revoked"), ("b@x", "risc:account-disabled"), ("a@x", "caep:session-revoked")]
    {
        let mut event = event(user);
        event["event"] = name.into();
        event["claims"] = json!({});
        let accepted = hub.post("/v1/events", ADMIN, &event).await.expect(202).json();
        ids.push(accepted["events"][0]["id"].as_str().unwrap().to_owned());
        clock.forward(100);
    }
    let taken = take_all(&hub, &stream).await;
    assert_eq!(users(&taken), ["a@x", "b@x", "a@x"]);
    hub.emit("open@x").await;
    let (pending, _) = hub.polled(&stream, json!({})).await;
    let subject = json!({"format": "email", "email": "a@x"});
    let (one, two, three) = (&taken[0].0, &taken[1].0, &taken[2].0);
    for (filter, wanted) in [
        (json!({}), vec![one, two, three]),
        (json!({"from_seq": ids[1]}), vec![two, three]),
        (json!({"to_seq": ids[1].parse::<u64>().unwrap()}), vec![one, two]),
        (json!({"from": start + 50}), vec![two, three]),
        (json!({"from": start + 50, "to": start + 150}), vec![two]),
        (json!({"to": start + 50}), vec![one]),
        (json!({"jti": two}), vec![two]),
        (json!({"type": "risc:account-disabled"}), vec![two]),
        (json!({"type": "caep:session-revoked", "from_seq": ids[1]}), vec![three]),
        (json!({"subject": subject}), vec![one, three]),
        (json!({"from": start + 99_999}), vec![]),
        (json!({"from_seq": 3, "to_seq": 2}), vec![]),
    ] {
        let mut dry = filter.clone();
        dry["dry_run"] = true.into();
        let count = wanted.len();
        assert_eq!(
            replay(&hub, &stream, &dry, 200).await,
            json!({"count": count, "dry_run": true}),
            "{filter}"
        );
        let (nothing_new, _) = hub.polled(&stream, json!({})).await;
        assert_eq!(nothing_new, pending, "{filter}: counting sends nothing");
        assert_eq!(replay(&hub, &stream, &filter, 202).await["count"], count, "{filter}");
        let (sets, _) = hub.polled(&stream, json!({})).await;
        let (live, again) = sets.split_at(1);
        assert_eq!(live, pending, "{filter}: what is new comes first, and once");
        assert_eq!(again.iter().map(|(jti, _)| jti).collect::<Vec<_>>(), wanted, "{filter}");
        hub.polled(&stream, json!({"ack": jtis(again)})).await;
        if count > 0 {
            assert_eq!(finished(&hub, &stream).await["done"], count, "{filter}");
        }
    }
    for refused in [json!({"jti": "bWJq"}), json!({"subject": 5}), json!({"since": 5}), json!({"type": ""})] {
        replay(&hub, &stream, &refused, 400).await;
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_new_does_not_wait_for_a_long_replay() {
    const EVENTS: usize = 3_000;
    let (home, receiver) = (Home::new(), PushReceiver::start([]).await);
    let hub = home.start().await;
    let stream = hub.create_push(ACME, &receiver.url(), "Bearer r").await;
    emit_all(&hub, (0..EVENTS).map(|n| format!("{n}@x.example"))).await;
    came(&receiver, EVENTS).await;
    let settled = async || replay(&hub, &stream, &json!({"dry_run": true}), 200).await["count"] == EVENTS;
    eventually("all are settled", settled).await;
    assert_eq!(replay(&hub, &stream, &json!({}), 202).await["count"], EVENTS);
    came(&receiver, EVENTS + 200).await;
    let behind = receiver.pushed().len();
    hub.emit("new@x.example").await;
    came(&receiver, 2 * EVENTS + 1).await;
    let names: Vec<_> = receiver.pushed().iter().map(Pushed::jti).collect();
    let (first, again) = names.split_at(EVENTS);
    let first: BTreeSet<_> = first.iter().collect();
    let new: Vec<_> = again.iter().enumerate().filter(|(_, jti)| !first.contains(jti)).collect();
    let [(place, _)] = new.as_slice() else { panic!("{new:?}") };
    assert!(*place + EVENTS >= behind && *place < EVENTS - 500, "it came as number {place} of {EVENTS}");
    assert_eq!(again.iter().collect::<BTreeSet<_>>().len(), EVENTS + 1, "all others again, each once");
    assert_eq!(finished(&hub, &stream).await["done"], EVENTS);
    hub.stop().await;
}

#[test]
fn a_kill_in_the_middle_of_a_replay_loses_nothing_of_it() {
    const EVENTS: usize = 400;
    let (home, outside) = (Home::new(), Runtime::new().unwrap());
    let receiver = outside.block_on(PushReceiver::start([]));
    let runtime = Runtime::new().unwrap();
    let stream = runtime.block_on(async {
        let hub = home.start().await;
        let stream = hub.create_push(ACME, &receiver.url(), "Bearer r").await;
        emit_all(&hub, (0..EVENTS).map(|n| format!("{n}@x.example"))).await;
        came(&receiver, EVENTS).await;
        let settled = async || replay(&hub, &stream, &json!({"dry_run": true}), 200).await["count"] == EVENTS;
        eventually("all are settled", settled).await;
        receiver.script(vec![Reply::status(202).after(Duration::from_millis(4)); EVENTS]);
        replay(&hub, &stream, &json!({}), 202).await;
        came(&receiver, EVENTS + 150).await;
        // Any commit takes along how far it is.
        hub.create_poll(OTHER).await;
        stream
    });
    // Everything ends here, wherever it is; nobody says goodbye.
    runtime.shutdown_timeout(Duration::from_secs(5));
    let before = receiver.pushed().len();
    assert!(before < 2 * EVENTS, "it was in the middle");
    Runtime::new().unwrap().block_on(async {
        let hub = home.start().await;
        let all = |receiver: &PushReceiver| {
            receiver.pushed()[EVENTS..].iter().map(Pushed::jti).collect::<BTreeSet<_>>().len()
        };
        let whole = tokio::time::timeout(Duration::from_secs(90), async {
            while all(&receiver) < EVENTS {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        whole.await.unwrap();
        assert_eq!(finished(&hub, &stream).await["count"], EVENTS);
        let repeated = receiver.pushed().len() - 2 * EVENTS;
        assert!(before - EVENTS - repeated >= 140, "{repeated} more than once of {before}");
        hub.stop().await;
        let hub = home.start().await;
        assert_eq!(progress(&hub, &stream).await, json!({"state": "none"}), "it is over for good");
        hub.stop().await;
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_stream_gets_a_long_replay_whole_also_over_a_restart() {
    const EVENTS: usize = 2_500;
    let home = Home::new();
    let hub = home.start().await;
    let stream = hub.create_poll(ACME).await;
    emit_all(&hub, (0..EVENTS).map(|n| format!("{n}@x.example"))).await;
    let first = take_all(&hub, &stream).await;
    assert_eq!(first.len(), EVENTS);
    replay(&hub, &stream, &json!({}), 202).await;
    let (part, more) = hub.polled(&stream, json!({"maxEvents": 100})).await;
    assert_eq!((&part[..], more), (&first[..100], true));
    hub.emit("new@x.example").await;
    let (next, _) = hub.polled(&stream, json!({"ack": jtis(&part), "maxEvents": 3})).await;
    assert_eq!(users(&next), ["new@x.example", "100@x.example", "101@x.example"]);
    hub.stop().await;

    let hub = home.start().await;
    assert_eq!(progress(&hub, &stream).await["done"], 100);
    let rest = take_all(&hub, &stream).await;
    assert_eq!((users(&rest[..1]), &rest[1..]), (vec!["new@x.example"], &first[100..]), "in the same order");
    assert_eq!(finished(&hub, &stream).await["done"], EVENTS);
    hub.stop().await;
}

/// An old `state` would be taken for the answer to another question.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_stream_was_told_of_itself_is_sent_again_only_when_it_is_asked_for() {
    let home = Home::new();
    let hub = home.start().await;
    let stream = hub.create_poll(ACME).await;
    let asked = json!({"stream_id": stream, "state": "s"});
    hub.post("/ssf/verification", ACME, &asked).await.expect(204);
    hub.emit("a@x").await;
    let taken = take_all(&hub, &stream).await;
    assert_eq!(users(&taken), [stream.as_str(), "a@x"]);
    let count = async |filter: Value| replay(&hub, &stream, &filter, 200).await["count"].clone();
    assert_eq!(count(json!({"dry_run": true})).await, 1);
    assert_eq!(count(json!({"dry_run": true, "type": "ssf:verification"})).await, 1);
    replay(&hub, &stream, &json!({}), 202).await;
    assert_eq!(take_all(&hub, &stream).await, taken[1..]);
    hub.stop().await;
}

// spec: SSF-148, SSF-152, SSF-208
#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_held_with_its_stream_and_leaves_out_what_is_not_wanted_any_more() {
    let home = Home::new();
    let hub = home.start().await;
    let stream = hub.create_poll(ACME).await;
    emit_all(&hub, ["a@x", "b@x", "c@x"].map(str::to_owned)).await;
    take_all(&hub, &stream).await;
    let path = format!("/v1/streams/{stream}");
    hub.send("POST", &format!("{path}/pause"), ADMIN, "").await.expect(200);
    take_all(&hub, &stream).await;
    replay(&hub, &stream, &json!({}), 202).await;
    assert!(hub.polled(&stream, json!({})).await.0.is_empty());
    assert_eq!(progress(&hub, &stream).await["state"], "held");
    let b = json!({"stream_id": stream, "subject": {"format": "email", "email": "b@x"}});
    hub.post("/ssf/subjects/remove", ACME, &b).await.expect(204);
    hub.send("POST", &format!("{path}/resume"), ADMIN, "").await.expect(200);
    let sets = take_all(&hub, &stream).await;
    assert_eq!(users(&sets), [stream.as_str(), "a@x", "c@x"], "a notice, and not b@x");
    assert_eq!(finished(&hub, &stream).await["done"], 3);
    assert!(letters(&hub, &stream).await.is_empty());

    replay(&hub, &stream, &json!({}), 202).await;
    hub.post("/ssf/status", ACME, &json!({"stream_id": stream, "status": "disabled"})).await.expect(200);
    assert_eq!(progress(&hub, &stream).await["state"], "cancelled");
    replay(&hub, &stream, &json!({}), 409).await;
    hub.post("/ssf/status", ACME, &json!({"stream_id": stream, "status": "enabled"})).await.expect(200);
    hub.stop().await;
    let hub = home.start().await;
    assert!(hub.polled(&stream, json!({})).await.0.is_empty());
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_goes_on_in_another_way_can_be_ended_and_a_gone_receiver_ends_it() {
    let (home, receiver) = (Home::new(), PushReceiver::start([]).await);
    let hub = home.start().await;
    let stream = hub.create_push(ACME, &receiver.url(), "Bearer r").await;
    emit_all(&hub, (0..50).map(|n| format!("{n}@x.example"))).await;
    came(&receiver, 50).await;
    eventually("all are settled", async || {
        replay(&hub, &stream, &json!({"dry_run": true}), 200).await["count"] == 50
    })
    .await;
    receiver.answer(503);
    replay(&hub, &stream, &json!({}), 202).await;
    came(&receiver, 52).await;
    let poll = json!({"stream_id": stream, "delivery": {"method": "urn:ietf:rfc:8936"}});
    hub.send("PATCH", "/ssf/streams", ACME, poll.to_string()).await.expect(200);
    let (sets, more) = hub.polled(&stream, json!({"maxEvents": 30})).await;
    assert_eq!((sets.len(), more), (30, true));
    hub.polled(&stream, json!({"ack": jtis(&sets), "maxEvents": 0})).await;
    let push = json!({"stream_id": stream, "delivery": {"method": "urn:ietf:rfc:8935",
        "endpoint_url": receiver.url(), "authorization_header": "Bearer r"}});
    receiver.answer(202);
    let before = receiver.pushed().len();
    hub.send("PATCH", "/ssf/streams", ACME, push.to_string()).await.expect(200);
    came(&receiver, before + 20).await;
    let done = finished(&hub, &stream).await;
    assert_eq!((&done["count"], &done["done"]), (&json!(50), &json!(50)));

    let path = format!("/v1/streams/{stream}/replay");
    hub.send("DELETE", &path, ADMIN, "").await.expect(404);
    receiver.answer(503);
    replay(&hub, &stream, &json!({}), 202).await;
    replay(&hub, &stream, &json!({}), 409).await;
    let ended = hub.send("DELETE", &path, ADMIN, "").await.expect(200).json();
    assert_eq!((&ended["state"], &ended["done"]), (&json!("cancelled"), &json!(0)));
    assert_eq!(progress(&hub, &stream).await, ended);

    receiver.answer(410);
    replay(&hub, &stream, &json!({}), 202).await;
    eventually("it is ended", async || progress(&hub, &stream).await["state"] == "cancelled").await;
    receiver.answer(202);
    let status = hub.get(&format!("/ssf/status?stream_id={stream}"), ACME).await.json();
    assert_eq!(status["status"], "enabled", "what is new is not held for that");
    let before = receiver.taken().len();
    hub.emit("new@x.example").await;
    eventually("it is delivered", async || receiver.taken().len() == before + 1).await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_keeps_its_part_of_the_log_but_not_for_ever() {
    let (home, clock) = (Home::new(), Clock::default());
    let hub = clock.start(&home).await;
    let stream = hub.create_poll(ACME).await;
    let path = format!("/v1/streams/{stream}");
    emit_all(&hub, ["a@x", "b@x", "last@x"].map(str::to_owned)).await;
    take_all(&hub, &stream).await;
    hub.send("POST", &format!("{path}/pause"), ADMIN, "").await.expect(200);
    take_all(&hub, &stream).await;
    clock.forward(6 * DAY);
    replay(&hub, &stream, &json!({"from_seq": 2}), 202).await;
    hub.stop().await;
    let is_there =
        async |hub: &Running, id: u64| hub.get(&format!("/v1/events/{id}"), ADMIN).await.status == 200;

    // Retention is applied when a hub starts.
    clock.forward(2 * DAY);
    let hub = clock.start(&home).await;
    eventually("what nobody needs is forgotten", async || !is_there(&hub, 1).await).await;
    assert!(is_there(&hub, 2).await, "a replay needs it");
    assert_eq!(progress(&hub, &stream).await["state"], "held");
    hub.stop().await;

    clock.forward(6 * DAY);
    let hub = clock.start(&home).await;
    eventually("it is ended", async || progress(&hub, &stream).await["state"] != "held").await;
    eventually("its part is forgotten too", async || !is_there(&hub, 2).await).await;
    hub.stop().await;
}
