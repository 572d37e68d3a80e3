//! A hub that listens with TLS, and those who come to its door.

use std::{path::PathBuf, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use secevent_http::client::{Client, Egress};
use secevent_hub::{
    Hub, Listener, ReceiverSettings, Settings, Tls, receiver::TransmitterSettings, store::SqliteStore,
};
use secevent_ssf::{engine::Millis, stream::Secret};
use serde_json::Value;
use tempfile::TempDir;
use testkit::Authority;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

pub(crate) const ACME: &str = "acme-token";
pub(crate) const ADMIN: &str = "admin-token";

pub(crate) struct House {
    pub(crate) url: String,
    pub(crate) authority: Arc<Authority>,
    pub(crate) tls: Tls,
    client: Client,
    folder: TempDir,
    port: u16,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), String>>,
}

impl House {
    pub(crate) async fn start(set: impl FnOnce(&mut Settings)) -> Self {
        Self::build(Arc::new(Authority::new()), set, Vec::new()).await
    }

    /// A hub that has subscribed to another of the same authority.
    pub(crate) async fn receiving(from: &Self, push: bool) -> Self {
        let mut transmitter = TransmitterSettings::new("idp", &from.url, vec!["acme".into()]);
        transmitter.push = push;
        transmitter.authorization = Secret::new(format!("Bearer {ACME}")).into();
        Self::build(Arc::clone(&from.authority), |_| {}, vec![transmitter]).await
    }

    async fn build(
        authority: Arc<Authority>,
        set: impl FnOnce(&mut Settings),
        transmitters: Vec<TransmitterSettings>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let certified = authority.certify("localhost");
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        std::fs::write(&cert, certified.cert).unwrap();
        std::fs::write(&key, certified.key).unwrap();
        let tls = Tls::load(cert, key).unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let url = format!("https://localhost:{port}");
        let mut settings = Settings::new(&url, Arc::new(now));
        let client = Client::with_extra_ca(Egress::loopback(), authority.pem().as_bytes()).unwrap();
        settings.client = client.clone();
        settings.admin_token = Some(ADMIN.into());
        settings.receivers = vec![ReceiverSettings::new("acme", ACME, vec!["acme".into()])];
        set(&mut settings);
        let store = SqliteStore::open(&folder.path().join("hub.db"), secevent_hub::fresh_origin).unwrap();
        let hub = Hub::start(settings, Arc::new(store)).await.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async { drop(stopped.await) };
        let listener = Listener::new(socket, Some(tls.clone()));
        let served = tokio::spawn(async move { hub.serve(listener, transmitters, stopped).await });
        Self { url, authority, tls, client, folder, port, stop, served }
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        std::fs::write(self.path(file), text).unwrap();
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    /// A connection with this version of TLS.
    pub(crate) async fn shake_hands(
        &self,
        version: &'static SupportedProtocolVersion,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.pem().as_bytes()).unwrap()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let connector = TlsConnector::from(Arc::new(config));
        let name = ServerName::try_from("localhost").unwrap();
        timeout(Duration::from_secs(5), connector.connect(name, self.connect().await)).await.unwrap()
    }

    /// The certificate that a newcomer is shown.
    pub(crate) async fn certificate(&self) -> std::io::Result<Vec<u8>> {
        let stream = self.shake_hands(&rustls::version::TLS13).await?;
        Ok(stream.get_ref().1.peer_certificates().unwrap()[0].to_vec())
    }

    /// A request of the hub's own client, and the answer's body.
    pub(crate) async fn call(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> Value {
        let url = format!("{}{path}", self.url);
        let request = if method == "GET" { self.client.get(&url) } else { self.client.post(&url) };
        let request = request.header(http::header::CONTENT_TYPE, "application/json");
        let request = request.authorization(Some(&format!("Bearer {token}")));
        let request = body.into_iter().fold(request, |request, body| request.body(body.to_string()));
        let answer = request.send().await.unwrap();
        serde_json::from_slice(&answer.body).unwrap()
    }

    pub(crate) async fn stop(self) {
        drop(self.stop);
        self.served.await.unwrap().unwrap();
    }
}

/// What comes until the hub closes, which it must within five seconds; cut off is closed too.
pub(crate) async fn rest(mut stream: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut bytes = Vec::new();
    drop(timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes)).await.expect("it is closed"));
    bytes
}

#[expect(clippy::disallowed_methods, reason = "a test is an edge")]
fn now() -> Millis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Millis(u64::try_from(since.as_millis()).unwrap())
}
