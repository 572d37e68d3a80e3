//! A hub with six streams, the folder it lives in, and the disk its data are on.

use std::{sync::Arc, thread, time::Duration};

use secevent::EventType;
use serde_json::{Value, json};

use crate::{
    books::{Books, STREAMS},
    disk::Disk,
    receiver::{Poller, PushReceiver},
    running::{Desk, Ended, Hub, Running, patiently, write},
};

/// The bearer token of the admin API.
pub(crate) const ADMIN: &str = "Bearer admin-token";
/// Seconds until everything that waits for another attempt has had it, on a machine that has other things to do.
const QUIET_AFTER_SECS: u32 = 120;

/// Dropped from the top to the bottom: nobody uses the disk any more when it is unmounted, nor then the folder.
pub(crate) struct Site {
    pub(crate) hub: Option<Hub>,
    pub(crate) address: String,
    pub(crate) books: Arc<Books>,
    ids: Vec<String>,
    pollers: Vec<Poller>,
    receivers: Vec<PushReceiver>,
    pub(crate) disk: Option<Disk>,
    pub(crate) desk: Desk,
}

impl Site {
    /// A hub with all its streams, on a disk of its own or on that of the desk.
    pub(crate) fn new(desk: Desk, volume: Option<Disk>) -> Self {
        write(&desk.path("hub.toml"), &config());
        let books = Arc::new(Books::default());
        let (hub, address) = (None, "127.0.0.1:0".to_owned());
        let (pollers, receivers, ids) = (Vec::new(), Vec::new(), Vec::new());
        let mut site = Self { hub, address, books, ids, pollers, receivers, disk: volume, desk };
        site.start();
        site.make_streams();
        site
    }

    fn make_streams(&mut self) {
        for (number, stream) in STREAMS.iter().enumerate() {
            let mut wanted = json!({"events_requested": stream.wants.map(uri)});
            if let Some(habit) = stream.pushed {
                let receiver = PushReceiver::start(Arc::clone(&self.books), number, habit);
                wanted["delivery"] = json!({"method": "urn:ietf:rfc:8935", "endpoint_url": receiver.url});
                self.receivers.push(receiver);
            }
            let token = format!("Bearer {}", stream.name);
            let made = self.hub().call("POST", "/ssf/streams", &token, &wanted.to_string());
            assert_eq!(made.status, 201, "{}", made.json);
            let id = made.json["stream_id"].as_str().expect("it has an id").to_owned();
            if stream.pushed.is_none() {
                let path = format!("/ssf/poll/{id}");
                let poller = Poller::start(Arc::clone(&self.books), number, self.address.clone(), path);
                self.pollers.push(poller);
            }
            self.ids.push(id);
        }
    }

    pub(crate) fn hub(&self) -> &Hub {
        self.hub.as_ref().expect("it was started")
    }

    /// A process that may not listen yet.
    pub(crate) fn process(&self) -> Running {
        self.desk.start(&["serve", "--config", "hub.toml", "--listen", &self.address])
    }

    /// Starts the hub, where it was before; a connection to nobody may have the port for a moment.
    pub(crate) fn start(&mut self) {
        let process = patiently("the hub listens", || {
            let process = self.process();
            let listens = patiently("the hub says something", || {
                let taken = process.err.text().contains("cannot listen on");
                (taken || process.out.text().contains("listening on ")).then_some(!taken)
            });
            listens.then_some(process)
        });
        let hub = Hub::new(process);
        hub.address().clone_into(&mut self.address);
        self.hub = Some(hub);
        self.books.is_up(true);
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.hub.take().expect("it was started").process.kill();
        self.books.is_up(false);
    }

    /// SIGTERM, and a good end.
    pub(crate) fn stop(&mut self) {
        let hub = self.hub.take().expect("it was started");
        hub.process.terminate();
        hub.process.ended().with(0);
        self.books.is_up(false);
    }

    /// Waits until the hub ends by itself.
    pub(crate) fn ended(&mut self) -> Ended {
        let ended = self.hub.take().expect("it was started").process.ended();
        self.books.is_up(false);
        ended
    }

    /// All is well with the data, says `secevent doctor`.
    pub(crate) fn examine(&self) {
        let said = self.desk.run(&["doctor", "--config", "hub.toml"]).with(0);
        assert!(said.out.contains("all is well"), "{}", said.out);
    }

    /// Waits until no stream has anything left to do.
    pub(crate) fn quiet(&self) {
        for _ in 0..QUIET_AFTER_SECS * 20 {
            if self.at_work().is_empty() {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        let log = self.hub().process.err.text();
        let last: Vec<_> = log.lines().rev().take(20).collect();
        panic!("streams are stuck: {:?}\n{last:#?}", self.at_work());
    }

    /// The streams that have something open, or waiting, or are not enabled.
    fn at_work(&self) -> Vec<Value> {
        let streams = self.hub().call("GET", "/v1/streams", ADMIN, "").json;
        let streams = streams["streams"].as_array().expect("it is a list");
        assert_eq!(streams.len(), STREAMS.len());
        let idle = |s: &&Value| s["open"] == 0 && s["waiting"] == 0 && s["status"] == "enabled";
        streams.iter().filter(|stream| !idle(stream)).cloned().collect()
    }

    /// Holds what arrived against what was answered with 202, when all is quiet; the hub is stopped after.
    pub(crate) fn judge(&mut self) {
        self.quiet();
        for (number, stream) in STREAMS.iter().enumerate() {
            let letters = self.letters(&self.ids[number]);
            write(&self.desk.path("tokens"), &self.books.settle(number, &letters));
            let (issuer, jwks) = (&self.hub().url, format!("{}/jwks.json", self.hub().url));
            let args = ["verify", "--lines", "--jwks", &jwks, "--iss", issuer, "--aud", stream.audience];
            self.desk.run(&[&args[..], &["tokens"]].concat()).with(0);
        }
        self.stop();
        self.examine();
    }

    /// `(txn, reason)` of what was set aside.
    fn letters(&self, id: &str) -> Vec<(String, String)> {
        let mut letters = Vec::new();
        let mut after = "0".to_owned();
        loop {
            let path = format!("/v1/streams/{id}/dead-letters?after={after}");
            let page = self.hub().call("GET", &path, ADMIN, "").json;
            let text = |value: &Value| value.as_str().expect("it is text").to_owned();
            let rows = page["dead_letters"].as_array().expect("it is a list").iter();
            letters.extend(rows.map(|letter| (text(&letter["txn"]), text(&letter["reason"]))));
            let Some(next) = page["next"].as_str() else { return letters };
            next.clone_into(&mut after);
        }
    }
}

fn uri(name: &str) -> String {
    EventType::from_name(name).expect("it is known").uri().to_owned()
}

fn config() -> String {
    let receivers = STREAMS.iter().map(|stream| {
        let (name, audience) = (stream.name, stream.audience);
        format!("[[receiver]]\nid = \"{name}\"\ntoken = \"{name}\"\naudience = [\"{audience}\"]\n")
    });
    let hub = "[store]\nurl = \"sqlite:disk/hub.db\"\n[admin]\ntoken = \"admin-token\"\n\
         [signing]\nalg = \"ES256\"\n[poll]\nlease = \"1s\"\n";
    std::iter::once(hub.to_owned()).chain(receivers).collect()
}
