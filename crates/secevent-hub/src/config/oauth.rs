//! The parts of a configuration that are about OAuth: `[oauth]`, the keys of a receiver, our own credentials.

use std::sync::Arc;

use secevent::{JwkSet, SigningKey};
use secevent_http::client::{Authorization, Client, ClientCredential, OAuthClient};
use secevent_ssf::stream::Secret;

use super::{ConfigError, Env, OAuthSection, ReceiverSection, TransmitterSection, resolve::is_issuer};
use crate::{AuthorizationServerSettings, ClientKeys, Clock};

impl OAuthSection {
    /// The outside authorization server, if one is configured; its tokens are for this issuer where nothing else is said.
    pub(super) fn settings(
        &self,
        issuer: &str,
        client: &Client,
    ) -> Result<Option<AuthorizationServerSettings>, ConfigError> {
        let Some(server) = &self.issuer else {
            return match self {
                Self { audience: None, jwks_uri: None, .. } => Ok(None),
                _ => Err(ConfigError::new("[oauth] issuer: name the `iss` of the authorization server")),
            };
        };
        if !is_issuer(server) {
            return Err(ConfigError::new(format!(
                "[oauth] issuer {server:?}: use an https URL without query and fragment; http is for loopback only"
            )));
        }
        let mut settings =
            AuthorizationServerSettings::new(server, self.audience.as_deref().unwrap_or(issuer));
        settings.jwks_uri =
            self.jwks_uri.as_ref().map(|uri| reachable(uri, "[oauth] jwks_uri", client)).transpose()?;
        Ok(Some(settings))
    }
}

/// The public keys of a receiver: at a URL, in a file, or in the configuration itself.
pub(super) fn client_keys(
    section: &ReceiverSection,
    client: &Client,
) -> Result<Option<ClientKeys>, ConfigError> {
    match (&section.jwks, &section.jwks_uri) {
        (Some(_), Some(_)) => Err(ConfigError::new("give it `jwks` or `jwks_uri`, not both")),
        (None, None) => Ok(None),
        (None, Some(uri)) => Ok(Some(ClientKeys::Uri(reachable(uri, "jwks_uri", client)?))),
        (Some(jwks), None) => {
            key_set(jwks).map(|keys| Some(ClientKeys::Set(keys))).map_err(|error| error.within("jwks"))
        }
    }
}

fn key_set(jwks: &toml::Value) -> Result<JwkSet, ConfigError> {
    let json = match jwks {
        toml::Value::String(file) => {
            let file = file.strip_prefix("file:").unwrap_or(file);
            std::fs::read(file).map_err(|error| ConfigError::new(format!("{file}: {error}")))?
        }
        toml::Value::Table(set) => {
            serde_json::to_vec(set).map_err(|error| ConfigError::new(error.to_string()))?
        }
        _ => return Err(ConfigError::new("give the name of a file, or a table with `keys`")),
    };
    let set = JwkSet::parse(&json).map_err(|error| ConfigError::new(error.to_string()))?;
    match (set.keys(), set.skipped()) {
        ([], [first, ..]) => Err(ConfigError::new(format!("no key of it is usable: {first}"))),
        ([], []) => Err(ConfigError::new("it has no keys")),
        _ => Ok(set),
    }
}

/// How we say who we are to a transmitter.
pub(super) fn authorization(
    section: &TransmitterSection,
    client: &Client,
    clock: &Clock,
    env: Env<'_>,
) -> Result<Authorization, ConfigError> {
    let TransmitterSection { token, client_id, client_secret, client_key, token_url, scope, .. } = section;
    let resolved = |secret: &super::SecretRef, name| secret.resolve(env).map_err(|error| error.within(name));
    let Some(client_id) = client_id else {
        let given = [client_secret.is_some(), client_key.is_some(), token_url.is_some(), scope.is_some()]
            .contains(&true);
        return match token {
            _ if given => Err(ConfigError::new("client_id: name the client that these credentials are of")),
            None => Ok(Authorization::None),
            Some(token) => Ok(format!("Bearer {}", resolved(token, "token")?).into()),
        };
    };
    let credential = match (token, client_secret, client_key) {
        (None, Some(secret), None) => {
            ClientCredential::Secret(Secret::new(resolved(secret, "client_secret")?))
        }
        (None, None, Some(key)) => {
            let (key, clock) = (signing_key(&resolved(key, "client_key")?)?, Arc::clone(clock));
            ClientCredential::key(key, move || clock().timestamp())
        }
        _ => return Err(ConfigError::new("give it one of `token`, `client_secret` and `client_key`")),
    };
    let mut oauth = OAuthClient::new(client.clone(), &section.issuer, client_id, credential);
    if let Some(url) = token_url {
        oauth = oauth.token_url(reachable(url, "token_url", client)?);
    }
    if let Some(scope) = scope {
        oauth = oauth.scope(scope);
    }
    Ok(oauth.into())
}

fn signing_key(text: &str) -> Result<SigningKey, ConfigError> {
    let key = if text.starts_with('{') {
        SigningKey::from_jwk(text.as_bytes())
    } else {
        SigningKey::from_pem(text, None)
    };
    key.map_err(|error| ConfigError::new(format!("client_key: no private JWK or PEM key: {error}")))
}

fn reachable(url: &str, name: &str, client: &Client) -> Result<String, ConfigError> {
    let checked = client.egress().check_url(url);
    checked.map(|_| url.to_owned()).map_err(|error| ConfigError::new(format!("{name}: {error}")))
}
