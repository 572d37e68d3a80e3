//! From a configuration to the settings of a hub: secrets read, names looked up, rules checked.

use std::time::Duration;

use secevent::EventType;
use secevent_http::client::{Cidr, Client, Egress};
use url::{Host, Url};

use super::{
    AllowPrivate, Bytes, Config, ConfigError, DeliveryName, Env, Length, ReceiverSection, TlsSection,
    TransmitterSection, oauth,
};
use crate::{
    Clock, Limits, ReceiverSettings, Settings, Tls, keys::shortest_rotation, receiver::TransmitterSettings,
};

/// The tables, keys and streams of a small hub are below 200 kB; the rest is for events.
const STORE_BYTES_MIN: u64 = 1_000_000;

impl Config {
    /// Everything a hub is told. `listening_on` is the URL of its socket; it is the issuer where none is configured,
    /// which is for loopback only.
    ///
    /// # Errors
    /// With the line or the variable, the section and what to do.
    pub fn settings(
        &self,
        listening_on: &str,
        env: Env<'_>,
        clock: Clock,
    ) -> Result<(Settings, Vec<TransmitterSettings>), ConfigError> {
        self.resolve(listening_on, env, clock).map_err(|error| self.placed(error))
    }

    pub(super) fn resolve(
        &self,
        listening_on: &str,
        env: Env<'_>,
        clock: Clock,
    ) -> Result<(Settings, Vec<TransmitterSettings>), ConfigError> {
        let issuer = self.issuer(listening_on)?;
        let mut settings = Settings::new(issuer.clone(), clock);
        self.check_bounds()?;
        settings.client = self.client(self.development || is_loopback_http(&issuer))?;
        settings.limits = Limits::from(self);
        settings.default_subjects = self.stream.default_subjects;
        settings.matching = self.stream.matching.into();
        settings.rotate_keys_every = self.rotate_keys_every()?;
        settings.open_health = is_loopback(listening_on);
        let admin = self.admin.token.as_ref().map(|token| token.resolve(env)).transpose();
        settings.admin_token = admin.map_err(|error| error.within("[admin] token"))?;
        self.otlp(env)?;
        settings.oauth = self.oauth.settings(&issuer, &settings.client)?;
        for section in &self.receivers {
            let place = format!("[[receiver]] {:?}", section.id);
            let receiver = self.receiver(section, &settings.client, env);
            settings.receivers.push(receiver.map_err(|error| error.within(&place))?);
        }
        unique("[[receiver]] id", self.receivers.iter().map(|section| section.id.as_str()))?;
        unique("[[transmitter]] id", self.transmitters.iter().map(|section| section.id.as_str()))?;
        tell_apart(&settings)?;
        let transmitter = |section: &TransmitterSection| {
            let place = format!("[[transmitter]] {:?}", section.id);
            transmitter(section, &settings, env).map_err(|error| error.within(&place))
        };
        let transmitters = self.transmitters.iter().map(transmitter).collect::<Result<_, _>>()?;
        Ok((settings, transmitters))
    }

    /// Nothing works with none.
    fn check_bounds(&self) -> Result<(), ConfigError> {
        let Self { poll, push, limits, stream, retention, .. } = self;
        let bounds = [
            ("[poll] max_events", poll.max_events),
            ("[push] window", push.window),
            ("[push] timeout", usize::from(!push.timeout.duration().is_zero())),
            ("[limits] body", limits.body),
            ("[limits] set", limits.set),
            ("[limits] request", usize::from(!limits.request.duration().is_zero())),
            ("[limits] connections", limits.connections),
            ("[retention] pending", retention.pending),
            ("[stream] streams_per_receiver", stream.streams_per_receiver),
            ("[stream] subjects_per_stream", stream.subjects_per_stream),
        ];
        if let Some((name, _)) = bounds.into_iter().find(|(_, bound)| *bound == 0) {
            return Err(ConfigError::new(format!("{name}: give more than 0")));
        }
        match retention.bytes.map(Bytes::count) {
            Some(bytes) if bytes < STORE_BYTES_MIN => Err(ConfigError::new(format!(
                "[retention] bytes: give at least \"1 MB\"; the keys and streams of a hub take some of it, not {bytes}"
            ))),
            _ => Ok(()),
        }
    }

    /// Keys stay published for a while after they signed, and a receiver takes only so many.
    fn rotate_keys_every(&self) -> Result<Option<Duration>, ConfigError> {
        let Some(every) = self.signing.rotate_every.map(Length::duration) else { return Ok(None) };
        let least = shortest_rotation(self.retention.age.duration());
        if every >= least {
            return Ok(Some(every));
        }
        let hours = least.as_secs().div_ceil(3600);
        Err(ConfigError::new(format!(
            "[signing] rotate_every: give at least \"{hours}h\"; each key stays published for [retention] age and a \
             day after it signed"
        )))
    }

    // spec: SSF-031
    fn issuer(&self, listening_on: &str) -> Result<String, ConfigError> {
        let Some(issuer) = &self.issuer else {
            return if is_loopback(listening_on) {
                Ok(listening_on.to_owned())
            } else {
                Err(ConfigError::new("issuer: name the https URL that receivers know this hub by"))
            };
        };
        if is_issuer(issuer) {
            Ok(issuer.clone())
        } else {
            Err(ConfigError::new(format!("issuer {issuer:?}: {ISSUER_RULE}")))
        }
    }

    fn client(&self, development: bool) -> Result<Client, ConfigError> {
        let mut egress = if development { Egress::loopback() } else { Egress::strict() };
        if self.egress.allow_http {
            egress = egress.allow_http();
        }
        match &self.egress.allow_private {
            AllowPrivate::All(true) => egress = egress.allow_private(),
            AllowPrivate::All(false) => {}
            AllowPrivate::Ranges(ranges) => {
                let ranges = ranges.iter().map(|range| range.parse::<Cidr>());
                let ranges = ranges.collect::<Result<Vec<_>, _>>();
                let named = |error| ConfigError::new(format!("[egress] allow_private: {error}"));
                egress = egress.allow_targets(ranges.map_err(named)?);
            }
        }
        self.client_behind(egress)
    }

    pub(super) fn client_behind(&self, egress: Egress) -> Result<Client, ConfigError> {
        let Some(path) = &self.egress.extra_ca else { return Ok(Client::new(egress)) };
        let named =
            |error: &dyn std::fmt::Display| ConfigError::new(format!("[egress] extra_ca {path}: {error}"));
        let pem = std::fs::read(path).map_err(|error| named(&error))?;
        Client::with_extra_ca(egress, &pem).map_err(|error| named(&error))
    }

    fn receiver(
        &self,
        section: &ReceiverSection,
        client: &Client,
        env: Env<'_>,
    ) -> Result<ReceiverSettings, ConfigError> {
        check_id(&section.id)?;
        let ReceiverSection { token, secret, jwks, jwks_uri, .. } = section;
        let ways = [
            token.is_some(),
            secret.is_some(),
            jwks.is_some(),
            jwks_uri.is_some(),
            self.oauth.issuer.is_some(),
        ];
        if !ways.contains(&true) {
            let mend =
                "give it a `token`, a `secret`, or its keys as `jwks` or `jwks_uri`; or configure [oauth]";
            return Err(ConfigError::new(mend));
        }
        if section.audience.is_empty() {
            return Err(ConfigError::new("audience: name at least one `aud` for its streams"));
        }
        section.events.iter().try_for_each(|pattern| check_pattern(pattern))?;
        let resolved = |secret: &Option<super::SecretRef>, name: &str| {
            let secret = secret.as_ref().map(|secret| secret.resolve(env)).transpose();
            secret.map_err(|error| error.within(name))
        };
        let mut receiver = ReceiverSettings::without_token(&section.id, section.audience.clone());
        receiver.token = resolved(token, "token")?;
        receiver.secret = resolved(secret, "secret")?;
        receiver.keys = oauth::client_keys(section, client)?;
        receiver.client_id.clone_from(&section.client_id);
        receiver.events.clone_from(&section.events);
        receiver.alg = self.alg_of(section);
        Ok(receiver)
    }

    /// The certificate of the listener, with its key; `None` where plain HTTP is spoken.
    ///
    /// # Errors
    /// With the file and what is wrong with it.
    pub fn tls(&self) -> Result<Option<Tls>, ConfigError> {
        let Some(TlsSection { cert, key }) = &self.tls else { return Ok(None) };
        let given = |name: &str, file: &Option<String>| {
            let missing = || ConfigError::new(format!("[tls] {name}: name a PEM file"));
            file.clone().filter(|file| !file.is_empty()).ok_or_else(missing)
        };
        let tls = Tls::load(given("cert", cert)?, given("key", key)?);
        tls.map(Some).map_err(|error| ConfigError::new(error.to_string()))
    }

    /// The SQLite file of `[store] url`.
    pub fn sqlite_path(&self) -> &str {
        self.store.url.strip_prefix("sqlite:").unwrap_or(&self.store.url)
    }
}

fn transmitter(
    section: &TransmitterSection,
    hub: &Settings,
    env: Env<'_>,
) -> Result<TransmitterSettings, ConfigError> {
    check_id(&section.id)?;
    if !is_issuer(&section.issuer) {
        return Err(ConfigError::new(format!("issuer {:?}: {ISSUER_RULE}", section.issuer)));
    }
    if section.audience.is_empty() {
        return Err(ConfigError::new("audience: name at least one `aud` of SETs for this hub"));
    }
    let events =
        section.events.as_ref().map(|names| names.iter().map(|name| EventType::from_name(name)).collect());
    let events: Option<Result<Vec<_>, _>> = events;
    let mut settings = TransmitterSettings::new(&section.id, &section.issuer, section.audience.clone());
    settings.push = section.delivery == DeliveryName::Push;
    settings.authorization = oauth::authorization(section, &hub.client, &hub.clock, env)?;
    settings.tolerance = section.tolerance;
    if let Some(silence) = section.silence.map(super::Length::duration) {
        // spec: SSF-086
        if silence < SILENCE_MIN {
            return Err(ConfigError::new("silence: give at least \"10s\""));
        }
        settings.watch.silence = silence;
    }
    // spec: SSF-080
    if section.events.as_ref().is_some_and(Vec::is_empty) {
        return Err(ConfigError::new("events: name at least one, or leave it out to ask for all"));
    }
    settings.events = events.transpose().map_err(|error| ConfigError::new(format!("events: {error}")))?;
    Ok(settings)
}

/// A transmitter is not asked for verification without end.
const SILENCE_MIN: std::time::Duration = std::time::Duration::from_secs(10);

const ISSUER_RULE: &str = "use an https URL without query and fragment; http is for loopback only (SSF-031)";

// spec: SSF-031
pub(super) fn is_issuer(url: &str) -> bool {
    // The parser of URLs forgives what a string that is compared must not have.
    let has_host = |rest: &str| !rest.starts_with('/') && host(url).is_some();
    let secure = url.strip_prefix("https://").is_some_and(has_host) || is_loopback_http(url);
    secure && !url.contains(['?', '#']) && !url.contains(char::is_whitespace)
}

/// Ids are parts of URLs and of the log.
fn check_id(id: &str) -> Result<(), ConfigError> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if !id.is_empty() && id.bytes().all(fits) {
        Ok(())
    } else {
        Err(ConfigError::new("id: use letters, digits, `-`, `_` and `.`"))
    }
}

/// An event by name or URI, or the beginning of some and a star.
fn check_pattern(pattern: &str) -> Result<(), ConfigError> {
    let Some(beginning) = pattern.strip_suffix('*') else {
        let known = EventType::from_name(pattern).map(drop);
        return known.map_err(|error| ConfigError::new(format!("events: {error}")));
    };
    // URIs of one's own begin as they like.
    let is_uri = beginning.contains("://") || beginning.starts_with("urn:");
    if is_uri || EventType::catalogue().any(|event_type| event_type.name().starts_with(beginning)) {
        return Ok(());
    }
    let families = "`caep:*`, `risc:*`, `ssf:*`, `logout:*`, `scim:*` or `*`";
    Err(ConfigError::new(format!("events: no event has a name like {pattern:?}; use {families}")))
}

/// A token says who is asking, so no two may have the same; and what one of them has as its secret, nobody else may know.
fn tell_apart(settings: &Settings) -> Result<(), ConfigError> {
    let mut owners = std::collections::BTreeMap::new();
    let name = |receiver: &ReceiverSettings| format!("[[receiver]] {:?}", receiver.id);
    let admin = settings.admin_token.iter().map(|token| (token, "token", "[admin]".to_owned()));
    let tokens = settings.receivers.iter().filter_map(|r| Some((r.token.as_ref()?, "token", name(r))));
    let secrets = settings.receivers.iter().filter_map(|r| Some((r.secret.as_ref()?, "secret", name(r))));
    for (text, what, owner) in admin.chain(tokens).chain(secrets) {
        if let Some(other) = owners.insert(text, owner.clone()) {
            let words = format!("{other} and {owner} have the same {what}; give each its own");
            return Err(ConfigError::new(words));
        }
    }
    let client_ids = settings.receivers.iter().map(ReceiverSettings::client_id);
    if settings.oauth.is_some() { unique("[[receiver]] client_id", client_ids) } else { Ok(()) }
}

fn unique<'a>(section: &str, ids: impl Iterator<Item = &'a str>) -> Result<(), ConfigError> {
    let mut seen = std::collections::BTreeSet::new();
    match ids.into_iter().find(|id| !seen.insert(*id)) {
        Some(twice) => Err(ConfigError::new(format!("{section} {twice:?} is there twice"))),
        None => Ok(()),
    }
}

/// Whether a URL is plain HTTP to this machine: development.
pub fn is_loopback_http(url: &str) -> bool {
    url.starts_with("http://") && is_loopback(url)
}

fn is_loopback(url: &str) -> bool {
    host(url).is_some_and(|host| match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    })
}

/// The host as the client will understand it. `user@` before it can make one look like another.
fn host(url: &str) -> Option<Host> {
    let url = Url::parse(url).ok().filter(|url| url.username().is_empty() && url.password().is_none())?;
    url.host().map(|host| host.to_owned())
}
