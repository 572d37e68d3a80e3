//! Records to store.

use secevent::{EventType, SubjectId, Timestamp, event::ssf::StreamStatus};
use secevent_ssf::{
    Audience, Entry, LoggedEvent, Seq, StreamNo, SubjectKey,
    interest::Wish,
    metadata::DefaultSubjects,
    store::{
        Batch, DeadLetter, IdempotentAnswer, Letters, NewEvent, Origin, Party, Received, Replay, Retention,
        Source, StreamRecord, Write,
    },
    stream::{Delivery, Secret, StreamConfig},
};
use serde_json::{Map, json};

pub(crate) fn origin() -> Origin {
    Origin { incarnation: 0x00AB_CDEF, sealing_key: [7; 16] }
}

/// An event accepted at this time for these streams.
pub(crate) fn event_at(iat: i64, streams: &[u32]) -> NewEvent {
    let subject = SubjectId::email(format!("user{iat}@example.com"));
    let payload = json!({"reason_admin": {"en": "a \u{20ac} and a \u{0} survive"}, "n": 1.5});
    let event_type = EventType::from_name("caep:session-revoked").unwrap();
    let payload = payload.as_object().unwrap().clone();
    let event = LoggedEvent::new(Timestamp(iat), event_type, subject.clone(), payload, "txn-1".into());
    let event = event.happened(Some(Timestamp(iat - 5)));
    // The largest key too: it is kept as a signed number.
    let subject = if iat == 0 { SubjectKey(u64::MAX) } else { SubjectKey::of(&subject) };
    NewEvent { event, subject, streams: streams.iter().copied().map(StreamNo).collect() }
}

pub(crate) fn events(batch: impl IntoIterator<Item = NewEvent>) -> Batch {
    Batch { events: batch.into_iter().collect(), writes: Vec::new() }
}

pub(crate) fn writes(writes: impl IntoIterator<Item = Write>) -> Batch {
    Batch { events: Vec::new(), writes: writes.into_iter().collect() }
}

pub(crate) fn stream(no: u32) -> StreamRecord {
    let endpoint_url = "https://rx.example.com/events".into();
    let secret = Secret::new("Bearer s3cret");
    StreamRecord {
        no: StreamNo(no),
        audience: Audience(no + 10),
        receiver: "acme".into(),
        config: StreamConfig {
            stream_id: format!("stream-{no}"),
            iss: "https://tr.example.com".into(),
            aud: vec!["https://rx.example.com".into()],
            events_supported: EventType::catalogue().collect(),
            events_requested: Some(vec![EventType::from_uri("urn:example:unknown")]),
            events_delivered: vec![EventType::from_name("caep:session-revoked").unwrap()],
            delivery: Delivery::Push { endpoint_url, authorization_header: Some(secret) },
            min_verification_interval: Some(30),
            inactivity_timeout: None,
            description: Some("one of \u{201c}ours\u{201d}".into()),
            other: Map::from_iter([("vendor".to_owned(), json!({"kept": true}))]),
        },
        status: StreamStatus::Paused,
        reason: Some("by hand".into()),
        status_by: Party::Operator,
        notice: Some(Seq(9)),
        default_subjects: DefaultSubjects::None,
        created_at: Timestamp(1_700_000_000),
    }
}

pub(crate) fn wish(stream: u32, about: &str, turn: u64) -> Wish {
    let (stream, subject) = (StreamNo(stream), SubjectId::opaque(about));
    Wish {
        stream,
        subject,
        turn,
        wanted: turn.is_multiple_of(2),
        from: Timestamp(7),
        before: Some((1, true)),
        verified: true,
    }
}

pub(crate) fn letter(stream: u32, seq: u64, reason: &str) -> DeadLetter {
    let (stream, seq, at) = (StreamNo(stream), Seq(seq), Timestamp(9));
    DeadLetter { stream, seq, reason: reason.into(), at, many: None, event: None }
}

pub(crate) fn replay() -> Replay {
    let entry = |seq| Entry { seq: Seq(seq), subject: SubjectKey(u64::MAX) };
    let letters = Letters {
        ids: Some([Seq(3), Seq(u64::MAX)].into()),
        event_type: Some(EventType::from_uri("urn:example:event")),
        reason_contains: Some("a \u{20ac} and a \u{0} survive".into()),
        ..Letters::default()
    };
    Replay {
        source: Source::Letters(letters),
        through: Seq(9),
        at: Timestamp(5),
        count: 7,
        done: 0,
        refused: 0,
        high: Seq(4),
        open: vec![entry(3), entry(8)],
    }
}

pub(crate) fn received(transmitter: &str, iss: &str, jti: &str) -> Received {
    let (transmitter, iss, jti) = (transmitter.into(), iss.into(), jti.into());
    Received { no: 0, transmitter, iss, jti, set: "a.b.c".into(), at: Timestamp(3) }
}

pub(crate) fn answer(key: &str, first: u64, at: i64) -> IdempotentAnswer {
    let (key, streams) = (key.into(), vec![2, 0]);
    IdempotentAnswer { key, body: [9; 32], first: Seq(first), streams, at: Timestamp(at) }
}

/// What is settled and from before this time goes, events and all else.
pub(crate) fn retention(settled: u64, before: i64) -> Retention {
    let before = Timestamp(before);
    Retention {
        settled: Seq(settled),
        events_before: before,
        dead_letters_before: before,
        received_before: before,
        answers_before: before,
        rows_max: 1_000,
    }
}
