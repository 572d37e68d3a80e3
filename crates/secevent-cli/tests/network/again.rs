//! What a receiver refused, and what it had already, sent again by an operator.

use serde_json::json;

use crate::{
    emit,
    running::{Desk, Hub},
};

/// A poll stream of the receiver `dev`.
fn stream(desk: &Desk, hub: &Hub) -> String {
    let made = hub.call("POST", "/ssf/streams", &desk.dev(), "{}");
    made.json["stream_id"].as_str().expect("it is made").to_owned()
}

/// Polls and answers with what was offered.
fn poll(desk: &Desk, hub: &Hub, stream: &str, body: &serde_json::Value) -> Vec<String> {
    let mut body = body.clone();
    body["returnImmediately"] = true.into();
    let answer = hub.call("POST", &format!("/ssf/poll/{stream}"), &desk.dev(), &body.to_string());
    answer.json["sets"].as_object().expect("sets").keys().cloned().collect()
}

#[test]
fn an_operator_looks_at_dead_letters_and_sends_again() {
    let desk = Desk::new();
    let hub = desk.serve();
    let stream = stream(&desk, &hub);
    let of = |args: &[&str]| desk.run(&[args, &["--hub", &hub.url, "--stream", &stream][..]].concat());
    for _ in 0..3 {
        desk.run(&emit(&hub.url, &["--txn", "t-1"])).with(0);
    }
    let jtis = poll(&desk, &hub, &stream, &json!({}));
    let refused = json!({"err": "invalid_request", "description": "no such\u{1b}[2J tenant"});
    poll(&desk, &hub, &stream, &json!({"ack": [jtis[1], jtis[2]], "setErrs": {&jtis[0]: refused}}));

    let listed = of(&["dead-letters", "list"]).with(0).out;
    assert!(
        listed.contains("caep:session-revoked  t-1  invalid_request: no such\\u001b[2J tenant"),
        "{listed}"
    );
    let id =
        of(&["dead-letters", "list", "--json"]).with(0).lines()[0]["id"].as_str().expect("an id").to_owned();
    let shown = of(&["dead-letters", "show", &id, "--json"]).with(0).lines();
    assert_eq!(
        (&shown[0]["jti"], &shown[0]["subject"]["email"]),
        (&json!(jtis[0]), &json!("alice@example.com"))
    );
    let dry = of(&["dead-letters", "redrive", "--reason-contains", "no such", "--dry-run"]).with(0).out;
    assert_eq!(dry, "1 event(s) would be sent again\n");
    assert_eq!(of(&["dead-letters", "redrive", "--id", &id]).with(0).out, "1 event(s) are sent again\n");
    let busy = of(&["replay"]).with(1);
    assert!(busy.err.contains("(running: 0 of 1 done, 0 refused)"), "{}", busy.err);
    assert_eq!(poll(&desk, &hub, &stream, &json!({})), [jtis[0].clone()]);

    let following = desk.start(&["replay", "--progress", "--follow", "--hub", &hub.url, "--stream", &stream]);
    following.err.line("running: 0 of 1 done, 0 refused");
    poll(&desk, &hub, &stream, &json!({"ack": [jtis[0]]}));
    assert_eq!(following.ended().with(0).out, "finished: 1 of 1 done, 0 refused\n");
    assert_eq!(of(&["dead-letters", "list"]).with(0).out, "");

    let alice = r#"{"format":"email","email":"alice@example.com"}"#;
    let from =
        ["replay", "--from", "2026-01-01T00:00:00Z", "--subject", alice, "--type", "caep:session-revoked"];
    assert_eq!(of(&[&from[..], &["--dry-run"]].concat()).with(0).out, "3 event(s) would be sent again\n");
    assert_eq!(
        of(&[&from[..], &["--json"]].concat()).with(0).lines(),
        [json!({"count": 3, "dry_run": false})]
    );
    assert_eq!(poll(&desk, &hub, &stream, &json!({})), jtis);
    let cancelled = of(&["replay", "--cancel", "--json"]).with(0).lines();
    assert_eq!((&cancelled[0]["state"], &cancelled[0]["done"]), (&json!("cancelled"), &json!(0)));

    assert!(of(&["dead-letters", "drop"]).with(2).err.contains("all=true"));
    assert_eq!(of(&["dead-letters", "drop", "--all"]).with(0).out, "0 dead letter(s) dropped\n");
    of(&["replay", "--from", "yesterday"]).with(2);
    of(&["dead-letters", "show", "999"]).with(1);
    let stranger = of(&["replay", "--admin-token", "nobody"]).with(3);
    assert!(stranger.err.contains("the hub answered 401"), "{}", stranger.err);
    let unknown = desk.run(&["replay", "--hub", &hub.url, "--stream", "a/b c"]).with(1);
    assert!(unknown.err.contains("no such"), "{}", unknown.err);
}
