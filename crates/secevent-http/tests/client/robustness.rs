//! Peers that are slow, endless, broken or hostile.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use secevent_http::client::{Client, ClientError, Egress};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
    time::sleep,
};

use super::peer::{Peer, answer, read_request, scripted};

const SHORT: Duration = Duration::from_millis(300);

fn client() -> Client {
    Client::new(Egress::loopback())
}

/// A peer that repeats a piece for ever, slowly or not, after a beginning.
async fn dripping(beginning: &'static str, piece: &'static str, pause: Duration) -> String {
    let address = scripted(move |mut stream| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(beginning.as_bytes()).await;
        while stream.write_all(piece.as_bytes()).await.is_ok() {
            sleep(pause).await;
        }
    })
    .await;
    format!("http://{address}/")
}

// spec: SSF-060
#[tokio::test]
async fn an_endless_body_is_read_to_its_limit_and_the_connection_closed() {
    let (closed, mut was_closed) = mpsc::channel(1);
    let address = scripted(move |mut stream| {
        let closed = closed.clone();
        async move {
            read_request(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
            let _ = closed.send(()).await;
        }
    })
    .await;
    let answer = client().get(&format!("http://{address}/")).body_max(8192).send().await.unwrap();
    assert_eq!((answer.body.len(), answer.is_truncated), (8192, true));
    assert!(matches!(answer.whole(), Err(ClientError::TooLong { max: 8192, .. })));
    was_closed.recv().await.unwrap();
}

// spec: SSF-060
#[tokio::test]
async fn one_deadline_covers_slow_headers_slow_bodies_and_floods_of_1xx() {
    let drop_by_drop = Duration::from_millis(50);
    for url in [
        dripping("", "H", Duration::from_mins(1)).await,
        dripping("HTTP/1.1 200 OK\r\n", "a: b\r\n", drop_by_drop).await,
        dripping("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", "x", drop_by_drop).await,
        dripping("", "HTTP/1.1 103 Early Hints\r\n\r\n", Duration::from_millis(1)).await,
    ] {
        let error = client().post(&url).body("x").deadline(SHORT).send().await.unwrap_err();
        assert!(matches!(error, ClientError::Timeout { after: SHORT, .. }), "{error}");
        assert!(error.retry());
    }
}

// spec: SSF-060
#[tokio::test]
async fn huge_and_countless_headers_are_refused() {
    for headers in
        [format!("a: {}\r\n", "x".repeat(1_000_000)), "a: b\r\n".repeat(10_000), "a: b\r\n".repeat(101)]
    {
        let peer = Peer::answering(answer(200, &headers, "")).await;
        let error = client().get(&peer.url("/")).send().await.unwrap_err();
        assert!(matches!(error, ClientError::Protocol { .. }), "{error}");
    }
}

// spec: PUSH-045, SSF-060
#[tokio::test]
async fn redirects_are_not_followed() {
    let inside = Peer::answering(answer(200, "", "secret")).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: {}\r\n", inside.url("/"));
        let peer = Peer::answering(answer(status, &location, "")).await;
        assert_eq!(client().get(&peer.url("/")).send().await.unwrap().status, status);
    }
    assert!(inside.requests().is_empty());
}

#[tokio::test]
async fn a_broken_answer_fails_and_does_not_spoil_the_next() {
    for broken in [
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\nx\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "220 mail.example.com ESMTP\r\n",
        "",
    ] {
        let peer = Peer::answering(broken).await;
        let (client, url) = (client(), peer.url("/events?token=canary"));
        let error = client.post(&url).body("canary").send().await.expect_err(broken);
        assert!(matches!(error, ClientError::Protocol { .. }) && error.retry(), "{broken:?}: {error}");
        assert!(!error.to_string().contains("canary"));
        peer.answer(answer(202, "", ""));
        assert_eq!(client.post(&url).send().await.unwrap().status, 202, "{broken:?}");
    }
}

// spec: PUSH-044
#[tokio::test]
async fn a_reset_at_any_stage_is_a_passing_trouble() {
    // A socket that is closed with unread data in it is reset.
    let at_once = scripted(|stream| async move {
        stream.readable().await.unwrap();
    })
    .await;
    let in_the_body = scripted(|mut stream| async move {
        let _ = stream.read(&mut [0; 10]).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nx").await;
    })
    .await;
    for address in [at_once, in_the_body] {
        let error = client().post(&format!("http://{address}/")).body("set").send().await.unwrap_err();
        assert!(matches!(error, ClientError::Protocol { .. }) && error.retry(), "{error}");
    }
    let error = client().get("http://127.0.0.1:1/").send().await.unwrap_err();
    assert!(matches!(error, ClientError::Connect { .. }) && error.retry(), "{error}");
    let error = client().get("http://no-such-name.invalid/").send().await.unwrap_err();
    assert!(matches!(error, ClientError::Resolve { .. }) && error.retry(), "{error}");
}

#[tokio::test]
async fn a_connection_is_kept_and_nothing_compressed_is_asked_for() {
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let address = scripted(move |mut stream| {
        counted.fetch_add(1, Ordering::Relaxed);
        async move {
            loop {
                let request = read_request(&mut stream).await;
                if request.is_empty() {
                    break;
                }
                assert!(request.contains("accept-encoding: identity\r\n"), "{request}");
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            }
        }
    })
    .await;
    let client = client();
    for _ in 0..3 {
        let answer = client.get(&format!("http://{address}/")).send().await.unwrap();
        assert_eq!((answer.status, answer.whole().unwrap()), (200, b"ok".as_slice()));
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}
