//! Discovery, stream management and polling, as the transmitter sees them.

use std::time::Duration;

use secevent::{ErrorCode, SubjectId, event::ssf::StreamStatus};
use secevent_http::client::{CallError, Client, DiscoverError, Egress, TransmitterClient, discover};
use secevent_ssf::{
    delivery::{SetError, poll::PollRequest},
    metadata::TransmitterMetadata,
    stream::{AddSubject, CreateStream, RemoveSubject, StatusDocument, StreamConfig, UpdateStream},
};

use super::peer::{Peer, answer};

const STREAM: &str = "f67e39a0a4d34d56b3aa1bc4cff0069f";

fn vector(file: &str) -> String {
    String::from_utf8(testkit::bytes(file)).unwrap()
}

/// A client of a transmitter whose every endpoint is the peer.
fn transmitter(peer: &Peer) -> TransmitterClient {
    let metadata = TransmitterMetadata {
        issuer: "https://tr.example.com".into(),
        configuration_endpoint: Some(peer.url("/stream?v=1")),
        status_endpoint: Some(peer.url("/status")),
        add_subject_endpoint: Some(peer.url("/subject:add")),
        remove_subject_endpoint: Some(peer.url("/subject:remove")),
        ..TransmitterMetadata::default()
    };
    TransmitterClient::new(Client::new(Egress::loopback()), metadata, "Bearer canary".to_owned())
}

// spec: SSF-048, SSF-051, SSF-055, SSF-056
#[tokio::test]
async fn metadata_is_found_by_path_insertion_and_believed_for_its_issuer_only() {
    let peer = Peer::answering("").await;
    let issuer = peer.url("/tenant");
    peer.answer(answer(200, "", &format!(r#"{{"issuer":"{issuer}","jwks_uri":"{issuer}/jwks"}}"#)));
    let client = Client::new(Egress::loopback());
    assert_eq!(discover(&client, &issuer).await.unwrap().jwks_uri, Some(format!("{issuer}/jwks")));
    assert!(peer.requests()[0].starts_with("GET /.well-known/ssf-configuration/tenant HTTP/1.1\r\n"));
    let other = discover(&client, &format!("{issuer}/")).await.unwrap_err();
    assert!(matches!(&other, DiscoverError::Refused(refusal) if refusal.id == "SSF-055"), "{other}");
    peer.answer(answer(404, "", ""));
    assert!(matches!(discover(&client, &issuer).await, Err(DiscoverError::Status { status: 404, .. })));
    let strict = Client::new(Egress::strict());
    assert!(matches!(discover(&strict, &issuer).await, Err(DiscoverError::Refused(_))));
}

// spec: SSF-093, SSF-095, SSF-097, SSF-108, SSF-110, SSF-139
#[tokio::test]
async fn streams_are_created_read_listed_and_deleted() {
    let peer = Peer::answering(answer(201, "", &vector("ssf-22.json"))).await;
    let client = transmitter(&peer);
    let create = CreateStream { description: Some("x".into()), ..CreateStream::default() };
    assert_eq!(client.create_stream(&create).await.unwrap().stream_id, STREAM);
    peer.answer(answer(200, "", &vector("ssf-24.json")));
    assert_eq!(client.read_stream(STREAM).await.unwrap().stream_id, STREAM);
    peer.answer(answer(200, "", &vector("ssf-26.json")));
    assert_eq!(client.list_streams().await.unwrap().len(), 2);
    peer.answer(answer(204, "", ""));
    client.delete_stream("a b&c").await.unwrap();
    let requests = peer.requests();
    assert!(requests[0].starts_with("POST /stream?v=1 "), "{}", requests[0]);
    assert!(requests[0].contains("\r\nauthorization: Bearer canary\r\n"));
    assert!(requests[0].contains("\r\ncontent-type: application/json\r\n"));
    assert!(requests[0].ends_with("\r\n\r\n{\"description\":\"x\"}"));
    assert!(requests[1].starts_with(&format!("GET /stream?v=1&stream_id={STREAM} ")), "{}", requests[1]);
    assert!(requests[3].starts_with("DELETE /stream?v=1&stream_id=a+b%26c "), "{}", requests[3]);
}

// spec: SSF-097, SSF-112, SSF-124, SSF-136
#[tokio::test]
async fn a_stream_of_another_issuer_is_refused() {
    let foreign = vector("ssf-22.json").replace("https://tr.example.com", "https://evil.example");
    let peer = Peer::answering(answer(201, "", &foreign)).await;
    let client = transmitter(&peer);
    let refused = |answer: Result<StreamConfig, CallError>| {
        let error = answer.unwrap_err();
        assert!(matches!(&error, CallError::Refused(refusal) if refusal.id == "SSF-097"), "{error}");
    };
    refused(client.create_stream(&CreateStream::default()).await);
    peer.answer(answer(200, "", &foreign));
    let update = UpdateStream { stream_id: STREAM.into(), ..UpdateStream::default() };
    refused(client.read_stream(STREAM).await);
    refused(client.update_stream(&update).await);
    refused(client.replace_stream(&update).await);
}

// spec: SSF-143, SSF-156, SSF-158
#[tokio::test]
async fn status_is_read_and_set() {
    let peer = Peer::answering(answer(200, "", &vector("ssf-36.json"))).await;
    let client = transmitter(&peer);
    let status = client.status(STREAM).await.unwrap();
    assert_eq!(status.status, StreamStatus::Paused);
    assert!(peer.requests()[0].starts_with(&format!("GET /status?stream_id={STREAM} ")));
    assert_eq!(client.set_status(&status).await.unwrap(), Some(status.clone()));
    peer.answer(answer(202, "", ""));
    let wanted = StatusDocument { status: StreamStatus::Enabled, reason: None, ..status };
    assert_eq!(client.set_status(&wanted).await.unwrap(), None);
    assert!(peer.requests()[2].ends_with(&format!(r#"{{"stream_id":"{STREAM}","status":"enabled"}}"#)));
}

// spec: SSF-163, SSF-164, SSF-168, SSF-171
#[tokio::test]
async fn subjects_are_added_and_removed() {
    let peer = Peer::answering(answer(204, "", "")).await;
    let client = transmitter(&peer);
    let subject = SubjectId::email("a@example.com");
    let add = AddSubject { stream_id: STREAM.into(), subject: subject.clone(), verified: true };
    client.add_subject(&add).await.unwrap();
    client.remove_subject(&RemoveSubject { stream_id: STREAM.into(), subject }).await.unwrap();
    assert!(
        peer.requests()[0].starts_with("POST /subject:add ")
            && peer.requests()[0].contains(r#""verified":true"#)
    );
    assert!(peer.requests()[1].contains(r#""subject":{"format":"email","email":"a@example.com"}}"#));
}

// spec: POLL-001, POLL-002, POLL-003, POLL-020, SSFC-010
#[tokio::test]
async fn a_poll_goes_to_the_url_as_given_and_names_the_language_of_errors() {
    let peer = Peer::answering(answer(200, "", &vector("rfc8936-6.json"))).await;
    let client = transmitter(&peer);
    let url = peer.url("/poll?stream_id=1&x");
    let second = Duration::from_secs(1);
    let response = client.poll(&url, &PollRequest::default(), second).await.unwrap();
    assert_eq!(response.sets.len(), 2);
    let report = vec![("a".to_owned(), SetError::new(ErrorCode::InvalidState, "not asked for"))];
    client.poll(&url, &PollRequest { set_errs: report, ..PollRequest::default() }, second).await.unwrap();
    let requests = peer.requests();
    assert!(
        requests[0].starts_with("POST /poll?stream_id=1&x HTTP/1.1\r\n")
            && requests[0].ends_with("\r\n\r\n{}")
    );
    assert!(!requests[0].contains("content-language"));
    assert!(requests[1].contains("\r\ncontent-language: en\r\n"));
}

// spec: POLL-054, SSF-062
#[tokio::test]
async fn a_refused_call_says_why_and_when_to_come_back() {
    let peer =
        Peer::answering(answer(429, "retry-after: 7\r\n", r#"{"detail":"too\u001b[31m often"}"#)).await;
    let client = transmitter(&peer);
    let error = client.read_stream(STREAM).await.unwrap_err();
    let detail = Some("too\\u{1b}[31m often".to_owned());
    assert_eq!(error, CallError::Status { status: 429, detail, retry_after_secs: Some(7) });
    assert!(!error.to_string().contains("canary") && !format!("{client:?}").contains("canary"));
    assert_eq!(client.verify(STREAM, None).await, Err(CallError::NoEndpoint("verification_endpoint")));
}
