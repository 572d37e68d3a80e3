//! Push delivery as the receiver sees it.

use std::time::Duration;

use secevent_http::client::{Client, Egress, push};
use secevent_ssf::delivery::{
    SetError,
    push::{Answer, Verdict, judge},
};

use super::peer::{Peer, answer};

async fn pushed(peer: &Peer, authorization: Option<&str>) -> Answer {
    let client = Client::new(Egress::loopback());
    push(&client, &peer.url("/events?s=1"), authorization, "aaa.bbb.ccc", Duration::from_secs(5)).await
}

// spec: PUSH-001, PUSH-003, PUSH-004, PUSH-005
#[tokio::test]
async fn the_request_is_the_bare_token_with_its_media_type() {
    let peer = Peer::answering(answer(202, "", "")).await;
    assert_eq!(pushed(&peer, None).await, Answer::status(202));
    let request = &peer.requests()[0];
    assert!(request.starts_with("POST /events?s=1 HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("\r\ncontent-type: application/secevent+jwt\r\n"), "{request}");
    assert!(request.contains("\r\naccept: application/json\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\naaa.bbb.ccc"), "{request}");
}

// spec: PUSH-058, PUSH-060, SSF-027, SSFC-007
#[tokio::test]
async fn the_authorization_is_sent_as_configured_or_not_at_all() {
    let peer = Peer::answering(answer(202, "", "")).await;
    pushed(&peer, None).await;
    pushed(&peer, Some("Bearer  a=b")).await;
    assert!(!peer.requests()[0].to_ascii_lowercase().contains("authorization"));
    assert!(peer.requests()[1].contains("\r\nauthorization: Bearer  a=b\r\n"));
    let Answer::Failed(words) = pushed(&peer, Some("canary\r\nx: y")).await else { panic!("it is not sent") };
    assert!(!words.contains("canary") && peer.requests().len() == 2, "{words}");
}

// spec: PUSH-023, PUSH-032
#[tokio::test]
async fn an_error_is_read_as_far_as_it_can_be() {
    let peer = Peer::answering(answer(400, "", r#"{"err":"invalid_key","description":"revoked"}"#)).await;
    let error = SetError { err: "invalid_key".into(), description: "revoked".into() };
    assert_eq!(pushed(&peer, None).await, Answer::of(400, Some(error), None));
    for body in ["", "<html>", &"x".repeat(100_000)] {
        peer.answer(answer(400, "", body));
        assert_eq!(pushed(&peer, None).await, Answer::status(400));
    }
}

// spec: PUSH-044
#[tokio::test]
async fn retry_after_is_understood_in_both_forms_and_never_trusted() {
    let peer = Peer::answering("").await;
    let date = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    for (headers, expected) in [
        ("retry-after: 120\r\n".to_owned(), Some(120)),
        ("retry-after: 0\r\n".to_owned(), Some(0)),
        ("retry-after: 99999999999999999999999\r\n".to_owned(), Some(3_600)),
        (format!("{date}retry-after: Sun, 06 Nov 1994 08:50:37 GMT\r\n"), Some(60)),
        (format!("{date}retry-after: Sun, 06 Nov 1994 08:40:00 GMT\r\n"), Some(0)),
        ("retry-after: Sun, 06 Nov 1994 08:50:37 GMT\r\n".to_owned(), None),
        ("retry-after: -5\r\n".to_owned(), None),
        ("retry-after: NaN\r\n".to_owned(), None),
        ("retry-after: 1e9\r\n".to_owned(), None),
        ("retry-after: \r\n".to_owned(), None),
        (String::new(), None),
    ] {
        peer.answer(answer(503, &headers, ""));
        let Verdict::Retry { after_secs, .. } = judge(&pushed(&peer, None).await) else {
            panic!("{headers}")
        };
        assert_eq!(after_secs, expected, "{headers}");
    }
}
