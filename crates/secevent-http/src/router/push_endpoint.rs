//! The push endpoint of a receiver (RFC 8935 §2): one SET in, an empty 202 or a SET error out.

use std::future::Future;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::post,
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONTENT_LANGUAGE, CONTENT_TYPE},
};
use secevent_ssf::delivery::{SetError, push};

use super::{Problem, read_body};

/// What a receiver does with a pushed SET: validate, persist, answer. Work comes after (PUSH-019, PUSH-020).
pub trait PushIntake: Clone + Send + Sync + 'static {
    /// The longest SET taken, in bytes.
    fn set_bytes_max(&self) -> usize {
        secevent_jose::jws::TOKEN_BYTES_MAX
    }

    /// Who is sending? Asked before the body is read (PUSH-056).
    fn authenticate(&self, headers: &HeaderMap) -> Result<(), Refused>;

    /// Whether a body of this `Content-Type` is a SET; in any case and with any parameters (PUSH-008).
    fn takes(&self, content_type: &str) -> bool {
        push::is_content_type(content_type)
    }

    /// Takes one SET; when this returns `Ok` the receiver is responsible for it (PUSH-038).
    fn accept(&self, set: String) -> impl Future<Output = Result<(), Refused>> + Send;
}

/// Why a SET was not taken.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Refused {
    /// The SET: 400 with `err` and `description`.
    Set(SetError),
    /// The request as HTTP sees it: 401, 404, 413, 415, 503 and the like (PUSH-029).
    Http(Problem),
}

impl From<&secevent::Error> for Refused {
    fn from(error: &secevent::Error) -> Self {
        Self::Set(SetError::new(error.code(), error.to_string()))
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Http(problem)
    }
}

impl IntoResponse for Refused {
    // spec: PUSH-022, PUSH-023, PUSH-024, PUSH-025, PUSH-026, PUSH-028, PUSH-029
    fn into_response(self) -> Response {
        match self {
            Self::Http(problem) => problem.into_response(),
            Self::Set(error) => {
                let body = serde_json::to_string(&error).unwrap_or_default();
                let mut response = Response::new(Body::from(body));
                *response.status_mut() = StatusCode::BAD_REQUEST;
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static("en"));
                response
            }
        }
    }
}

/// A router with the push endpoint at `path`.
pub fn push_endpoint<I: PushIntake>(path: &str, intake: I) -> Router {
    Router::new().route(path, post(receive::<I>)).with_state(intake)
}

// spec: PUSH-001, PUSH-008, PUSH-009, PUSH-010, PUSH-017, PUSH-018
async fn receive<I: PushIntake>(State(intake): State<I>, request: Request) -> Result<StatusCode, Refused> {
    let (parts, body) = request.into_parts();
    intake.authenticate(&parts.headers)?;
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !intake.takes(content_type.unwrap_or_default()) {
        let detail = format!("send `Content-Type: {}`", push::CONTENT_TYPE);
        return Err(Problem::new(415, "the body is no SET", detail).into());
    }
    let body = read_body(body, intake.set_bytes_max()).await?;
    let set = String::from_utf8(body.into()).map_err(|_| {
        Refused::Set(SetError::new(
            secevent::ErrorCode::InvalidRequest,
            "the body is not a compact JWT (JWT-001)",
        ))
    })?;
    intake.accept(set).await?;
    Ok(StatusCode::ACCEPTED)
}
