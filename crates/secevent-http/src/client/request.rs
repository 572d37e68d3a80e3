//! One request and its answer, bounded in time and size.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{ACCEPT_ENCODING, AUTHORIZATION},
};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Incoming};
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioTimer},
};
use tokio::time::timeout;

use super::{ClientError, Egress, EgressError, connector::Connector, error::chain, tls::Trust};

/// An HTTP client for URLs of strangers; clones share connections.
///
/// It speaks HTTP/1.1 with keep-alive, follows no redirect, asks for no compression, and dials only what its
/// [`Egress`] permits.
#[derive(Clone)]
pub struct Client {
    egress: Arc<Egress>,
    connector: Connector,
    http: legacy::Client<Connector, Full<Bytes>>,
}

impl Client {
    /// A client behind this guard, which trusts the authorities of the platform.
    pub fn new(egress: Egress) -> Self {
        Self::with_trust(egress, Trust::default())
    }

    /// The same, which trusts the authorities of this PEM file as well.
    pub fn with_extra_ca(egress: Egress, pem: &[u8]) -> Result<Self, ClientError> {
        match Trust::with_extra_ca(pem) {
            Ok(trust) => Ok(Self::with_trust(egress, trust)),
            Err(reason) => Err(ClientError::Tls { host: "any host".to_owned(), reason }),
        }
    }

    fn with_trust(egress: Egress, trust: Trust) -> Self {
        let egress = Arc::new(egress);
        let connector = Connector::new(Arc::clone(&egress), trust);
        let http = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_MAX)
            .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
            .http1_max_buf_size(HEADER_BYTES_MAX)
            .http1_max_headers(HEADERS_MAX)
            .build(connector.clone());
        Self { egress, connector, http }
    }

    /// Looks up the host of a URL, and refuses it when none of its addresses may be dialled. A name that cannot be
    /// looked up now is not refused: it is looked up again, and checked, whenever it is dialled.
    // spec: SSF-107
    pub async fn check_address(&self, url: &url::Url) -> Result<(), EgressError> {
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(EgressError::Malformed("it has no host"));
        };
        match timeout(LOOKUP_MAX, self.connector.check_address(host, port)).await {
            Ok(Err(ClientError::Egress(refused))) => Err(refused),
            _ => Ok(()),
        }
    }

    /// The guard.
    pub fn egress(&self) -> &Egress {
        &self.egress
    }

    /// A GET of this URL.
    pub fn get<'a>(&'a self, url: &'a str) -> Request<'a> {
        self.request(Method::GET, url)
    }

    /// A POST to this URL.
    pub fn post<'a>(&'a self, url: &'a str) -> Request<'a> {
        self.request(Method::POST, url)
    }

    /// Any request.
    pub const fn request<'a>(&'a self, method: Method, url: &'a str) -> Request<'a> {
        Request {
            client: self,
            method,
            url,
            headers: Ok(Vec::new()),
            body: Bytes::new(),
            deadline: DEADLINE,
            body_max: BODY_BYTES_MAX,
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("egress", &self.egress).finish_non_exhaustive()
    }
}

/// A request in the making.
#[must_use = "nothing is sent before `send`"]
pub struct Request<'a> {
    client: &'a Client,
    method: Method,
    url: &'a str,
    headers: Result<Vec<(HeaderName, HeaderValue)>, ClientError>,
    body: Bytes,
    deadline: Duration,
    body_max: usize,
}

impl Request<'_> {
    /// Adds a header; a value that no header can hold fails at [`send`](Self::send).
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers = self.headers.and_then(|mut headers| {
            let unfit = |_| ClientError::Header { name: name.to_string() };
            let mut value = HeaderValue::from_str(value).map_err(unfit)?;
            value.set_sensitive(name == AUTHORIZATION);
            headers.push((name, value));
            Ok(headers)
        });
        self
    }

    /// Sends this value as `Authorization`; nothing when there is none.
    pub fn authorization(self, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.header(AUTHORIZATION, value),
            None => self,
        }
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the one deadline over lookup, connection, TLS, headers and body; 10 s if not set.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets how much of the answer's body is read; 1 MiB if not set.
    pub const fn body_max(mut self, body_max: usize) -> Self {
        self.body_max = body_max;
        self
    }

    /// Sends it. A redirect is an answer like any other.
    // spec: PUSH-045, SSF-060
    pub async fn send(self) -> Result<Response, ClientError> {
        let url = self.client.egress.check_url(self.url)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let badly = |reason: String| ClientError::Protocol { host: host.clone(), reason };
        let mut request = http::Request::builder()
            .method(self.method)
            .uri(url.as_str())
            .header(ACCEPT_ENCODING, "identity")
            .body(Full::new(self.body))
            .map_err(|error| badly(error.to_string()))?;
        request.headers_mut().extend(self.headers?);
        let exchange = exchange(self.client, request, &host, self.body_max);
        let timed_out = |_| ClientError::Timeout { host: host.clone(), after: self.deadline };
        timeout(self.deadline, exchange).await.map_err(timed_out)?
    }
}

/// An answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, or as much of it as was allowed.
    pub body: Bytes,
    /// Whether the body was cut.
    pub is_truncated: bool,
    host: String,
}

impl Response {
    /// The body, if it was not cut.
    pub fn whole(&self) -> Result<&[u8], ClientError> {
        if self.is_truncated {
            return Err(ClientError::TooLong { host: self.host.clone(), max: self.body.len() });
        }
        Ok(&self.body)
    }

    /// The host that answered.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// A header as text.
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `Retry-After` in seconds from this answer on, a date being compared with the answer's own.
    pub fn retry_after_secs(&self) -> Option<u64> {
        super::retry_after::seconds(self)
    }
}

async fn exchange(
    client: &Client,
    request: http::Request<Full<Bytes>>,
    host: &str,
    body_max: usize,
) -> Result<Response, ClientError> {
    let answer = client.http.request(request).await.map_err(|error| failed(host, &error))?;
    let (head, body) = answer.into_parts();
    let (body, is_truncated) = read(body, body_max).await.map_err(|error| failed(host, &error))?;
    let host = host.to_owned();
    Ok(Response { status: head.status.as_u16(), headers: head.headers, body, is_truncated, host })
}

/// Reads at most `max` bytes; dropping the rest closes the connection.
async fn read(mut body: Incoming, max: usize) -> Result<(Bytes, bool), hyper::Error> {
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(max);
    let mut read = BytesMut::with_capacity(expected.min(max).min(CHUNK_BYTES_MAX));
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let room = max - read.len();
        read.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            return Ok((read.freeze(), true));
        }
    }
    Ok((read.freeze(), false))
}

/// The connector's own words if it was the connector, else the library's.
fn failed(host: &str, error: &(dyn std::error::Error + 'static)) -> ClientError {
    let mut causes = std::iter::successors(Some(error), |cause| cause.source());
    causes
        .find_map(|cause| cause.downcast_ref::<ClientError>().cloned())
        .unwrap_or_else(|| ClientError::Protocol { host: host.to_owned(), reason: chain(error) })
}

/// A push receiver and a management API answer within a second.
const DEADLINE: Duration = Duration::from_secs(10);
/// Whoever names an endpoint waits for this.
const LOOKUP_MAX: Duration = Duration::from_secs(3);
/// A hundred stream configurations.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// First allocation for a body, whatever its length claims to be.
const CHUNK_BYTES_MAX: usize = 64 * 1024;
/// Servers answer with 1 KiB; proxies with long cookies and policies with 8.
const HEADER_BYTES_MAX: usize = 32 * 1024;
/// The same in lines.
const HEADERS_MAX: usize = 100;
/// Shorter than the keep-alive of common servers and load balancers, 60 s and more.
const IDLE_MAX: Duration = Duration::from_secs(30);
/// Several lanes may go to one host, each with eight in flight; a connection costs as much as several signatures.
const IDLE_PER_HOST_MAX: usize = 64;
