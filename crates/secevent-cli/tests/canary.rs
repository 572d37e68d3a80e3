//! Every secret of a whole run is a canary: two hubs, every command, and requests with secrets where they do not
//! belong. No word that anybody says afterwards may hold one.

#[path = "canary/garbage.rs"]
mod garbage;
#[path = "canary/receiver.rs"]
mod receiver;
#[path = "common/running.rs"]
#[expect(dead_code, reason = "each file of tests uses what it needs")]
mod running;
#[path = "canary/said.rs"]
mod said;

use std::collections::BTreeMap;

use garbage::garbage;
use receiver::Receiver;
use running::{Desk, Hub, Running, patiently, write};
use said::Said;
use serde_json::{Value, json};

/// The secrets all have this word in them, and nothing else has.
const CANARY: &str = "canary";
const ALICE: &str = r#"{"format":"email","email":"alice@example.com"}"#;
/// Shown to its receiver and to the operator, but never in a log.
const PUSH_URL: &str = "http://127.0.0.1:1/canary-path?key=canary-query";
/// What a peer would like to see in our log.
const FORGED: &str = "\u{1b}[2J\r\n2026-01-01T00:00:00Z  INFO forged";

const HUB_A: &str = r#"
[admin]
token = "env:ADMIN_OF_A"
[stream]
streams_per_receiver = 50
[[receiver]]
id = "acme"
token = "file:acme.token"
audience = ["https://acme.example.com"]
[[receiver]]
id = "b-poll"
token = "canary-b-poll"
audience = ["https://b.example.com/poll"]
[[receiver]]
id = "b-push"
token = "canary-b-push"
audience = ["https://b.example.com/push"]
"#;

fn hub_b(issuer: &str) -> String {
    let transmitter = |how: &str| {
        format!(
            "[[transmitter]]\nid = \"a-{how}\"\nissuer = \"{issuer}\"\naudience = [\"https://b.example.com/{how}\"]\n\
             delivery = \"{how}\"\ntoken = \"canary-b-{how}\"\n"
        )
    };
    format!("[admin]\ntoken = \"canary-admin-of-b\"\n{}{}", transmitter("poll"), transmitter("push"))
}

// spec: PUSH-060
#[test]
fn no_secret_is_ever_said() {
    for log in ["text", "json"] {
        let mut said = Said::default();
        let desk = Desk::new();
        write(&desk.path("acme.token"), "canary-acme\n");
        write(&desk.path("a.toml"), HUB_A);
        let serve = ["serve", "--listen", "127.0.0.1:0", "--log", log, "--config"];
        let mut serving = desk.command(&[&serve[..], &["a.toml", "--data", "a"]].concat());
        let a = Hub::new(Running::new(serving.env("ADMIN_OF_A", "canary-admin-of-a")));
        write(&desk.path("b.toml"), &hub_b(&a.url));
        let b = Hub::new(desk.start(&[&serve[..], &["b.toml", "--data", "b"]].concat()));
        let receiver = Receiver::serve();

        life(&mut said, &desk, &a, &b, &receiver);
        commands(&mut said, &desk, &a);
        garbage(&mut said, &a, "canary-acme", "canary-admin-of-a");
        garbage(&mut said, &b, "canary-acme", "canary-admin-of-b");

        let mut keys: Vec<_> =
            ["key.jwk", "rsa.jwk"].iter().flat_map(|file| private(&desk.read(file))).collect();
        assert_eq!(keys.len(), 1 + 6, "one of ES256, six of RS256");
        keys.extend(["a", "b"].iter().flat_map(|folder| stored(&desk, folder)));
        assert!(keys.len() > 7 + 1, "both hubs have a key of their own");
        for (hub, name) in [(a, "hub A"), (b, "hub B")] {
            hub.process.terminate();
            let ended = hub.process.ended().with(0);
            assert_eq!(
                ended.err.contains("set aside"),
                name == "hub A",
                "the refusal is in the log: {}",
                ended.err
            );
            assert!(!ended.err.contains('\u{1b}'), "{name} lets others write on the terminal: {}", ended.err);
            let forged = ended.err.lines().find(|line| line.trim_start().starts_with("2026-01-01T"));
            assert_eq!(forged, None, "{name} lets others write lines of its log");
            said.log(name, format!("{}\n{}", ended.out, ended.err));
        }
        let secrets = [CANARY, "\"d\":", "\"dp\":", "-----BEGIN"];
        let secrets = secrets.into_iter().chain(keys.iter().map(String::as_str));
        let leaks: Vec<_> = secrets.flat_map(|secret| said.leaks(secret)).collect();
        assert!(leaks.is_empty(), "--log {log}: {} leaks:\n{}", leaks.len(), leaks.join("\n"));
    }
}

/// What goes well: both ways of delivery, to a receiver of ours and to another hub.
fn life(said: &mut Said, desk: &Desk, a: &Hub, b: &Hub, receiver: &Receiver) {
    let (acme, admin) = ("Authorization: Bearer canary-acme", "Authorization: Bearer canary-admin-of-a");
    let push = |url: &str| {
        let delivery = json!({
            "method": "urn:ietf:rfc:8935", "endpoint_url": url, "authorization_header": "Bearer canary-push",
        });
        json!({"delivery": delivery, "events_requested": ["urn:example:own", session_revoked()]}).to_string()
    };
    for url in [&receiver.url, PUSH_URL] {
        let answer = said.ask(a, "POST /ssf/streams", &[acme], &push(url));
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }
    let listening = desk.start(&["listen", "--issuer", &a.url, "--token", "canary-acme", "--count", "3"]);
    listening.err.line("the stream is verified");
    let subscribed = || {
        let streams = a.call("GET", "/v1/streams", "Bearer canary-admin-of-a", "").json["streams"].clone();
        (streams.as_array().map(Vec::len) == Some(5)).then_some(())
    };
    patiently("two streams of acme, one that is listened to, two of hub B", subscribed);
    for n in 0..3 {
        let event =
            format!(r#"{{"event":"caep:session-revoked","subject":{ALICE},"txn":"{n}","claims":{{}}}}"#);
        let key = format!("Idempotency-Key: canary-key-{n}");
        for _ in 0..2 {
            let answer =
                said.ask(a, "POST /v1/events", &[admin, &key, "Content-Type: application/json"], &event);
            assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
        }
        let other =
            said.ask(a, "POST /v1/events", &[admin, &key], &event.replace("\"txn\"", "\"toe\":1,\"txn\""));
        assert!(other.starts_with("HTTP/1.1 422"), "{other}");
    }
    let heard = listening.ended().with(0);
    said.ended("listen", &heard);
    let arrived = || {
        let rows = b.call("GET", "/v1/received", "Bearer canary-admin-of-b", "").json["received"].clone();
        (rows.as_array().map_or(0, Vec::len) >= 6).then_some(rows)
    };
    said.add("GET /v1/received", patiently("six SETs at hub B", arrived).to_string());
    patiently("three pushes", || (receiver.taken.lock().expect("it goes on").len() >= 3).then_some(()));
    let taken = receiver.taken.lock().expect("it goes on");
    assert!(taken.iter().all(|request| request.contains("Bearer canary-push")), "{taken:?}");
}

/// The commands of a receiver and of whoever keeps keys.
fn commands(said: &mut Said, desk: &Desk, a: &Hub) {
    let at = ["--issuer", &a.url, "--token", "env:TOKEN"];
    let push = ["--push", "http://127.0.0.1:1/", "--authorization", "env:PUSH_FIELD"];
    let made = said.run(desk, &[&["stream", "create", "--json"][..], &push, &at].concat()).with(0).lines();
    let id = made[0]["stream_id"].as_str().expect("its id");
    for args in [
        &["list"][..],
        &["list", "--json"],
        &["show", id],
        &["update", id, "--push", "http://127.0.0.1:1/", "--authorization", "Bearer canary-argument"],
        &["update", id, "--push", "http://127.0.0.1:1/", "--authorization", "canary-argument\u{7}"],
        &["verify", id, "--state", "canary-state"],
        &["subjects", "add", id, ALICE],
        &["status", id, "disabled", "--reason", FORGED],
        &["delete", id],
        &["delete", "canary-id"],
    ] {
        let text = said.run(desk, &[&["stream"], args, &at].concat());
        assert!(text.code != Some(101), "{}", text.err);
    }
    let emit = ["emit", "--hub", &a.url, "--event", "caep:session-revoked", "--subject", ALICE];
    for token in ["canary-admin-of-a", "canary-guess", "canary-\u{7}", "env:canary", "file:canary"] {
        // A name or a path that is wrong is told; a token is not.
        let token = token.replace("env:canary", "env:NO").replace("file:canary", "file:no");
        said.run(desk, &[&emit[..], &["--admin-token", &token]].concat());
    }
    for token in ["canary-guess", "canary guess", "canary-\u{7}"] {
        said.run(desk, &["stream", "list", "--issuer", &a.url, "--token", token]).with(3);
        said.run(desk, &["listen", "--issuer", &a.url, "--token", token]).with(3);
    }
    for (alg, file) in [("ES256", "key.jwk"), ("RS256", "rsa.jwk")] {
        said.run(desk, &["keys", "generate", "--alg", alg, "--out", file]).with(0);
        said.run(desk, &["keys", "public", file]).with(0);
        // A private key where none belongs.
        said.run(desk, &["inspect", file]);
        said.run(desk, &["verify", "--jwks", file, "e30.e30.e30"]);
        said.run(desk, &["validate", "--kind", "json", "--as", "json", file]);
        let sign = ["sign", "--key", file, "--iss", "https://i.example", "--aud", "b", "--subject", ALICE];
        said.run(desk, &[&sign[..], &["--event", "caep:session-revoked"]].concat()).with(0);
        said.run(desk, &[&sign[..], &["--event", "caep:sesion-revoked"]].concat()).with(2);
    }
    for broken in
        ["[admin]\ntoken = canary", "[admin]\ntoken = [\"canary\"]", "[admin]\ntokn = \"canary\"", "canary"]
    {
        write(&desk.path("broken.toml"), &broken.replace("\ntokn", "\nadmin = \"a\"\ntokn"));
        said.run(desk, &["serve", "--config", "broken.toml", "--check"]).with(2);
    }
}

fn session_revoked() -> String {
    secevent::EventType::from_name("caep:session-revoked").expect("it is known").uri().to_owned()
}

/// The private members of a key.
fn private(jwk: &str) -> Vec<String> {
    let members: BTreeMap<String, Value> = serde_json::from_str(jwk).expect("a JWK");
    let names = ["d", "p", "q", "dp", "dq", "qi"].iter().filter_map(|name| members.get(*name));
    names.map(|value| value.as_str().expect("text").to_owned()).collect()
}

/// The private exponents and scalars in the store of a hub.
fn stored(desk: &Desk, folder: &str) -> Vec<String> {
    let files = ["hub.db", "hub.db-wal"].map(|file| desk.path(&format!("{folder}/{file}")));
    let text = files.iter().filter_map(|file| std::fs::read(file).ok()).flatten().collect::<Vec<_>>();
    let text = String::from_utf8_lossy(&text);
    let values = text.split("\"d\": \"").skip(1);
    values.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
}
