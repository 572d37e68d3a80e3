//! A receiver of Shared Signals that looks closely and misbehaves on command, over real TLS.
//!
//! It is written from the specifications and shares no code with the hub: requests are plain HTTP, and SETs are
//! verified by the crate `jsonwebtoken`. It finds everything but the issuer in the transmitter's metadata.
//!
//! ```no_run
//! use serde_json::json;
//! use testkit::{Authority, fake_receiver::{Credential, FakeReceiver, Misbehaviour}};
//!
//! # async fn run(authority: &Authority) {
//! let credential = Credential::Token("acme-token".into());
//! let acme = FakeReceiver::start(authority, "https://localhost:8417", "https://acme.example", credential).await;
//! let delivery = json!({"method": "urn:ietf:rfc:8935", "endpoint_url": acme.push_url("events")});
//! let stream = acme.call("POST", "configuration", json!({"delivery": delivery})).await.expect(201).json();
//! acme.misbehave([Misbehaviour::Status(503)]);
//! acme.call("POST", "verification", json!({"stream_id": stream["stream_id"]})).await.expect(204);
//! assert_eq!(acme.next(&stream).await.claims["sub_id"]["format"], "opaque");
//! # }
//! ```

mod answer;
mod endpoint;
mod set;
mod tls;

use std::{sync::Arc, time::Duration};

use axum::{body::Bytes, http::Request};
use http_body_util::Full;
use rustls::ClientConfig;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::Authority;

pub use answer::Answer;
pub use endpoint::{Misbehaviour, Pushed};
pub use set::SeenSet;

/// How it shows a transmitter who it is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credential {
    /// A bearer token that was agreed on.
    Token(String),
    /// Client credentials (RFC 6749 §4.4), sent as HTTP Basic to the server that the metadata lead to.
    Client {
        /// `client_id`.
        id: String,
        /// `client_secret`; no character of it may need encoding.
        secret: String,
    },
}

/// A running one; its push endpoint ends with its runtime.
#[derive(Clone, Debug)]
pub struct FakeReceiver {
    /// The transmitter's issuer.
    pub issuer: String,
    /// Whom SETs must be for.
    pub audience: String,
    /// What the transmitter said of itself.
    pub metadata: Value,
    credential: Credential,
    token: Arc<OnceCell<String>>,
    trust: Arc<ClientConfig>,
    endpoint: endpoint::Endpoint,
}

/// What nothing here may take longer than.
const PATIENCE: Duration = Duration::from_secs(20);
const FORM: &str = "application/x-www-form-urlencoded";

impl FakeReceiver {
    /// One that has read the metadata of a transmitter whose certificate is of this authority.
    ///
    /// # Panics
    /// When there are none.
    pub async fn start(authority: &Authority, issuer: &str, audience: &str, credential: Credential) -> Self {
        let endpoint = endpoint::Endpoint::start(authority).await;
        let (issuer, audience) = (issuer.to_owned(), audience.to_owned());
        let (metadata, trust) = (Value::Null, tls::trusting(authority));
        let mut started =
            Self { issuer, audience, metadata, credential, token: Arc::default(), trust, endpoint };
        started.metadata = started.well_known("ssf-configuration").await.expect(200).json();
        started
    }

    /// A document that the transmitter publishes below its host.
    pub async fn well_known(&self, name: &str) -> Answer {
        self.send("GET", &format!("{}/.well-known/{name}", self.issuer), &[], Bytes::new()).await
    }

    /// A request with nothing but what is given.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let request = Request::builder().method(method).uri(url);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request = request.body(Full::new(body.into())).expect("it is a request");
        let answer = tokio::time::timeout(PATIENCE, tls::exchange(&self.trust, request)).await;
        answer.expect("there is an answer in time")
    }

    /// A request to an endpoint of the metadata, such as `status`, or to a URL. What a `GET` or a `DELETE` says goes
    /// into the query, everything else into the body.
    pub async fn call(&self, method: &str, endpoint: &str, said: Value) -> Answer {
        let token = self.bearer().await;
        self.call_with(&token, method, endpoint, said).await
    }

    /// The same with this bearer token.
    pub async fn call_with(&self, token: &str, method: &str, endpoint: &str, said: Value) -> Answer {
        let (url, bearer) = (self.url(endpoint), format!("Bearer {token}"));
        let authorization = ("authorization", bearer.as_str());
        if matches!(method, "GET" | "DELETE") {
            return self
                .send(method, &format!("{url}{}", query(&said)), &[authorization], Bytes::new())
                .await;
        }
        let json = ("content-type", "application/json");
        self.send(method, &url, &[authorization, json], said.to_string()).await
    }

    /// Where an endpoint is.
    ///
    /// # Panics
    /// When the metadata do not say so.
    pub fn url(&self, endpoint: &str) -> String {
        if endpoint.starts_with("https://") {
            return endpoint.to_owned();
        }
        let url = &self.metadata[format!("{endpoint}_endpoint")];
        url.as_str().unwrap_or_else(|| panic!("{endpoint} in {}", self.metadata)).to_owned()
    }

    /// The token that is good for everything.
    pub async fn bearer(&self) -> String {
        self.token.get_or_init(|| self.ask_for_token("ssf.read ssf.manage")).await.clone()
    }

    /// A token of this scope; one that was agreed on has every scope.
    ///
    /// # Panics
    /// When the server gives none, or none as CAEP Interop §2.7 has it.
    pub async fn ask_for_token(&self, scope: &str) -> String {
        let (id, secret) = match &self.credential {
            Credential::Token(token) => return token.clone(),
            Credential::Client { id, secret } => (id, secret),
        };
        let resource = self.well_known("oauth-protected-resource").await.expect(200).json();
        assert_eq!(resource["authorization_servers"], json!([self.issuer]), "it gives its tokens itself");
        let server = self.well_known("oauth-authorization-server").await.expect(200).json();
        let basic = format!("Basic {}", base64_simd::STANDARD.encode_to_string(format!("{id}:{secret}")));
        let headers = [("authorization", basic.as_str()), ("content-type", FORM)];
        let form = format!("grant_type=client_credentials&scope={}", scope.replace(' ', "+"));
        let url = server["token_endpoint"].as_str().expect("it is published");
        let given = self.send("POST", url, &headers, form).await.expect(200).json();
        let (lifetime, kind) = (given["expires_in"].as_u64(), given["token_type"].as_str());
        assert!(lifetime.is_some_and(|seconds| (1..=3600).contains(&seconds)), "{lifetime:?}");
        assert!(kind.is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")), "{kind:?}");
        given["access_token"].as_str().expect("it is text").to_owned()
    }

    /// Where this receiver is pushed to under a name of its choice.
    pub fn push_url(&self, name: &str) -> String {
        format!("{}/{name}", self.endpoint.url)
    }

    /// How the next pushes are answered; those after them with 202.
    pub fn misbehave(&self, next: impl IntoIterator<Item = Misbehaviour>) {
        self.endpoint.misbehave(next);
    }

    /// What was pushed to a name so far.
    pub fn pushed(&self, name: &str) -> Vec<Pushed> {
        self.endpoint.pushed(name)
    }

    /// The next SET of a stream, verified and acknowledged, by the way its configuration names.
    ///
    /// # Panics
    /// When none comes, or not as it should.
    pub async fn next(&self, stream: &Value) -> SeenSet {
        let url = stream["delivery"]["endpoint_url"].as_str().expect("every delivery has a URL");
        match stream["delivery"]["method"].as_str() {
            Some("urn:ietf:rfc:8935") => {
                let name = url.rsplit('/').next().unwrap_or_default();
                let pushed = tokio::time::timeout(PATIENCE, self.endpoint.next(name)).await;
                self.verify(&pushed.expect("a push comes in time").token).await
            }
            Some("urn:ietf:rfc:8936") => self.poll_one(url).await,
            other => panic!("{other:?} is no way of delivery"),
        }
    }

    async fn poll_one(&self, url: &str) -> SeenSet {
        loop {
            let answer = self.call("POST", url, json!({"maxEvents": 1})).await.expect(200).json();
            let sets = answer["sets"].as_object().expect("there are sets");
            assert!(sets.len() <= 1, "{answer}");
            let Some((jti, set)) = sets.iter().next() else { continue };
            let seen = self.verify(set.as_str().expect("a SET is text")).await;
            assert_eq!(seen.claims["jti"], **jti, "named by its jti");
            let ack = json!({"ack": [jti], "maxEvents": 0, "returnImmediately": true});
            self.call("POST", url, ack).await.expect(200);
            return seen;
        }
    }

    /// A SET with the keys that are published now.
    ///
    /// # Panics
    /// When it is not as SSF 1.0 §4 has it.
    pub async fn verify(&self, token: &str) -> SeenSet {
        let url = self.metadata["jwks_uri"].as_str().expect("it is published");
        let keys = self.send("GET", url, &[], Bytes::new()).await.expect(200);
        set::verify(token, &keys.body, &self.issuer, &self.audience)
    }
}

/// `?name=value&...`; no value may need encoding.
fn query(said: &Value) -> String {
    let members = said.as_object().into_iter().flatten();
    let pairs: Vec<_> =
        members.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}
