//! What a hub does now and then: settlements are written, what retention lets go is forgotten.

use std::time::Duration;

use secevent::Timestamp;
use secevent_ssf::{
    Seq, StreamNo,
    store::{DeadLetter, Retention, StoreError},
};
use tracing::{info, warn};

use crate::{Hub, hub::stopped, metrics::SetAside};

/// How often settlements are written when no event takes them along; at most this much is repeated after a crash.
const FLUSH_EVERY: Duration = Duration::from_millis(200);

/// How often streams are looked at that may have become inactive, and wishes whose grace may be over.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often retention is applied.
const PRUNE_EVERY: Duration = Duration::from_mins(10);

/// Rows deleted at a time: some ten milliseconds during which nothing is committed.
const ROWS_MAX: usize = 1_000;

/// Events looked at that may be too old; more wait for the next time.
const EXPIRED_MAX: usize = 1_000_000;

/// How long answers to `Idempotency-Key` are kept: a producer that repeats a request does so within a day.
const ANSWERS_SECS: i64 = 24 * 3600;

/// How long received SETs are kept: twice as long as transmitters keep what they deliver, so that no repeat is taken
/// for new.
const RECEIVED_SECS: i64 = 14 * 24 * 3600;

/// How long dead letters are kept: an operator who looks once a month still finds them.
const DEAD_LETTERS_SECS: i64 = 30 * 24 * 3600;

impl Hub {
    /// Writes settlements down now and then, whatever else there is to do.
    pub(crate) async fn keep_settlements(self) {
        let mut stopping = self.0.stopping.subscribe();
        let mut flush = tokio::time::interval(FLUSH_EVERY);
        loop {
            tokio::select! {
                _ = flush.tick() => self.0.writer.flush().await,
                () = stopped(&mut stopping) => return,
            }
        }
    }

    /// Looks after streams and wishes, and forgets what retention lets go.
    pub(crate) async fn keep_house(self) {
        let mut stopping = self.0.stopping.subscribe();
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut prune = tokio::time::interval(PRUNE_EVERY);
        loop {
            tokio::select! {
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
        if let Err(error) = self.expire().await {
            warn!(%error, "what is too old could not be dropped");
        }
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

    /// Drops from every stream what it has not taken within the retention time, so that a receiver who is away for long
    /// does not keep the log from being forgotten.
    async fn expire(&self) -> Result<(), StoreError> {
        let before = self.retention().events_before;
        let last = self.read_store(move |store| store.last_before(before, EXPIRED_MAX)).await?;
        let Some(through) = last else { return Ok(()) };
        for stream in self.0.streams.all() {
            if stream.work().queue.backlog().settled_to(Seq(u64::MAX)) >= through {
                continue;
            }
            let (known, unread) = stream.work().queue.backlog_mut().expire(through);
            let dropped = known + self.count_routes(stream.no, unread, through).await?;
            if dropped > 0 {
                let id = &stream.record().config.stream_id;
                warn!(stream = %id, dropped, through = through.0, "dropped what was not taken within retention");
                self.0.metrics.set_aside(SetAside::Expired, dropped as u64);
                let reason =
                    format!("{dropped} events up to this one were not taken within `[retention] age`");
                let at = self.now().timestamp();
                let mut work = stream.work();
                work.letters.push(DeadLetter { stream: stream.no, seq: through, reason, at });
                // The letter goes with the cursor, which may have been written meanwhile.
                work.queue.backlog_mut().mark_dirty();
            }
            self.0.writer.mark_dirty(stream.no);
        }
        Ok(())
    }

    /// How many events are addressed to a stream after a place, up to another.
    async fn count_routes(
        &self,
        stream: StreamNo,
        after: Option<Seq>,
        through: Seq,
    ) -> Result<usize, StoreError> {
        let mut count = 0;
        let mut next = after;
        while let Some(after) = next.filter(|after| *after < through) {
            let routes = self.read_store(move |store| store.routes(stream, after, ROWS_MAX)).await?;
            count += routes.entries.iter().filter(|entry| entry.seq <= through).count();
            next = Some(routes.through);
        }
        Ok(count)
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
