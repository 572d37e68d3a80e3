//! Refusals as problem details (RFC 9457): what was wrong, where, and the mend.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use secevent_ssf::Refusal;
use serde::Serialize;
use serde_json::Value;

use super::{Challenge, Scope, bearer_token};

/// A refused request.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What is wrong, in a few words.
    pub title: String,
    /// Where, and what to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Further members, such as `findings` or `index`.
    #[serde(flatten)]
    pub more: Box<serde_json::Map<String, Value>>,
    /// Seconds after which another try makes sense.
    #[serde(skip)]
    pub retry_after_secs: Option<u32>,
    /// What `WWW-Authenticate` says. A 401 has that field also without one.
    #[serde(skip)]
    pub challenge: Option<Box<Challenge>>,
}

impl Problem {
    /// A refusal of this status.
    pub fn new(status: u16, title: impl Into<String>, detail: impl Into<String>) -> Self {
        let more = Box::default();
        let (title, detail) = (title.into(), detail.into());
        Self { status, title, detail, more, retry_after_secs: None, challenge: None }
    }

    /// 401: who are you? For a request without one readable bearer token.
    pub fn unauthorized() -> Self {
        Self::new(401, "the bearer token is missing or not valid", "send `Authorization: Bearer TOKEN`")
    }

    /// 401: the bearer token is nobody's.
    pub fn invalid_token() -> Self {
        Self::unauthorized().challenging(|challenge| challenge.error = Some("invalid_token"))
    }

    /// 403: the token is good, but not for this (RFC 6750 §3.1).
    // spec: CIOP-036
    pub fn insufficient_scope(needed: Scope) -> Self {
        let mend = format!("ask for a token with the scope `{}`", needed.name());
        Self::new(403, "the access token does not suffice", mend).challenging(|challenge| {
            challenge.error = Some("insufficient_scope");
            challenge.scope = Some(needed);
        })
    }

    /// Says where to learn who gives tokens (RFC 9728 §5.1).
    pub fn with_resource_metadata(self, url: impl Into<String>) -> Self {
        self.challenging(|challenge| challenge.resource_metadata = Some(url.into()))
    }

    fn challenging(mut self, say: impl FnOnce(&mut Challenge)) -> Self {
        say(self.challenge.get_or_insert_default());
        self
    }

    /// 401 for a request with these headers: is a token missing, or wrong?
    pub fn unauthorized_by(headers: &HeaderMap) -> Self {
        bearer_token(headers).map_or_else(Self::unauthorized, |_| Self::invalid_token())
    }

    /// 400: a part of the URL cannot be read.
    pub fn unreadable(part: &impl std::fmt::Display) -> Self {
        Self::new(400, "the URL cannot be read", part.to_string())
    }

    /// 404: there is no such thing, or none of yours; the two cannot be told apart (SSF-068).
    pub fn not_found(what: &str) -> Self {
        Self::new(404, format!("there is no such {what}"), "")
    }

    /// 503: not now.
    pub fn unavailable(why: impl Into<String>) -> Self {
        Self { retry_after_secs: Some(5), ..Self::new(503, "not now", why) }
    }

    /// Adds a member.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::new(400, "the request cannot be taken", refusal.to_string()).with("requirement", refusal.id)
    }
}

impl IntoResponse for Problem {
    // spec: CIOP-036, POLL-053, SSF-069
    fn into_response(self) -> Response {
        let body = serde_json::to_string(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == 401 || self.challenge.is_some() {
            headers.insert(WWW_AUTHENTICATE, self.challenge.unwrap_or_default().to_value());
        }
        if let Some(secs) = self.retry_after_secs {
            headers.insert(RETRY_AFTER, HeaderValue::from(secs));
        }
        response
    }
}
