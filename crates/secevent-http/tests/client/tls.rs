//! Whose certificate is believed. The authority in `tests/tls` signed one certificate, for `localhost`.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use secevent_http::client::{Client, ClientError, Egress};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

const CA: &[u8] = include_bytes!("../tls/ca.pem");
const CERTIFICATE: &[u8] = include_bytes!("../tls/server.pem");
const KEY: &[u8] = include_bytes!("../tls/server-key.pem");

async fn server() -> SocketAddr {
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(CERTIFICATE).unwrap()],
            PrivateKeyDer::from_pem_slice(KEY).unwrap(),
        )
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    address
}

// spec: PUSH-048, PUSH-049, POLL-055
#[tokio::test]
async fn a_certificate_is_believed_for_its_name_and_from_a_known_authority_only() {
    let port = server().await.port();
    let trusting = Client::with_extra_ca(Egress::loopback(), CA).unwrap();
    let url = |host: &str| format!("https://{host}:{port}/");
    assert_eq!(trusting.post(&url("localhost")).body("x").send().await.unwrap().status, 202);
    let other_name = trusting.post(&url("127.0.0.1")).send().await.unwrap_err();
    assert!(matches!(other_name, ClientError::Tls { .. }), "{other_name}");
    let unknown_authority = Client::new(Egress::loopback()).get(&url("localhost")).send().await.unwrap_err();
    assert!(matches!(unknown_authority, ClientError::Tls { .. }), "{unknown_authority}");
}

#[tokio::test]
async fn a_peer_without_tls_is_not_spoken_to_in_the_clear() {
    let peer = super::peer::Peer::answering("HTTP/1.1 202 Accepted\r\n\r\n").await;
    let client = Client::with_extra_ca(Egress::loopback(), CA).unwrap();
    let url = peer.url("/").replace("http:", "https:");
    client.get(&url).deadline(Duration::from_millis(300)).send().await.unwrap_err();
    assert!(peer.requests().iter().all(|request| !request.contains("HTTP")));
}

#[test]
fn a_file_without_certificates_is_no_authority() {
    for pem in [b"".as_slice(), b"hello", KEY] {
        assert!(Client::with_extra_ca(Egress::strict(), pem).is_err());
    }
}
