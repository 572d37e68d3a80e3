//! What the program tells of itself: spans of an event at a collector, and the log as the configuration wants it.

#[path = "common/running.rs"]
#[expect(dead_code, reason = "each file of tests uses what it needs")]
mod running;

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use running::{Desk, Hub, Running, patiently, write};
use serde_json::{Value, json};

/// A collector that keeps what it is sent, and asks for a header.
#[derive(Clone)]
struct Collector {
    url: String,
    spans: Arc<Mutex<Vec<Value>>>,
}

impl Collector {
    fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let collector = Self { url, spans: Arc::default() };
        let at_work = collector.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let at_work = at_work.clone();
                thread::spawn(move || while at_work.take(&stream).is_some() {});
            }
        });
        collector
    }

    /// One request; `None` when the connection ends.
    fn take(&self, mut stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let (mut head, mut length, mut known) = (String::new(), 0, false);
        while !head.ends_with("\r\n\r\n") {
            let from = head.len();
            if reader.read_line(&mut head).ok()? == 0 {
                return None;
            }
            let line = head[from..].trim().to_ascii_lowercase();
            length = line.strip_prefix("content-length: ").map_or(length, |n| n.parse().expect("a length"));
            known |= line == "authorization: of-the-collector";
        }
        assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let status = if known { "200 OK" } else { "401 Unauthorized" };
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        if known {
            let resource = &body["resourceSpans"][0];
            let service = &resource["resource"]["attributes"][0];
            assert_eq!(service, &json!({"key": "service.name", "value": {"stringValue": "secevent"}}));
            let spans = resource["scopeSpans"][0]["spans"].as_array().expect("spans").clone();
            self.spans.lock().expect("it goes on").extend(spans);
        }
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{{}}").ok()
    }

    /// The names of the spans of a `txn`, and their traces, as soon as these have come.
    fn followed(&self, txn: &str, wanted: &[&str]) -> BTreeSet<String> {
        patiently(&format!("{wanted:?} of {txn}"), || {
            let spans = self.spans.lock().expect("it goes on").clone();
            let of = spans.iter().filter(|span| attribute(span, "secevent.txn") == txn);
            let names: BTreeSet<_> = of.clone().filter_map(|span| span["name"].as_str()).collect();
            let whole = wanted.iter().all(|name| names.contains(name));
            whole.then(|| of.map(|span| span["traceId"].as_str().expect("a trace").to_owned()).collect())
        })
    }
}

fn attribute<'a>(span: &'a Value, key: &str) -> &'a Value {
    let attributes = span["attributes"].as_array().expect("attributes");
    let found = attributes.iter().find(|attribute| attribute["key"] == key);
    found.map_or(&Value::Null, |attribute| &attribute["value"]["stringValue"])
}

fn serve(desk: &Desk, name: &str, config: &str) -> Hub {
    write(&desk.path(&format!("{name}.toml")), config);
    let file = format!("{name}.toml");
    let mut command = desk.command(&["serve", "--listen", "127.0.0.1:0", "--config", &file, "--data", name]);
    Hub::new(Running::new(command.env("COLLECTOR", "of-the-collector")))
}

fn emit(hub: &Hub, txn: &str) {
    let event = json!({"event": "caep:session-revoked", "txn": txn,
        "subject": {"format": "email", "email": "alice@example.com"}});
    assert_eq!(hub.call("POST", "/v1/events", "Bearer of-admin", &event.to_string()).status, 202);
}

#[test]
fn an_event_is_one_trace_from_acceptance_to_the_hub_that_receives_it() {
    let (desk, collector) = (Desk::new(), Collector::serve());
    let otlp = format!(
        "[otlp]\nendpoint = \"{}/\"\nheaders = {{ authorization = \"env:COLLECTOR\" }}\n",
        collector.url
    );
    let a = format!(
        "[admin]\ntoken = \"of-admin\"\n[[receiver]]\nid = \"b\"\ntoken = \"of-b\"\naudience = [\"https://b.example\"]\n\
         [[receiver]]\nid = \"c\"\ntoken = \"of-c\"\naudience = [\"https://b.example\"]\n{otlp}"
    );
    let a = serve(&desk, "a", &a);
    let b = ["b", "c"].map(|id| {
        let delivery = if id == "b" { "poll" } else { "push" };
        format!(
            "[[transmitter]]\nid = \"{id}\"\nissuer = \"{}\"\naudience = [\"https://b.example\"]\n\
             delivery = \"{delivery}\"\ntoken = \"of-{id}\"\n",
            a.url
        )
    });
    let b = serve(&desk, "b", &format!("[admin]\ntoken = \"of-admin\"\n{}{otlp}", b.concat()));
    patiently("two subscriptions", || {
        let list = b.call("GET", "/v1/transmitters", "Bearer of-admin", "").json;
        let all = list["transmitters"].as_array()?.clone();
        all.iter().all(|one| one["status"]["subscribed"] == true).then_some(())
    });
    emit(&a, "txn-1");
    emit(&a, "txn-2");
    let way = ["accept", "commit", "offer", "ack", "deliver", "receive"];
    let (one, two) = (collector.followed("txn-1", &way), collector.followed("txn-2", &way));
    assert!(one.len() == 1 && two.len() == 1 && one != two, "one trace each: {one:?} {two:?}");

    let spans = collector.spans.lock().expect("it goes on").clone();
    for span in &spans {
        let number = |name: &str| span[name].as_str().and_then(|n| n.parse::<u64>().ok()).expect(name);
        assert!(number("startTimeUnixNano") <= number("endTimeUnixNano"), "{span}");
        let hex = |name: &str, length| {
            let id = span[name].as_str().unwrap_or_default();
            id.len() == length && id.bytes().all(|b| b.is_ascii_hexdigit())
        };
        assert!(hex("traceId", 32) && hex("spanId", 16), "{span}");
    }
    let delivered = spans.iter().find(|span| span["name"] == "deliver").expect("it was delivered");
    assert_eq!(
        (attribute(delivered, "secevent.outcome"), &delivered["kind"]),
        (&json!("delivered"), &json!(3))
    );
    let said = spans.iter().map(Value::to_string).collect::<String>();
    assert!(!said.contains("alice") && !said.contains("of-the-collector"), "{said}");

    a.process.terminate();
    let ended = a.process.ended().with(0);
    assert!(!ended.err.contains("txn-1") && !ended.err.contains("of-the-collector"), "{}", ended.err);
}

#[test]
fn without_a_collector_the_hub_works_and_says_so_once() {
    let desk = Desk::new();
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a socket").local_addr().expect("it is bound");
    let hub = format!("[admin]\ntoken = \"of-admin\"\n[otlp]\nendpoint = \"http://{nobody}\"\n");
    let hub = serve(&desk, "a", &hub);
    emit(&hub, "txn-1");
    hub.process.err.line("the collector of [otlp] takes no spans");
    emit(&hub, "txn-2");
    hub.process.terminate();
    let ended = hub.process.ended().with(0);
    assert_eq!(ended.err.matches("takes no spans").count(), 1, "{}", ended.err);
}

#[test]
fn a_part_of_the_events_is_followed_and_none_of_none() {
    let (desk, collector) = (Desk::new(), Collector::serve());
    let config = |sample: &str| {
        let url = &collector.url;
        format!(
            "[admin]\ntoken = \"of-admin\"\n[otlp]\nendpoint = \"{url}\"\nsample = {sample}\n\
             headers = {{ authorization = \"of-the-collector\" }}\n"
        )
    };
    for (name, sample) in [("a", "0.5"), ("b", "0")] {
        let hub = serve(&desk, name, &config(sample));
        for n in 0..64 {
            emit(&hub, &format!("{name}-{n}"));
        }
        hub.process.terminate();
        hub.process.ended().with(0);
    }
    let spans = collector.spans.lock().expect("it goes on").clone();
    let accepted = spans.iter().filter(|span| span["name"] == "accept").count();
    assert!((16..48).contains(&accepted), "{accepted} of 64, and none of the second hub");
    for span in spans.iter().filter(|span| span["name"] == "accept") {
        let txn = attribute(span, "secevent.txn").as_str().expect("a txn");
        assert!(txn.starts_with("a-"), "{txn}");
        let commit =
            spans.iter().find(|other| other["name"] == "commit" && attribute(other, "secevent.txn") == txn);
        assert_eq!(commit.expect("all of a trace, or nothing")["traceId"], span["traceId"]);
    }
}

#[test]
fn the_log_is_written_as_the_configuration_wants_it() {
    let desk = Desk::new();
    let admin = "[admin]\ntoken = \"of-admin\"\n";
    // A transmitter that is not there is told as a warning.
    let transmitter = "[[transmitter]]\nid = \"t\"\nissuer = \"http://127.0.0.1:1\"\naudience = [\"a\"]\n";
    let said = |name: &str, log: &str| {
        let hub = serve(&desk, name, &format!("{admin}[log]\n{log}\n{transmitter}"));
        patiently("a first try", || {
            let list = hub.call("GET", "/v1/transmitters", "Bearer of-admin", "").json;
            list["transmitters"][0]["status"]["last_error"].as_str().map(drop)
        });
        hub.process.terminate();
        hub.process.ended().with(0).err
    };
    let json = said("a", "format = \"json\"");
    let lines = json.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let told = lines.filter(|line| line["transmitter"] == "t").map(|line| line["level"].clone());
    assert!(told.collect::<Vec<_>>().contains(&json!("WARN")), "{json}");
    let text = said("b", "level = \"warn\"");
    assert!(text.contains(" WARN not receiving; trying again transmitter=t"), "{text}");
    let quiet = said("c", "level = \"warn,secevent_hub=error\"");
    assert!(!quiet.contains("not receiving"), "{quiet}");

    let hub = serve(&desk, "d", &format!("{admin}[log]\nlevel = \"warn,secevent_hub=debug\"\n"));
    emit(&hub, "txn-1");
    hub.process.terminate();
    let followed = hub.process.ended().with(0).err;
    assert!(followed.contains("DEBUG accept{txn=txn-1 event=1}: accepted"), "{followed}");

    write(&desk.path("bad.toml"), &format!("{admin}[log]\nlevel = \"secevent_hub=loud\"\n"));
    let bad = desk.run(&["serve", "--config", "bad.toml", "--check"]).with(2);
    assert!(bad.err.contains("line 4: [log] level: \"secevent_hub=loud\""), "{}", bad.err);
    write(&desk.path("bad.toml"), &format!("{admin}[otlp]\nsample = 2\nendpoint = \"collector:4318\"\n"));
    let bad = desk.run(&["serve", "--config", "bad.toml", "--check"]).with(2);
    assert!(bad.err.contains("line 5: [otlp] endpoint: give a URL"), "{}", bad.err);
}
