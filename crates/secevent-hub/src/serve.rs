//! Serving: every router of a hub on one listener, from the first request to a quiet end.

use std::{sync::Arc, time::Duration};

use axum::Router;
use tokio::net::TcpListener;
use tracing::warn;

use crate::{Hub, Tls, connections::Connections, receiver::TransmitterSettings};

/// How long open connections may take to finish after a stop was asked for.
const CLOSE_MAX: Duration = Duration::from_secs(5);

/// Where a hub is served: a socket, with TLS or without.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    tls: Option<Tls>,
}

impl Listener {
    /// A socket that speaks TLS where there is a certificate, and plain HTTP where there is none.
    pub const fn new(socket: TcpListener, tls: Option<Tls>) -> Self {
        Self { socket, tls }
    }
}

impl From<TcpListener> for Listener {
    fn from(socket: TcpListener) -> Self {
        Self::new(socket, None)
    }
}

impl Hub {
    /// Serves the transmitter, the receiver and the admin API on this listener until `stop` resolves or the store
    /// fails. Then: no new requests, what is on its way is finished, everything is written down.
    ///
    /// # Errors
    /// When the store failed; the words say how.
    pub async fn serve(
        &self,
        listener: impl Into<Listener>,
        transmitters: Vec<TransmitterSettings>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), String> {
        let app = Router::new()
            .merge(self.transmitter_router())
            .merge(self.receive_from(transmitters))
            .merge(self.admin_router());
        let Listener { socket, tls } = listener.into();
        let acceptor = tls.as_ref().map(Tls::acceptor);
        let stopping = self.0.stopping.subscribe();
        let metrics = Arc::clone(&self.0.metrics);
        let limits = &self.0.settings.limits;
        let mut connections = Connections::new(app, acceptor, limits, metrics, stopping.clone());
        if let Some(tls) = tls {
            self.spawn(|_| tls.watch(stopping));
        }
        tokio::select! {
            why = self.failed() => return Err(why),
            () = connections.take_from(&socket) => {}
            // Parked polls are answered now, so that their connections can close.
            () = stop => self.begin_stop(),
        }
        // Whoever comes now is refused rather than left waiting.
        drop(socket);
        if tokio::time::timeout(CLOSE_MAX, connections.finish()).await.is_err() {
            warn!("some connections did not close in time");
        }
        self.stop().await;
        Ok(())
    }
}
