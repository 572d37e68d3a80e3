//! Serving: every router of a hub on one listener, from the first request to a quiet end.

use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tracing::warn;

use crate::{Hub, connections::Connections, receiver::TransmitterSettings};

/// How long open connections may take to finish after a stop was asked for.
const CLOSE_MAX: Duration = Duration::from_secs(5);

impl Hub {
    /// Serves the transmitter, the receiver and the admin API on this listener until `stop` resolves or the store
    /// fails. Then: no new requests, what is on its way is finished, everything is written down.
    ///
    /// # Errors
    /// When the store failed; the words say how.
    pub async fn serve(
        &self,
        listener: TcpListener,
        transmitters: Vec<TransmitterSettings>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), String> {
        let app = Router::new()
            .merge(self.transmitter_router())
            .merge(self.receive_from(transmitters))
            .merge(self.admin_router());
        let mut connections = Connections::new(app, &self.0.settings.limits, self.0.stopping.subscribe());
        tokio::select! {
            why = self.failed() => return Err(why),
            () = connections.take_from(&listener) => {}
            // Parked polls are answered now, so that their connections can close.
            () = stop => self.begin_stop(),
        }
        // Whoever comes now is refused rather than left waiting.
        drop(listener);
        if tokio::time::timeout(CLOSE_MAX, connections.finish()).await.is_err() {
            warn!("some connections did not close in time");
        }
        self.stop().await;
        Ok(())
    }
}
