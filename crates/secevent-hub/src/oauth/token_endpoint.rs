//! The token endpoint (RFC 6749 §3.2, §4.4, §5): client credentials in, an access token out.

use std::collections::BTreeMap;

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE},
};
use secevent_http::router::read_body;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{Scopes, access_token::LIFETIME_SECS};
use crate::Hub;

/// Where it is, below the path of the issuer.
pub(super) const PATH: &str = "/oauth/token";

/// An assertion signed with RSA-4096 has 2 KiB; the rest is words.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// Gives an access token to whoever authenticates as a receiver.
// spec: CIOP-031, CIOP-032, CIOP-038, POLL-059
pub(super) async fn answer(State(hub): State<Hub>, request: Request) -> Result<Response, TokenError> {
    let (parts, body) = request.into_parts();
    if parts.uri.query().is_some_and(|query| !query.is_empty()) {
        return Err(TokenError::invalid_request("send every parameter in the body (RFC 6749 §2.3.1)"));
    }
    if !is_form(&parts.headers) {
        return Err(TokenError::invalid_request("send `Content-Type: application/x-www-form-urlencoded`"));
    }
    let body = read_body(body, BODY_BYTES_MAX).await;
    let body = body.map_err(|problem| TokenError {
        status: problem.status,
        ..TokenError::invalid_request("the body cannot be read, or is too large")
    })?;
    let form = Form::parse(&body)?;
    let Some(grant_type) = form.get("grant_type") else {
        return Err(TokenError::invalid_request("grant_type is missing"));
    };
    let receiver = hub.authenticate_client(&parts.headers, &form).await?;
    if grant_type != "client_credentials" {
        return Err(TokenError::new(400, "unsupported_grant_type", "use `grant_type=client_credentials`"));
    }
    if form.resources.iter().any(|resource| resource != hub.issuer()) {
        return Err(TokenError::new(400, "invalid_target", "tokens are for this issuer only (RFC 8707 §2)"));
    }
    let scopes = match form.get("scope") {
        None => Scopes::ALL,
        Some(asked) => Scopes::requested(asked).ok_or_else(|| {
            TokenError::new(400, "invalid_scope", "the scopes here are `ssf.read` and `ssf.manage`")
        })?,
    };
    let token = hub.mint_access_token(receiver, scopes);
    tracing::info!(receiver = %receiver.id, %scopes, "gave an access token");
    let answer = json!({ "access_token": token, "token_type": "Bearer", "expires_in": LIFETIME_SECS,
        "scope": scopes.to_string() });
    Ok(unkept(StatusCode::OK, &answer))
}

/// The parameters of a request. One without a value counts as absent, and none may be there twice (RFC 6749 §3.2).
pub(super) struct Form {
    parameters: BTreeMap<String, String>,
    /// The one parameter of which there may be several (RFC 8707 §2).
    resources: Vec<String>,
}

impl Form {
    fn parse(body: &[u8]) -> Result<Self, TokenError> {
        let mut form = Self { parameters: BTreeMap::new(), resources: Vec::new() };
        let mut seen = std::collections::BTreeSet::new();
        for (name, value) in form_urlencoded::parse(body) {
            if name == "resource" {
                form.resources.push(value.into_owned());
                continue;
            }
            if !seen.insert(name.clone().into_owned()) {
                return Err(TokenError::invalid_request("a parameter is there twice (RFC 6749 §3.2)"));
            }
            if !value.is_empty() {
                form.parameters.insert(name.into_owned(), value.into_owned());
            }
        }
        Ok(form)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }
}

/// A refusal in the words of RFC 6749 §5.2.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenError {
    status: u16,
    error: &'static str,
    description: &'static str,
}

impl TokenError {
    pub(super) const fn new(status: u16, error: &'static str, description: &'static str) -> Self {
        Self { status, error, description }
    }

    pub(super) const fn invalid_request(description: &'static str) -> Self {
        Self::new(400, "invalid_request", description)
    }

    /// Unknown client, wrong secret, no secret: the same words for all.
    pub(super) const fn invalid_client() -> Self {
        Self::new(401, "invalid_client", "the client is unknown, or its credential is missing or wrong")
    }

    pub(super) const fn unavailable(description: &'static str) -> Self {
        Self::new(503, "temporarily_unavailable", description)
    }

    pub(super) const fn too_often(description: &'static str) -> Self {
        Self::new(429, "temporarily_unavailable", description)
    }
}

impl IntoResponse for TokenError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let body = json!({ "error": self.error, "error_description": self.description });
        let mut response = unkept(status, &body);
        match self.status {
            // A 401 always has a challenge (RFC 9110 §15.5.2); with a Basic field it is due (RFC 6749 §5.2).
            401 => drop(response.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE)),
            429 | 503 => drop(response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"))),
            _ => {}
        }
        response
    }
}

const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"token endpoint\"");

/// An answer that nobody keeps (RFC 6749 §5.1).
fn unkept(status: StatusCode, body: &Value) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (PRAGMA, HeaderValue::from_static("no-cache")),
    ];
    (status, headers, body.to_string()).into_response()
}

fn is_form(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = value.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
