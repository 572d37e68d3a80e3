//! The requests of the vectors, and the status that a transmitter answers each with.

use std::{sync::Arc, time::Duration};

use secevent::{EventType, event::ssf::StreamStatus};
use secevent_http::client::{Client, Egress};
use secevent_ssf::{
    Audience, StreamNo,
    metadata::DefaultSubjects,
    store::{Batch, Party, Store, StreamRecord, Write},
    stream::{Delivery, StreamConfig},
};

use crate::home::{ACME, ACME_AUD, Home, now};

const ISSUER: &str = "https://tr.example.com";
pub(crate) const STREAM: &str = "f67e39a0a4d34d56b3aa1bc4cff0069f";

/// A poll stream of an issuer, as a store keeps it.
pub(crate) fn the_one_stream() -> StreamRecord {
    StreamRecord {
        no: StreamNo(1),
        audience: Audience(1),
        receiver: "acme".into(),
        config: StreamConfig {
            stream_id: STREAM.into(),
            iss: ISSUER.into(),
            aud: vec![ACME_AUD.into()],
            events_supported: EventType::catalogue().collect(),
            events_requested: None,
            events_delivered: EventType::catalogue().collect(),
            delivery: Delivery::Poll { endpoint_url: Some(format!("{ISSUER}/ssf/poll/{STREAM}")) },
            min_verification_interval: None,
            inactivity_timeout: None,
            description: None,
            other: serde_json::Map::new(),
        },
        status: StreamStatus::Enabled,
        reason: None,
        status_by: Party::Receiver,
        notice: None,
        default_subjects: DefaultSubjects::All,
        created_at: now().timestamp(),
    }
}

// spec: SSF-079, SSF-102, SSF-105, SSF-195, POLL-021, POLL-040, POLL-050
#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered_as_the_vectors_say() {
    let home = Home::new();
    let store = Arc::new(home.store().await);
    let write = Write::Stream(Box::new(the_one_stream()));
    store.commit(&Batch { events: Vec::new(), writes: vec![write] }).unwrap();
    let mut settings = home.settings();
    settings.issuer = ISSUER.into();
    settings.client = Client::new(Egress::strict());
    settings.limits.poll_wait = Duration::from_millis(100);
    let hub = home.start_with(settings, store, |_| axum::Router::new()).await;
    let mut seen = 0;
    for vector in testkit::vectors() {
        let path = match vector.kind.as_str() {
            "stream-create-request" => "/ssf/streams".to_owned(),
            "verification-request" => "/ssf/verification".to_owned(),
            "poll-request" => format!("/ssf/poll/{STREAM}"),
            _ => continue,
        };
        let Some(status) = vector.expected.get("http") else { continue };
        let answer = hub.send("POST", &path, ACME, vector.bytes()).await;
        assert_eq!(u64::from(answer.status), status.as_u64().unwrap(), "{}: {answer:?}", vector.file);
        if vector.kind == "stream-create-request" && answer.status == 201 {
            assert_eq!(answer.json()["iss"], ISSUER, "{}", vector.file);
        }
        seen += 1;
    }
    assert!(seen >= 17, "only {seen} vectors");
    hub.stop().await;
}
