//! What a hub does now and then: settlements are written, what retention lets go is forgotten.

use std::time::Duration;

use tracing::{info, warn};

use crate::{Hub, hub::stopped};

/// How often settlements are written when no event takes them along; at most this much is repeated after a crash.
const FLUSH_EVERY: Duration = Duration::from_millis(200);

/// How often retention is applied.
const PRUNE_EVERY: Duration = Duration::from_mins(10);

impl Hub {
    /// Writes settlements down now and then, and forgets what retention lets go.
    pub(crate) async fn keep_house(self) {
        let mut stopping = self.0.stopping.subscribe();
        let mut flush = tokio::time::interval(FLUSH_EVERY);
        let mut prune = tokio::time::interval(PRUNE_EVERY);
        loop {
            tokio::select! {
                _ = flush.tick() => self.0.writer.flush().await,
                _ = prune.tick() => self.prune().await,
                () = stopped(&mut stopping) => return,
            }
        }
    }

    async fn prune(&self) {
        /// How long answers to `Idempotency-Key` are kept, in seconds.
        const ANSWERS_SECS: i64 = 24 * 3600;
        let now = self.now().timestamp();
        let keep = i64::try_from(self.0.settings.limits.retention.as_secs()).unwrap_or(i64::MAX);
        let settled = self.0.streams.settled(self.0.writer.head());
        let (events, answers) = (now.0.saturating_sub(keep), now.0 - ANSWERS_SECS);
        match self.read_store(move |store| store.prune(settled, events, answers)).await {
            Ok(0) => {}
            Ok(pruned) => info!(pruned, "forgot settled events beyond retention"),
            Err(error) => warn!(%error, "retention could not be applied"),
        }
    }
}
