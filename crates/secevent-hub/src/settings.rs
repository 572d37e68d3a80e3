//! What a hub is told when it starts: every value resolved, no file and no environment left to read.

use std::{sync::Arc, time::Duration};

use secevent::{Alg, EventType, JwkSet, Matching};
use secevent_http::client::{Client, Egress};
use secevent_ssf::{engine::Millis, metadata::DefaultSubjects};

use crate::config::Bytes;

/// The present, read at the edge and passed in.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// What a hub is told when it starts.
#[derive(Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The issuer of SETs and the base of every endpoint, without a slash at its end.
    pub issuer: String,
    /// The present.
    pub clock: Clock,
    /// How the hub connects to others, and where it may.
    pub client: Client,
    /// Who may create streams.
    pub receivers: Vec<ReceiverSettings>,
    /// The authorization server elsewhere whose access tokens are taken as well.
    pub oauth: Option<AuthorizationServerSettings>,
    /// The bearer token of the admin API; `None` closes it.
    pub admin_token: Option<String>,
    /// Whether health checks need no token.
    pub open_health: bool,
    /// Whether new streams are for all subjects.
    pub default_subjects: DefaultSubjects,
    /// How complex subjects are compared.
    pub matching: Matching,
    /// How long a key signs until the next one takes over; `None` leaves that to the operator.
    pub rotate_keys_every: Option<Duration>,
    /// Bounds and times.
    pub limits: Limits,
}

impl Settings {
    /// A hub of this issuer with defaults, no receivers and a strict egress guard.
    pub fn new(issuer: impl Into<String>, clock: Clock) -> Self {
        Self {
            issuer: issuer.into(),
            clock,
            client: Client::new(Egress::strict()),
            receivers: Vec::new(),
            oauth: None,
            admin_token: None,
            open_health: true,
            default_subjects: DefaultSubjects::All,
            matching: Matching::SharedMember,
            rotate_keys_every: None,
            limits: Limits::default(),
        }
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Somebody who may create streams.
#[derive(Clone)]
#[non_exhaustive]
pub struct ReceiverSettings {
    /// Its name here.
    pub id: String,
    /// Its static bearer token, good for everything.
    pub token: Option<String>,
    /// Its secret at the token endpoint here; its `id` is the `client_id`.
    pub secret: Option<String>,
    /// The keys that it signs client assertions with, for the token endpoint here.
    pub keys: Option<ClientKeys>,
    /// Its `client_id` at the outside authorization server, where that is not its `id`.
    pub client_id: Option<String>,
    /// The `aud` of its streams.
    pub audience: Vec<String>,
    /// What it may subscribe to: short names, URIs, `family:*` or `*`.
    pub events: Vec<String>,
    /// The algorithm its SETs are signed with.
    pub alg: Alg,
}

impl ReceiverSettings {
    /// A receiver with a static token that may subscribe to everything and gets RS256.
    pub fn new(id: impl Into<String>, token: impl Into<String>, audience: Vec<String>) -> Self {
        Self { token: Some(token.into()), ..Self::without_token(id, audience) }
    }

    /// The same, which gets its tokens from an authorization server.
    pub fn without_token(id: impl Into<String>, audience: Vec<String>) -> Self {
        let (token, secret, keys, client_id) = (None, None, None, None);
        let (id, events, alg) = (id.into(), vec!["*".into()], Alg::Rs256);
        Self { id, token, secret, keys, client_id, audience, events, alg }
    }

    /// Its name at the outside authorization server.
    pub fn client_id(&self) -> &str {
        self.client_id.as_deref().unwrap_or(&self.id)
    }

    /// Whether it may subscribe to this type.
    pub fn may_have(&self, event_type: &EventType) -> bool {
        let name = event_type.name();
        self.events.iter().any(|pattern| {
            pattern == event_type.uri()
                || *pattern == name
                || pattern.strip_suffix('*').is_some_and(|family| name.starts_with(family))
        })
    }
}

impl std::fmt::Debug for ReceiverSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReceiverSettings").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The public keys of a client (RFC 7523 §2.2).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientKeys {
    /// These.
    Set(JwkSet),
    /// Those at this URL.
    Uri(String),
}

/// An authorization server elsewhere, whose access tokens are JWTs (RFC 9068).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuthorizationServerSettings {
    /// The `iss` of its tokens.
    pub issuer: String,
    /// The `aud` of tokens that are for this hub.
    pub audience: String,
    /// Where its keys are; in its metadata (RFC 8414) when absent.
    pub jwks_uri: Option<String>,
}

impl AuthorizationServerSettings {
    /// A server whose keys are found through its metadata.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), audience: audience.into(), jwks_uri: None }
    }
}

/// Bounds and times. Every queue, body and wait has one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// The longest request body.
    pub body_bytes: usize,
    /// The longest SET.
    pub set_bytes: usize,
    /// SETs of one push stream that are on their way at once.
    pub push_window: usize,
    /// The deadline of one push.
    pub push_timeout: Duration,
    /// How long a long poll is held open.
    pub poll_wait: Duration,
    /// How long an event handed to one poll is kept from concurrent ones.
    pub poll_lease_ms: u64,
    /// The most SETs of one poll answer.
    pub poll_events: usize,
    /// Streams of one receiver.
    pub streams_per_receiver: usize,
    /// The least time between two verification requests of a stream.
    pub min_verification_interval: Duration,
    /// How many subjects a stream may have added or removed.
    pub subjects_per_stream: usize,
    /// A stream whose receiver asks for nothing this long is paused; zero means never.
    pub inactivity_timeout: Duration,
    /// How long events about a subject still come after it was removed.
    pub removal_grace: Duration,
    /// How long a settled event is kept.
    pub retention: Duration,
    /// How many bytes the store may have in use; no bound when `None`.
    pub retention_bytes: Option<u64>,
    /// How many events may wait for one stream.
    pub pending: usize,
    /// How long a request may take to arrive: its headers, a pause before them included, and then its body.
    pub request_wait: Duration,
    /// Connections at once, as far as the process may have as many open files.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self::from(&crate::config::Config::default())
    }
}

impl From<&crate::config::Config> for Limits {
    fn from(config: &crate::config::Config) -> Self {
        Self {
            body_bytes: config.limits.body,
            set_bytes: config.limits.set,
            push_window: config.push.window.max(1),
            push_timeout: config.push.timeout.duration(),
            poll_wait: config.poll.wait.duration(),
            poll_lease_ms: u64::try_from(config.poll.lease.duration().as_millis()).unwrap_or(u64::MAX),
            poll_events: config.poll.max_events.max(1),
            streams_per_receiver: config.stream.streams_per_receiver,
            min_verification_interval: config.stream.min_verification_interval.duration(),
            subjects_per_stream: config.stream.subjects_per_stream,
            inactivity_timeout: config.stream.inactivity_timeout.duration(),
            removal_grace: config.stream.removal_grace.duration(),
            retention: config.retention.age.duration(),
            retention_bytes: config.retention.bytes.map(Bytes::count),
            pending: config.retention.pending,
            request_wait: config.limits.request.duration(),
            connections: config.limits.connections,
        }
    }
}
