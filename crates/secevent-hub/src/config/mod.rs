//! The configuration: one TOML file, every value also as `SECEVENT_SECTION_KEY`, secrets by `env:` and `file:`.

mod development;
mod error;
mod mistakes;
mod oauth;
mod place;
mod resolve;
mod size;
mod telemetry;
#[cfg(test)]
mod tests;
mod value;

use secevent::Alg;
use secevent_ssf::metadata::DefaultSubjects;
use serde::Deserialize;

use crate::receiver::Tolerance;

pub use development::make_private_folder;
pub use error::ConfigError;
pub use resolve::is_loopback_http;
pub use size::Bytes;
pub use telemetry::{LogForm, LogSection, OtlpSection, OtlpSettings};
pub use value::{AlgName, AllowPrivate, Length, MatchingName, SecretRef};

/// Reads an environment variable. The program passes the process's, tests their own.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A hub's configuration. Unknown keys are errors.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Config {
    /// The issuer of SETs; on loopback the address listened on when absent.
    pub issuer: Option<String>,
    /// The address to listen on; `127.0.0.1:8417` when absent.
    pub listen: Option<String>,
    /// Where data is kept.
    pub store: StoreSection,
    /// The certificate of the listener; plain HTTP when absent.
    pub tls: Option<TlsSection>,
    /// How SETs are signed.
    pub signing: SigningSection,
    /// Who may administer.
    pub admin: AdminSection,
    /// Where the hub may connect to.
    pub egress: EgressSection,
    /// Limits and defaults of streams.
    pub stream: StreamSection,
    /// Poll delivery.
    pub poll: PollSection,
    /// Push delivery.
    pub push: PushSection,
    /// How long events are kept, and how many.
    pub retention: RetentionSection,
    /// Sizes of what is taken in.
    pub limits: LimitsSection,
    /// An authorization server elsewhere, whose access tokens are taken too.
    pub oauth: OAuthSection,
    /// How the log is written.
    pub log: LogSection,
    /// Where spans are sent to.
    pub otlp: OtlpSection,
    /// Who may create streams here.
    #[serde(rename = "receiver")]
    pub receivers: Vec<ReceiverSection>,
    /// Whom this hub receives from.
    #[serde(rename = "transmitter")]
    pub transmitters: Vec<TransmitterSection>,
    // Doors whose rooms are not built yet: present means refused with a clear word.
    route: Option<toml::Value>,
    /// Without a file everything on this machine may be reached.
    #[serde(skip)]
    development: bool,
    /// For the places of mistakes.
    #[serde(skip)]
    source: place::Source,
}

/// `[store]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct StoreSection {
    /// `sqlite:PATH`.
    pub url: String,
}

impl Default for StoreSection {
    fn default() -> Self {
        Self { url: "sqlite:secevent-data/hub.db".into() }
    }
}

/// `[tls]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct TlsSection {
    /// A PEM file with the certificate of the listener, and after it those of its authorities.
    pub cert: Option<String>,
    /// A PEM file with its private key.
    pub key: Option<String>,
}

/// `[signing]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SigningSection {
    /// The algorithm of streams whose receiver has none of its own; RS256 when absent (CIOP-026).
    pub alg: AlgName,
    /// How long a key signs until the next one takes over; keys stay when absent.
    pub rotate_every: Option<Length>,
}

/// `[admin]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct AdminSection {
    /// The bearer token of the admin API.
    pub token: Option<SecretRef>,
}

/// `[egress]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct EgressSection {
    /// `true`, or the address ranges that may be reached although they are private.
    pub allow_private: AllowPrivate,
    /// Whether plain HTTP may be spoken.
    pub allow_http: bool,
    /// A PEM file with further certificate authorities.
    pub extra_ca: Option<String>,
}

/// `[stream]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct StreamSection {
    /// How many streams one receiver may have.
    pub streams_per_receiver: usize,
    /// The least time between two verification requests of a stream.
    pub min_verification_interval: Length,
    /// Whether new streams are for all subjects, `"ALL"`, or for none until some are added, `"NONE"`.
    pub default_subjects: DefaultSubjects,
    /// How complex subjects are compared: `"shared-member"` or `"literal"`.
    pub matching: MatchingName,
    /// How many subjects a stream may have added or removed.
    pub subjects_per_stream: usize,
    /// A stream whose receiver asks for nothing this long is paused; `0s` means never.
    pub inactivity_timeout: Length,
    /// How long events about a subject still come after it was removed.
    pub removal_grace: Length,
}

impl Default for StreamSection {
    fn default() -> Self {
        Self {
            streams_per_receiver: 16,
            min_verification_interval: Length::secs(0),
            default_subjects: DefaultSubjects::All,
            matching: MatchingName::SharedMember,
            subjects_per_stream: 100_000,
            inactivity_timeout: Length::secs(0),
            removal_grace: Length::secs(0),
        }
    }
}

/// `[poll]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PollSection {
    /// How long a long poll is held open.
    pub wait: Length,
    /// How long an event handed to one poll is kept from concurrent ones.
    pub lease: Length,
    /// The most SETs of one answer.
    pub max_events: usize,
}

impl Default for PollSection {
    fn default() -> Self {
        Self { wait: Length::secs(30), lease: Length::secs(10), max_events: 256 }
    }
}

/// `[push]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PushSection {
    /// How many SETs of one stream are on their way at once.
    pub window: usize,
    /// The deadline over connection, TLS, request and answer.
    pub timeout: Length,
}

impl Default for PushSection {
    fn default() -> Self {
        Self { window: 8, timeout: Length::secs(10) }
    }
}

/// `[retention]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RetentionSection {
    /// How long a settled event is kept.
    pub age: Length,
    /// How many bytes the store may have in use; no bound when absent.
    pub bytes: Option<Bytes>,
    /// How many events may wait for one stream.
    pub pending: usize,
}

impl Default for RetentionSection {
    fn default() -> Self {
        Self { age: Length::secs(7 * 24 * 3600), bytes: None, pending: 1_000_000 }
    }
}

/// `[limits]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct LimitsSection {
    /// The longest request body, in bytes.
    pub body: usize,
    /// The longest SET, in bytes.
    pub set: usize,
    /// How long the headers of a request may take to arrive, and how long its body. An idle connection is closed
    /// after this time too, so that a proxy in front should keep its own for less.
    pub request: Length,
    /// Connections at once.
    pub connections: usize,
}

impl Default for LimitsSection {
    fn default() -> Self {
        let (body, set) = (1024 * 1024, secevent_jose::jws::TOKEN_BYTES_MAX);
        Self { body, set, request: Length::secs(30), connections: 10_000 }
    }
}

/// `[oauth]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct OAuthSection {
    /// The `iss` of its tokens.
    pub issuer: Option<String>,
    /// The `aud` of tokens that are for this hub; the hub's issuer when absent.
    pub audience: Option<String>,
    /// Where its keys are; found through its metadata (RFC 8414) when absent.
    pub jwks_uri: Option<String>,
}

/// `[[receiver]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ReceiverSection {
    /// Its name here.
    pub id: String,
    /// A static bearer token.
    pub token: Option<SecretRef>,
    /// The secret of OAuth client credentials; the `client_id` is the `id`.
    pub secret: Option<SecretRef>,
    /// The file of the public keys that it signs client assertions with, or these keys as a table.
    pub jwks: Option<toml::Value>,
    /// The URL of those keys.
    pub jwks_uri: Option<String>,
    /// Its `client_id` at the authorization server of `[oauth]`, where that is not its `id`.
    pub client_id: Option<String>,
    /// The `aud` of its streams.
    pub audience: Vec<String>,
    /// What it may subscribe to: short names, URIs, or `family:*`. Everything when absent.
    #[serde(default = "everything")]
    pub events: Vec<String>,
    /// The algorithm its SETs are signed with.
    pub alg: Option<AlgName>,
}

fn everything() -> Vec<String> {
    vec!["*".into()]
}

/// `[[transmitter]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TransmitterSection {
    /// Its name here.
    pub id: String,
    /// Its issuer URL.
    pub issuer: String,
    /// The `aud` values that name this hub.
    pub audience: Vec<String>,
    /// `push` or `poll`.
    #[serde(default)]
    pub delivery: DeliveryName,
    /// The bearer token it gave us.
    pub token: Option<SecretRef>,
    /// Our name at its authorization server, instead of a token.
    pub client_id: Option<String>,
    /// Our secret there.
    pub client_secret: Option<SecretRef>,
    /// Our private key there, as JWK or PEM, instead of a secret.
    pub client_key: Option<SecretRef>,
    /// Its token endpoint; found through the metadata of the transmitter (RFC 9728, RFC 8414) when absent.
    pub token_url: Option<String>,
    /// The scope to ask for there.
    pub scope: Option<String>,
    /// What to ask for; everything when absent.
    pub events: Option<Vec<String>>,
    /// What it is forgiven: `"strict"`, `"lenient"`, or a list of rules.
    #[serde(default)]
    pub tolerance: Tolerance,
    /// How long its stream may be silent before it is verified; an hour when absent.
    pub silence: Option<Length>,
}

/// How SETs come to us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DeliveryName {
    /// RFC 8935.
    Push,
    /// RFC 8936.
    #[default]
    Poll,
}

impl Config {
    /// Reads a configuration and what the environment overrides in it.
    ///
    /// # Errors
    /// With the line, or the variable, and the nearest known key.
    pub fn parse(text: &str, env: impl Iterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        // Once as it stands, so that errors have a place in the file; then with one variable after the other laid
        // over it, so that errors have a name.
        let mut config: Self = toml::from_str(text).map_err(|error| ConfigError::toml(text, &error))?;
        config.refuse_not_yet(text)?;
        let mut table: toml::Table = toml::from_str(text).map_err(|error| ConfigError::toml(text, &error))?;
        let mut variables = Vec::new();
        for (name, value) in env {
            if value::lay_over(&mut table, &name, &value) {
                let read = table.clone().try_into();
                config = read.map_err(|error| ConfigError::environment(&name, &error))?;
                config.refuse_not_yet("").map_err(|error| error.within(&name))?;
                variables.push(name);
            }
        }
        config.source = place::Source { text: text.to_owned(), variables };
        Ok(config)
    }

    fn refuse_not_yet(&self, text: &str) -> Result<(), ConfigError> {
        let Self { route, .. } = self;
        let doors = [("[[route]]", route, "SETs that are received are kept and listed at /v1/received")];
        let refused = |door: &str, instead| {
            Err(ConfigError::not_yet(door, instead).on_line(place::line_of(text, door)))
        };
        if let Some((door, _, instead)) = doors.into_iter().find(|(_, value, _)| value.is_some()) {
            return refused(door, instead);
        }
        let url = &self.store.url;
        if ["postgres:", "postgresql:"].iter().any(|scheme| url.starts_with(scheme)) {
            return refused("[store] url with PostgreSQL", "use `sqlite:PATH`");
        }
        match url.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => Ok(()),
            _ => {
                let line = place::line_of(text, "[store] url");
                Err(ConfigError::new("[store] url: give `sqlite:PATH`").on_line(line))
            }
        }
    }

    /// The algorithm that SETs for this receiver are signed with.
    pub fn alg_of(&self, receiver: &ReceiverSection) -> Alg {
        receiver.alg.unwrap_or(self.signing.alg).0
    }
}
