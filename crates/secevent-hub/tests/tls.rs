//! The hub behind its own TLS: real sockets, certificates made for the test.

#![expect(clippy::unwrap_used, reason = "the helpers are tests too")]

#[path = "tls/house.rs"]
mod house;

use std::time::Duration;

use house::{ACME, ADMIN, House, rest};
use rustls::version::{TLS12, TLS13};
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt,
    time::{Instant, sleep, timeout},
};

// spec: CIOP-001, CIOP-002, PUSH-050, PUSH-051, POLL-056, SET-059
#[tokio::test(flavor = "multi_thread")]
async fn both_versions_of_tls_are_spoken() {
    let house = House::start(|_| {}).await;
    for version in [&TLS12, &TLS13] {
        let mut stream = house.shake_hands(version).await.unwrap();
        let (_, session) = stream.get_ref();
        assert_eq!(session.protocol_version(), Some(version.version));
        assert_eq!(session.alpn_protocol(), Some(b"http/1.1".as_slice()));
        let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let answer = rest(stream).await;
        assert!(answer.starts_with(b"HTTP/1.1 200 OK"), "{answer:?}");
    }
    house.stop().await;
}

/// A `ClientHello` of TLS 1.1, without extensions.
fn hello_of_1_1() -> Vec<u8> {
    let mut hello = vec![3, 2];
    hello.extend([7; 32]); // random
    hello.extend([0, 0, 4, 0xC0, 0x13, 0x00, 0x2F, 1, 0]); // no session, two suites, no compression
    let length = u8::try_from(hello.len()).unwrap();
    let mut message = vec![1, 0, 0, length];
    message.extend(hello);
    let mut record = vec![22, 3, 1, 0, length + 4];
    record.extend(message);
    record
}

// spec: CIOP-002, PUSH-052, POLL-057
#[tokio::test(flavor = "multi_thread")]
async fn what_is_older_and_what_is_no_tls_is_turned_away() {
    const ALERT: u8 = 21;
    const FATAL: u8 = 2;
    let house = House::start(|_| {}).await;
    let mut old = house.connect().await;
    old.write_all(&hello_of_1_1()).await.unwrap();
    let answer = rest(old).await;
    assert_eq!((answer[0], answer[5], answer.len()), (ALERT, FATAL, 7), "{answer:?}");
    let mut plain = house.connect().await;
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let answer = String::from_utf8(rest(plain).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("use https.\r\n"), "{answer}");
    let mut words = house.connect().await;
    words.write_all(b"\x00hello").await.unwrap();
    let answer = rest(words).await;
    assert!(answer.first().is_none_or(|first| *first == ALERT), "{answer:?}");
    assert!(house.certificate().await.is_ok(), "others are served");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_handshake_has_a_deadline_and_hinders_nobody() {
    let house = House::start(|settings| {
        settings.limits.request_wait = Duration::from_millis(500);
        settings.limits.connections = 8;
    })
    .await;
    let started = Instant::now();
    let silent = house.connect().await;
    let mut half = house.connect().await;
    half.write_all(&hello_of_1_1()[..9]).await.unwrap();
    assert!(house.certificate().await.is_ok(), "accepted meanwhile");
    assert!(started.elapsed() < Duration::from_millis(400));
    assert_eq!((rest(silent).await, rest(half).await), (Vec::new(), Vec::new()));
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_hold_places_and_give_way() {
    let house = House::start(|settings| settings.limits.connections = 8).await;
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(house.connect().await);
    }
    assert!(house.certificate().await.is_ok());
    assert_eq!(rest(silent.remove(0)).await, Vec::<u8>::new(), "the first to be silent is the first to go");
    let started = Instant::now();
    house.stop().await;
    assert!(started.elapsed() < Duration::from_secs(3), "a stop does not wait for handshakes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_changes_is_served_without_a_restart_and_a_broken_one_is_not() {
    let house = House::start(|_| {}).await;
    let first = house.certificate().await.unwrap();
    let mut kept_open = house.shake_hands(&TLS13).await.unwrap();

    // A key of another certificate, then no certificate at all, then none of the files.
    let second = house.authority.certify("localhost");
    house.write("cert.pem", &second.cert);
    house.tls.read_again().await;
    assert_eq!(house.certificate().await.unwrap(), first, "the key does not fit");
    house.write("cert.pem", "words");
    house.tls.read_again().await;
    assert_eq!(house.certificate().await.unwrap(), first);
    std::fs::remove_file(house.path("cert.pem")).unwrap();
    house.tls.read_again().await;
    assert_eq!(house.certificate().await.unwrap(), first);

    // Nobody asks: the files are looked at by themselves.
    house.write("cert.pem", &second.cert);
    house.write("key.pem", &second.key);
    let taken = async {
        while house.certificate().await.unwrap() == first {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(10), taken).await.expect("the new certificate is served");
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    kept_open.write_all(request).await.unwrap();
    assert!(rest(kept_open).await.starts_with(b"HTTP/1.1 200 OK"), "connections stay");
    house.stop().await;
}

// spec: SSF-034, CIOP-001, PUSH-002, PUSH-049, POLL-002
#[tokio::test(flavor = "multi_thread")]
async fn signals_go_from_hub_to_hub_over_tls() {
    for push in [false, true] {
        let from = House::start(|_| {}).await;
        let metadata = from.call("GET", "/.well-known/ssf-configuration", ACME, None).await;
        assert_eq!(metadata["issuer"], from.url);
        for member in ["jwks_uri", "configuration_endpoint", "status_endpoint", "verification_endpoint"] {
            assert!(metadata[member].as_str().unwrap().starts_with("https://"), "{metadata}");
        }
        let to = House::receiving(&from, push).await;
        let has_come = async |event: &str| {
            let received = async || to.call("GET", "/v1/received", ADMIN, None).await;
            let arrived =
                |all: &Value| all["received"].as_array().unwrap().iter().any(|row| row["event"] == event);
            while !arrived(&received().await) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let patience = Duration::from_secs(10);
        timeout(patience, has_come("ssf:verification")).await.expect("the stream is verified");
        let event = json!({"event": "caep:session-revoked",
            "subject": {"format": "email", "email": "a@x.example"}});
        from.call("POST", "/v1/events", ADMIN, Some(event)).await;
        timeout(patience, has_come("caep:session-revoked")).await.expect("the signal came");
        to.stop().await;
        from.stop().await;
    }
}
