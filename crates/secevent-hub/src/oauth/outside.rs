//! Access tokens of an outside authorization server, as JWTs (RFC 9068).

use std::{sync::Arc, time::Duration};

use secevent::Timestamp;
use secevent_http::{
    client::{Client, FindServerError, JwksCache, authorization_server},
    router::Problem,
};
use secevent_jose::Compact;
use serde_json::{Map, Value};
use tokio::{sync::Mutex, time::Instant};

use super::{Scopes, jwt};
use crate::AuthorizationServerSettings;

/// A server that fails is left alone for a moment, whoever asks meanwhile.
const COOL_DOWN: Duration = Duration::from_secs(2);

/// The authorization server of the configuration, and its keys.
#[derive(Debug)]
pub(super) struct Outside {
    settings: AuthorizationServerSettings,
    client: Client,
    found: Mutex<Found>,
}

/// Its keys, or why they were not found.
#[derive(Debug, Default)]
struct Found {
    keys: Option<Arc<JwksCache>>,
    failed: Option<(Instant, FindServerError)>,
}

/// What a token grants.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) client_id: String,
    pub(super) scopes: Scopes,
}

impl Outside {
    pub(super) fn new(settings: AuthorizationServerSettings, client: Client) -> Self {
        Self { settings, client, found: Mutex::default() }
    }

    pub(super) fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// Verifies an access token (RFC 9068 §4).
    ///
    /// # Errors
    /// 401 for whatever is wrong with the token, which only the log tells; 503 when the keys cannot be had.
    // spec: CIOP-035
    pub(super) async fn verify(&self, token: &str, now: Timestamp) -> Result<Grant, Problem> {
        let refused = |why: &str| {
            tracing::debug!(why, "an access token is refused");
            Problem::invalid_token()
        };
        let jws = Compact::parse(token).map_err(|error| refused(&error.to_string()))?;
        // Every other kind of JWT has another type, or none: SETs, ID tokens, client assertions.
        // spec: SET-057
        let typ = jws.header().typ().unwrap_or_default();
        if !["at+jwt", "application/at+jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known)) {
            return Err(refused("its typ is not at+jwt (RFC 9068 §2.1)"));
        }
        jws.alg().map_err(|error| refused(&error.to_string()))?;
        let keys = self.keys().await.map_err(|error| unavailable(&error))?;
        let keys = keys.keys_with(jws.header().alg(), jws.header().kid()).await;
        let keys = keys.map_err(|error| unavailable(&error))?;
        let claims = jwt::claims(&jws, &keys).map_err(|why| refused(&why))?;
        self.judge(&claims, now).map_err(refused)
    }

    fn judge(&self, claims: &Map<String, Value>, now: Timestamp) -> Result<Grant, &'static str> {
        if jwt::text(claims, "iss") != Some(&self.settings.issuer) {
            return Err("its iss is another");
        }
        if !jwt::is_for(claims, &[&self.settings.audience]) {
            return Err("its aud is another");
        }
        jwt::alive_until(claims, now).ok_or("exp, nbf or iat does not fit the present")?;
        if claims.contains_key("events") {
            return Err("it has `events`, so it is a SET (RFC 8417 §4.3)");
        }
        if claims.contains_key("cnf") {
            return Err("it is bound to a key (RFC 7800), which nobody here can check");
        }
        let client_id = jwt::text(claims, "client_id").or_else(|| jwt::text(claims, "azp"));
        Ok(Grant {
            client_id: client_id.ok_or("it names no client_id (RFC 9068 §2.2)")?.to_owned(),
            scopes: Scopes::among(jwt::text(claims, "scope").unwrap_or_default()),
        })
    }

    /// The keys at the `jwks_uri` of the configuration, or at that of the server's metadata (RFC 8414), found once.
    async fn keys(&self) -> Result<Arc<JwksCache>, FindServerError> {
        let mut found = self.found.lock().await;
        if let Some(keys) = &found.keys {
            return Ok(Arc::clone(keys));
        }
        if let Some((at, error)) = &found.failed
            && at.elapsed() < COOL_DOWN
        {
            return Err(error.clone());
        }
        match self.jwks_uri().await {
            Ok(uri) => {
                let keys = Arc::new(JwksCache::new(self.client.clone(), uri));
                Ok(Arc::clone(found.keys.insert(keys)))
            }
            Err(error) => {
                tracing::warn!(issuer = self.settings.issuer, %error, "the authorization server was not found");
                found.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn jwks_uri(&self) -> Result<String, FindServerError> {
        if let Some(uri) = &self.settings.jwks_uri {
            return Ok(uri.clone());
        }
        let issuer = &self.settings.issuer;
        let server = authorization_server(&self.client, issuer).await?;
        server.jwks_uri.ok_or_else(|| FindServerError::NotFound { issuer: issuer.clone() })
    }
}

/// The details are in the log: they are nobody's business who has no token yet.
fn unavailable(error: &dyn std::error::Error) -> Problem {
    tracing::debug!(%error, "an access token cannot be judged");
    Problem::unavailable("the keys of the authorization server cannot be had")
}
