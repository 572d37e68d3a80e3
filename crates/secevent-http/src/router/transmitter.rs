//! The endpoints of a transmitter (SSF 1.0 §7, §8; RFC 8936): discovery, keys, streams, verification, poll.
//!
//! Refusals come in one order: who are you (401), can it be read (400), does it exist and is it yours (404).

use std::future::Future;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{
        Path, Query, Request, State,
        rejection::{PathRejection, QueryRejection},
    },
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use secevent_ssf::{
    delivery::poll::{PollRequest, PollResponse},
    metadata::TransmitterMetadata,
    stream::{CreateStream, StatusDocument, StreamConfig, VerificationRequest},
};
use serde::{Deserialize, Serialize};

use super::{Problem, bearer_token, read_body};

/// What a request needs an access token for (CAEP Interop §2.7.3).
// spec: CIOP-039, CIOP-040
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// `ssf.read`: to look, and to poll. A token for everything will do as well.
    Read,
    /// `ssf.manage`: everything.
    Manage,
}

impl Scope {
    /// The scope as OAuth names it. Names that begin with `ssf.` belong to the SSF specifications.
    // spec: CIOP-037, CIOP-038
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "ssf.read",
            Self::Manage => "ssf.manage",
        }
    }
}

/// What stands behind the endpoints. `Receiver` is whoever a bearer token belongs to.
pub trait TransmitterHost: Clone + Send + Sync + 'static {
    /// An authenticated receiver.
    type Receiver: Send + Sync;

    /// The longest body taken, in bytes.
    fn body_bytes_max(&self) -> usize;

    /// The configuration metadata (SSF 1.0 §7.1).
    fn metadata(&self) -> TransmitterMetadata;

    /// The JWK Set of the keys that SETs are, were lately or will soon be signed with.
    fn jwks(&self) -> String;

    /// Whose bearer token is this, and is it good for that? 401 when it is nobody's, 403 when its scope is too small.
    fn authenticate(
        &self,
        token: Option<&str>,
        scope: Scope,
    ) -> impl Future<Output = Result<Self::Receiver, Problem>> + Send;

    /// Makes a stream (SSF 1.0 §8.1.1.1).
    fn create(
        &self,
        receiver: Self::Receiver,
        request: CreateStream,
    ) -> impl Future<Output = Result<StreamConfig, Problem>> + Send;

    /// One stream of this receiver (SSF 1.0 §8.1.1.2).
    fn read(&self, receiver: &Self::Receiver, stream_id: &str) -> Result<StreamConfig, Problem>;

    /// All streams of this receiver.
    fn list(&self, receiver: &Self::Receiver) -> Vec<StreamConfig>;

    /// Removes a stream (SSF 1.0 §8.1.1.5).
    fn delete(
        &self,
        receiver: Self::Receiver,
        stream_id: String,
    ) -> impl Future<Output = Result<(), Problem>> + Send;

    /// The status of a stream (SSF 1.0 §8.1.2.1).
    fn status(&self, receiver: &Self::Receiver, stream_id: &str) -> Result<StatusDocument, Problem>;

    /// Sends a verification event (SSF 1.0 §8.1.4.2).
    fn verify(
        &self,
        receiver: Self::Receiver,
        request: VerificationRequest,
    ) -> impl Future<Output = Result<(), Problem>> + Send;

    /// Answers a poll (RFC 8936 §2).
    fn poll(
        &self,
        receiver: Self::Receiver,
        stream_id: String,
        request: PollRequest,
    ) -> impl Future<Output = Result<PollResponse, Problem>> + Send;
}

/// Where the endpoints are, below the path of the issuer.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The path of the issuer without a slash at its end; empty for none.
    pub issuer_path: String,
}

impl Paths {
    /// The JWK Set.
    pub const JWKS: &'static str = "/jwks.json";
    /// Stream configuration.
    pub const STREAMS: &'static str = "/ssf/streams";
    /// Stream status.
    pub const STATUS: &'static str = "/ssf/status";
    /// Verification.
    pub const VERIFICATION: &'static str = "/ssf/verification";
    /// Polling, with the stream's id behind it.
    pub const POLL: &'static str = "/ssf/poll";

    /// A path below the issuer's.
    pub fn below(&self, path: &str) -> String {
        format!("{}{path}", self.issuer_path)
    }
}

/// A router with all endpoints of a transmitter.
// spec: SSF-048, SSF-049, SSF-050, SSF-061, SSF-064
pub fn transmitter_router<H: TransmitterHost>(host: H, paths: &Paths) -> Router {
    Router::new()
        .route(&format!("/.well-known/ssf-configuration{}", paths.issuer_path), get(configuration::<H>))
        .route(&paths.below(Paths::JWKS), get(jwks::<H>))
        .route(&paths.below(Paths::STREAMS), post(create::<H>).get(read::<H>).delete(delete::<H>))
        .route(&paths.below(Paths::STATUS), get(status::<H>))
        .route(&paths.below(Paths::VERIFICATION), post(verify::<H>))
        .route(&paths.below(&format!("{}/{{stream_id}}", Paths::POLL)), post(poll::<H>))
        .with_state(host)
}

#[derive(Deserialize)]
struct StreamQuery {
    stream_id: Option<String>,
}

// spec: SSF-039, SSF-051, SSF-052
async fn configuration<H: TransmitterHost>(State(host): State<H>) -> impl IntoResponse {
    cached(&host.metadata())
}

// spec: SSF-033, CIOP-008
async fn jwks<H: TransmitterHost>(State(host): State<H>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/jwk-set+json"), (CACHE_CONTROL, MAX_AGE)], host.jwks())
}

// spec: SSF-096, SSF-105
async fn create<H: TransmitterHost>(State(host): State<H>, request: Request) -> Result<Response, Problem> {
    let (receiver, body) = authenticated(&host, request, Scope::Manage).await?;
    let config = host.create(receiver, CreateStream::parse(&body)?).await?;
    Ok((StatusCode::CREATED, no_store(&config)).into_response())
}

// spec: SSF-108, SSF-109, SSF-110, SSF-111, SSF-113
async fn read<H: TransmitterHost>(
    State(host): State<H>,
    query: Result<Query<StreamQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let receiver = host.authenticate(bearer_token(&headers), Scope::Read).await?;
    match readable(query)?.stream_id {
        Some(id) => Ok(no_store(&host.read(&receiver, &id)?)),
        None => Ok(no_store(&host.list(&receiver))),
    }
}

// spec: SSF-139, SSF-140, SSF-141, SSF-142
async fn delete<H: TransmitterHost>(
    State(host): State<H>,
    query: Result<Query<StreamQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let receiver = host.authenticate(bearer_token(&headers), Scope::Manage).await?;
    host.delete(receiver, stream_id(readable(query)?)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

// spec: SSF-143, SSF-144, SSF-153, SSF-154
async fn status<H: TransmitterHost>(
    State(host): State<H>,
    query: Result<Query<StreamQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let receiver = host.authenticate(bearer_token(&headers), Scope::Read).await?;
    Ok(no_store(&host.status(&receiver, &stream_id(readable(query)?)?)?))
}

// spec: SSF-179, SSF-180, SSF-195
async fn verify<H: TransmitterHost>(State(host): State<H>, request: Request) -> Result<StatusCode, Problem> {
    let (receiver, body) = authenticated(&host, request, Scope::Manage).await?;
    host.verify(receiver, VerificationRequest::parse(&body)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

// spec: POLL-002, POLL-038, POLL-049, POLL-050, POLL-063
async fn poll<H: TransmitterHost>(
    State(host): State<H>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let (receiver, body) = authenticated(&host, request, Scope::Read).await?;
    let Path(stream_id) = path.map_err(|refused| Problem::unreadable(&refused))?;
    let response = host.poll(receiver, stream_id, PollRequest::parse(&body)?).await?;
    Ok(no_store(&response))
}

/// Who is asking, and with which words; in this order.
async fn authenticated<H: TransmitterHost>(
    host: &H,
    request: Request,
    scope: Scope,
) -> Result<(H::Receiver, Bytes), Problem> {
    let (parts, body) = request.into_parts();
    let receiver = host.authenticate(bearer_token(&parts.headers), scope).await?;
    Ok((receiver, read_body(body, host.body_bytes_max()).await?))
}

/// A query is looked at only when it is known who asks.
fn readable<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, Problem> {
    query.map(|Query(query)| query).map_err(|refused| Problem::unreadable(&refused))
}

fn stream_id(query: StreamQuery) -> Result<String, Problem> {
    query
        .stream_id
        .ok_or_else(|| Problem::new(400, "no stream is named", "add the query parameter `stream_id`"))
}

/// Keys and endpoints change rarely; five minutes bound how late a receiver learns of it.
const MAX_AGE: &str = "public, max-age=300";

fn cached(document: &impl Serialize) -> Response {
    let mut response = Json(document).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(MAX_AGE));
    response
}

// spec: SSF-069
fn no_store(document: &impl Serialize) -> Response {
    let mut response = Json(document).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
