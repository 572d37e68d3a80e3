//! The transmitter role: what stands behind the endpoints of SSF 1.0 §8 and RFC 8936.

mod poll;
mod status;
mod streams;
mod subjects;
mod update;
mod verification;

pub(crate) use streams::to_its_end;

use axum::Router;
use secevent_http::router::{Paths, Problem, Scope, TransmitterHost, UpdateMethod, transmitter_router};
use secevent_ssf::{
    delivery::poll::{PollRequest, PollResponse},
    metadata::{AuthorizationScheme, TransmitterMetadata},
    stream::{
        self, AddSubject, CreateStream, RemoveSubject, StatusDocument, StreamConfig, UpdateStream,
        VerificationRequest,
    },
};

use self::streams::shown;
use crate::{Hub, ReceiverSettings};

impl Hub {
    /// A router with the endpoints of a transmitter and of its authorization, to merge into any axum application.
    pub fn transmitter_router(&self) -> Router {
        transmitter_router(self.clone(), &self.paths()).merge(self.oauth_router())
    }

    /// Where the endpoints are.
    pub(crate) fn paths(&self) -> Paths {
        let after_scheme = self.issuer().split_once("://").map_or("", |(_, rest)| rest);
        let issuer_path = after_scheme.find('/').map_or("", |slash| &after_scheme[slash..]);
        Paths { issuer_path: issuer_path.trim_end_matches('/').to_owned() }
    }

    /// The URL of an endpoint.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer().trim_end_matches('/'))
    }
}

/// Where a stream of this issuer is polled.
pub(crate) fn poll_url(issuer: &str, stream_id: &str) -> String {
    format!("{}{}/{stream_id}", issuer.trim_end_matches('/'), Paths::POLL)
}

impl TransmitterHost for Hub {
    type Receiver = ReceiverSettings;

    fn body_bytes_max(&self) -> usize {
        self.0.settings.limits.body_bytes
    }

    // spec: SSF-031, SSF-032, SSF-033, SSF-035, SSF-040, SSF-043, SSF-053
    // spec: CIOP-006, CIOP-007, CIOP-008, CIOP-009, CIOP-010, CIOP-011, CIOP-012
    fn metadata(&self) -> TransmitterMetadata {
        TransmitterMetadata {
            spec_version: Some("1_0".into()),
            issuer: self.issuer().to_owned(),
            jwks_uri: Some(self.url(Paths::JWKS)),
            delivery_methods_supported: vec![stream::PUSH.into(), stream::POLL.into()],
            configuration_endpoint: Some(self.url(Paths::STREAMS)),
            status_endpoint: Some(self.url(Paths::STATUS)),
            add_subject_endpoint: Some(self.url(Paths::ADD_SUBJECT)),
            remove_subject_endpoint: Some(self.url(Paths::REMOVE_SUBJECT)),
            verification_endpoint: Some(self.url(Paths::VERIFICATION)),
            authorization_schemes: vec![AuthorizationScheme::new("urn:ietf:rfc:6749")],
            default_subjects: Some(self.0.settings.default_subjects),
            ..TransmitterMetadata::default()
        }
    }

    fn jwks(&self) -> String {
        self.0.keys.jwks(self.now().timestamp())
    }

    async fn authenticate(&self, token: Option<&str>, scope: Scope) -> Result<ReceiverSettings, Problem> {
        self.authorized(token, scope).await
    }

    async fn create(
        &self,
        receiver: ReceiverSettings,
        request: CreateStream,
    ) -> Result<StreamConfig, Problem> {
        let hub = self.clone();
        to_its_end(async move { hub.create_stream(&receiver, request).await }).await
    }

    fn read(&self, receiver: &ReceiverSettings, stream_id: &str) -> Result<StreamConfig, Problem> {
        Ok(shown(&self.stream_of(receiver, stream_id)?.record()))
    }

    fn list(&self, receiver: &ReceiverSettings) -> Vec<StreamConfig> {
        self.streams_of(receiver).iter().map(|stream| shown(&stream.record())).collect()
    }

    async fn delete(&self, receiver: ReceiverSettings, stream_id: String) -> Result<(), Problem> {
        let (hub, stream) = (self.clone(), self.stream_of(&receiver, &stream_id)?);
        to_its_end(async move { hub.delete_stream(&stream).await }).await
    }

    fn status(&self, receiver: &ReceiverSettings, stream_id: &str) -> Result<StatusDocument, Problem> {
        let record = self.stream_of(receiver, stream_id)?.record();
        Ok(StatusDocument {
            stream_id: stream_id.into(),
            status: record.status,
            reason: record.reason.clone(),
        })
    }

    async fn update(
        &self,
        receiver: ReceiverSettings,
        update: UpdateStream,
        method: UpdateMethod,
    ) -> Result<StreamConfig, Problem> {
        let (hub, stream) = (self.clone(), self.stream_of(&receiver, &update.stream_id)?);
        to_its_end(async move { hub.update_stream(&receiver, &stream, update, method).await }).await
    }

    async fn set_status(
        &self,
        receiver: ReceiverSettings,
        wanted: StatusDocument,
    ) -> Result<StatusDocument, Problem> {
        let (hub, stream) = (self.clone(), self.stream_of(&receiver, &wanted.stream_id)?);
        let StatusDocument { stream_id, status, reason } = wanted;
        to_its_end(async move { hub.set_status(&stream, status, reason).await }).await?;
        TransmitterHost::status(self, &receiver, &stream_id)
    }

    async fn add_subject(&self, receiver: ReceiverSettings, request: AddSubject) -> Result<(), Problem> {
        let (hub, stream) = (self.clone(), self.stream_of(&receiver, &request.stream_id)?);
        to_its_end(async move { hub.add_subject(&stream, &request.subject, request.verified).await }).await
    }

    async fn remove_subject(
        &self,
        receiver: ReceiverSettings,
        request: RemoveSubject,
    ) -> Result<(), Problem> {
        let (hub, stream) = (self.clone(), self.stream_of(&receiver, &request.stream_id)?);
        to_its_end(async move { hub.remove_subject(&stream, &request.subject).await }).await
    }

    async fn verify(&self, receiver: ReceiverSettings, request: VerificationRequest) -> Result<(), Problem> {
        let stream = self.stream_of(&receiver, &request.stream_id)?;
        let hub = self.clone();
        to_its_end(async move { hub.send_verification(&stream, request.state).await }).await
    }

    async fn poll(
        &self,
        receiver: ReceiverSettings,
        stream_id: String,
        request: PollRequest,
    ) -> Result<PollResponse, Problem> {
        let stream = self.stream_of(&receiver, &stream_id)?;
        self.answer_poll(&stream, request).await
    }
}
