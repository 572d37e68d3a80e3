//! Connections: how many there are at once, how long a request may take to arrive, and who goes when there is no room.
//!
//! A newcomer that finds every place taken gets that of the connection that has been without a request the longest.
//! So whoever opens many and says nothing, or little, loses them before others are turned away.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    io,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, body::Body, response::IntoResponse};
use http::{Request, Response, header::HOST};
use hyper::{
    body::{Body as HttpBody, Bytes, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use secevent_http::router::Problem;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Notify, OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::{Sleep, sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;
use tracing::warn;

use crate::{Limits, hub::stopped, tls::shake_hands};

/// All connections of one listener. Those that are open when it is dropped are cut.
pub(crate) struct Connections {
    app: Router,
    tls: Option<TlsAcceptor>,
    request_wait: Duration,
    places: Arc<Places>,
    stopping: watch::Receiver<bool>,
    open: JoinSet<()>,
}

impl Connections {
    pub(crate) fn new(
        app: Router,
        tls: Option<TlsAcceptor>,
        limits: &Limits,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let places = Arc::new(Places::new(limits.connections.min(affordable())));
        Self { app, tls, request_wait: limits.request_wait, places, stopping, open: JoinSet::new() }
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
            let guest = Guest::new(Arc::clone(&self.places), place);
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
    let service = service_fn(|request| {
        guest.asks();
        let answer = answer(app.clone(), request, wait);
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

async fn answer(app: Router, request: Request<Incoming>, wait: Duration) -> Response<Body> {
    if !names_one_host(&request) {
        let words = Problem::new(400, "the request names no host", "send one `Host` header (RFC 9112 §3.2)");
        return words.into_response();
    }
    match app.oneshot(request.map(|body| in_time(body, wait))).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn names_one_host(request: &Request<Incoming>) -> bool {
    let hosts = request.headers().get_all(HOST).iter().count();
    hosts == 1 || hosts == 0 && request.version() < http::Version::HTTP_11
}

/// A body that ends with an error when it is not there in time.
fn in_time(body: Incoming, wait: Duration) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    Body::new(Timely { body, deadline: Box::pin(sleep(wait)) })
}

struct Timely {
    body: Incoming,
    deadline: Pin<Box<Sleep>>,
}

impl HttpBody for Timely {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        if self.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::TimedOut).into())));
        }
        Pin::new(&mut self.body).poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

/// The places for connections, and who sits there without a request.
struct Places {
    free: Arc<Semaphore>,
    idle: Mutex<Idle>,
    /// Somebody became idle: whoever waits for a place may have that one.
    became_idle: Notify,
}

/// Connections without a request by their turn: the first has been so the longest.
#[derive(Default)]
struct Idle {
    by_turn: BTreeMap<u64, Arc<Notify>>,
    turns: u64,
}

impl Places {
    fn new(connections: usize) -> Self {
        let free = Arc::new(Semaphore::new(connections.clamp(1, Semaphore::MAX_PERMITS)));
        Self { free, idle: Mutex::default(), became_idle: Notify::new() }
    }

    async fn newcomer(&self, listener: &TcpListener) -> (TcpStream, OwnedSemaphorePermit) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => return (stream, self.place().await),
                // The peer went away before its turn.
                Err(error) if is_of_the_peer(&error) => {}
                Err(error) => {
                    warn!(%error, "a connection cannot be taken");
                    self.dismiss();
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn place(&self) -> OwnedSemaphorePermit {
        let free = || Arc::clone(&self.free).acquire_owned();
        loop {
            // Registered before the look, so that nobody who becomes idle in between is missed.
            let mut became_idle = pin!(self.became_idle.notified());
            became_idle.as_mut().enable();
            if self.free.available_permits() > 0 || self.dismiss() {
                return free().await.expect("the semaphore is never closed");
            }
            tokio::select! {
                place = free() => return place.expect("the semaphore is never closed"),
                () = became_idle => {}
            }
        }
    }

    /// Sends away whoever has been idle the longest; `false` when everybody has a request.
    fn dismiss(&self) -> bool {
        let first = self.idle().by_turn.pop_first();
        first.inspect(|(_, leave)| leave.notify_one()).is_some()
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection, as the places see it.
struct Guest {
    places: Arc<Places>,
    leave: Arc<Notify>,
    /// Its key among the idle; stale while it has a request.
    turn: AtomicU64,
    _place: OwnedSemaphorePermit,
}

impl Guest {
    fn new(places: Arc<Places>, place: OwnedSemaphorePermit) -> Self {
        let guest = Self { places, leave: Arc::default(), turn: AtomicU64::default(), _place: place };
        guest.is_idle();
        guest
    }

    fn asks(&self) {
        self.places.idle().by_turn.remove(&self.turn.load(Ordering::Relaxed));
    }

    fn is_idle(&self) {
        {
            let mut idle = self.places.idle();
            idle.turns += 1;
            let turn = idle.turns;
            self.turn.store(turn, Ordering::Relaxed);
            idle.by_turn.insert(turn, Arc::clone(&self.leave));
        }
        self.places.became_idle.notify_waiters();
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.asks();
    }
}

fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// How many connections leave enough of the files that the process may open to the store and to deliveries.
#[cfg(unix)]
fn affordable() -> usize {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    files.and_then(|files| usize::try_from(files).ok()).map_or(usize::MAX, |files| files / 4 * 3)
}

/// Nothing is known of a bound here.
#[cfg(not(unix))]
const fn affordable() -> usize {
    usize::MAX
}

/// The token of a large identity provider has 8 KiB; beyond this the answer is 431.
const HEADER_BYTES_MAX: usize = 32 * 1024;

/// Before the next try when the system has no room for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
