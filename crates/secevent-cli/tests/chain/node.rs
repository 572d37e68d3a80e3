//! Hubs of one authority, and the one who watches them.

use std::{collections::BTreeSet, ops::Range, os::unix::fs::PermissionsExt as _, time::Duration};

use http::header::CONTENT_TYPE;
use secevent::danger;
use secevent_http::client::{Client, Egress};
use serde_json::{Value, json};
use testkit::Authority;
use tokio::time::{Instant, sleep};

use crate::running::{Desk, Hub, Running, write};

const ADMIN: &str = "admin-token";
/// Signals of one request.
const BATCH: usize = 500;
/// What no step may take longer than, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_mins(2);

/// A folder with a certificate that all hubs show, and a client that trusts it.
pub(crate) struct House {
    desk: Desk,
    client: Client,
}

/// A hub, and what it is started with.
pub(crate) struct Node {
    pub(crate) name: &'static str,
    url: String,
    process: Running,
}

/// What a hub lists.
#[derive(Default)]
pub(crate) struct Seen {
    last_no: u64,
    /// Verification events.
    pub(crate) verified: usize,
    /// All rows but those.
    pub(crate) signals: usize,
    pub(crate) jtis: BTreeSet<String>,
    pub(crate) txns: BTreeSet<String>,
    pub(crate) kids: BTreeSet<String>,
}

fn config(name: &str, more: &str) -> String {
    format!(
        "[tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n[store]\nurl = \"sqlite:{name}/hub.db\"\n\
         [egress]\nallow_private = true\nextra_ca = \"ca.pem\"\n[admin]\ntoken = \"{ADMIN}\"\n\
         [signing]\nalg = \"ES256\"\n{more}"
    )
}

/// Of few people, so that there is an order to be kept.
fn signal(number: usize) -> String {
    let subject = json!({"format": "email", "email": format!("{}@example.com", number % 97)});
    let event = json!({"event": "caep:session-revoked", "subject": subject, "txn": number.to_string(),
        "claims": {"reason_admin": {"en": "a rule"}}});
    format!("{event}\n")
}

fn audience(name: &str) -> String {
    format!("https://{name}.example.com")
}

impl House {
    pub(crate) fn new() -> Self {
        let (desk, authority) = (Desk::new(), Authority::new());
        let certified = authority.certify("127.0.0.1");
        for (file, pem) in
            [("ca.pem", authority.pem()), ("cert.pem", certified.cert), ("key.pem", certified.key)]
        {
            write(&desk.path(file), &pem);
        }
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(desk.path("key.pem"), private).expect("it is ours");
        let ca = desk.read("ca.pem");
        let client = Client::with_extra_ca(Egress::loopback(), ca.as_bytes()).expect("it is a certificate");
        Self { desk, client }
    }

    /// A, whose receivers are B and C.
    pub(crate) fn transmitter(&self) -> Node {
        let receiver = |name: &str| {
            format!(
                "[[receiver]]\nid = \"{name}\"\ntoken = \"token-of-{name}\"\naudience = [\"{}\"]\n",
                audience(name)
            )
        };
        write(&self.desk.path("a.toml"), &config("a", &(receiver("b") + &receiver("c"))));
        self.start("a", "127.0.0.1:0")
    }

    /// A hub that receives from another.
    pub(crate) fn receiver(&self, name: &'static str, delivery: &str, from: &Node) -> Node {
        let transmitter = format!(
            "[[transmitter]]\nid = \"a\"\nissuer = \"{}\"\naudience = [\"{}\"]\ndelivery = \"{delivery}\"\n\
             token = \"token-of-{name}\"\n",
            from.url,
            audience(name)
        );
        write(&self.desk.path(&format!("{name}.toml")), &config(name, &transmitter));
        self.start(name, "127.0.0.1:0")
    }

    fn start(&self, name: &'static str, address: &str) -> Node {
        let config = format!("{name}.toml");
        let Hub { process, url } =
            Hub::new(self.desk.start(&["serve", "--config", &config, "--listen", address]));
        assert!(url.starts_with("https://"), "{url}");
        Node { name, url, process }
    }

    /// The same hub after SIGKILL, at the same address.
    pub(crate) fn killed_and_started_again(&self, node: Node) -> Node {
        let Node { name, url, process } = node;
        process.kill();
        self.start(name, url.strip_prefix("https://").expect("it has TLS"))
    }

    /// `secevent keys rotate` at a hub.
    pub(crate) fn rotate(&self, at: &Node, more: &[&str]) {
        let args = [&["keys", "rotate", "--hub", &at.url, "--admin-token", ADMIN][..], more].concat();
        let mut command = self.desk.command(&args);
        Running::new(command.env("SSL_CERT_FILE", self.desk.path("ca.pem"))).ended().with(0);
    }

    /// Hands signals in, one a line; their numbers are their `txn`.
    pub(crate) async fn emit(&self, at: &Node, numbers: Range<usize>) {
        let signals: Vec<_> = numbers.map(signal).collect();
        for lines in signals.chunks(BATCH) {
            let url = format!("{}/v1/events", at.url);
            let request = self.client.post(&url).header(CONTENT_TYPE, "application/x-ndjson");
            let request = request.authorization(Some(&format!("Bearer {ADMIN}")));
            let answer = request.body(lines.concat()).send().await.expect("A answers");
            assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
        }
    }

    async fn get(&self, at: &Node, path: &str) -> Option<Value> {
        let url = format!("{}{path}", at.url);
        let request = self.client.get(&url).authorization(Some(&format!("Bearer {ADMIN}")));
        let answer = request.send().await.ok()?;
        assert_eq!(answer.status, 200, "{path}");
        serde_json::from_slice(&answer.body).ok()
    }

    /// Reads what a hub has listed since the last look.
    pub(crate) async fn look(&self, at: &Node, seen: &mut Seen) {
        loop {
            let path = format!("/v1/received?after={}", seen.last_no);
            let Some(page) = self.get(at, &path).await else { return };
            let rows = page["received"].as_array().expect("it is a list");
            if rows.is_empty() {
                return;
            }
            for row in rows {
                seen.note(row);
            }
        }
    }

    /// Looks until it is so.
    pub(crate) async fn until(&self, at: &Node, seen: &mut Seen, what: &str, is_so: impl Fn(&Seen) -> bool) {
        let since = Instant::now();
        while !is_so(seen) {
            assert!(since.elapsed() < PATIENCE, "{}: waited in vain for: {what}; {}", at.name, seen.signals);
            self.look(at, seen).await;
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// How many signals a hub gave up.
    pub(crate) async fn set_aside(&self, at: &Node) -> usize {
        let streams = self.get(at, "/v1/streams").await.expect("it answers");
        let mut count = 0;
        for stream in streams["streams"].as_array().expect("it is a list") {
            let id = stream["stream_id"].as_str().expect("it is text");
            let letters = self.get(at, &format!("/v1/streams/{id}/dead-letters")).await;
            count += letters.expect("it answers")["dead_letters"].as_array().map_or(0, Vec::len);
        }
        count
    }
}

impl Node {
    /// SIGTERM, and a good end.
    pub(crate) fn stops(self) {
        self.process.terminate();
        self.process.ended().with(0);
    }
}

impl Seen {
    fn note(&mut self, row: &Value) {
        self.last_no = row["no"].as_u64().expect("it is a number");
        if row["event"] == "ssf:verification" {
            self.verified += 1;
            return;
        }
        let token = row["set"].as_str().expect("it is text");
        let peeked = danger::peek(token).expect("it was verified");
        let text = |value: Option<&Value>| value.and_then(Value::as_str).expect("it is text").to_owned();
        self.signals += 1;
        self.txns.insert(text(peeked.claims.get("txn")));
        self.jtis.insert(text(peeked.claims.get("jti")));
        self.kids.insert(text(peeked.header.get("kid")));
    }
}
