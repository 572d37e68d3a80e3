//! How receivers find out where tokens come from: RFC 9728 for the resource, RFC 8414 for the server.

use axum::{Json, extract::State, response::IntoResponse};
use http::header::CACHE_CONTROL;
use secevent::Alg;
use secevent_http::router::Scope;
use serde_json::{Value, json};

use crate::{Hub, ReceiverSettings};

/// The name of RFC 9728 §3.
pub(super) const PROTECTED_RESOURCE: &str = "oauth-protected-resource";
/// The name of RFC 8414 §3.
pub(super) const AUTHORIZATION_SERVER: &str = "oauth-authorization-server";

/// Like the other metadata of the hub.
const MAX_AGE: &str = "public, max-age=300";

/// Whose tokens are taken here (RFC 9728 §2).
// spec: CIOP-033, CIOP-034, CIOP-050
pub(super) async fn protected_resource(State(hub): State<Hub>) -> impl IntoResponse {
    let ours = hub.gives_tokens().then(|| hub.issuer());
    let outside = hub.0.oauth.outside.as_ref().map(super::Outside::issuer);
    let servers: Vec<_> = ours.into_iter().chain(outside).collect();
    let mut metadata = json!({
        "resource": hub.issuer(),
        "scopes_supported": SCOPES,
        "bearer_methods_supported": ["header"],
    });
    if !servers.is_empty() {
        metadata["authorization_servers"] = servers.into();
    }
    cached(metadata)
}

/// How tokens are asked for here (RFC 8414 §2).
// spec: CIOP-030, CIOP-038
pub(super) async fn authorization_server(State(hub): State<Hub>) -> impl IntoResponse {
    let any = |has: fn(&ReceiverSettings) -> bool| hub.0.receivers.all().iter().any(has);
    let mut methods = Vec::new();
    let mut metadata = json!({
        "issuer": hub.issuer(),
        "token_endpoint": hub.token_url(),
        "grant_types_supported": ["client_credentials"],
        // There is no authorization endpoint, but the member has to be there.
        "response_types_supported": [],
        "scopes_supported": SCOPES,
    });
    if any(|receiver| receiver.secret.is_some()) {
        methods.extend(["client_secret_basic", "client_secret_post"]);
    }
    if any(|receiver| receiver.keys.is_some()) {
        methods.push("private_key_jwt");
        metadata["token_endpoint_auth_signing_alg_values_supported"] = json!(Alg::ALL.map(Alg::name));
    }
    metadata["token_endpoint_auth_methods_supported"] = json!(methods);
    cached(metadata)
}

fn cached(metadata: Value) -> impl IntoResponse {
    ([(CACHE_CONTROL, MAX_AGE)], Json(metadata))
}

const SCOPES: [&str; 2] = [Scope::Read.name(), Scope::Manage.name()];
