//! A transmitter of Shared Signals that misbehaves on command, over real sockets.
//!
//! It is written from the specifications and shares no code with the hub but the signing of bytes, so that the two do
//! not agree by accident. It has one stream at most.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use testkit::fake_transmitter::{FakeTransmitter, Verification};
//!
//! let idp = FakeTransmitter::start().await;
//! idp.script(|script| script.verification = Verification::Wrong);
//! let token = idp.set("jti-1").sign();
//! assert_eq!(token.split('.').count(), 3);
//! assert_eq!(idp.count("jwks"), 0);
//! # });
//! ```

mod answers;
mod token;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    body::Bytes,
    http::{HeaderMap, Request, StatusCode},
};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use secevent_jose::{Alg, SigningKey};
use serde_json::{Map, Value};

pub use token::FakeSet;

/// What comes of a request for verification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verification {
    /// An event with the state that was given.
    #[default]
    Echo,
    /// 204, and no event.
    Silent,
    /// An event with another state.
    Wrong,
    /// An event without a state.
    Stateless,
}

/// One request that came.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Call {
    /// `metadata`, `jwks`, `streams`, `status`, `verification` or `poll`.
    pub endpoint: &'static str,
    /// The method.
    pub method: String,
    /// The body, `null` when there was none or it was no JSON.
    pub body: Value,
}

/// What a receiver answered to a push.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PushAnswer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, `null` when it is no JSON.
    pub body: Value,
}

/// How it behaves, and what it saw.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Script {
    /// The stream.
    pub stream: Option<Value>,
    /// The bearer token it demands, if any.
    pub token: Option<String>,
    /// Endpoints, or `METHOD endpoint`, that answer with this status and nothing else.
    pub failing: BTreeMap<String, u16>,
    /// How long every answer takes.
    pub delay: Duration,
    /// What comes of a request for verification.
    pub verification: Verification,
    /// Laid over the metadata.
    pub metadata: Map<String, Value>,
    /// Laid over the configuration of a stream that is created.
    pub config: Map<String, Value>,
    /// Whether a second stream is refused with 409.
    pub one_stream: bool,
    /// Whether delivery methods are named as drafts did.
    pub legacy_delivery: bool,
    /// The keys it publishes; it signs with the last.
    pub keys: Vec<SigningKey>,
    /// What waits to be polled, by `jti`.
    pub queue: VecDeque<(String, String)>,
    /// What came.
    pub calls: Vec<Call>,
    /// What was acknowledged.
    pub acked: Vec<String>,
    /// What was refused, with the error.
    pub refused: BTreeMap<String, Value>,
    /// What receivers answered to pushed verification events.
    pub pushed: Vec<PushAnswer>,
}

/// A running one; it ends with its runtime.
#[derive(Clone, Debug)]
pub struct FakeTransmitter {
    /// Its issuer.
    pub url: String,
    script: Arc<Mutex<Script>>,
}

impl FakeTransmitter {
    /// Starts one on a port of this machine, with an ES256 key.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let fake = Self { url, script: Arc::default() };
        fake.rotate();
        let router = answers::router(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    /// Looks at the script, or changes it.
    pub fn script<T>(&self, look: impl FnOnce(&mut Script) -> T) -> T {
        look(&mut self.locked())
    }

    /// How many requests came to an endpoint, or to `METHOD endpoint`.
    pub fn count(&self, endpoint: &str) -> usize {
        self.calls(endpoint).len()
    }

    /// The requests that came to an endpoint, or to `METHOD endpoint`.
    pub fn calls(&self, endpoint: &str) -> Vec<Call> {
        let named = |call: &&Call| {
            call.endpoint == endpoint || format!("{} {}", call.method, call.endpoint) == endpoint
        };
        self.locked().calls.iter().filter(named).cloned().collect()
    }

    /// Signs with a new key from now on; the ones before are withdrawn.
    ///
    /// # Panics
    /// When no key can be made.
    pub fn rotate(&self) {
        let key = SigningKey::generate(Alg::Es256).expect("a key can be made");
        self.locked().keys = vec![key];
    }

    /// A SET to be made: `session-revoked` about alice, for the audience of the stream.
    ///
    /// # Panics
    /// When the script has no key.
    pub fn set(&self, jti: &str) -> FakeSet {
        let script = self.locked();
        let aud = script.stream.as_ref().map_or_else(|| answers::AUD.into(), |stream| stream["aud"].clone());
        FakeSet::new(&self.url, &aud, jti, script.keys.last().expect("there is a key").clone())
    }

    /// Lets a token be polled under this name.
    pub fn queue(&self, jti: &str, token: impl Into<String>) {
        self.locked().queue.push_back((jti.to_owned(), token.into()));
    }

    /// Pushes to the stream, with its credential.
    ///
    /// # Panics
    /// When there is no push stream, or no answer.
    pub async fn push(&self, token: impl Into<String>) -> PushAnswer {
        self.push_as("application/secevent+jwt", token).await
    }

    /// The same as another media type.
    ///
    /// # Panics
    /// When there is no push stream, or no answer.
    pub async fn push_as(&self, content_type: &str, token: impl Into<String>) -> PushAnswer {
        let delivery = self.script(|script| script.stream.as_ref().map(|stream| stream["delivery"].clone()));
        let delivery = delivery.expect("there is a stream");
        let text = |name: &str| delivery[name].as_str().unwrap_or_default().to_owned();
        let request = Request::post(text("endpoint_url"))
            .header("content-type", content_type)
            .header("accept", "application/json")
            .header("authorization", text("authorization_header"))
            .body(Full::new(Bytes::from(token.into())))
            .expect("it is a request");
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
        let response = client.request(request).await.expect("the receiver answers");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("the answer is whole").to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        PushAnswer { status: head.status.as_u16(), headers: head.headers, body }
    }

    fn locked(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends an event by the way of the stream. A push is repeated for a while, as by any transmitter.
    fn deliver(&self, jti: &str, token: String) {
        let pushed = self.script(|script| {
            script.stream.as_ref().is_some_and(|stream| answers::is_push(&stream["delivery"]))
        });
        if !pushed {
            return self.queue(jti, token);
        }
        let fake = self.clone();
        tokio::spawn(async move {
            for _ in 0..20 {
                let answer = fake.push(token.clone()).await;
                let status = StatusCode::from_u16(answer.status).unwrap_or_default();
                fake.script(|script| script.pushed.push(answer));
                if status.is_success() || status == StatusCode::BAD_REQUEST {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
    }
}
