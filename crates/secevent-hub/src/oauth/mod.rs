//! Who may do what (CAEP Interop §2.7): the hub as a resource server, and as an authorization server of its receivers.
//!
//! A bearer token is one of three: the static token of a receiver, an access token that the token endpoint here gave,
//! or an access token of the outside authorization server of the configuration.

mod access_token;
mod assertion;
mod client_auth;
mod jwt;
mod metadata;
mod outside;
mod scopes;
mod token_endpoint;

use std::collections::BTreeMap;

use axum::{
    Router,
    routing::{get, post},
};
use secevent_http::{
    client::JwksCache,
    router::{Problem, Scope},
};
use tokio::sync::Semaphore;

use self::{assertion::UsedAssertions, outside::Outside, scopes::Scopes};
use crate::{ClientKeys, Hub, ReceiverSettings, Settings};

/// What stays between requests.
#[derive(Debug)]
pub(crate) struct OAuth {
    outside: Option<Outside>,
    /// The keys of the receivers that publish them.
    client_keys: BTreeMap<String, JwksCache>,
    used: UsedAssertions,
    /// Who waits to hear that its credential is wrong.
    refusals: Semaphore,
}

impl OAuth {
    pub(crate) fn new(settings: &Settings) -> Self {
        let cache = |uri: &String| JwksCache::new(settings.client.clone(), uri);
        let published = settings.receivers.iter().filter_map(|receiver| match &receiver.keys {
            Some(ClientKeys::Uri(uri)) => Some((receiver.id.clone(), cache(uri))),
            _ => None,
        });
        Self {
            outside: settings.oauth.clone().map(|server| Outside::new(server, settings.client.clone())),
            client_keys: published.collect(),
            used: UsedAssertions::default(),
            refusals: Semaphore::new(client_auth::REFUSALS_AT_ONCE),
        }
    }
}

impl Hub {
    /// The token endpoint, if there is anybody to give tokens to, and the metadata of both roles.
    pub(crate) fn oauth_router(&self) -> Router {
        let well_known = |name| format!("/.well-known/{name}{}", self.paths().issuer_path);
        let resource = get(metadata::protected_resource);
        let mut router = Router::new().route(&well_known(metadata::PROTECTED_RESOURCE), resource);
        if self.gives_tokens() {
            let token = self.paths().below(token_endpoint::PATH);
            router = router.route(&token, post(token_endpoint::answer));
            let server = get(metadata::authorization_server);
            router = router.route(&well_known(metadata::AUTHORIZATION_SERVER), server);
        }
        router.with_state(self.clone())
    }

    /// Whose token this is, if it is good for that.
    ///
    /// # Errors
    /// 401 when it is missing or nobody's, 403 when its scope is too small, 503 when that cannot be told now. The first
    /// two say where to learn who gives tokens (RFC 9728 §5.1).
    // spec: SSF-064, SSF-065, CIOP-029, CIOP-035, CIOP-036
    pub(crate) async fn authorized(
        &self,
        token: Option<&str>,
        scope: Scope,
    ) -> Result<ReceiverSettings, Problem> {
        let refused = match self.bearer(token).await {
            Ok((receiver, scopes)) if scopes.permit(scope) => return Ok(receiver.clone()),
            Ok(_) => Problem::insufficient_scope(scope),
            Err(problem) => problem,
        };
        match self.well_known_url(metadata::PROTECTED_RESOURCE) {
            Some(url) if refused.status < 500 => Err(refused.with_resource_metadata(url)),
            _ => Err(refused),
        }
    }

    async fn bearer(&self, token: Option<&str>) -> Result<(&ReceiverSettings, Scopes), Problem> {
        let token = token.filter(|token| !token.is_empty()).ok_or_else(Problem::unauthorized)?;
        if let Some(receiver) = self.0.receivers.by_token(token) {
            return Ok((receiver, Scopes::ALL));
        }
        if access_token::is_ours(token) {
            return self.open_access_token(token).ok_or_else(Problem::invalid_token);
        }
        let Some(outside) = &self.0.oauth.outside else { return Err(Problem::invalid_token()) };
        let grant = outside.verify(token, self.now().timestamp()).await?;
        let receiver = self.0.receivers.by_client_id(&grant.client_id);
        receiver.map(|receiver| (receiver, grant.scopes)).ok_or_else(Problem::invalid_token)
    }

    /// Whether any receiver can authenticate at the token endpoint.
    fn gives_tokens(&self) -> bool {
        self.0.receivers.all().iter().any(|receiver| receiver.secret.is_some() || receiver.keys.is_some())
    }

    fn token_url(&self) -> String {
        self.url(token_endpoint::PATH)
    }

    fn well_known_url(&self, name: &str) -> Option<String> {
        secevent_ssf::metadata::well_known(self.issuer(), name, true).ok()
    }
}
