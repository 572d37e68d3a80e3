//! The documents of stream management.

use secevent::event::ssf::StreamStatus;
use secevent_ssf::stream::{
    AddSubject, CreateStream, Delivery, RemoveSubject, Secret, StatusDocument, StreamConfig, UpdateStream,
    VerificationRequest,
};

use super::{check_requests, json, vectors};

fn config(file: &str) -> StreamConfig {
    StreamConfig::parse(&testkit::bytes(file)).unwrap()
}

// spec: SSF-072, SSF-074, SSF-083
#[test]
fn stream_configurations_survive_a_round_trip() {
    for vector in vectors("stream-config") {
        let config = StreamConfig::parse(&vector.bytes()).unwrap();
        assert_eq!(serde_json::to_value(&config).unwrap(), json(&vector), "{}", vector.file);
    }
    for vector in vectors("stream-config-list") {
        let list: Vec<StreamConfig> = serde_json::from_slice(&vector.bytes()).unwrap();
        assert_eq!(serde_json::to_value(&list).unwrap(), json(&vector), "{}", vector.file);
    }
}

// spec: SSF-007, SSF-018, SSF-029, SSF-083
#[test]
fn a_configuration_keeps_what_it_does_not_know_and_takes_null_as_absent() {
    let body = br#"{"stream_id":"s","iss":"https://tr.example.com","aud":"a","events_delivered":[],
        "delivery":{"method":"urn:ietf:rfc:8936","endpoint_url":"https://tr.example.com/poll?stream_id=s"},
        "description":null,"inactivity_timeout":2592000,"x_vendor":[1]}"#;
    let config = StreamConfig::parse(body).unwrap();
    assert_eq!((config.aud.as_slice(), config.description.as_ref()), (["a".to_owned()].as_slice(), None));
    assert_eq!(config.delivery.endpoint_url(), Some("https://tr.example.com/poll?stream_id=s"));
    let written = serde_json::to_value(&config).unwrap();
    assert_eq!((&written["aud"], &written["x_vendor"][0]), (&"a".into(), &1.into()));
    assert_eq!(written["events_delivered"], serde_json::json!([]));
    let broken = br#"{"stream_id":"s","iss":"i","aud":"a","events_delivered":[],"delivery":{"method":"x"}}"#;
    assert_eq!(
        StreamConfig::parse(broken).unwrap_err().to_string(),
        "/delivery/method: \"x\" is not supported; use urn:ietf:rfc:8935 (push) or urn:ietf:rfc:8936 (poll) (SSF-104)"
    );
}

// spec: SSF-079, SSF-094, SSF-102, SSF-105
#[test]
fn create_requests_are_read_as_the_vectors_say() {
    check_requests("stream-create-request", CreateStream::parse);
    assert_eq!(CreateStream::parse(b"{}").unwrap(), CreateStream::default());
    for vector in vectors("stream-create-request").iter().filter(|v| v.expected["json"] == "valid") {
        let create = CreateStream::parse(&vector.bytes()).unwrap();
        assert_eq!(serde_json::to_value(&create).unwrap(), json(vector), "{}", vector.file);
    }
}

// spec: SSF-023, SSF-024, SSF-028, SSF-080, SSF-085, SSF-104, SSF-126
#[test]
fn what_a_receiver_asks_for_is_bounded_and_typed() {
    for (body, id, at) in [
        ("", "SSF-105", ""),
        ("[]", "SSF-105", ""),
        (r#"{"description":null}"#, "SSF-085", "/description"),
        (r#"{"events_requested":"x"}"#, "SSF-078", "/events_requested"),
        (r#"{"events_requested":[1]}"#, "SSF-078", "/events_requested"),
        (r#"{"delivery":"push"}"#, "SSF-023", "/delivery"),
        (r#"{"delivery":{}}"#, "SSF-023", "/delivery/method"),
        (r#"{"delivery":{"method":"urn:ietf:rfc:8935"}}"#, "SSF-024", "/delivery/endpoint_url"),
        (r#"{"delivery":{"method":"urn:ietf:rfc:9999"}}"#, "SSF-104", "/delivery/method"),
        (
            r#"{"delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":"https://a","authorization_header":"a\r\nb"}}"#,
            "SSF-028",
            "/delivery/authorization_header",
        ),
    ] {
        let refusal = CreateStream::parse(body.as_bytes()).unwrap_err();
        assert_eq!((refusal.id, refusal.at.as_str()), (id, at), "{body}");
    }
    let many = serde_json::json!({ "events_requested": vec!["urn:x:y"; 201] });
    assert!(CreateStream::parse(many.to_string().as_bytes()).is_err());
    let long = serde_json::json!({ "events_requested": [], "description": "ü".repeat(600) });
    let create = CreateStream::parse(long.to_string().as_bytes()).unwrap();
    assert_eq!(create.description.map(|text| text.len()), Some(1024));
    assert_eq!(create.events_requested, Some(vec![]));
}

// spec: PUSH-058, PUSH-060
#[test]
fn a_push_credential_is_on_the_wire_and_nowhere_else() {
    let canary = "Bearer canary-8675309";
    let delivery = Delivery::Push {
        endpoint_url: "https://rx.example.com".into(),
        authorization_header: Some(Secret::new(canary)),
    };
    assert!(serde_json::to_string(&delivery).unwrap().contains(canary));
    assert!(!format!("{delivery:?}").contains("canary"));
    let broken = format!(
        r#"{{"delivery":{{"method":"urn:ietf:rfc:8935","endpoint_url":"https://a","authorization_header":["{canary}"]}}}}"#
    );
    assert!(!CreateStream::parse(broken.as_bytes()).unwrap_err().to_string().contains("canary"));
}

// spec: SSF-114, SSF-129
#[test]
fn updates_name_their_stream() {
    check_requests("stream-update-request", UpdateStream::parse);
    check_requests("stream-replace-request", UpdateStream::parse);
}

// spec: SSF-119, SSF-120, SSF-121, SSF-122, SSF-128, SSF-133, SSF-134
#[test]
fn what_a_receiver_repeats_must_be_the_transmitters_value() {
    let current = config("ssf-22.json");
    let check = |members: &str| {
        let body = format!(r#"{{"stream_id":"f67e39a0a4d34d56b3aa1bc4cff0069f",{members}}}"#);
        UpdateStream::parse(body.as_bytes()).unwrap().check_echoed(&current).map_err(|refusal| refusal.at)
    };
    for fine in [
        r#""description":"x""#,
        r#""iss":"https://tr.example.com""#,
        r#""aud":["https://receiver.example.com/mobile","https://receiver.example.com/web"]"#,
        r#""events_delivered":["urn:example:secevent:events:type_3","urn:example:secevent:events:type_2"]"#,
        r#""x":1"#,
    ] {
        assert_eq!(check(fine), Ok(()), "{fine}");
    }
    for (wrong, at) in [
        (r#""iss":"https://tr.example.com/""#, "/iss"),
        (r#""aud":"https://receiver.example.com/web""#, "/aud"),
        (r#""events_delivered":[]"#, "/events_delivered"),
        (r#""inactivity_timeout":5"#, "/inactivity_timeout"),
    ] {
        assert_eq!(check(wrong), Err(at.to_owned()), "{wrong}");
    }
}

// spec: SSF-127
#[test]
fn a_poll_url_may_be_repeated_and_not_changed() {
    let poll = |url: &str| format!(r#"{{"method":"urn:ietf:rfc:8936","endpoint_url":"{url}"}}"#);
    let mut current = config("ssf-22.json");
    current.delivery = serde_json::from_str(&poll("https://tr.example.com/poll/1")).unwrap();
    for (url, fine) in [("https://tr.example.com/poll/1", true), ("https://evil.example/", false)] {
        let body = format!(r#"{{"stream_id":"s","delivery":{}}}"#, poll(url));
        let update = UpdateStream::parse(body.as_bytes()).unwrap();
        assert_eq!(update.check_echoed(&current).is_ok(), fine, "{url}");
    }
}

// spec: SSF-144, SSF-145, SSF-146, SSF-156, SSF-160
#[test]
fn status_documents_are_read_and_written() {
    check_requests("stream-status-update-request", StatusDocument::parse);
    for vector in vectors("stream-status") {
        let document = StatusDocument::parse_answer(&vector.bytes()).unwrap();
        assert_eq!(document.status, StreamStatus::Paused);
        assert_eq!(serde_json::to_value(&document).unwrap(), json(&vector), "{}", vector.file);
    }
    for (body, id) in [
        (r#"{"status":"paused"}"#, "SSF-156"),
        (r#"{"stream_id":"s"}"#, "SSF-145"),
        (r#"{"stream_id":"s","status":"Enabled"}"#, "SSF-145"),
        (r#"{"stream_id":"s","status":"paused","reason":1}"#, "SSF-146"),
    ] {
        assert_eq!(StatusDocument::parse(body.as_bytes()).unwrap_err().id, id, "{body}");
    }
}

// spec: SSF-163, SSF-165, SSF-166, SSF-170, SSF-171, SSF-173
#[test]
fn subject_requests_are_read_as_the_vectors_say() {
    check_requests("add-subject-request", AddSubject::parse);
    check_requests("remove-subject-request", RemoveSubject::parse);
    let add = AddSubject::parse(&testkit::bytes("derived-api-16.json")).unwrap();
    assert!(add.verified && add.subject.is("email", "a@example.com"));
    let bad = br#"{"stream_id":"s","subject":{"format":"email","email":"nobody"}}"#;
    let refusal = AddSubject::parse(bad).unwrap_err();
    assert_eq!((refusal.id, refusal.at.as_str()), ("SUB-013", "/subject/email"));
    let odd = br#"{"stream_id":"s","subject":{"format":"opaque","id":"x"},"verified":"yes"}"#;
    assert_eq!(AddSubject::parse(odd).unwrap_err().id, "SSF-165");
}

// spec: SSF-179, SSF-181, SSF-195
#[test]
fn verification_requests_are_read_as_the_vectors_say() {
    check_requests("verification-request", VerificationRequest::parse);
    let request = VerificationRequest::parse(&testkit::bytes("ssf-44.json")).unwrap();
    assert_eq!(request.state.as_deref(), Some("VGhpcyBpcyBhbiBleGFtcGxlIHN0YXRlIHZhbHVlLgo="));
    for state in ["7".to_owned(), "null".to_owned(), format!("{:?}", "x".repeat(1025))] {
        let body = format!(r#"{{"stream_id":"s","state":{state}}}"#);
        assert_eq!(VerificationRequest::parse(body.as_bytes()).unwrap_err().id, "SSF-179");
    }
}

// spec: SSF-030
#[test]
fn delivery_methods_of_drafts_have_successors_and_are_refused_as_they_are() {
    use secevent_ssf::stream::{POLL, PUSH, StreamConfig, successor};
    let draft = |kind: &str| format!("https://schemas.openid.net/secevent/risc/delivery-method/{kind}");
    assert_eq!((successor(&draft("push")), successor(&draft("poll"))), (Some(PUSH), Some(POLL)));
    for other in [PUSH, "", &draft(""), &draft("pull")] {
        assert_eq!(successor(other), None, "{other}");
    }
    let config = serde_json::json!({"stream_id": "s", "iss": "https://a.example", "aud": "b",
        "events_delivered": [], "delivery": {"method": draft("poll")}});
    assert_eq!(StreamConfig::parse(config.to_string().as_bytes()).unwrap_err().id, "SSF-104");
}
