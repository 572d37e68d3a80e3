//! What an operator measures (docs/metrics.md): every metric of the hub with its name, unit, help and buckets. The rest
//! of the hub calls verbs.
//!
//! What is counted while work is done are atomics, made once for every label: no lock and no allocation for a SET. What
//! can be read off the streams is read when somebody asks, in `scrape.rs`. Labels are names of the configuration and the
//! ids of streams, which are made here; no word of a peer becomes one.
//!
//! How long something takes is read from tokio's monotonic clock, as the waits of the hub are; it needs no runtime, so
//! that the writer's thread has it too. Ages are read from the clock of the hub, which events are dated by.

mod accept_times;
mod histogram;
mod register;
mod scrape;

use std::time::Duration;

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge, info::Info},
    registry::Registry,
};
use secevent::{Alg, Timestamp};
use secevent_ssf::{Seq, delivery::push::Verdict, engine::Millis, engine::Selection, store::StoreError};
use tokio::time::Instant;

use crate::{AcceptError, Clock};
use accept_times::AcceptTimes;
use histogram::Histogram;
use register::{
    COMMIT_EVENTS, COMMIT_SECS, DELAY_SECS, SIGN_SECS, counter, counters, gauge, histogram, sizes,
};

/// The metrics of one hub.
pub(crate) struct Metrics {
    registry: Registry,
    clock: Clock,
    accepted_at: AcceptTimes,
    accepted: Counter,
    refused: [Counter; REFUSED.len()],
    commits: [Counter; COMMITS.len()],
    commit_time: Histogram,
    commit_events: Histogram,
    sign_time: Histogram,
    signatures: [Counter; Alg::ALL.len()],
    cache_hits: Counter,
    first_attempt: Histogram,
    attempts: [Counter; ATTEMPTS.len()],
    poll_sets: Counter,
    poll_acks: Counter,
    repeats: [Counter; REPEATS.len()],
    dead_letters: [Counter; DEAD_LETTERS.len()],
    connections: Gauge,
}

const REFUSED: [&str; 5] = ["full", "invalid", "no_stream", "key_reused", "failed"];
const COMMITS: [&str; 3] = ["done", "full", "failed"];
const ATTEMPTS: [&str; 5] = ["delivered", "retry", "refused", "lane_fault", "gone"];
const REPEATS: [&str; 2] = ["push", "poll"];
const DEAD_LETTERS: [&str; 3] = ["refused", "not_taken", "expired"];

/// Why an event was set aside.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SetAside {
    /// Its receiver refused it, or no SET can be made of it.
    Refused = 0,
    /// It failed for a week while others were taken.
    NotTaken = 1,
    /// Nobody took it within retention.
    Expired = 2,
}

impl Metrics {
    pub(crate) fn new(clock: Clock) -> Self {
        let mut registry = Registry::with_prefix("secevent");
        let r = &mut registry;
        r.register("build", "The program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        Self {
            accepted: counter(
                r,
                "events_accepted",
                "Events accepted; the repeat of a request under its Idempotency-Key counts no more",
            ),
            refused: counters(
                r,
                "requests_refused",
                "Requests to accept events that were refused",
                "reason",
                REFUSED,
            ),
            commits: counters(
                r,
                "commits",
                "Commits of the store; one that is done has synced the disk once",
                "outcome",
                COMMITS,
            ),
            commit_time: histogram(r, "commit", "How long a commit took", &COMMIT_SECS),
            commit_events: sizes(
                r,
                "commit_events",
                "Events of a commit; one without only settles",
                &COMMIT_EVENTS,
            ),
            sign_time: histogram(r, "sign", "How long a signature took", &SIGN_SECS),
            signatures: counters(r, "signatures", "SETs signed", "alg", Alg::ALL.map(Alg::name)),
            cache_hits: counter(r, "signature_cache_hits", "SETs sent with a signature made before"),
            first_attempt: histogram(
                r,
                "first_attempt_delay",
                "From acceptance to the first attempt at a stream",
                &DELAY_SECS,
            ),
            attempts: counters(
                r,
                "push_attempts",
                "SETs pushed, by what the receiver answered",
                "outcome",
                ATTEMPTS,
            ),
            poll_sets: counter(r, "poll_sets_offered", "SETs in answers to polls"),
            poll_acks: counter(r, "poll_sets_acknowledged", "SETs that polls acknowledged"),
            repeats: counters(r, "repeats", "SETs sent to a stream once more", "delivery", REPEATS),
            dead_letters: counters(
                r,
                "dead_letters",
                "Events set aside for a stream",
                "reason",
                DEAD_LETTERS,
            ),
            connections: gauge(r, "connections", "Connections open at the listener"),
            accepted_at: AcceptTimes::default(),
            registry,
            clock,
        }
    }

    /// Events were accepted.
    pub(crate) fn accepted(&self, events: usize) {
        self.accepted.inc_by(events as u64);
    }

    /// A request to accept events was refused.
    pub(crate) fn refused(&self, why: &AcceptError) {
        let reason = match why {
            AcceptError::Store(StoreError::Full(_)) => 0,
            AcceptError::Invalid { .. } => 1,
            AcceptError::NoStream { .. } => 2,
            AcceptError::KeyReused => 3,
            AcceptError::Store(_) => 4,
        };
        self.refused[reason].inc();
    }

    /// Commits this many events.
    pub(crate) fn commit<T>(
        &self,
        events: usize,
        commit: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let begun = Instant::now();
        let result = commit();
        self.commit_time.observe(begun.elapsed());
        let outcome = match &result {
            Ok(_) => 0,
            Err(StoreError::Full(_)) => 1,
            Err(_) => 2,
        };
        self.commits[outcome].inc();
        if outcome == 0 {
            self.commit_events.count(events as u64);
        }
        result
    }

    /// These events are in the log now.
    pub(crate) fn logged(&self, first: Seq, events: usize) {
        self.accepted_at.note(first, events as u64, (self.clock)());
    }

    /// Makes a signature.
    pub(crate) fn sign<T, E>(&self, alg: Alg, sign: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let begun = Instant::now();
        let signed = sign()?;
        self.sign_time.observe(begun.elapsed());
        if let Some(at) = Alg::ALL.iter().position(|known| *known == alg) {
            self.signatures[at].inc();
        }
        Ok(signed)
    }

    /// A signature was there.
    pub(crate) fn signed_before(&self) {
        self.cache_hits.inc();
    }

    /// An event is about to be sent to a stream for the first time.
    pub(crate) fn first_attempt(&self, seq: Seq, iat: Timestamp) {
        let accepted = self.accepted_at.of(seq).unwrap_or_else(|| in_millis(iat));
        let waited = (self.clock)().0.saturating_sub(accepted.0);
        self.first_attempt.observe(Duration::from_millis(waited));
    }

    /// A SET was pushed; answers with the name of what came of it.
    pub(crate) fn pushed(&self, verdict: &Verdict, again: bool) -> &'static str {
        let outcome = match verdict {
            Verdict::Delivered { .. } => 0,
            Verdict::Retry { .. } => 1,
            Verdict::Refused(_) => 2,
            Verdict::LaneFault(_) => 3,
            _ => 4,
        };
        self.attempts[outcome].inc();
        if again {
            self.repeats[0].inc();
        }
        ATTEMPTS[outcome]
    }

    /// SETs go out with the answer to a poll.
    pub(crate) fn offered(&self, selection: &Selection) {
        self.poll_sets.inc_by(selection.seqs.len() as u64);
        self.repeats[1].inc_by(selection.again as u64);
    }

    /// A poll acknowledged SETs.
    pub(crate) fn acknowledged(&self, sets: u64) {
        self.poll_acks.inc_by(sets);
    }

    /// Events became dead letters.
    pub(crate) fn set_aside(&self, why: SetAside, events: u64) {
        self.dead_letters[why as usize].inc_by(events);
    }

    /// A connection is open until this is dropped.
    pub(crate) fn connection(&self) -> Open {
        self.connections.inc();
        Open(self.connections.clone())
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// Something that is counted as long as it is there.
#[derive(Debug)]
pub(crate) struct Open(Gauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn in_millis(at: Timestamp) -> Millis {
    Millis(u64::try_from(at.0).unwrap_or(0).saturating_mul(1000))
}
