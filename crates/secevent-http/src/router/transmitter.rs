//! The endpoints of a transmitter (SSF 1.0 §7, §8; RFC 8936): discovery, keys, streams, verification, poll.
//!
//! Refusals come in one order: who are you (401), can it be read (400), does it exist and is it yours (404).

use std::{future::Future, time::Duration};

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
    stream::{
        AddSubject, CreateStream, RemoveSubject, StatusDocument, StreamConfig, UpdateStream,
        VerificationRequest,
    },
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

/// What a member that is absent from an update means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateMethod {
    /// `PATCH`: it stays as it is.
    Patch,
    /// `PUT`: it is deleted.
    Put,
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

    /// Changes a stream (SSF 1.0 §8.1.1.3) or replaces it (§8.1.1.4).
    fn update(
        &self,
        receiver: Self::Receiver,
        update: UpdateStream,
        method: UpdateMethod,
    ) -> impl Future<Output = Result<StreamConfig, Problem>> + Send;

    /// Changes the status of a stream (SSF 1.0 §8.1.2.2), and answers with what it is then.
    fn set_status(
        &self,
        receiver: Self::Receiver,
        wanted: StatusDocument,
    ) -> impl Future<Output = Result<StatusDocument, Problem>> + Send;

    /// Adds a subject (SSF 1.0 §8.1.3.2).
    fn add_subject(
        &self,
        receiver: Self::Receiver,
        request: AddSubject,
    ) -> impl Future<Output = Result<(), Problem>> + Send;

    /// Removes a subject (SSF 1.0 §8.1.3.3).
    fn remove_subject(
        &self,
        receiver: Self::Receiver,
        request: RemoveSubject,
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
    /// Adding a subject.
    pub const ADD_SUBJECT: &'static str = "/ssf/subjects/add";
    /// Removing a subject.
    pub const REMOVE_SUBJECT: &'static str = "/ssf/subjects/remove";
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
        .route(
            &paths.below(Paths::STREAMS),
            post(create::<H>).get(read::<H>).patch(patch::<H>).put(put::<H>).delete(delete::<H>),
        )
        .route(&paths.below(Paths::STATUS), get(status::<H>).post(set_status::<H>))
        .route(&paths.below(Paths::ADD_SUBJECT), post(add_subject::<H>))
        .route(&paths.below(Paths::REMOVE_SUBJECT), post(remove_subject::<H>))
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
    let media_type = HeaderValue::from_static("application/jwk-set+json");
    ([(CONTENT_TYPE, media_type), (CACHE_CONTROL, for_a_while())], host.jwks())
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

// spec: SSF-114, SSF-123, SSF-125
async fn patch<H: TransmitterHost>(State(host): State<H>, request: Request) -> Result<Response, Problem> {
    update(&host, request, UpdateMethod::Patch).await
}

// spec: SSF-129, SSF-135, SSF-137
async fn put<H: TransmitterHost>(State(host): State<H>, request: Request) -> Result<Response, Problem> {
    update(&host, request, UpdateMethod::Put).await
}

async fn update<H: TransmitterHost>(
    host: &H,
    request: Request,
    method: UpdateMethod,
) -> Result<Response, Problem> {
    let (receiver, body) = authenticated(host, request, Scope::Manage).await?;
    Ok(no_store(&host.update(receiver, UpdateStream::parse(&body)?, method).await?))
}

// spec: SSF-156, SSF-157, SSF-159
async fn set_status<H: TransmitterHost>(
    State(host): State<H>,
    request: Request,
) -> Result<Response, Problem> {
    let (receiver, body) = authenticated(&host, request, Scope::Manage).await?;
    Ok(no_store(&host.set_status(receiver, StatusDocument::parse(&body)?).await?))
}

// spec: SSF-163, SSF-167, SSF-170
async fn add_subject<H: TransmitterHost>(
    State(host): State<H>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let (receiver, body) = authenticated(&host, request, Scope::Manage).await?;
    host.add_subject(receiver, AddSubject::parse(&body)?).await?;
    Ok(StatusCode::OK)
}

// spec: SSF-171, SSF-172, SSF-173
async fn remove_subject<H: TransmitterHost>(
    State(host): State<H>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let (receiver, body) = authenticated(&host, request, Scope::Manage).await?;
    host.remove_subject(receiver, RemoveSubject::parse(&body)?).await?;
    Ok(StatusCode::NO_CONTENT)
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

/// How long a receiver keeps the JWK Set and the metadata before it asks again. Both change rarely; five minutes bound
/// how late a receiver learns of it.
pub const JWKS_MAX_AGE: Duration = Duration::from_mins(5);

fn for_a_while() -> HeaderValue {
    let value = format!("public, max-age={}", JWKS_MAX_AGE.as_secs());
    value.try_into().expect("letters, digits and a few signs")
}

fn cached(document: &impl Serialize) -> Response {
    let mut response = Json(document).into_response();
    response.headers_mut().insert(CACHE_CONTROL, for_a_while());
    response
}

// spec: SSF-069
fn no_store(document: &impl Serialize) -> Response {
    let mut response = Json(document).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
