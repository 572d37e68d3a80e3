//! From a configuration to the settings of a hub: secrets read, names looked up, rules checked.

use std::net::IpAddr;

use secevent::EventType;
use secevent_http::client::{Cidr, Client, Egress};
use secevent_ssf::stream::Secret;

use super::{AllowPrivate, Config, ConfigError, DeliveryName, Env, ReceiverSection, TransmitterSection};
use crate::{Clock, Limits, ReceiverSettings, Settings, receiver::TransmitterSettings};

impl Config {
    /// Everything a hub is told. `listening_on` is the URL of its socket; it is the issuer where none is configured,
    /// which is for loopback only.
    ///
    /// # Errors
    /// With the section and what to do.
    pub fn settings(
        &self,
        listening_on: &str,
        env: Env<'_>,
        clock: Clock,
    ) -> Result<(Settings, Vec<TransmitterSettings>), ConfigError> {
        let issuer = self.issuer(listening_on)?;
        let mut settings = Settings::new(issuer.clone(), clock);
        settings.client = self.client(is_loopback_http(&issuer))?;
        settings.limits = Limits::from(self);
        settings.open_health = is_loopback(listening_on);
        let admin = self.admin.token.as_ref().map(|token| token.resolve(env)).transpose();
        settings.admin_token = admin.map_err(|error| error.within("[admin] token"))?;
        for section in &self.receivers {
            settings.receivers.push(self.receiver(section, env).map_err(|e| e.within(&section.id))?);
        }
        unique("[[receiver]]", self.receivers.iter().map(|section| section.id.as_str()))?;
        unique("[[transmitter]]", self.transmitters.iter().map(|section| section.id.as_str()))?;
        let transmitter = |section| transmitter(section, env).map_err(|e| e.within(&section.id));
        Ok((settings, self.transmitters.iter().map(transmitter).collect::<Result<_, _>>()?))
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
        let secure = issuer.starts_with("https://") || is_loopback_http(issuer);
        if !secure || issuer.contains(['?', '#']) || issuer.contains(char::is_whitespace) {
            let rule = "use an https URL without query and fragment; http is for loopback only (SSF-031)";
            return Err(ConfigError::new(format!("issuer {issuer:?}: {rule}")));
        }
        Ok(issuer.clone())
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
        let Some(path) = &self.egress.extra_ca else { return Ok(Client::new(egress)) };
        let named =
            |error: &dyn std::fmt::Display| ConfigError::new(format!("[egress] extra_ca {path}: {error}"));
        let pem = std::fs::read(path).map_err(|error| named(&error))?;
        Client::with_extra_ca(egress, &pem).map_err(|error| named(&error))
    }

    fn receiver(&self, section: &ReceiverSection, env: Env<'_>) -> Result<ReceiverSettings, ConfigError> {
        let token = section.token.as_ref().ok_or_else(|| ConfigError::new("give it a `token`"))?;
        if section.audience.is_empty() {
            return Err(ConfigError::new("audience: name at least one `aud` for its streams"));
        }
        for pattern in section.events.iter().filter(|pattern| !pattern.ends_with('*')) {
            EventType::from_name(pattern).map_err(|error| ConfigError::new(format!("events: {error}")))?;
        }
        let mut receiver = ReceiverSettings::new(&section.id, token.resolve(env)?, section.audience.clone());
        receiver.events.clone_from(&section.events);
        receiver.alg = self.alg_of(section);
        Ok(receiver)
    }

    /// The SQLite file of `[store] url`.
    pub fn sqlite_path(&self) -> &str {
        self.store.url.strip_prefix("sqlite:").unwrap_or(&self.store.url)
    }
}

fn transmitter(section: &TransmitterSection, env: Env<'_>) -> Result<TransmitterSettings, ConfigError> {
    if section.id.is_empty() || !section.id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    {
        return Err(ConfigError::new("id: use letters, digits, `-`, `_` and `.`; it is part of a URL"));
    }
    let events =
        section.events.as_ref().map(|names| names.iter().map(|name| EventType::from_name(name)).collect());
    let events: Option<Result<Vec<_>, _>> = events;
    let token = section.token.as_ref().map(|token| token.resolve(env)).transpose()?;
    let mut settings = TransmitterSettings::new(&section.id, &section.issuer, section.audience.clone());
    settings.push = section.delivery == DeliveryName::Push;
    settings.authorization = token.map(|token| Secret::new(format!("Bearer {token}")));
    settings.events = events.transpose().map_err(|error| ConfigError::new(format!("events: {error}")))?;
    Ok(settings)
}

fn unique<'a>(section: &str, ids: impl Iterator<Item = &'a str>) -> Result<(), ConfigError> {
    let mut seen = std::collections::BTreeSet::new();
    match ids.into_iter().find(|id| !seen.insert(*id)) {
        Some(twice) => Err(ConfigError::new(format!("{section} id {twice:?} is there twice"))),
        None => Ok(()),
    }
}

/// Whether a URL is plain HTTP to this machine: development.
pub fn is_loopback_http(url: &str) -> bool {
    url.starts_with("http://") && is_loopback(url)
}

fn is_loopback(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
