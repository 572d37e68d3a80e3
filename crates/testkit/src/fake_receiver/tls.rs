//! TLS on both sides, of one authority.

use std::{net::SocketAddr, sync::Arc};

use axum::{body::Bytes, http::Request, serve::Listener};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector, server::TlsStream};

use super::Answer;
use crate::Authority;

/// The name that certificates are for.
pub(super) const HOST: &str = "localhost";

pub(super) fn trusting(authority: &Authority) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.pem().as_bytes()).expect("it is a certificate");
    roots.add(root).expect("it can be trusted");
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has them")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// One request on a connection of its own.
pub(super) async fn exchange(trust: &Arc<ClientConfig>, mut request: Request<Full<Bytes>>) -> Answer {
    let uri = request.uri().clone();
    assert_eq!(uri.scheme_str(), Some("https"), "{uri}");
    let authority = uri.authority().expect("it has a host");
    let port = authority.port_u16().unwrap_or(443);
    request.headers_mut().insert("host", authority.as_str().parse().expect("it is ASCII"));
    *request.uri_mut() = uri.path_and_query().expect("it has a path").as_str().parse().expect("it is a path");
    let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("somebody listens");
    let name = ServerName::try_from(authority.host().to_owned()).expect("it is a name");
    let stream = TlsConnector::from(Arc::clone(trust)).connect(name, stream).await.expect("it speaks TLS");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("it speaks HTTP");
    tokio::spawn(connection);
    let answer = sender.send_request(request).await.expect("there is an answer");
    let (head, body) = answer.into_parts();
    let body = body.collect().await.expect("the answer is whole").to_bytes();
    Answer { status: head.status.as_u16(), headers: head.headers, body }
}

/// A port of this machine behind TLS.
pub(super) struct TlsListener {
    socket: TcpListener,
    acceptor: TlsAcceptor,
}

impl TlsListener {
    pub(super) async fn bind(authority: &Authority) -> (Self, String) {
        let certified = authority.certify(HOST);
        let cert = CertificateDer::from_pem_slice(certified.cert.as_bytes()).expect("it is a certificate");
        let key = PrivateKeyDer::from_pem_slice(certified.key.as_bytes()).expect("it is a key");
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has them")
            .with_no_client_auth()
            .with_single_cert(vec![cert], key)
            .expect("they belong together");
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = socket.local_addr().expect("it is bound").port();
        (Self { socket, acceptor: TlsAcceptor::from(Arc::new(config)) }, format!("https://{HOST}:{port}"))
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.socket).await;
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.socket.local_addr()
    }
}
