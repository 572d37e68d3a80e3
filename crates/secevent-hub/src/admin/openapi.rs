//! `GET /openapi.json`: the API of the hub, as `docs/openapi.json` has it.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header::CONTENT_TYPE;
use serde_json::Value;

use crate::Hub;

/// The description of a hub whose issuer has no path.
const DOCUMENT: &str = include_str!("../../../../docs/openapi.json");

pub(super) async fn show(State(hub): State<Hub>) -> Response {
    let issuer_path = hub.paths().issuer_path;
    let document = if issuer_path.is_empty() { DOCUMENT.to_owned() } else { below(&issuer_path) };
    ([(CONTENT_TYPE, "application/json")], document).into_response()
}

/// The description of a hub whose issuer has this path.
fn below(issuer_path: &str) -> String {
    let mut document: Value = serde_json::from_str(DOCUMENT).expect("a test reads it");
    let moved = |path: &str| match path {
        _ if path.starts_with("/.well-known/") => format!("{path}{issuer_path}"),
        "/healthz" | "/readyz" | "/metrics" | "/openapi.json" => path.to_owned(),
        _ if path.starts_with("/v1/") => path.to_owned(),
        _ => format!("{issuer_path}{path}"),
    };
    if let Some(paths) = document["paths"].as_object_mut() {
        *paths = std::mem::take(paths).into_iter().map(|(path, item)| (moved(&path), item)).collect();
    }
    let token_url =
        document.pointer_mut("/components/securitySchemes/receiverOAuth/flows/clientCredentials/tokenUrl");
    if let Some(Value::String(url)) = token_url {
        *url = moved(url);
    }
    document.to_string()
}
