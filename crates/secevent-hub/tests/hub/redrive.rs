//! Dead letters: looked at, sent again, dropped.

use std::{sync::Arc, time::Duration};

use secevent::Timestamp;
use secevent_ssf::{
    Seq, StreamNo,
    store::{Batch, DeadLetter, Retention, Store, Write},
};
use serde_json::{Value, json};

use crate::{
    home::{ACME, ADMIN, Home, Running, event, eventually, jtis, now, users},
    push_receiver::{PushReceiver, Reply},
};

fn no(description: &str) -> Reply {
    Reply::status(400).body(&json!({"err": "invalid_request", "description": description}))
}

pub(crate) async fn letters(hub: &Running, stream: &str) -> Vec<Value> {
    let answer = hub.get(&format!("/v1/streams/{stream}/dead-letters"), ADMIN).await.expect(200).json();
    answer["dead_letters"].as_array().unwrap().clone()
}

async fn redrive(hub: &Running, stream: &str, filter: &Value, status: u16) -> Value {
    hub.post(&format!("/v1/streams/{stream}/redrive"), ADMIN, filter).await.expect(status).json()
}

pub(crate) async fn progress(hub: &Running, stream: &str) -> Value {
    hub.get(&format!("/v1/streams/{stream}/replay"), ADMIN).await.expect(200).json()
}

pub(crate) async fn finished(hub: &Running, stream: &str) -> Value {
    eventually("it is finished", async || progress(hub, stream).await["state"] == "finished").await;
    progress(hub, stream).await
}

// spec: PUSH-042, PUSH-043
#[tokio::test(flavor = "multi_thread")]
async fn what_was_set_aside_is_delivered_again_under_its_name_and_the_letter_goes() {
    let (home, receiver) = (Home::new(), PushReceiver::start([no("no such tenant")]).await);
    let hub = home.start().await;
    let stream = hub.create_push(ACME, &receiver.url(), "Bearer r").await;
    let id = hub.emit("a@x.example").await;
    receiver.came(1).await;
    hub.emit("b@x.example").await;
    receiver.came(2).await;
    eventually("it is set aside", async || letters(&hub, &stream).await.len() == 1).await;
    let letter = &letters(&hub, &stream).await[0];
    let outline = (letter["event"].as_str(), letter["txn"].as_str(), letter.get("subject"));
    assert_eq!(outline, (Some("caep:session-revoked"), Some("txn-a@x.example"), None));
    let path = format!("/v1/streams/{stream}/dead-letters/{id}");
    let whole = hub.get(&path, ADMIN).await.expect(200).json();
    let poisoned = receiver.pushed()[0].jti();
    assert_eq!((&whole["jti"], &whole["subject"]["email"]), (&json!(poisoned), &json!("a@x.example")));
    assert!(whole["reason"].as_str().unwrap().contains("no such tenant"), "{whole}");

    let counted = redrive(&hub, &stream, &json!({"dry_run": true}), 200).await;
    assert_eq!(counted, json!({"count": 1, "left_out": 0, "dry_run": true}));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!((receiver.pushed().len(), progress(&hub, &stream).await), (2, json!({"state": "none"})));

    assert_eq!(redrive(&hub, &stream, &json!({"ids": [id]}), 202).await["count"], 1);
    assert_eq!(receiver.came(3).await[2].jti(), poisoned);
    let done = finished(&hub, &stream).await;
    assert_eq!((&done["count"], &done["done"], &done["refused"]), (&json!(1), &json!(1), &json!(0)));
    assert!(letters(&hub, &stream).await.is_empty());
    hub.get(&path, ADMIN).await.expect(404);
    hub.stop().await;
    let hub = home.start().await;
    assert!(letters(&hub, &stream).await.is_empty());
    hub.stop().await;
    assert_eq!(receiver.pushed().len(), 3, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_is_refused_again_has_the_new_reason_and_can_be_sent_once_more() {
    let (home, receiver) = (Home::new(), PushReceiver::start([no("first"), no("second")]).await);
    let hub = home.start().await;
    let stream = hub.create_push(ACME, &receiver.url(), "Bearer r").await;
    hub.emit("a@x.example").await;
    eventually("it is set aside", async || letters(&hub, &stream).await.len() == 1).await;
    redrive(&hub, &stream, &json!({}), 202).await;
    let done = finished(&hub, &stream).await;
    assert_eq!((&done["done"], &done["refused"]), (&json!(1), &json!(1)));
    let again = letters(&hub, &stream).await;
    assert!(again.len() == 1 && again[0]["reason"].as_str().unwrap().contains("second"), "{again:?}");
    hub.stop().await;
    let hub = home.start().await;
    redrive(&hub, &stream, &json!({"reason_contains": "second"}), 202).await;
    receiver.came(3).await;
    eventually("the letter is gone", async || letters(&hub, &stream).await.is_empty()).await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_delivered_after_the_log_forgot_its_event_and_after_a_stop_in_between() {
    let (home, receiver) = (Home::new(), PushReceiver::start([no("poison")]).await);
    let hub = home.start().await;
    let stream = hub.create_push(ACME, &receiver.url(), "Bearer r").await;
    let id = hub.emit("a@x.example").await;
    let poisoned = receiver.came(1).await[0].jti();
    hub.emit("b@x.example").await;
    receiver.came(2).await;
    hub.stop().await;
    let (end, start) = (Timestamp(i64::MAX), Timestamp(0));
    let all = Retention {
        settled: Seq(u64::MAX),
        events_before: end,
        dead_letters_before: start,
        received_before: start,
        answers_before: start,
        rows_max: 1_000,
    };
    assert!(home.store().await.prune(&all).unwrap() > 0);

    receiver.answer(503);
    let hub = home.start().await;
    hub.get(&format!("/v1/events/{id}"), ADMIN).await.expect(404);
    redrive(&hub, &stream, &json!({}), 202).await;
    receiver.came(3).await;
    assert_eq!(letters(&hub, &stream).await.len(), 1, "it stays until its event is taken");
    hub.stop().await;
    receiver.answer(202);
    let before = receiver.pushed().len();
    let hub = home.start().await;
    assert_eq!(receiver.came(before + 1).await[before].jti(), poisoned);
    eventually("the letter is gone", async || letters(&hub, &stream).await.is_empty()).await;
    hub.stop().await;
    assert_eq!(receiver.pushed().len(), before + 1);
}

/// A poll stream with a letter of `txn-{user}` for each user: `(hub, stream, ids)`.
async fn with_letters(home: &Home, users: &[(&str, &str)]) -> (Running, String, Vec<String>) {
    let hub = home.start().await;
    let stream = hub.create_poll(ACME).await;
    let mut ids = Vec::new();
    for (user, name) in users {
        let mut event = event(user);
        event["event"] = (*name).into();
        if *name == "caep:credential-change" {
            event["claims"] = json!({"credential_type": "password", "change_type": "update"});
        }
        let accepted = hub.post("/v1/events", ADMIN, &event).await.expect(202).json();
        ids.push(accepted["events"][0]["id"].as_str().unwrap().to_owned());
    }
    let (sets, _) = hub.polled(&stream, json!({})).await;
    let errors = sets.iter().map(|(jti, user)| {
        (jti.clone(), json!({"err": "invalid_request", "description": format!("not {user}")}))
    });
    hub.polled(&stream, json!({"setErrs": errors.collect::<serde_json::Map<_, _>>()})).await;
    (hub, stream, ids)
}

const REVOKED: &str = "caep:session-revoked";

// spec: POLL-034
#[tokio::test(flavor = "multi_thread")]
async fn a_poll_stream_is_offered_its_letters_behind_what_is_new() {
    let home = Home::new();
    let (hub, stream, _) = with_letters(&home, &[("a@x", REVOKED), ("b@x", REVOKED), ("c@x", REVOKED)]).await;
    redrive(&hub, &stream, &json!({}), 202).await;
    hub.emit("new@x").await;
    let (two, more) = hub.polled(&stream, json!({"maxEvents": 2})).await;
    assert_eq!((users(&two), more), (vec!["new@x", "a@x"], true));
    hub.stop().await;

    let hub = home.start().await;
    let (all, more) = hub.polled(&stream, json!({"ack": [two[0].0]})).await;
    assert_eq!((users(&all), more), (vec!["a@x", "b@x", "c@x"], false));
    assert_eq!(all[0], two[1], "the same name");
    let errors = json!({"ack": [all[0].0, all[2].0],
        "setErrs": {&all[1].0: {"err": "invalid_request", "description": "still not"}}});
    assert!(hub.polled(&stream, errors).await.0.is_empty());
    let done = finished(&hub, &stream).await;
    assert_eq!((&done["count"], &done["done"], &done["refused"]), (&json!(3), &json!(3), &json!(1)));
    let left = letters(&hub, &stream).await;
    assert_eq!((left.len(), &left[0]["reason"]), (1, &json!("invalid_request: still not")));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_choose_letters_to_send_and_to_drop() {
    let home = Home::new();
    let kinds = [("a@x", REVOKED), ("b@x", "caep:credential-change"), ("c@x", REVOKED)];
    let (hub, stream, ids) = with_letters(&home, &kinds).await;
    let at = letters(&hub, &stream).await[0]["at"].as_i64().unwrap();
    for (filter, count) in [
        (json!({}), 3),
        (json!({"ids": [ids[0], ids[2]]}), 2),
        (json!({"ids": []}), 0),
        (json!({"type": REVOKED}), 2),
        (json!({"type": "caep:credential-change", "ids": [ids[0]]}), 0),
        (json!({"reason_contains": "not b@x"}), 1),
        (json!({"after": at - 1, "before": at + 60}), 3),
        (json!({"before": at}), 0),
        (json!({"after": at + 60}), 0),
    ] {
        let mut asked = filter.clone();
        asked["dry_run"] = true.into();
        assert_eq!(redrive(&hub, &stream, &asked, 200).await["count"], count, "{filter}");
    }
    for body in ["[]", r#"{"id": 1}"#, r#"{"ids": 1}"#, r#"{"type": "caep:nothing"}"#, r#"{"before": "now"}"#]
    {
        hub.send("POST", &format!("/v1/streams/{stream}/redrive"), ADMIN, body).await.expect(400);
    }
    let drop = async |query: &str, status: u16| {
        let path = format!("/v1/streams/{stream}/dead-letters{query}");
        hub.send("DELETE", &path, ADMIN, "").await.expect(status).json()
    };
    for query in
        ["", "?dry_run=true", "?all=false", "?all=true&ids=1", "?reason_contains=", "?id=1", "?ids=x"]
    {
        drop(query, 400).await;
    }
    assert_eq!(drop("?type=caep:credential-change&dry_run=true", 200).await["count"], 1);
    assert_eq!(letters(&hub, &stream).await.len(), 3);
    assert_eq!(drop(&format!("?ids={},{}&type={REVOKED}", ids[0], ids[1]), 200).await["count"], 1);
    let left: Vec<_> = letters(&hub, &stream).await.iter().map(|letter| letter["id"].clone()).collect();
    assert_eq!(left, [json!(ids[1]), json!(ids[2])]);
    assert_eq!(drop("?all=true", 200).await["count"], 2);
    assert!(letters(&hub, &stream).await.is_empty());
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_added_to_those_that_are_sent_again_and_a_replay_is_not() {
    let home = Home::new();
    let (hub, stream, ids) = with_letters(&home, &[("a@x", REVOKED), ("b@x", REVOKED)]).await;
    let path = format!("/v1/streams/{stream}");
    hub.send("POST", &format!("{path}/pause"), ADMIN, "").await.expect(200);
    assert_eq!(redrive(&hub, &stream, &json!({"ids": [ids[1]]}), 202).await["count"], 1);
    assert_eq!(redrive(&hub, &stream, &json!({"ids": ids}), 202).await["count"], 2);
    let refused = hub.post(&format!("{path}/replay"), ADMIN, &json!({})).await.expect(409).json();
    let held = &refused["replay"];
    assert_eq!(
        (&held["state"], &held["count"], &held["of"]),
        (&json!("held"), &json!(2), &json!("dead-letters"))
    );
    let (notice, _) = hub.polled(&stream, json!({})).await;
    assert_eq!(users(&notice), [stream.as_str()], "nothing else while it is paused");
    hub.send("DELETE", &format!("{path}/dead-letters?all=true"), ADMIN, "").await.expect(200);
    hub.stop().await;
    let hub = home.start().await;
    assert_eq!(letters(&hub, &stream).await.len(), 2, "what is sent again is not dropped");
    hub.send("POST", &format!("{path}/resume"), ADMIN, "").await.expect(200);
    let (sets, _) = hub.polled(&stream, json!({"ack": jtis(&notice)})).await;
    assert_eq!(users(&sets), [stream.as_str(), "a@x", "b@x"]);
    hub.polled(&stream, json!({"ack": jtis(&sets)})).await;
    eventually("no letter is left", async || letters(&hub, &stream).await.is_empty()).await;
    hub.stop().await;
}

// spec: SSF-208
#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_its_stream_does_not_want_any_more_is_not_sent_and_stays() {
    let (home, receiver) = (Home::new(), PushReceiver::start([]).await);
    let (hub, stream, _) = with_letters(&home, &[("a@x", REVOKED), ("b@x", REVOKED)]).await;
    let a = json!({"stream_id": stream, "subject": {"format": "email", "email": "a@x"}});
    hub.post("/ssf/subjects/remove", ACME, &a).await.expect(204);
    let sent = |done: &Value| (done["done"].clone(), done["refused"].clone());
    redrive(&hub, &stream, &json!({}), 202).await;
    let (sets, _) = hub.polled(&stream, json!({})).await;
    assert_eq!(users(&sets), ["b@x"]);
    hub.polled(&stream, json!({"ack": jtis(&sets)})).await;
    assert_eq!(sent(&finished(&hub, &stream).await), (json!(2), json!(0)));
    let left = async || -> Vec<Value> {
        letters(&hub, &stream).await.iter().map(|letter| letter["reason"].clone()).collect()
    };
    assert_eq!(left().await, ["invalid_request: not a@x"]);

    let push = json!({"stream_id": stream, "delivery":
        {"method": "urn:ietf:rfc:8935", "endpoint_url": receiver.url()}});
    hub.send("PATCH", "/ssf/streams", ACME, push.to_string()).await.expect(200);
    redrive(&hub, &stream, &json!({}), 202).await;
    assert_eq!(sent(&finished(&hub, &stream).await), (json!(1), json!(0)));
    assert_eq!((receiver.pushed().len(), left().await.len()), (0, 1));
    hub.post("/ssf/subjects/add", ACME, &a).await.expect(200);
    redrive(&hub, &stream, &json!({}), 202).await;
    assert_eq!(sent(&finished(&hub, &stream).await), (json!(1), json!(0)));
    assert_eq!((receiver.pushed().len(), left().await.len()), (1, 0));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_stands_for_many_says_so_and_is_only_dropped() {
    let home = Home::new();
    let (hub, stream, ids) = with_letters(&home, &[("a@x", REVOKED)]).await;
    hub.emit("b@x").await;
    hub.stop().await;
    let (stream_no, seq, at) = (StreamNo(1), Seq(ids[0].parse::<u64>().unwrap() + 1), now().timestamp());
    let letter =
        DeadLetter { stream: stream_no, seq, reason: "too old".into(), at, many: Some(7), event: None };
    let writes = vec![Write::DeadLetter(letter)];
    home.store().await.commit(&Batch { events: Vec::new(), writes }).unwrap();
    let hub = home.start().await;
    let range = &letters(&hub, &stream).await[1];
    assert_eq!((&range["many"], &range["event"]), (&json!(7), &json!(null)));
    let counted = redrive(&hub, &stream, &json!({"dry_run": true}), 200).await;
    assert_eq!((&counted["count"], &counted["left_out"]), (&json!(1), &json!(1)));
    let path = format!("/v1/streams/{stream}/dead-letters?ids={}", seq.0);
    assert_eq!(hub.send("DELETE", &path, ADMIN, "").await.expect(200).json()["count"], 1);
    assert_eq!(letters(&hub, &stream).await.len(), 1);
    hub.stop().await;
}

/// A redrive of more letters than one page, and than may be open at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_great_many_letters_are_sent_again() {
    const LETTERS: usize = 1_500;
    let (home, receiver) = (Home::new(), PushReceiver::start([]).await);
    receiver.answer(422);
    let hub = home.start().await;
    let stream = hub.create_push(ACME, &receiver.url(), "Bearer r").await;
    let events: Vec<_> = (0..LETTERS).map(|n| event(&format!("{n}@x.example"))).collect();
    for part in events.chunks(500) {
        hub.post("/v1/events", ADMIN, &json!(part)).await.expect(202);
    }
    let patience = tokio::time::timeout(Duration::from_mins(1), async {
        while redrive(&hub, &stream, &json!({"dry_run": true}), 200).await["count"] != LETTERS {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        receiver.answer(202);
        assert_eq!(redrive(&hub, &stream, &json!({}), 202).await["count"], LETTERS);
        redrive(&hub, &stream, &json!({}), 409).await;
        while progress(&hub, &stream).await["state"] != "finished" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    patience.await.unwrap();
    assert_eq!((receiver.taken().len(), letters(&hub, &stream).await.len()), (LETTERS, 0));
    hub.stop().await;
}

/// What is said to the log.
#[derive(Clone, Default)]
struct Said(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Said {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

// On one thread, so that everything is said where it is heard.
#[tokio::test]
async fn each_change_of_an_operator_is_one_line_of_audit_without_a_subject() {
    let said = Said::default();
    let heard = said.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_env_filter("secevent::audit=info")
        .with_writer(move || heard.clone());
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let home = Home::new();
    let (hub, stream, ids) = with_letters(&home, &[("a@x", REVOKED)]).await;
    let path = format!("/v1/streams/{stream}");
    let alice = json!({"format": "email", "email": "a@x"});
    hub.post(&format!("{path}/replay"), ADMIN, &json!({"subject": alice, "dry_run": true})).await.expect(200);
    for (verb, body) in [
        ("pause", json!({})),
        ("redrive", json!({"ids": ids, "reason_contains": "a@x"})),
        ("resume", json!({})),
    ] {
        hub.post(&format!("{path}/{verb}"), ADMIN, &body).await;
    }
    hub.send("DELETE", &format!("{path}/replay"), ADMIN, "").await.expect(200);
    hub.post(&format!("{path}/replay"), ADMIN, &json!({"subject": alice, "from": 5})).await.expect(202);
    hub.send("DELETE", &format!("{path}/replay"), ADMIN, "").await.expect(200);
    hub.send("DELETE", &format!("{path}/dead-letters?ids={}", ids[0]), ADMIN, "").await.expect(200);
    hub.post("/v1/keys/rotate", ADMIN, &json!({"alg": "ES256"})).await.expect(200);
    hub.stop().await;
    let text = String::from_utf8(said.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let field = |line: &Value, name: &str| line["fields"][name].clone();
    let told: Vec<_> = lines.iter().map(|line| (field(line, "action"), field(line, "count"))).collect();
    let wanted = [
        ("pause", json!(null)),
        ("redrive", json!(1)),
        ("resume", json!(null)),
        ("cancel replay", json!(1)),
        ("replay", json!(1)),
        ("cancel replay", json!(1)),
        ("drop dead letters", json!(1)),
        ("rotate keys", json!(null)),
    ];
    assert_eq!(told, wanted.map(|(action, count)| (json!(action), count)));
    assert_eq!(lines[4]["fields"]["filter"], "from: 5, subject: given");
    assert_eq!(
        (&lines[0]["target"], &lines[0]["fields"]["stream"]),
        (&json!("secevent::audit"), &json!(stream))
    );
    assert!(!text.contains("a@x") && !text.contains(ADMIN), "{text}");
}
