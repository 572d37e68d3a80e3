//! A hub with a folder and an address that outlive it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use secevent::{Alg, JwkSet, Policy, Set, VerifiedSet};
use secevent_http::client::{Client, Egress};
use secevent_hub::{Clock, Hub, ReceiverSettings, Settings, store::SqliteStore};
use secevent_ssf::{engine::Millis, store::Store};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpSocket, sync::oneshot, task::JoinHandle};

use crate::http_call::{Answer, call};

pub(crate) const ACME: &str = "acme-token";
pub(crate) const TWIN: &str = "twin-token";
pub(crate) const OTHER: &str = "other-token";
pub(crate) const ADMIN: &str = "admin-token";
pub(crate) const ACME_AUD: &str = "https://acme.example.com";

#[expect(clippy::disallowed_methods, reason = "a test is an edge")]
pub(crate) fn now() -> Millis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Millis(u64::try_from(since.as_millis()).unwrap())
}

pub(crate) fn clock() -> Clock {
    Arc::new(now)
}

/// Waits until it is so, for five seconds at most.
#[track_caller]
pub(crate) fn eventually<F: Future<Output = bool>>(
    what: &str,
    mut is_so: impl FnMut() -> F,
) -> impl Future<Output = ()> {
    let place = std::panic::Location::caller();
    async move {
        for _ in 0..500 {
            if is_so().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{place}: not within five seconds: {what}");
    }
}

/// Connections that wait to be taken.
const WAITING_MAX: u32 = 1024;

/// Where a hub lives.
pub(crate) struct Home {
    folder: TempDir,
    address: SocketAddr,
    /// Bound and never listened on: between two hubs nobody else is given the address.
    _reserved: TcpSocket,
}

/// A socket at this address, which may share it with the one that reserves it.
fn socket(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

impl Home {
    pub(crate) fn new() -> Self {
        let reserved = socket(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = reserved.local_addr().unwrap();
        Self { folder: tempfile::tempdir().unwrap(), address, _reserved: reserved }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Another home with what the disk has now: what a crash at this moment leaves.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::new();
        for name in ["hub.db", "hub.db-wal"] {
            let (from, to) = (self.folder.path().join(name), copy.folder.path().join(name));
            if from.exists() {
                std::fs::copy(from, to).unwrap();
            }
        }
        copy
    }

    pub(crate) fn store_file(&self) -> std::path::PathBuf {
        self.folder.path().join("hub.db")
    }

    /// The store; waits until the hub before has let go of it.
    pub(crate) async fn store(&self) -> SqliteStore {
        for _ in 0..500 {
            match SqliteStore::open(&self.store_file(), secevent_hub::fresh_origin) {
                Err(error) if error.to_string().contains("another hub") => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                opened => return opened.unwrap(),
            }
        }
        panic!("the store was never let go of");
    }

    /// The only stream, as the disk has it.
    pub(crate) fn kept_stream(&self) -> Value {
        let connection = rusqlite::Connection::open(self.store_file()).unwrap();
        let record = connection.query_one("SELECT record FROM stream", [], |row| row.get::<_, String>(0));
        serde_json::from_str(&record.unwrap()).unwrap()
    }

    pub(crate) fn settings(&self) -> Settings {
        let receiver =
            |id: &str, token: &str, aud: &str| ReceiverSettings::new(id, token, vec![aud.to_owned()]);
        let mut settings = Settings::new(self.url(), clock());
        settings.client = Client::new(Egress::loopback());
        settings.admin_token = Some(ADMIN.into());
        settings.receivers = vec![
            receiver("acme", ACME, ACME_AUD),
            receiver("twin", TWIN, ACME_AUD),
            receiver("other", OTHER, "https://other.example.com"),
        ];
        settings.receivers[0].alg = Alg::Es256;
        settings.limits.poll_wait = Duration::from_secs(5);
        settings
    }

    pub(crate) async fn start(&self) -> Running {
        let store = Arc::new(self.store().await);
        self.start_with(self.settings(), store, |_| Router::new()).await
    }

    pub(crate) async fn start_with(
        &self,
        settings: Settings,
        store: Arc<dyn Store>,
        more: impl FnOnce(&Hub) -> Router,
    ) -> Running {
        let hub = Hub::start(settings, store).await.unwrap();
        self.serve(hub, more)
    }

    pub(crate) fn serve(&self, hub: Hub, more: impl FnOnce(&Hub) -> Router) -> Running {
        let app = Router::new().merge(hub.transmitter_router()).merge(hub.admin_router()).merge(more(&hub));
        let listener = socket(self.address).unwrap().listen(WAITING_MAX).unwrap();
        let (shut, closed) = oneshot::channel::<()>();
        let server = axum::serve(listener, app).with_graceful_shutdown(async { drop(closed.await) });
        let server = tokio::spawn(async move { server.await.unwrap() });
        Running { hub, url: self.url(), server, shut }
    }
}

/// A hub at work.
pub(crate) struct Running {
    pub(crate) hub: Hub,
    pub(crate) url: String,
    server: JoinHandle<()>,
    shut: oneshot::Sender<()>,
}

impl Running {
    pub(crate) async fn stop(self) {
        self.hub.stop().await;
        drop(self.shut);
        tokio::time::timeout(Duration::from_secs(5), self.server).await.unwrap().unwrap();
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        call(method, &format!("{}{path}", self.url), &headers, body).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.send("GET", path, token, "").await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        self.send("POST", path, token, body.to_string()).await
    }

    /// Hands one event in and answers with its id.
    pub(crate) async fn emit(&self, user: &str) -> String {
        let answer = self.post("/v1/events", ADMIN, &event(user)).await.expect(202);
        answer.json()["events"][0]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn create_poll(&self, token: &str) -> String {
        let answer = self.post("/ssf/streams", token, &json!({})).await.expect(201);
        answer.json()["stream_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn create_push(&self, token: &str, url: &str, authorization: &str) -> String {
        let delivery = json!({"method": "urn:ietf:rfc:8935", "endpoint_url": url,
            "authorization_header": authorization});
        let answer = self.post("/ssf/streams", token, &json!({"delivery": delivery})).await.expect(201);
        answer.json()["stream_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn poll(&self, stream: &str, token: &str, request: &Value) -> Answer {
        self.post(&format!("/ssf/poll/{stream}"), token, request).await
    }

    /// What a poll that does not wait finds: `(jti, subject, moreAvailable)`; every SET is verified.
    pub(crate) async fn polled(&self, stream: &str, request: Value) -> (Vec<(String, String)>, bool) {
        let mut request = request;
        request["returnImmediately"] = true.into();
        let answer = self.poll(stream, ACME, &request).await.expect(200).json();
        let mut sets = Vec::new();
        for (jti, set) in answer["sets"].as_object().unwrap() {
            let set = self.verify(set.as_str().unwrap(), ACME_AUD).await;
            assert_eq!(set.jti(), jti);
            sets.push((jti.clone(), user_of(&set)));
        }
        (sets, answer["moreAvailable"] == true)
    }

    /// Verifies a SET with the keys that the hub publishes.
    pub(crate) async fn verify(&self, set: &str, aud: &str) -> VerifiedSet {
        let keys = call("GET", &format!("{}/jwks.json", self.url), &[], "").await.expect(200);
        let keys = JwkSet::parse(&keys.body).unwrap();
        let policy = Policy::ssf(self.hub.issuer(), aud);
        Set::parse(set).unwrap().verify(&keys, &policy, self.hub.now().timestamp()).unwrap()
    }
}

/// An event as producers write it.
pub(crate) fn event(user: &str) -> Value {
    json!({"event": "caep:session-revoked", "subject": {"format": "email", "email": user},
        "claims": {"reason_admin": {"en": "test"}}, "txn": format!("txn-{user}")})
}

pub(crate) fn user_of(set: &VerifiedSet) -> String {
    let subject = serde_json::to_value(set.subject().unwrap()).unwrap();
    subject["email"].as_str().or_else(|| subject["id"].as_str()).unwrap().to_owned()
}

pub(crate) fn users(sets: &[(String, String)]) -> Vec<&str> {
    sets.iter().map(|(_, user)| user.as_str()).collect()
}

pub(crate) fn jtis(sets: &[(String, String)]) -> Vec<&str> {
    sets.iter().map(|(jti, _)| jti.as_str()).collect()
}
