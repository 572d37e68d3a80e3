//! Push and poll.

use secevent::ErrorCode;
use secevent_ssf::delivery::{
    SetError,
    poll::{PollRequest, PollResponse},
    push::{Answer, Verdict, is_content_type, judge},
};

use super::{check_requests, json, vectors};

fn refusal(body: &str) -> String {
    PollRequest::parse(body.as_bytes()).unwrap_err().to_string()
}

fn status(status: u16, err: Option<&str>) -> Answer {
    let error = err.map(|err| SetError { err: err.into(), description: "so it is".into() });
    Answer::of(status, error, None)
}

// spec: POLL-005, POLL-006, POLL-009, POLL-011, POLL-014, POLL-015, POLL-018, POLL-019, POLL-050
#[test]
fn poll_requests_are_read_as_the_vectors_say() {
    check_requests("poll-request", PollRequest::parse);
}

// spec: POLL-021
#[test]
fn wrong_types_and_negative_numbers_are_refused_and_named() {
    assert_eq!(
        refusal(r#"{"maxEvents":-1}"#),
        "/maxEvents: it is the number -1; give a whole number from 0 (POLL-006)"
    );
    for (body, id) in [
        ("", "POLL-021"),
        ("[]", "POLL-021"),
        (r#"{"ack":[],"ack":[]}"#, "JWT-007"),
        (r#"{"maxEvents":1.5}"#, "POLL-006"),
        (r#"{"maxEvents":"5"}"#, "POLL-006"),
        (r#"{"maxEvents":1e300}"#, "POLL-006"),
        (r#"{"maxEvents":null}"#, "POLL-006"),
        (r#"{"returnImmediately":1}"#, "POLL-011"),
        (r#"{"ack":{}}"#, "POLL-014"),
        (r#"{"ack":[1]}"#, "POLL-014"),
        (r#"{"setErrs":[]}"#, "POLL-015"),
        (r#"{"setErrs":{"a":"invalid_key"}}"#, "POLL-015"),
        (r#"{"setErrs":{"a":{"description":"x"}}}"#, "POLL-015"),
        (r#"{"setErrs":{"a":{"err":"x","description":1}}}"#, "POLL-015"),
    ] {
        assert_eq!(PollRequest::parse(body.as_bytes()).unwrap_err().id, id, "{body}");
    }
    assert!(
        refusal(r#"{"setErrs":{"a/b":{"err":1}}}"#).starts_with("/setErrs/a~1b/err: it is the number 1;")
    );
}

// spec: POLL-021
#[test]
fn unknown_members_are_ignored_and_huge_numbers_taken() {
    let request = PollRequest::parse(br#"{"x":{"y":[]},"maxEvents":18446744073709551615}"#).unwrap();
    assert_eq!(request, PollRequest { max_events: Some(usize::MAX), ..PollRequest::default() });
}

// spec: POLL-021
#[test]
fn acknowledgements_are_bounded() {
    let ids = |count: usize| serde_json::json!({ "ack": vec!["a"; count] }).to_string();
    assert_eq!(PollRequest::parse(ids(10_000).as_bytes()).unwrap().ack.len(), 10_000);
    assert!(refusal(&ids(10_001)).starts_with("10001 ids are acknowledged at once;"));
    assert!(
        refusal(&format!(r#"{{"ack":["{}"]}}"#, "a".repeat(513))).starts_with("/ack: an id has 513 bytes;")
    );
}

// spec: POLL-035
#[test]
fn an_id_that_is_acknowledged_and_reported_counts_as_reported() {
    let request = PollRequest::parse(br#"{"ack":["a","b"],"setErrs":{"a":{"err":"invalid_key"}}}"#).unwrap();
    assert_eq!(request.ack, ["b"]);
    assert_eq!(request.set_errs, [("a".into(), SetError::new(ErrorCode::InvalidKey, ""))]);
}

// spec: POLL-003, POLL-016
#[test]
fn a_poll_request_is_written_without_what_is_absent() {
    assert_eq!(serde_json::to_string(&PollRequest::default()).unwrap(), "{}");
    let request = PollRequest {
        max_events: Some(0),
        return_immediately: true,
        ack: vec!["a".into()],
        set_errs: vec![("b".into(), SetError::new(ErrorCode::InvalidState, "not mine"))],
    };
    let wire = serde_json::to_string(&request).unwrap();
    assert_eq!(
        wire,
        r#"{"maxEvents":0,"returnImmediately":true,"ack":["a"],"setErrs":{"b":{"err":"invalid_state","description":"not mine"}}}"#
    );
    assert_eq!(PollRequest::parse(wire.as_bytes()).unwrap(), request);
    assert!(request.is_acknowledge_only());
}

// spec: POLL-039, POLL-040, POLL-043
#[test]
fn poll_responses_survive_a_round_trip() {
    for vector in vectors("poll-response") {
        let response = PollResponse::parse(&vector.bytes()).unwrap();
        assert!(!response.more_available);
        assert_eq!(serde_json::to_value(&response).unwrap(), json(&vector), "{}", vector.file);
    }
    let more = PollResponse { sets: vec![("b".into(), "x.y.z".into())], more_available: true };
    let wire = serde_json::to_string(&more).unwrap();
    assert_eq!(wire, r#"{"sets":{"b":"x.y.z"},"moreAvailable":true}"#);
    assert_eq!(PollResponse::parse(wire.as_bytes()).unwrap(), more);
    for broken in ["{}", r#"{"sets":null}"#, r#"{"sets":{"a":1}}"#, r#"{"sets":{},"moreAvailable":"x"}"#] {
        assert!(PollResponse::parse(broken.as_bytes()).is_err(), "{broken}");
    }
}

// spec: PUSH-023, PUSH-024, PUSH-025
#[test]
fn delivery_errors_survive_a_round_trip() {
    for vector in vectors("delivery-error") {
        let error = SetError::parse(&vector.bytes()).unwrap();
        assert!(error.code().is_some());
        assert_eq!(serde_json::to_value(&error).unwrap(), json(&vector), "{}", vector.file);
    }
}

// spec: PUSH-032, PUSH-034
#[test]
fn an_error_body_is_read_as_far_as_it_can_be() {
    let unknown = SetError::parse(br#"{"err":"moon_phase","x":1}"#).unwrap();
    assert_eq!(
        (unknown.err.as_str(), unknown.code(), unknown.description.as_str()),
        ("moon_phase", None, "")
    );
    let odd = SetError::parse(br#"{"err":"invalid_key","description":{"en":"x"}}"#).unwrap();
    assert_eq!(odd.code(), Some(ErrorCode::InvalidKey));
    let long = format!(r#"{{"err":"invalid_key","description":"{}"}}"#, "ü".repeat(2000));
    assert_eq!(SetError::parse(long.as_bytes()).unwrap().description.len(), 1024);
    for body in ["", "<html>", "[]", "{}", r#"{"err":1}"#, r#"{"err":""}"#] {
        assert_eq!(SetError::parse(body.as_bytes()), None, "{body}");
    }
}

// spec: PUSH-033
#[test]
fn codes_are_plain_words_of_one_spelling() {
    for code in ErrorCode::ALL {
        let name = code.as_str();
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{name}");
        let body = |err: &str| serde_json::to_vec(&SetError { err: err.into(), description: "x".into() });
        let read = |err: &str| SetError::parse(&body(err).unwrap()).unwrap().code();
        assert_eq!(read(name), Some(code));
        for other in [name.to_ascii_uppercase(), name.replacen('_', "-", 1), format!("{name} ")] {
            assert_eq!(read(&other), None, "{other}");
        }
    }
}

// spec: PUSH-031
#[test]
fn any_2xx_is_a_delivery_and_202_the_proper_one() {
    assert_eq!(judge(&status(202, None)), Verdict::Delivered { proper: true });
    for other in [200, 201, 204, 299] {
        assert_eq!(judge(&status(other, None)), Verdict::Delivered { proper: false });
    }
}

// spec: PUSH-041, PUSH-042, PUSH-044
#[test]
fn answers_about_one_set_make_a_dead_letter() {
    for (code, err) in [
        (400, Some("invalid_request")),
        (400, Some("invalid_state")),
        (400, Some("moon_phase")),
        (400, Some("Invalid_Key")),
        (400, None),
        (413, None),
        (415, Some("authentication_failed")),
        (402, None),
        (405, None),
        (409, Some("invalid_key")),
        (422, None),
        (451, None),
    ] {
        assert!(matches!(judge(&status(code, err)), Verdict::Refused(_)), "{code} {err:?}");
    }
    let said = judge(&status(400, Some("invalid_request")));
    assert_eq!(said, Verdict::Refused(r#"status 400, "invalid_request": "so it is""#.into()));
}

// spec: PUSH-030, PUSH-042, PUSH-044, PUSH-045
#[test]
fn answers_about_the_stream_fault_the_lane() {
    for (code, err) in [
        (400, Some("invalid_key")),
        (400, Some("invalid_issuer")),
        (400, Some("invalid_audience")),
        (400, Some("authentication_failed")),
        (400, Some("access_denied")),
        (401, None),
        (401, Some("invalid_request")),
        (403, None),
        (404, None),
        (422, Some("access_denied")),
        (301, None),
        (302, None),
        (307, None),
        (308, None),
        (304, None),
    ] {
        assert!(matches!(judge(&status(code, err)), Verdict::LaneFault(_)), "{code} {err:?}");
    }
    assert!(matches!(judge(&status(410, None)), Verdict::Pause(_)));
}

// spec: PUSH-039, PUSH-040, PUSH-044
#[test]
fn passing_troubles_are_tried_again_and_retry_after_is_kept_within_an_hour() {
    for code in [408, 425, 429, 500, 501, 502, 503, 504, 599, 101, 600, 999, 0] {
        let Verdict::Retry { after_secs, .. } = judge(&Answer::of(code, None, Some(u64::MAX))) else {
            panic!("{code} is tried again");
        };
        assert_eq!(after_secs, Some(3_600));
    }
    let failed = judge(&Answer::Failed("connection reset".into()));
    assert_eq!(failed, Verdict::Retry { reason: "connection reset".into(), after_secs: None });
}

// spec: PUSH-003, PUSH-008
#[test]
fn the_media_type_is_compared_without_case_and_parameters() {
    for field in ["application/secevent+jwt", "Application/SECEVENT+jwt ; charset=utf-8"] {
        assert!(is_content_type(field), "{field}");
    }
    for field in ["", "application/json", "application/secevent+jwtx", "secevent+jwt"] {
        assert!(!is_content_type(field), "{field}");
    }
}
