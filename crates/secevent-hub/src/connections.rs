//! Connections: how many there are at once, how long a request may take to arrive, and who goes when there is no room.
//!
//! A newcomer that finds every place taken gets that of the connection that has been without a request the longest.
//! So whoever opens many and says nothing, or little, loses them before others are turned away.

mod body;
mod places;

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, response::IntoResponse};
use http::{Request, Response, header::HOST};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use secevent_http::router::Problem;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::{Limits, hub::stopped, metrics::Metrics, tls::shake_hands};
use body::in_time;
pub(crate) use places::files;
use places::{Guest, Places, affordable};

/// All connections of one listener. Those that are open when it is dropped are cut.
pub(crate) struct Connections {
    app: Router,
    tls: Option<TlsAcceptor>,
    request_wait: Duration,
    places: Arc<Places>,
    metrics: Arc<Metrics>,
    stopping: watch::Receiver<bool>,
    open: JoinSet<()>,
}

impl Connections {
    pub(crate) fn new(
        app: Router,
        tls: Option<TlsAcceptor>,
        limits: &Limits,
        metrics: Arc<Metrics>,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let places = Arc::new(Places::new(limits.connections.min(affordable())));
        Self { app, tls, request_wait: limits.request_wait, places, metrics, stopping, open: JoinSet::new() }
    }

    /// Takes connections until the hub stops.
    pub(crate) async fn take_from(&mut self, listener: &TcpListener) {
        let mut stopping = self.stopping.clone();
        loop {
            let (stream, place) = tokio::select! {
                () = stopped(&mut stopping) => return,
                newcomer = self.places.newcomer(listener) => newcomer,
            };
            while self.open.try_join_next().is_some() {}
            let (app, wait, stopping) = (self.app.clone(), self.request_wait, self.stopping.clone());
            let guest = Guest::new(Arc::clone(&self.places), place, self.metrics.connection());
            match self.tls.clone() {
                Some(tls) => self.open.spawn(converse_by_tls(tls, stream, app, wait, guest, stopping)),
                None => self.open.spawn(converse(stream, app, wait, guest, stopping)),
            };
        }
    }

    /// Waits until every connection has closed.
    pub(crate) async fn finish(&mut self) {
        while self.open.join_next().await.is_some() {}
    }
}

/// Agrees on TLS first. That may take as long as a request may take to arrive, and whoever has not come to an end
/// with it has no request: it is in a task of its own, and gives way to others like anybody who says nothing.
async fn converse_by_tls(
    tls: TlsAcceptor,
    stream: TcpStream,
    app: Router,
    wait: Duration,
    guest: Guest,
    mut stopping: watch::Receiver<bool>,
) {
    let agreed = tokio::select! {
        agreed = timeout(wait, shake_hands(&tls, stream)) => agreed,
        () = guest.leave.notified() => return,
        () = stopped(&mut stopping) => return,
    };
    if let Ok(Ok(stream)) = agreed {
        converse(stream, app, wait, guest, stopping).await;
    }
}

/// Answers the requests of one connection, one after the other.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    app: Router,
    wait: Duration,
    guest: Guest,
    mut stopping: watch::Receiver<bool>,
) {
    let guest = Arc::new(guest);
    let service = service_fn(|request| {
        let answer = answer(app.clone(), request, wait, Arc::clone(&guest));
        async {
            let answer = answer.await;
            guest.is_idle();
            Ok::<_, Infallible>(answer)
        }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(wait).max_buf_size(HEADER_BYTES_MAX);
    let mut connection = pin!(server.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // A peer that breaks off, or breaks the protocol, has been answered as far as it can be.
        _ = connection.as_mut() => return,
        () = guest.leave.notified() => return,
        () = stopped(&mut stopping) => connection.as_mut().graceful_shutdown(),
    }
    drop(connection.await);
}

async fn answer(
    app: Router,
    request: Request<Incoming>,
    wait: Duration,
    guest: Arc<Guest>,
) -> Response<Body> {
    if !names_one_host(&request) {
        let words = Problem::new(400, "the request names no host", "send one `Host` header (RFC 9112 §3.2)");
        return words.into_response();
    }
    match app.oneshot(request.map(|body| in_time(body, wait, guest))).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn names_one_host(request: &Request<Incoming>) -> bool {
    let hosts = request.headers().get_all(HOST).iter().count();
    hosts == 1 || hosts == 0 && request.version() < http::Version::HTTP_11
}

/// The token of a large identity provider has 8 KiB; beyond this the answer is 431.
const HEADER_BYTES_MAX: usize = 32 * 1024;
