//! `secevent stream` against a hub: the life of a stream by commands, and what is said when the answer is no.

#[path = "common/running.rs"]
#[expect(dead_code, reason = "each file of tests uses what it needs")]
mod running;

use std::process::Command;

use running::{Desk, Ended, Hub, Running};
use secevent::danger;
use serde_json::{Value, json};

const ALICE: &str = r#"{"format":"email","email":"alice@example.com"}"#;

/// `secevent stream` at a hub of its own.
struct Bench {
    desk: Desk,
    hub: Hub,
}

impl Bench {
    fn new() -> Self {
        let desk = Desk::new();
        let hub = desk.serve();
        Self { desk, hub }
    }

    fn stream(&self, args: &[&str]) -> Ended {
        self.desk.run(&[&["stream"][..], args, &["--issuer", &self.hub.url]].concat())
    }

    /// The only line of JSON that the command answers with.
    fn json(&self, args: &[&str]) -> Value {
        self.stream(&[args, &["--json"]].concat()).with(0).lines().pop().expect("a line")
    }

    fn make(&self, more: &[&str]) -> String {
        let made = self.json(&[&["create"][..], more].concat());
        made["stream_id"].as_str().expect("its id").to_owned()
    }

    /// The names of the events that a poll offers, with their states.
    fn poll(&self, id: &str) -> Vec<(String, Value)> {
        let body = json!({"returnImmediately": true}).to_string();
        let answer = self.hub.call("POST", &format!("/ssf/poll/{id}"), &self.desk.dev(), &body);
        let sets = answer.json["sets"].as_object().expect("an object").clone();
        let one = |set: &Value| {
            let claims = danger::peek(set.as_str().expect("a token")).expect("it can be read").claims;
            let (uri, payload) = claims["events"].as_object().expect("events").iter().next().expect("one");
            (secevent::EventType::from_uri(uri.as_str()).name(), payload.clone())
        };
        sets.values().map(one).collect()
    }
}

// spec: SSF-093, SSF-108, SSF-110, SSF-139, SSF-143, SSF-156
#[test]
fn a_stream_lives_by_commands() {
    let bench = Bench::new();
    let none = bench.stream(&["list"]).with(0);
    assert!(none.out.is_empty() && none.err.contains("secevent stream create --issuer http"), "{}", none.err);
    assert_eq!(bench.json(&["list"]), json!([]));

    let made = bench.stream(&["create", "--events", "caep:session-revoked", "--description", "ours"]).with(0);
    assert!(made.out.contains("delivers       caep:session-revoked\n"), "{}", made.out);
    let listed = bench.json(&["list"]);
    let id = listed[0]["stream_id"].as_str().expect("its id");
    let list = bench.stream(&["list"]).with(0).out;
    assert_eq!(list.lines().nth(1), Some(&*format!("{id}  poll  caep:session-revoked  ours")));
    assert_eq!(bench.json(&["show", id]), listed[0]);
    let shown = bench.stream(&["show", id]).with(0).out;
    assert!(shown.contains("\nstatus         enabled\n") && shown.contains("\ncould deliver  "), "{shown}");

    assert_eq!(bench.stream(&["status", id]).with(0).out, "enabled\n");
    let paused = bench.stream(&["status", id, "paused", "--reason", "a\u{1b}[2J"]).with(0).out;
    assert_eq!(paused, "paused: a\\u001b[2J\n");
    assert_eq!(bench.json(&["status", id])["status"], "paused");
    bench.stream(&["status", id, "enabled"]).with(0);

    assert_eq!(bench.stream(&["delete", id]).with(0).out, format!("stream {id} is deleted\n"));
    let gone = bench.stream(&["show", id]).with(1);
    assert!(gone.err.contains("no such stream") && gone.err.contains("try: secevent stream list"));
}

// spec: SSF-114, SSF-129, PUSH-060
#[test]
fn a_stream_is_changed_and_replaced() {
    const PUSH: [&str; 4] = ["--push", "http://127.0.0.1:1/", "--authorization", "Bearer canary"];
    let bench = Bench::new();
    let id = bench.make(&["--events", "caep:session-revoked", "--description", "ours"]);
    let pushed = bench.stream(&[&["update", &id, "--all-events", "--json"][..], &PUSH].concat()).with(0);
    assert!(!pushed.out.contains("canary") && !pushed.err.contains("canary"));
    let pushed = &pushed.lines()[0];
    assert_eq!(pushed["delivery"]["endpoint_url"], "http://127.0.0.1:1/");
    assert_eq!(pushed["events_delivered"], pushed["events_supported"]);
    assert_eq!(pushed["description"], "ours", "what was not named stays");
    let replaced = bench.json(&["update", &id, "--replace", "--events", "caep:session-revoked"]);
    assert_eq!(replaced["delivery"]["method"], "urn:ietf:rfc:8936");
    assert_eq!(replaced.get("description"), None, "what was not named is deleted");
    let nothing = bench.stream(&["update", &id]).with(2);
    assert!(nothing.err.contains("nothing to change: give --events"), "{}", nothing.err);
}

// spec: SSF-163, SSF-171, SSF-179
#[test]
fn subjects_and_verification_are_asked_for() {
    let bench = Bench::new();
    let id = bench.make(&[]);
    let removed = bench.stream(&["subjects", "remove", &id, ALICE]).with(0).out;
    assert_eq!(removed, "removed alice@example.com: events about it end\n");
    let emit = ["emit", "--hub", &bench.hub.url, "--event", "caep:session-revoked", "--subject", ALICE];
    bench.desk.run(&emit).with(0);
    assert_eq!(bench.poll(&id), []);
    bench.stream(&["subjects", "add", &id, ALICE, "--unverified"]).with(0);
    bench.desk.run(&emit).with(0);
    bench.stream(&["verify", &id, "--state", "nonce"]).with(0);
    let names: Vec<_> = bench.poll(&id);
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names.iter().any(|(name, _)| name == "caep:session-revoked"), "{names:?}");
    assert!(names.contains(&("ssf:verification".to_owned(), json!({"state": "nonce"}))), "{names:?}");
}

#[test]
fn a_refusal_names_place_and_mend() {
    let bench = Bench::new();
    let id = bench.make(&[]);
    let cases: [(&[&str], i32, &[&str]); 8] = [
        (&["subjects", "add", &id, "alice"], 2, &["SUBJECT", "try:"]),
        (&["subjects", "add", &id, r#"{"format":"email"}"#], 2, &["SUB-013", "/email"]),
        (&["status", &id, "asleep"], 2, &["enabled, paused, disabled"]),
        (&["create", "--events", "caep:sesion-revoked"], 2, &["did you mean `caep:session-revoked`?"]),
        (&["create", "--authorization", "x"], 2, &["--push"]),
        (&["create", "--push", "ftp://x"], 1, &["400", "endpoint_url"]),
        (&["list", "--token", "canary"], 3, &["401", "--token"]),
        (&["delete", "other"], 1, &["404", "there is no such stream"]),
    ];
    for (args, code, words) in cases {
        let said = bench.stream(args).with(code);
        assert!(words.iter().all(|word| said.err.contains(word)), "{args:?}: {}", said.err);
        assert!(said.out.is_empty() && !said.err.contains("canary"), "{args:?}: {}", said.out);
    }
    let pause = bench.hub.call("POST", &format!("/v1/streams/{id}/pause"), &bench.desk.admin(), "");
    assert_eq!(pause.status, 200);
    let refused = bench.stream(&["status", &id, "enabled"]).with(1);
    assert!(refused.err.contains("403: an operator paused this stream; "), "{}", refused.err);
    let nobody = bench.desk.run(&["stream", "list", "--issuer", "http://127.0.0.1:1"]).with(3);
    assert!(nobody.err.contains("no connection") && nobody.err.contains("secevent serve"), "{}", nobody.err);
}

#[test]
fn every_example_of_the_help_works_at_a_hub() {
    const ID: &str = "f67e39a0a4d34d56b3aa1bc4cff0069f";
    const COMMANDS: [&[&str]; 10] = [
        &[],
        &["list"],
        &["show"],
        &["create"],
        &["update"],
        &["status"],
        &["subjects"],
        &["subjects", "remove"],
        &["verify"],
        &["delete"],
    ];
    let bench = Bench::new();
    let id = bench.make(&[]);
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_secevent"));
    let folder = program.parent().expect("the program lies in a folder").display();
    for command in COMMANDS {
        let help = bench.desk.run(&[&["stream"][..], command, &["--help"]].concat()).with(0).out;
        let examples = help.split_once("\nExamples:\n").expect("help has examples").1;
        let here = examples.replace(ID, &id).replace("http://127.0.0.1:8417", &bench.hub.url);
        let script = format!("set -e\nPATH={folder}:$PATH\n{here}");
        let mut shell = Command::new("sh");
        Running::new(shell.args(["-c", &script]).current_dir(bench.desk.path("."))).ended().with(0);
    }
}
