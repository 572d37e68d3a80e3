//! A receiver's side of the conversation: stream management (SSF 1.0 §8) and polling (RFC 8936).

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    Method,
    header::{ACCEPT, CONTENT_LANGUAGE, CONTENT_TYPE},
};
use secevent::finding::quote;
use secevent_jose::json;
use secevent_ssf::{
    Refusal,
    delivery::poll::{PollRequest, PollResponse},
    metadata::TransmitterMetadata,
    stream::{
        AddSubject, CreateStream, RemoveSubject, StatusDocument, StreamConfig, UpdateStream,
        VerificationRequest, successor,
    },
};
use serde::Serialize;
use serde_json::Value;

use super::{Authorization, Client, ClientError, OAuthError, Request, Response};

/// A transmitter as seen by one of its receivers.
///
/// ```no_run
/// # use secevent_http::client::{Client, Egress, TransmitterClient, discover};
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::new(Egress::strict());
/// let metadata = discover(&client, "https://tr.example.com").await?;
/// let transmitter = TransmitterClient::new(client, metadata, "Bearer eyJ0".to_owned());
/// let stream = transmitter.create_stream(&Default::default()).await?;
/// transmitter.verify(&stream.stream_id, Some("a nonce")).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TransmitterClient {
    client: Client,
    metadata: TransmitterMetadata,
    authorization: Authorization,
    /// Called when a delivery method is named as drafts did; without it, such an answer is refused.
    legacy_delivery: Option<Arc<dyn Fn() + Send + Sync>>,
}

/// A call that did not bring what it was made for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The transmitter was not reached, or answered badly.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// There is no access token to make the call with.
    #[error(transparent)]
    Authorization(#[from] OAuthError),
    /// The answer breaks a rule.
    #[error("the answer of the transmitter is refused: {0}")]
    Refused(#[from] Refusal),
    /// The transmitter does not offer this.
    #[error("the transmitter publishes no {0}; its operator has to do this by other means (SSF-062)")]
    NoEndpoint(&'static str),
    /// Another status than the one that means success.
    #[error("the transmitter answered with status {status}{}", words(detail.as_deref()))]
    Status {
        /// The status.
        status: u16,
        /// What it says about it, made fit to be shown.
        detail: Option<String>,
        /// `Retry-After`, in seconds from the answer on.
        retry_after_secs: Option<u64>,
    },
}

impl TransmitterClient {
    /// A client of the transmitter with this metadata. A text as `authorization` is the whole value of the field.
    pub fn new(
        client: Client,
        metadata: TransmitterMetadata,
        authorization: impl Into<Authorization>,
    ) -> Self {
        Self { client, metadata, authorization: authorization.into(), legacy_delivery: None }
    }

    /// Takes delivery methods that are named by the URIs of old drafts as well, and tells of each.
    pub fn allow_legacy_delivery(self, used: impl Fn() + Send + Sync + 'static) -> Self {
        Self { legacy_delivery: Some(Arc::new(used)), ..self }
    }

    /// What the transmitter publishes.
    pub const fn metadata(&self) -> &TransmitterMetadata {
        &self.metadata
    }

    /// Creates a stream.
    // spec: SSF-093, SSF-097
    pub async fn create_stream(&self, stream: &CreateStream) -> Result<StreamConfig, CallError> {
        let answer = self.call(Method::POST, self.configuration(None)?, Some(stream)).await?;
        self.stream_config(&answer, &[200, 201])
    }

    /// Reads a stream.
    // spec: SSF-108, SSF-112
    pub async fn read_stream(&self, stream_id: &str) -> Result<StreamConfig, CallError> {
        let answer = self.call(Method::GET, self.configuration(Some(stream_id))?, NO_BODY).await?;
        self.stream_config(&answer, &[200])
    }

    /// Reads all streams of this receiver.
    // spec: SSF-110, SSF-112
    pub async fn list_streams(&self) -> Result<Vec<StreamConfig>, CallError> {
        let answer = self.call(Method::GET, self.configuration(None)?, NO_BODY).await?;
        let body = expect(&answer, &[200])?;
        let refused = |detail: String| Refusal::new("SSF-110", "", detail, "send an array of configurations");
        let mut value = json::parse(body).map_err(|error| refused(error.to_string()))?;
        value.as_array_mut().into_iter().flatten().for_each(|stream| self.modernise(stream));
        let streams = serde_json::from_value::<Vec<StreamConfig>>(value);
        let streams = streams.map_err(|error| refused(error.to_string()))?;
        streams.into_iter().map(|stream| self.of_issuer(stream)).collect()
    }

    /// Changes a stream: what is absent stays as it is.
    // spec: SSF-114, SSF-124
    pub async fn update_stream(&self, update: &UpdateStream) -> Result<StreamConfig, CallError> {
        let answer = self.call(Method::PATCH, self.configuration(None)?, Some(update)).await?;
        self.stream_config(&answer, &[200])
    }

    /// Replaces what the receiver supplies of a stream: what is absent is deleted.
    // spec: SSF-129, SSF-136
    pub async fn replace_stream(&self, stream: &UpdateStream) -> Result<StreamConfig, CallError> {
        let answer = self.call(Method::PUT, self.configuration(None)?, Some(stream)).await?;
        self.stream_config(&answer, &[200])
    }

    /// Deletes a stream.
    // spec: SSF-139
    pub async fn delete_stream(&self, stream_id: &str) -> Result<(), CallError> {
        let answer = self.call(Method::DELETE, self.configuration(Some(stream_id))?, NO_BODY).await?;
        expect(&answer, &[200, 204]).map(drop)
    }

    /// Reads the status of a stream.
    // spec: SSF-143
    pub async fn status(&self, stream_id: &str) -> Result<StatusDocument, CallError> {
        let url =
            with_stream(endpoint(self.metadata.status_endpoint.as_ref(), "status_endpoint")?, stream_id)?;
        let answer = self.call(Method::GET, url, NO_BODY).await?;
        Ok(StatusDocument::parse_answer(expect(&answer, &[200])?)?)
    }

    /// Asks for another status. `None` when the transmitter has yet to decide (202).
    // spec: SSF-156, SSF-158
    pub async fn set_status(&self, wanted: &StatusDocument) -> Result<Option<StatusDocument>, CallError> {
        let url = endpoint(self.metadata.status_endpoint.as_ref(), "status_endpoint")?;
        let answer = self.call(Method::POST, url.to_owned(), Some(wanted)).await?;
        match (answer.status, expect(&answer, &[200, 202])?) {
            (202, _) => Ok(None),
            (_, body) => Ok(Some(StatusDocument::parse_answer(body)?)),
        }
    }

    /// Asks for a verification event; the answer only says that it will come.
    // spec: SSF-179, SSF-191
    pub async fn verify(&self, stream_id: &str, state: Option<&str>) -> Result<(), CallError> {
        let url = endpoint(self.metadata.verification_endpoint.as_ref(), "verification_endpoint")?;
        let request =
            VerificationRequest { stream_id: stream_id.to_owned(), state: state.map(str::to_owned) };
        let answer = self.call(Method::POST, url.to_owned(), Some(&request)).await?;
        expect(&answer, &[200, 202, 204]).map(drop)
    }

    /// Adds a subject.
    // spec: SSF-163, SSF-168
    pub async fn add_subject(&self, request: &AddSubject) -> Result<(), CallError> {
        let url = endpoint(self.metadata.add_subject_endpoint.as_ref(), "add_subject_endpoint")?;
        let answer = self.call(Method::POST, url.to_owned(), Some(request)).await?;
        expect(&answer, &[200, 204]).map(drop)
    }

    /// Removes a subject.
    // spec: SSF-171
    pub async fn remove_subject(&self, request: &RemoveSubject) -> Result<(), CallError> {
        let url = endpoint(self.metadata.remove_subject_endpoint.as_ref(), "remove_subject_endpoint")?;
        let answer = self.call(Method::POST, url.to_owned(), Some(request)).await?;
        expect(&answer, &[200, 204]).map(drop)
    }

    /// Polls the URL that the stream's configuration names, as it stands there; the deadline covers the wait.
    // spec: POLL-001, POLL-002, POLL-003, POLL-020
    pub async fn poll(
        &self,
        endpoint_url: &str,
        request: &PollRequest,
        deadline: Duration,
    ) -> Result<PollResponse, CallError> {
        let is_in_english = !request.set_errs.is_empty();
        let body = written(Some(request))?;
        let answer = self.exchange(&Method::POST, endpoint_url, body, |request| {
            let request = request.deadline(deadline).body_max(POLL_BYTES_MAX);
            if is_in_english { request.header(CONTENT_LANGUAGE, "en") } else { request }
        });
        let answer = answer.await?;
        Ok(PollResponse::parse(expect(&answer, &[200])?)?)
    }

    fn configuration(&self, stream_id: Option<&str>) -> Result<String, CallError> {
        let url = endpoint(self.metadata.configuration_endpoint.as_ref(), "configuration_endpoint")?;
        stream_id.map_or_else(|| Ok(url.to_owned()), |stream_id| with_stream(url, stream_id))
    }

    fn stream_config(&self, answer: &Response, success: &[u16]) -> Result<StreamConfig, CallError> {
        let body = expect(answer, success)?;
        let stream = match json::parse(body) {
            Ok(mut stream) if self.legacy_delivery.is_some() => {
                self.modernise(&mut stream);
                StreamConfig::parse(stream.to_string().as_bytes())?
            }
            _ => StreamConfig::parse(body)?,
        };
        self.of_issuer(stream)
    }

    /// Names the delivery method of a stream as it is called today, where that may be done.
    // spec: SSF-030
    fn modernise(&self, stream: &mut Value) {
        let Some(used) = &self.legacy_delivery else { return };
        let Some(method) = stream.pointer_mut("/delivery/method") else { return };
        if let Some(successor) = method.as_str().and_then(successor) {
            *method = successor.into();
            used();
        }
    }

    // spec: SSF-097, SSF-112, SSF-124, SSF-136
    fn of_issuer(&self, stream: StreamConfig) -> Result<StreamConfig, CallError> {
        if stream.iss == self.metadata.issuer {
            return Ok(stream);
        }
        let found = format!("it is {}, the issuer is {}", quote(&stream.iss), quote(&self.metadata.issuer));
        Err(Refusal::new("SSF-097", "/iss", found, "send the issuer of the metadata").into())
    }

    async fn call(
        &self,
        method: Method,
        url: String,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<Response, CallError> {
        self.exchange(&method, &url, written(body)?, |request| request).await
    }

    /// Sends a request. An access token that is refused before its time, as after a restart of the server that gave
    /// it, is replaced once.
    async fn exchange<'a>(
        &'a self,
        method: &Method,
        url: &'a str,
        body: Option<Bytes>,
        more: impl Fn(Request<'a>) -> Request<'a>,
    ) -> Result<Response, CallError> {
        let send = |authorization: Option<Arc<str>>| {
            let request = self.request(method, url, body.clone(), authorization.as_deref());
            more(request).send()
        };
        let authorization = self.authorization.header().await?;
        let answer = send(authorization.clone()).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        match self.authorization.renewed(authorization.as_deref()).await? {
            Some(renewed) => Ok(send(Some(renewed)).await?),
            None => Ok(answer),
        }
    }

    // spec: SSF-070
    fn request<'a>(
        &'a self,
        method: &Method,
        url: &'a str,
        body: Option<Bytes>,
        authorization: Option<&str>,
    ) -> Request<'a> {
        let request = self.client.request(method.clone(), url).header(ACCEPT, "application/json");
        let request = request.authorization(authorization);
        match body {
            Some(body) => request.header(CONTENT_TYPE, "application/json").body(body),
            None => request,
        }
    }
}

impl std::fmt::Debug for TransmitterClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TransmitterClient").field("issuer", &self.metadata.issuer).finish_non_exhaustive()
    }
}

fn written(body: Option<&impl Serialize>) -> Result<Option<Bytes>, CallError> {
    let written = body.map(serde_json::to_vec).transpose().map_err(|error| {
        Refusal::new("SSF-070", "", error.to_string(), "send a document that can be written as JSON")
    })?;
    Ok(written.map(Bytes::from))
}

fn endpoint<'a>(url: Option<&'a String>, name: &'static str) -> Result<&'a str, CallError> {
    url.map(String::as_str).ok_or(CallError::NoEndpoint(name))
}

/// The endpoint may have a query of its own.
fn with_stream(endpoint: &str, stream_id: &str) -> Result<String, CallError> {
    let malformed = |_| super::EgressError::Malformed("an endpoint of the metadata cannot be parsed");
    let mut url = url::Url::parse(endpoint).map_err(malformed).map_err(ClientError::from)?;
    url.query_pairs_mut().append_pair("stream_id", stream_id);
    Ok(url.into())
}

fn expect<'a>(answer: &'a Response, success: &[u16]) -> Result<&'a [u8], CallError> {
    let status = answer.status;
    if success.contains(&status) {
        return Ok(answer.whole()?);
    }
    let (detail, retry_after_secs) = (detail(&answer.body), answer.retry_after_secs());
    Err(CallError::Status { status, detail, retry_after_secs })
}

fn words(detail: Option<&str>) -> String {
    detail.map(|said| format!(": {said}")).unwrap_or_default()
}

/// Error bodies are undefined; problem details and OAuth errors are what is met.
fn detail(body: &[u8]) -> Option<String> {
    let members = json::parse_object(body).ok()?;
    let word = |name: &&str| members.get(*name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let what = ["title", "error"].iter().find_map(word);
    let why = ["detail", "error_description", "description"].iter().find_map(word);
    let said = [what, why].into_iter().flatten().collect::<Vec<_>>().join("; ");
    if said.is_empty() {
        return None;
    }
    let short: String = said.chars().take(DETAIL_CHARS_MAX).collect();
    Some(short.escape_debug().to_string())
}

const NO_BODY: Option<&()> = None;
/// Two sentences.
const DETAIL_CHARS_MAX: usize = 300;
/// A hundred SETs of the largest size, or thousands of common ones.
const POLL_BYTES_MAX: usize = 8 * 1024 * 1024;
