//! Serving: every router of a hub on one listener, from the first request to a quiet end.

use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tracing::warn;

use crate::{Hub, receiver::TransmitterSettings};

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
        let hub = self.clone();
        let stop = async move {
            stop.await;
            // Parked polls are answered now, so that their connections can close.
            hub.begin_stop();
        };
        let mut server = tokio::spawn(axum::serve(listener, app).with_graceful_shutdown(stop).into_future());
        let mut stopping = self.0.stopping.subscribe();
        tokio::select! {
            why = self.failed() => {
                server.abort();
                return Err(why);
            }
            () = crate::hub::stopped(&mut stopping) => {}
        }
        if tokio::time::timeout(CLOSE_MAX, &mut server).await.is_err() {
            warn!("some connections did not close in time");
            server.abort();
        }
        self.stop().await;
        Ok(())
    }
}
