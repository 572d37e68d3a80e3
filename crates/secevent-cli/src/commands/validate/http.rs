//! What a hub answers to a request: `--as http`.
//!
//! The hub holds one stream, that of SSF 1.0 §8.1.1.1, of the issuer `https://tr.example.com`, and reaches public
//! https addresses only. The request is that of the stream's receiver, so 401 is never the answer.

use http::StatusCode;
use secevent_http::client::Egress;
use secevent_ssf::{
    Refusal,
    delivery::poll::{PollRequest, PollResponse},
    stream::{
        AddSubject, CreateStream, Delivery, RemoveSubject, StatusDocument, StreamConfig, UpdateStream,
        VerificationRequest,
    },
};
use serde_json::json;

/// The answer to the body of a request of this kind, and why if it is a refusal; `None` where it is no request.
pub(super) fn answer(kind: &str, body: &[u8]) -> Option<(StatusCode, Option<Refusal>)> {
    let answered = match kind {
        "stream-create-request" => created(body),
        // PATCH and PUT: one document, of which absent members mean different things.
        "stream-update-request" | "stream-replace-request" => updated(body),
        "stream-status-update-request" => {
            StatusDocument::parse(body).map(|asked| found(&asked.stream_id, StatusCode::OK))
        }
        "add-subject-request" => AddSubject::parse(body).map(|asked| found(&asked.stream_id, StatusCode::OK)),
        "remove-subject-request" => {
            RemoveSubject::parse(body).map(|asked| found(&asked.stream_id, StatusCode::NO_CONTENT))
        }
        "verification-request" => {
            VerificationRequest::parse(body).map(|asked| found(&asked.stream_id, StatusCode::NO_CONTENT))
        }
        "poll-request" => PollRequest::parse(body).map(|_| StatusCode::OK),
        // Several SETs by their `jti`, as in the answer to a poll.
        "multi-push-request" => PollResponse::parse(body).map(|_| StatusCode::ACCEPTED),
        _ => return None,
    };
    Some(match answered {
        Ok(status) => (status, None),
        Err(refusal) => (StatusCode::BAD_REQUEST, Some(refusal)),
    })
}

// spec: SSF-096, SSF-105
fn created(body: &[u8]) -> Result<StatusCode, Refusal> {
    let asked = CreateStream::parse(body)?;
    reachable(asked.delivery.as_ref())?;
    Ok(StatusCode::CREATED)
}

// spec: SSF-120, SSF-125, SSF-133
fn updated(body: &[u8]) -> Result<StatusCode, Refusal> {
    let asked = UpdateStream::parse(body)?;
    let status = found(&asked.stream_id, StatusCode::OK);
    if status == StatusCode::OK {
        asked.check_echoed(&the_stream())?;
        reachable(asked.changes.delivery.as_ref())?;
    }
    Ok(status)
}

/// Nobody but the one stream is there.
fn found(stream_id: &str, status: StatusCode) -> StatusCode {
    if stream_id == STREAM_ID { status } else { StatusCode::NOT_FOUND }
}

// spec: SSF-024, SSF-107
fn reachable(delivery: Option<&Delivery>) -> Result<(), Refusal> {
    let Some(Delivery::Push { endpoint_url, .. }) = delivery else { return Ok(()) };
    let checked = Egress::strict().check_url(endpoint_url);
    checked.map(drop).map_err(|error| {
        let mend = "give a URL that the hub may push to";
        Refusal::new("SSF-024", "/delivery/endpoint_url", error.to_string(), mend)
    })
}

const STREAM_ID: &str = "f67e39a0a4d34d56b3aa1bc4cff0069f";

fn the_stream() -> StreamConfig {
    let event = |n| format!("urn:example:secevent:events:type_{n}");
    let config = json!({
        "stream_id": STREAM_ID,
        "iss": "https://tr.example.com",
        "aud": ["https://receiver.example.com/web", "https://receiver.example.com/mobile"],
        "delivery": {"method": secevent_ssf::stream::PUSH, "endpoint_url": "https://receiver.example.com/events"},
        "events_supported": [event(1), event(2), event(3)],
        "events_requested": [event(2), event(3), event(4)],
        "events_delivered": [event(2), event(3)],
    });
    StreamConfig::parse(config.to_string().as_bytes()).expect("it is written above")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(kind: &str, body: &str) -> u16 {
        answer(kind, body.as_bytes()).unwrap().0.as_u16()
    }

    // spec: SSF-104, SSF-107, SSF-120
    #[test]
    fn requests_that_a_hub_does_not_take_are_400_and_unknown_streams_404() {
        let push =
            |url: &str| format!(r#"{{"delivery":{{"method":"urn:ietf:rfc:8935","endpoint_url":"{url}"}}}}"#);
        assert_eq!(status("stream-create-request", &push("https://rx.example.com/")), 201);
        assert_eq!(status("stream-create-request", &push("http://rx.example.com/")), 400);
        assert_eq!(status("stream-create-request", &push("https://10.0.0.1/")), 400);
        assert_eq!(status("stream-create-request", r#"{"delivery":{"method":"urn:x"}}"#), 400);
        let other = format!(r#"{{"stream_id":"{STREAM_ID}","iss":"https://other.example"}}"#);
        assert_eq!(status("stream-update-request", &other), 400);
        assert_eq!(status("stream-replace-request", &other), 400);
        for kind in ["stream-update-request", "stream-replace-request", "verification-request"] {
            assert_eq!(status(kind, r#"{"stream_id":"x"}"#), 404, "{kind}");
        }
        assert!(answer("set", b"{}").is_none());
    }
}
