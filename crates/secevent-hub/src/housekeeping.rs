//! What a hub does now and then: settlements are written, what retention lets go is forgotten.

use std::time::Duration;

use secevent::Timestamp;
use secevent_ssf::store::{Batch, Retention, Store, StoreError};
use tracing::{info, warn};

use crate::{Hub, again::State, expiry::Tails, hub::stopped};

/// How often settlements are written when no event takes them along; at most this much is repeated after a crash.
const FLUSH_EVERY: Duration = Duration::from_millis(200);

/// How often streams are looked at that may have become inactive or too long, wishes whose grace may be over, and how
/// much room is left.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often retention is applied.
const PRUNE_EVERY: Duration = Duration::from_mins(10);

/// Rows deleted at a time: some ten milliseconds during which nothing is committed.
const ROWS_MAX: usize = 1_000;

/// Rows forgotten before their time at once: within the smallest bound there are some hundred.
const EARLY_ROWS_MAX: usize = 250;

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
        let mut tails = Tails::default();
        loop {
            tokio::select! {
                _ = look.tick() => {
                    self.pause_inactive().await;
                    self.sweep_wishes().await;
                    told("what is too much for a stream could not be dropped", self.drop_excess(&mut tails).await);
                    told("no room could be made", self.make_room().await);
                }
                () = self.0.room.short.notified() => told("no room could be made", self.make_room().await),
                _ = prune.tick() => self.prune().await,
                () = stopped(&mut stopping) => return,
            }
        }
    }

    /// A part at a time, so that what is accepted meanwhile is not held up.
    async fn prune(&self) {
        told("what is too old could not be dropped", self.expire().await);
        self.end_old_replays();
        let mut pruned = 0;
        let retention = match self.written_retention().await {
            Ok(retention) => retention,
            Err(error) => return warn!(%error, "retention could not be applied"),
        };
        while !self.is_stopping() {
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

    /// Ends what is sent once more and was not done within the retention time: it keeps a part of the log.
    fn end_old_replays(&self) {
        let before = self.retention().events_before;
        for stream in self.0.streams.all() {
            let mut work = stream.work();
            if work.again.as_ref().is_none_or(|again| again.asked_at() >= before) {
                continue;
            }
            work.end_again(State::Cancelled);
            drop(work);
            let id = &stream.record().config.stream_id;
            warn!(stream = %id, "a replay is ended: it was not done within `[retention] age`");
            self.0.writer.mark_dirty(stream.no);
        }
    }

    /// Forgets settled events before their time while they take more than `[retention] bytes` leaves them.
    async fn make_room(&self) -> Result<(), StoreError> {
        let mut usage = self.read_store(Store::usage).await?;
        if let Some(kept) = self.0.room.forget_to(usage) {
            let events_before = Timestamp(i64::MAX);
            let retention =
                Retention { events_before, rows_max: EARLY_ROWS_MAX, ..self.written_retention().await? };
            let mut forgotten = 0;
            while usage.used_bytes > kept && !self.is_stopping() {
                let rows = self.read_store(move |store| store.prune(&retention)).await?;
                if rows == 0 {
                    break;
                }
                forgotten += rows;
                usage = self.read_store(Store::usage).await?;
            }
            if forgotten > 0 {
                info!(forgotten, "forgot what is settled, to stay within `[retention] bytes`");
            }
        }
        self.0.room.measured(usage);
        Ok(())
    }

    /// What may be forgotten, once the disk knows how far streams have settled and what was dropped: after a crash
    /// nobody may look for an event that is gone, nor miss the dead letter that tells of it.
    async fn written_retention(&self) -> Result<Retention, StoreError> {
        let retention = self.retention();
        for stream in self.0.streams.all() {
            self.0.writer.mark_dirty(stream.no);
        }
        self.commit(Batch::default()).await?;
        Ok(retention)
    }

    pub(crate) fn retention(&self) -> Retention {
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

fn told(what: &str, done: Result<(), StoreError>) {
    if let Err(error) = done {
        warn!(%error, "{what}");
    }
}
