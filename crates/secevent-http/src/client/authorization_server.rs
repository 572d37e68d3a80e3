//! Finding an authorization server: from a protected resource (RFC 9728), or by its own issuer (RFC 8414).

use http::header::ACCEPT;
use secevent::finding::quote;
use secevent_jose::json;
use secevent_ssf::metadata::well_known;
use serde_json::{Map, Value};

use super::{Client, ClientError};

/// What is needed of the metadata of an authorization server (RFC 8414 §2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthorizationServer {
    /// Its issuer identifier, which is the `iss` of its tokens.
    pub issuer: String,
    /// Where tokens are asked for.
    pub token_endpoint: Option<String>,
    /// Where the keys of its tokens are.
    pub jwks_uri: Option<String>,
    /// How clients may authenticate; `client_secret_basic` where the metadata does not say.
    pub token_endpoint_auth_methods: Vec<String>,
    /// The scopes it knows, as far as it says.
    pub scopes: Vec<String>,
}

/// An authorization server that was not found, or whose metadata cannot be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FindServerError {
    /// The metadata was not fetched.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Nothing is published.
    #[error(
        "{issuer} publishes no metadata of an authorization server (RFC 8414); name its endpoint yourself"
    )]
    NotFound {
        /// Whose metadata was looked for.
        issuer: String,
    },
    /// The metadata breaks a rule.
    #[error("the metadata at {url} is refused: {why}")]
    Refused {
        /// Where it is.
        url: String,
        /// What is wrong with it.
        why: String,
    },
}

/// The authorization server of a protected resource: the first that the resource names (RFC 9728 §3), or the resource
/// itself where it names none.
///
/// What the resource says decides whom we show our credential to. Name the token endpoint where that is too much trust.
pub async fn authorization_server_for(
    client: &Client,
    resource: &str,
) -> Result<AuthorizationServer, FindServerError> {
    let url = address(client, resource, "oauth-protected-resource")?;
    let Some(metadata) = fetch(client, &url).await? else {
        return authorization_server(client, resource).await;
    };
    is_about(&metadata, "resource", resource, &url)?;
    let named = texts(&metadata, "authorization_servers").into_iter().next();
    authorization_server(client, named.as_deref().unwrap_or(resource)).await
}

/// The metadata of the authorization server with this issuer (RFC 8414 §3), which `OpenID` providers may publish under
/// their own name instead (RFC 8414 §5).
// spec: CIOP-030
pub async fn authorization_server(
    client: &Client,
    issuer: &str,
) -> Result<AuthorizationServer, FindServerError> {
    let mut url = address(client, issuer, "oauth-authorization-server")?;
    let mut found = fetch(client, &url).await?;
    if found.is_none() {
        url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        found = fetch(client, &url).await?;
    }
    let metadata = found.ok_or_else(|| FindServerError::NotFound { issuer: issuer.to_owned() })?;
    is_about(&metadata, "issuer", issuer, &url)?;
    Ok(AuthorizationServer {
        issuer: issuer.to_owned(),
        token_endpoint: text(&metadata, "token_endpoint"),
        jwks_uri: text(&metadata, "jwks_uri"),
        token_endpoint_auth_methods: texts(&metadata, "token_endpoint_auth_methods_supported"),
        scopes: texts(&metadata, "scopes_supported"),
    })
}

fn address(client: &Client, issuer: &str, name: &str) -> Result<String, FindServerError> {
    let refused = |why: secevent_ssf::Refusal| FindServerError::Refused {
        url: issuer.chars().take(200).collect(),
        why: why.to_string(),
    };
    well_known(issuer, name, client.egress().allows_http()).map_err(refused)
}

/// The document; `None` where there is none.
async fn fetch(client: &Client, url: &str) -> Result<Option<Map<String, Value>>, FindServerError> {
    let request = client.get(url).header(ACCEPT, "application/json").body_max(METADATA_BYTES_MAX);
    let answer = request.send().await?;
    match answer.status {
        200 => {
            let refused = |error: secevent_jose::JsonError| FindServerError::Refused {
                url: url.to_owned(),
                why: error.to_string(),
            };
            Ok(Some(json::parse_object(answer.whole()?).map_err(refused)?))
        }
        500..=599 => {
            let (host, reason) = (answer.host().to_owned(), format!("status {}", answer.status));
            Err(ClientError::Protocol { host, reason }.into())
        }
        _ => Ok(None),
    }
}

/// Metadata is believed for the identifier it was asked for only (RFC 8414 §3.3, RFC 9728 §3.3).
fn is_about(
    metadata: &Map<String, Value>,
    name: &str,
    asked: &str,
    url: &str,
) -> Result<(), FindServerError> {
    match text(metadata, name) {
        Some(found) if found == asked => Ok(()),
        found => {
            let why = format!("its {name} is {}, not {}", quote(&found.unwrap_or_default()), quote(asked));
            Err(FindServerError::Refused { url: url.to_owned(), why })
        }
    }
}

fn text(metadata: &Map<String, Value>, name: &str) -> Option<String> {
    metadata.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn texts(metadata: &Map<String, Value>, name: &str) -> Vec<String> {
    let listed = metadata.get(name).and_then(Value::as_array).into_iter().flatten();
    listed.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Metadata with every member has 4 KiB.
const METADATA_BYTES_MAX: usize = 256 * 1024;
