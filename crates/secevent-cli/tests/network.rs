//! The program on the network: real processes, real sockets, real signals.

#[path = "network/again.rs"]
mod again;
#[path = "network/keys.rs"]
mod keys;
#[path = "common/running.rs"]
#[expect(dead_code, reason = "each file of tests uses what it needs")]
mod running;
#[path = "network/tls.rs"]
mod tls;

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use running::{Desk, Hub, Running, call, patiently, write};
use secevent::danger;
use serde_json::{Value, json};

const ALICE: &str = r#"{"format":"email","email":"alice@example.com"}"#;

fn emit<'a>(hub: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["emit", "--hub", hub, "--event", "caep:session-revoked", "--subject", ALICE][..], more].concat()
}

// spec: CIOP-005, RISC-022
#[test]
fn the_demo_delivers_every_signal_once() {
    let said = Desk::new().run(&["demo", "--once", "--json"]).with(0);
    let mut lines = said.lines();
    let summary = lines.pop().expect("the summary is the last line");
    assert_eq!(summary["summary"]["ok"], true, "{summary}");
    assert_eq!(summary["summary"]["signals"], lines.len());
    let text = |line: &Value, name: &str| line[name].as_str().expect("it is text").to_owned();
    let events: BTreeSet<_> = lines.iter().map(|line| text(line, "event")).collect();
    assert_eq!(events.len(), lines.len(), "each once");
    let wanted = secevent::EventType::catalogue().map(|event_type| event_type.name());
    let mut wanted: BTreeSet<_> =
        wanted.filter(|name| ["caep:", "risc:"].iter().any(|family| name.starts_with(family))).collect();
    wanted.insert("logout:backchannel-logout".to_owned());
    assert_eq!(events, wanted);
    let by = |how: &str| lines.iter().filter(|line| line["delivery"] == how).count();
    assert!(by("push").abs_diff(by("poll")) <= 1, "{} pushed, {} polled", by("push"), by("poll"));
    assert_eq!(by("form"), 1);
    assert_eq!(lines.iter().map(|line| text(line, "jti")).collect::<BTreeSet<_>>().len(), lines.len());
    for line in &lines {
        assert!(line["verified"] == true && line["acked"] == true && line["ms"].is_number(), "{line}");
    }
}

#[test]
fn a_hub_says_where_it_listens_and_keeps_its_tokens_to_itself() {
    let desk = Desk::new();
    let hub = desk.serve();
    assert_ne!(hub.address(), "127.0.0.1:0");
    assert_eq!(hub.call("GET", "/readyz", "", "").status, 200);
    let metadata = hub.call("GET", "/.well-known/ssf-configuration", "", "").json;
    assert_eq!(metadata["issuer"], hub.url, "without an issuer the address is the issuer");
    for file in ["admin.token", "dev.token", "hub.db"] {
        assert_eq!(desk.mode(&format!("secevent-data/{file}")), 0o600, "{file}");
    }
    assert_eq!(desk.mode("secevent-data"), 0o700);
    hub.process.err.line("token of the receiver `dev`: secevent-data/dev.token");

    let second = desk.run(&["serve", "--listen", "127.0.0.1:0"]).with(3);
    assert!(second.err.contains("another hub has this store open"), "{}", second.err);
    assert!(second.err.contains("try: secevent serve --data"), "{}", second.err);
    let same_port = desk.run(&["serve", "--listen", hub.address(), "--data", "other"]).with(3);
    assert!(same_port.err.contains("cannot listen on"), "{}", same_port.err);

    let tokens = (desk.admin(), desk.dev());
    hub.process.terminate();
    let ended = hub.process.ended().with(0);
    assert_eq!(ended.out.lines().count(), 1, "one line on stdout: {}", ended.out);
    let again = desk.serve();
    assert_eq!((desk.admin(), desk.dev()), tokens, "made at the first start only");
    drop(again);
}

#[test]
fn what_is_emitted_is_heard_by_poll_and_by_push() {
    let desk = Desk::new();
    let hub = desk.serve();
    let listen = ["listen", "--issuer", &hub.url, "--count", "1", "--json"];
    for more in [&[][..], &["--push", "127.0.0.1:0"]] {
        let listening = desk.start(&[&listen[..], more].concat());
        listening.out.line("ssf:verification");
        let emitted = desk.run(&emit(&hub.url, &["--txn", "8675309", "--json"])).with(0).lines();
        assert_eq!((&emitted[0]["accepted"], &emitted[0]["events"][0]["streams"]), (&json!(1), &json!(1)));
        let heard = listening.ended().with(0);
        assert!(heard.err.contains("created, delivery by ") && heard.err.contains("stream deleted"));
        let signal = heard.lines().pop().expect("the signal");
        assert_eq!((&signal["event"], &signal["txn"]), (&json!("caep:session-revoked"), &json!("8675309")));
        assert_eq!(hub.call("GET", "/v1/streams", &desk.admin(), "").json["streams"], json!([]));

        let token = signal["set"].as_str().expect("the SET itself");
        let jwks = format!("{}/jwks.json", hub.url);
        desk.run(&["verify", "--jwks", &jwks, "--iss", &hub.url, "--aud", "dev", token]).with(0);
        let other = desk.run(&["verify", "--jwks", &jwks, "--iss", &hub.url, "--aud", "prod", token]).with(1);
        assert_eq!(other.out, "invalid_audience\n");
        let gone = desk.run(&["verify", "--jwks", &format!("{}/no.json", hub.url), token]).with(3);
        assert!(gone.err.contains("answered with status 404"), "{}", gone.err);
    }
}

#[test]
fn a_kept_stream_stays_and_what_was_not_wanted_waits_there() {
    let desk = Desk::new();
    let hub = desk.serve();
    let listening = desk.start(&["listen", "--issuer", &hub.url, "--keep", "--count", "1"]);
    listening.err.line("the stream is verified; signals follow");
    let two = format!("[{0},{0}]", event("a"));
    assert_eq!(hub.call("POST", "/v1/events", &desk.admin(), &two).status, 202);
    let heard = listening.ended().with(0);
    assert_eq!(heard.out.lines().count(), 1, "no more than was wanted: {}", heard.out);
    let streams = hub.call("GET", "/v1/streams", &desk.admin(), "").json;
    let streams = streams["streams"].as_array().expect("a list");
    assert_eq!(streams.len(), 1);
    let id = streams[0]["stream_id"].as_str().expect("its id");
    assert_eq!(poll(&hub, &desk, id, &[]).len(), 1, "the second signal was not acknowledged");
}

#[test]
fn an_interrupted_listener_deletes_its_stream() {
    let desk = Desk::new();
    let hub = desk.serve();
    for more in [&[][..], &["--push", "127.0.0.1:0"]] {
        let listening = desk.start(&[&["listen", "--issuer", &hub.url][..], more].concat());
        listening.err.line("the stream is verified");
        listening.terminate();
        listening.ended().with(0);
        assert_eq!(hub.call("GET", "/v1/streams", &desk.admin(), "").json["streams"], json!([]));
    }
    let wrong = desk.run(&["listen", "--issuer", &hub.url, "--token", "wrong"]).with(3);
    assert!(wrong.err.contains("401") && wrong.err.contains("--token"), "{}", wrong.err);
}

// spec: SUB-013, CAEP-019
#[test]
fn an_event_that_breaks_a_rule_is_not_accepted() {
    const CREDENTIAL: [&str; 4] = ["--event", "caep:credential-change", "--subject", ALICE];
    let desk = Desk::new();
    let hub = desk.serve();
    let cases: [(&[&str], i32, &[&str]); 7] = [
        (
            &["--event", "caep:session-revoked", "--subject", r#"{"format":"email"}"#],
            1,
            &["/sub_id/email: it is missing", "SUB-013", "such as user@example.com"],
        ),
        (&CREDENTIAL, 1, &["/events/caep:credential-change/credential_type", "CAEP-019", "CAEP-020"]),
        (
            &["--event", "caep:sesion-revoked", "--subject", ALICE],
            1,
            &["did you mean `caep:session-revoked`?"],
        ),
        (&["--event", "caep:session-revoked", "--subject", ALICE, "--stream", "x"], 1, &["no such stream"]),
        (&["--event", "caep:session-revoked", "--subject", "alice"], 2, &["--subject", "try:"]),
        (&["--event", "caep:session-revoked", "--subject", ALICE, "--admin-token", "x"], 3, &["401"]),
        (&["--event", "caep:session-revoked", "--subject", ALICE, "--hub", "x"], 2, &["no URL of a hub"]),
    ];
    for (args, code, words) in cases {
        let at_hub = if args.contains(&"--hub") { vec![] } else { vec!["--hub", &hub.url] };
        let said = desk.run(&[&["emit"][..], &at_hub, args].concat()).with(code);
        assert!(words.iter().all(|word| said.err.contains(word)), "{args:?}: {}", said.err);
        assert_eq!(said.out, "");
    }
    let machine = desk.run(&[&["emit", "--json", "--hub", &hub.url][..], &CREDENTIAL].concat()).with(1);
    assert_eq!(machine.lines()[0]["findings"][0]["id"], "CAEP-019");
    let first = desk.run(&emit(&hub.url, &["--json"])).with(0).lines();
    assert_eq!(first[0]["events"][0]["id"], "1", "nothing was accepted before");
    let nobody = desk.run(&emit("http://127.0.0.1:1", &[])).with(3);
    assert!(nobody.err.contains("no connection") && nobody.err.contains("try: secevent serve"));
}

#[test]
fn a_repeat_with_its_key_is_the_first_answer_again() {
    let desk = Desk::new();
    let hub = desk.serve();
    let headers = format!("Authorization: {}\r\nIdempotency-Key: once\r\n", desk.admin());
    let post = |body: &str| call(hub.address(), "POST", "/v1/events", &headers, body).expect("an answer");
    let first = post(&event("a"));
    let again = post(&event("a"));
    assert_eq!((first.status, again.status), (202, 202));
    assert_eq!(first.json, again.json);
    assert_eq!(post(&event("b")).status, 422);
    let next = hub.call("POST", "/v1/events", &desk.admin(), &event("c")).json;
    assert_eq!(next["events"][0]["id"], "2", "the repeats are not in the log");
}

fn event(txn: &str) -> String {
    let subject: Value = serde_json::from_str(ALICE).expect("it is JSON");
    json!({"event": "caep:session-revoked", "subject": subject, "txn": txn}).to_string()
}

/// A new stream of the receiver `dev` that is polled.
fn poll_stream(hub: &Hub, desk: &Desk) -> String {
    let made = hub.call("POST", "/ssf/streams", &desk.dev(), "{}");
    assert_eq!(made.status, 201);
    made.json["stream_id"].as_str().expect("it has an id").to_owned()
}

/// What a poll offers: `jti` by `txn`.
fn poll(hub: &Hub, desk: &Desk, stream: &str, ack: &[String]) -> Vec<(String, String)> {
    let request = json!({"returnImmediately": true, "ack": ack}).to_string();
    let answer = hub.call("POST", &format!("/ssf/poll/{stream}"), &desk.dev(), &request);
    assert_eq!(answer.status, 200);
    let sets = answer.json["sets"].as_object().expect("an object").iter();
    sets.map(|(jti, set)| {
        let claims = danger::peek(set.as_str().expect("a token")).expect("it can be read").claims;
        (claims["txn"].as_str().expect("a txn").to_owned(), jti.clone())
    })
    .collect()
}

/// Emits from several connections until `stop`, and notes the `txn` of what was answered with 202.
fn emit_until(
    stop: &AtomicBool,
    address: &str,
    admin: &str,
    prefix: &str,
    accepted: &Mutex<BTreeSet<String>>,
) {
    const PRODUCERS: usize = 4;
    let headers = format!("Authorization: {admin}\r\n");
    thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            let headers = &headers;
            scope.spawn(move || {
                for n in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let txn = format!("{prefix}-{producer}-{n}");
                    let answer = call(address, "POST", "/v1/events", headers, &event(&txn));
                    if answer.is_some_and(|answer| answer.status == 202) {
                        accepted.lock().expect("no producer panics").insert(txn);
                    }
                }
            });
        }
    });
}

fn drain(hub: &Hub, desk: &Desk, stream: &str, offered: &mut impl FnMut(&[(String, String)])) {
    let mut ack = Vec::new();
    loop {
        let sets = poll(hub, desk, stream, &ack);
        offered(&sets);
        ack = sets.into_iter().map(|(_, jti)| jti).collect();
        if ack.is_empty() {
            return;
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long a process takes to end is real time")]
fn sigterm_under_load_ends_in_time_and_loses_nothing() {
    let desk = Desk::new();
    let hub = desk.serve();
    let address = hub.address().to_owned();
    let stream = poll_stream(&hub, &desk);
    let accepted = Mutex::new(BTreeSet::new());
    let stop = AtomicBool::new(false);
    // A parked poll and an idle connection must not hold up the end.
    let listening = desk.start(&["listen", "--issuer", &hub.url]);
    listening.err.line("the stream is verified");
    let _idle = std::net::TcpStream::connect(&address).expect("a connection");
    let took = thread::scope(|scope| {
        let admin = desk.admin();
        scope.spawn({
            let (stop, address, accepted) = (&stop, &address, &accepted);
            move || emit_until(stop, address, &admin, "t", accepted)
        });
        patiently("accepted events", || {
            (accepted.lock().expect("no producer panics").len() > 20).then_some(())
        });
        let since = Instant::now();
        hub.process.terminate();
        let ended = hub.process.ended().with(0);
        stop.store(true, Ordering::Relaxed);
        assert!(ended.err.contains("everything is written down"), "{}", ended.err);
        since.elapsed()
    });
    assert!(took < Duration::from_secs(10), "{took:?}");
    drop(listening);
    let hub = desk.serve_at(&address);
    let mut arrived = BTreeSet::new();
    drain(&hub, &desk, &stream, &mut |sets| arrived.extend(sets.iter().map(|(txn, _)| txn.clone())));
    let accepted = accepted.into_inner().expect("no producer panics");
    assert!(accepted.is_subset(&arrived), "{:?}", accepted.difference(&arrived).collect::<Vec<_>>());
}

// spec: PUSH-060
#[test]
fn secrets_are_never_said() {
    for log in ["text", "json"] {
        let desk = Desk::new();
        let push = Push::serve();
        write(&desk.path("dev.token"), "canary-receiver\n");
        write(
            &desk.path("hub.toml"),
            r#"
                [admin]
                token = "env:CANARY"
                [[receiver]]
                id = "acme"
                token = "file:dev.token"
                audience = ["https://acme.example.com"]
            "#,
        );
        let args = ["serve", "--config", "hub.toml", "--listen", "127.0.0.1:0", "--log", log];
        let hub = Hub::new(Running::new(desk.command(&args).env("CANARY", "canary-admin")));
        let (admin, receiver) = ("Bearer canary-admin", "Bearer canary-receiver");
        for url in [&push.url, "http://127.0.0.1:1/canary-path?canary-query"] {
            let delivery = json!({
                "method": "urn:ietf:rfc:8935", "endpoint_url": url, "authorization_header": "Bearer canary-push",
            });
            let asked = json!({ "delivery": delivery }).to_string();
            assert_eq!(hub.call("POST", "/ssf/streams", receiver, &asked).status, 201, "{log}");
        }
        let broken = r#"{"delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":"http://127.0.0.1:1/","authorization_header":"canary-\u0007"}}"#;
        assert_eq!(hub.call("POST", "/ssf/streams", receiver, broken).status, 400);
        assert_eq!(hub.call("GET", "/v1/streams", "Bearer canary-guess", "").status, 401);
        for n in 0..3 {
            assert_eq!(hub.call("POST", "/v1/events", admin, &event(&n.to_string())).status, 202);
        }
        patiently("three deliveries", || (push.taken.lock().expect("it goes on").len() >= 3).then_some(()));
        assert!(
            push.taken
                .lock()
                .expect("it goes on")
                .iter()
                .all(|request| request.contains("Bearer canary-push"))
        );
        let listed = hub.call("GET", "/v1/streams", admin, "").json.to_string();
        assert!(!listed.contains("canary-push"), "{listed}");
        hub.process.terminate();
        let ended = hub.process.ended().with(0);
        for said in [&ended.out, &ended.err] {
            for secret in [
                "canary-admin",
                "canary-receiver",
                "canary-push",
                "canary-guess",
                "canary-\\u",
                "canary-query",
            ] {
                assert!(!said.contains(secret), "--log {log} says {secret}: {said}");
            }
        }
        if log == "json" {
            let logged = ended.err.lines().filter(|line| line.starts_with('{')).count();
            assert!(logged > 1, "{}", ended.err);
        }
    }
}

// spec: CIOP-029, CIOP-031
#[test]
fn a_listener_gets_its_token_by_client_credentials_and_says_no_secret() {
    let desk = Desk::new();
    desk.run(&["keys", "generate", "--alg", "ES256", "--out", "client.jwk"]).with(0);
    write(&desk.path("client.json"), &desk.run(&["keys", "public", "client.jwk"]).with(0).out);
    write(
        &desk.path("hub.toml"),
        r#"
            [admin]
            token = "admin"
            [[receiver]]
            id = "acme"
            secret = "env:CANARY"
            audience = ["https://acme.example.com"]
            [[receiver]]
            id = "keyed"
            jwks = "client.json"
            audience = ["https://keyed.example.com"]
        "#,
    );
    let args = ["serve", "--config", "hub.toml", "--listen", "127.0.0.1:0"];
    let hub = Hub::new(Running::new(desk.command(&args).env("CANARY", "canary+/=&")));
    let url = format!("{}/oauth/token", hub.url);
    let by_secret = ["--client-id", "acme", "--client-secret", "env:CANARY"];
    let by_key = ["--client-id", "keyed", "--client-key", "client.jwk", "--token-url", &url];
    for credential in [&by_secret[..], &by_key] {
        let args = [&["listen", "--issuer", &hub.url, "--count", "1"][..], credential].concat();
        let listening = Running::new(desk.command(&args).env("CANARY", "canary+/=&"));
        listening.err.line("the stream is verified");
        assert_eq!(hub.call("POST", "/v1/events", "Bearer admin", &event("a")).status, 202);
        let heard = listening.ended().with(0);
        assert!(heard.out.contains("caep:session-revoked") && heard.err.contains("stream deleted"));
    }
    let wrong = ["listen", "--issuer", &hub.url, "--client-id", "acme", "--client-secret", "canary-wrong"];
    let said = desk.run(&wrong).with(3);
    assert!(said.err.contains("invalid_client") && said.err.contains("--client-secret env:"), "{}", said.err);
    assert!(!said.err.contains("canary"), "{}", said.err);
    let alone = desk.run(&["listen", "--issuer", &hub.url, "--client-id", "acme"]).with(2);
    assert!(alone.err.contains("--client-secret or --client-key"), "{}", alone.err);
    hub.process.terminate();
    let ended = hub.process.ended().with(0);
    assert!(!ended.err.contains("canary") && !ended.err.contains("secevent_at_"), "{}", ended.err);
}

/// A receiver that refuses the first push and takes the others.
struct Push {
    url: String,
    taken: std::sync::Arc<Mutex<Vec<String>>>,
}

impl Push {
    fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let url = format!("http://{}/events", listener.local_addr().expect("it is bound"));
        let taken = std::sync::Arc::new(Mutex::new(Vec::new()));
        let requests = taken.clone();
        thread::spawn(move || {
            for (n, stream) in listener.incoming().enumerate() {
                let Ok(mut stream) = stream else { return };
                let mut head = [0; 8192];
                let read = stream.read(&mut head).unwrap_or_default();
                let status = if n == 0 { "503 Service Unavailable" } else { "202 Accepted" };
                // A reader that went away is no fault of this test.
                let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                if n > 0 {
                    let text = String::from_utf8_lossy(&head[..read]).into_owned();
                    requests.lock().expect("it goes on").push(text);
                }
            }
        });
        Self { url, taken }
    }
}
