//! Places for connections, and who goes when there is none left.

use std::{
    collections::BTreeMap,
    io,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use tracing::warn;

use crate::metrics::Open;

/// The places for connections, and who sits there without a request.
pub(super) struct Places {
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
    pub(super) fn new(connections: usize) -> Self {
        let free = Arc::new(Semaphore::new(connections.clamp(1, Semaphore::MAX_PERMITS)));
        Self { free, idle: Mutex::default(), became_idle: Notify::new() }
    }

    pub(super) async fn newcomer(&self, listener: &TcpListener) -> (TcpStream, OwnedSemaphorePermit) {
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
pub(super) struct Guest {
    places: Arc<Places>,
    pub(super) leave: Arc<Notify>,
    /// Its key among the idle; stale while it has a request.
    turn: AtomicU64,
    _place: OwnedSemaphorePermit,
    _open: Open,
}

impl Guest {
    pub(super) fn new(places: Arc<Places>, place: OwnedSemaphorePermit, open: Open) -> Self {
        let guest =
            Self { places, leave: Arc::default(), turn: AtomicU64::default(), _place: place, _open: open };
        guest.is_idle();
        guest
    }

    pub(super) fn asks(&self) {
        self.places.idle().by_turn.remove(&self.turn.load(Ordering::Relaxed));
    }

    pub(super) fn is_idle(&self) {
        {
            let mut idle = self.places.idle();
            idle.by_turn.remove(&self.turn.load(Ordering::Relaxed));
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
pub(super) fn affordable() -> usize {
    files() / 4 * 3
}

/// How many files the process may have open.
#[cfg(unix)]
pub(crate) fn files() -> usize {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX)
}

/// Nothing is known of a bound here.
#[cfg(not(unix))]
pub(crate) const fn files() -> usize {
    usize::MAX
}

/// Before the next try when the system has no room for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
