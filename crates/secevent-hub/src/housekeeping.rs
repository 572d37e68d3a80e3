//! What a hub does now and then: settlements are written, what retention lets go is forgotten.

use std::time::Duration;

use secevent::Timestamp;
use secevent_ssf::store::Retention;
use tracing::{info, warn};

use crate::{Hub, hub::stopped};

/// How often settlements are written when no event takes them along; at most this much is repeated after a crash.
const FLUSH_EVERY: Duration = Duration::from_millis(200);

/// How often streams are looked at that may have become inactive, and wishes whose grace may be over.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often retention is applied.
const PRUNE_EVERY: Duration = Duration::from_mins(10);

/// Rows deleted at a time: some ten milliseconds during which nothing is committed.
const ROWS_MAX: usize = 1_000;

/// How long answers to `Idempotency-Key` are kept: a producer that repeats a request does so within a day.
const ANSWERS_SECS: i64 = 24 * 3600;

/// How long received SETs are kept: twice as long as transmitters keep what they deliver, so that no repeat is taken
/// for new.
const RECEIVED_SECS: i64 = 14 * 24 * 3600;

/// How long dead letters are kept: an operator who looks once a month still finds them.
const DEAD_LETTERS_SECS: i64 = 30 * 24 * 3600;

impl Hub {
    /// Writes settlements down now and then, and forgets what retention lets go.
    pub(crate) async fn keep_house(self) {
        let mut stopping = self.0.stopping.subscribe();
        let mut flush = tokio::time::interval(FLUSH_EVERY);
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut prune = tokio::time::interval(PRUNE_EVERY);
        loop {
            tokio::select! {
                _ = flush.tick() => self.0.writer.flush().await,
                _ = look.tick() => {
                    self.pause_inactive().await;
                    self.sweep_wishes().await;
                }
                _ = prune.tick() => self.prune().await,
                () = stopped(&mut stopping) => return,
            }
        }
    }

    /// A part at a time, so that what is accepted meanwhile is not held up.
    async fn prune(&self) {
        let mut pruned = 0;
        while !self.is_stopping() {
            let retention = self.retention();
            match self.read_store(move |store| store.prune(&retention)).await {
                Ok(rows) => {
                    pruned += rows;
                    if rows < ROWS_MAX {
                        break;
                    }
                }
                Err(error) => {
                    warn!(%error, "retention could not be applied");
                    break;
                }
            }
        }
        if pruned > 0 {
            info!(pruned, "forgot what is beyond retention");
        }
    }

    fn retention(&self) -> Retention {
        let now = self.now().timestamp();
        let before = |secs: i64| Timestamp(now.0.saturating_sub(secs));
        let events = i64::try_from(self.0.settings.limits.retention.as_secs()).unwrap_or(i64::MAX);
        Retention {
            settled: self.0.streams.settled(self.0.writer.head()),
            events_before: before(events),
            dead_letters_before: before(DEAD_LETTERS_SECS),
            received_before: before(RECEIVED_SECS),
            answers_before: before(ANSWERS_SECS),
            rows_max: ROWS_MAX,
        }
    }
}
