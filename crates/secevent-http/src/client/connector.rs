//! From a URL to a connection: resolve, ask the guard about each address, dial, and only then TLS.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{Uri, uri::Scheme};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpStream, lookup_host},
    sync::Semaphore,
    time::timeout,
};
use tower_service::Service;

use super::{ClientError, Egress, EgressError, error::chain, tls::Trust};

type Tcp = TokioIo<TcpStream>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, ClientError>> + Send>>;

/// Makes connections, plain or with TLS, whichever the URL says.
#[derive(Clone)]
pub(super) struct Connector {
    dial: Dial,
    trust: Arc<Trust>,
}

impl Connector {
    pub(super) fn new(egress: Arc<Egress>, trust: Trust) -> Self {
        let lookups = Arc::new(Semaphore::new(LOOKUPS_MAX));
        Self { dial: Dial { egress, lookups }, trust: Arc::new(trust) }
    }

    /// Whether there is an address behind a host that may be dialled.
    pub(super) async fn check_address(&self, host: &str, port: u16) -> Result<(), ClientError> {
        self.dial.addresses(host.trim_matches(['[', ']']), port).await.map(drop)
    }

    // spec: PUSH-048, POLL-055
    async fn connect(mut self, uri: Uri) -> Result<MaybeHttpsStream<Tcp>, ClientError> {
        if uri.scheme() == Some(&Scheme::HTTP) {
            return self.dial.call(uri).await.map(MaybeHttpsStream::Http);
        }
        let host = uri.host().unwrap_or_default().to_owned();
        let config =
            self.trust.config().await.map_err(|reason| ClientError::Tls { host: host.clone(), reason })?;
        let secured = HttpsConnector::from((self.dial, config)).call(uri).await;
        secured.map_err(|error| match error.downcast::<ClientError>() {
            Ok(error) => *error,
            Err(error) => ClientError::Tls { host, reason: chain(&*error) },
        })
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<Tcp>;
    type Error = ClientError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

/// Makes TCP connections to addresses that the guard permits.
#[derive(Clone)]
struct Dial {
    egress: Arc<Egress>,
    lookups: Arc<Semaphore>,
}

impl Dial {
    async fn dial(self, uri: Uri) -> Result<Tcp, ClientError> {
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = uri.port_u16().unwrap_or_else(|| default_port(&uri));
        let addresses = self.addresses(&host, port).await?;
        let mut last = None;
        for address in addresses {
            match timeout(DIAL_MAX, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Without it the last part of a request waits for an acknowledgement of the first.
                    let _ = stream.set_nodelay(true);
                    return Ok(TokioIo::new(stream));
                }
                Ok(Err(error)) => last = Some(error),
                Err(_) => last = Some(io::ErrorKind::TimedOut.into()),
            }
        }
        let reason = last.map_or_else(|| "no address".to_owned(), |error: io::Error| error.to_string());
        Err(ClientError::Connect { host, reason })
    }

    /// The addresses that may be dialled, in the order of the resolver.
    // spec: SSF-107
    async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ClientError> {
        let found = match host.parse::<IpAddr>() {
            Ok(ip) => vec![SocketAddr::new(ip, port)],
            Err(_) => self.resolve(host, port).await?,
        };
        let (permitted, refused): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|address| self.egress.permits(address.ip()));
        if permitted.is_empty() {
            return Err(EgressError::Address { host: host.to_owned() }.into());
        }
        if !refused.is_empty() {
            tracing::warn!(
                host,
                "the name has public and private addresses; only the public ones are dialled"
            );
        }
        Ok(permitted)
    }

    /// The lookup goes on in its own task when the caller gives up, since the system's resolver cannot be stopped;
    /// the permit it holds bounds how many threads that can occupy.
    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ClientError> {
        let unresolved = |reason: String| ClientError::Resolve { host: host.to_owned(), reason };
        let permit = Arc::clone(&self.lookups).acquire_owned().await;
        let permit = permit.map_err(|error| unresolved(error.to_string()))?;
        let name = host.to_owned();
        let lookup = tokio::spawn(async move {
            let found = lookup_host((name, port)).await.map(|some| some.take(ADDRESSES_MAX).collect());
            drop(permit);
            found
        });
        let found: io::Result<Vec<_>> = lookup.await.map_err(|error| unresolved(error.to_string()))?;
        found.map_err(|error| unresolved(error.to_string()))
    }
}

impl Service<Uri> for Dial {
    type Response = Tcp;
    type Error = ClientError;
    type Future = Connecting<Tcp>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().dial(uri))
    }
}

fn default_port(uri: &Uri) -> u16 {
    if uri.scheme() == Some(&Scheme::HTTP) { 80 } else { 443 }
}

/// More is no name of a service, but an attempt to keep us busy.
const ADDRESSES_MAX: usize = 16;
/// For one address, so that the second of a name gets its turn within a deadline of 10 s.
const DIAL_MAX: Duration = Duration::from_secs(3);
/// An eighth of the threads that the runtime has for blocking calls.
const LOOKUPS_MAX: usize = 64;
