//! One measurement: load, until everything has arrived, and what it cost.

use std::time::Duration;

use secevent::Alg;
use tokio::time::{Instant, sleep, timeout};

use super::{
    calibration::{Calibration, Work},
    hub::Meter,
    load::{Load, Pace, Sent},
    protocol::{Question, Report},
    row::Row,
    stage::Stage,
};
use crate::{failure::Failure, output};

/// Nothing came for this long: what is missing is given up. Longer than the hub waits after a first failure.
const STALL: Duration = Duration::from_secs(10);

/// What is missing is given up after this time, whatever else comes.
const DRAIN_MAX: Duration = Duration::from_mins(10);

/// Cursors ride a commit this much later; their cost belongs to the run.
const SETTLE: Duration = Duration::from_millis(300);

/// What is measured, and what it may cost.
pub(super) struct Measurement<'a> {
    pub(super) calibration: &'a Calibration,
    pub(super) alg: Alg,
    pub(super) work: Work,
    /// Streams before this one are not counted.
    pub(super) from: u32,
    pub(super) row: Row,
}

impl Measurement<'_> {
    /// Runs the load and fills the row.
    #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
    pub(super) async fn run(mut self, stage: &mut Stage, mut load: Load) -> Result<Row, Failure> {
        load.first = stage.next_event;
        stage.peers.forget().await?;
        let (received, before) = (*stage.peers.received().borrow(), stage.hub.meter().await);
        let sent = load.run(stage.door(), stage.peers.received(), u64::from(self.row.fanout)).await?;
        stage.next_event += sent.events;
        let report = self.arrived(stage, &load, &sent, received).await?;
        sleep(SETTLE).await;
        let used = used(before, stage.hub.meter().await);
        self.row.rate = match load.pace {
            Pace::Rate(requests) => Some(requests * load.batch as f64),
            _ => None,
        };
        (self.row.latency, self.row.accepted) = (report.latency, sent.answers);
        if self.row.fanout == 0 {
            self.row.latency = sent.answers;
            self.row.lost = sent.refused.len() as u64;
        }
        let last_at = if self.row.fanout == 0 { sent.last_at } else { report.last_at };
        self.fill(stage, &sent, &report, (sent.first_at, last_at), &used);
        Ok(self.row)
    }

    /// Waits until every event that was accepted has come to every stream that counts, and verifies them.
    pub(super) async fn arrived(
        &mut self,
        stage: &mut Stage,
        load: &Load,
        sent: &Sent,
        received: u64,
    ) -> Result<Report, Failure> {
        let streams = u64::from(self.row.fanout);
        let accepted = sent.events - sent.refused.len() as u64;
        let expected = accepted * streams;
        let mut needed = received + expected;
        let until = Instant::now() + DRAIN_MAX;
        loop {
            let stalled = expected > 0 && !came(stage, needed).await || Instant::now() > until;
            let question = Question {
                from: self.from,
                first: load.first,
                events: sent.events,
                refused: sent.refused.clone(),
                ..stage.question()
            };
            let report = stage.peers.report(question).await?;
            let lost = expected.saturating_sub(report.distinct);
            self.row.lost = lost;
            if lost == 0 || stalled || report.invalid > 0 {
                return Ok(report);
            }
            // Some of what came did not count: a repeat, or another stream.
            needed = *stage.peers.received().borrow() + lost;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of one run are small")]
    pub(super) fn fill(
        &mut self,
        stage: &Stage,
        sent: &Sent,
        report: &Report,
        (first_at, last_at): (u64, u64),
        used: &Meter,
    ) {
        let row = &mut self.row;
        row.events = sent.events;
        row.sets = if row.fanout == 0 { sent.events } else { report.distinct };
        row.secs = last_at.saturating_sub(first_at) as f64 / 1e6;
        row.sets_per_s = if row.secs > 0.0 { row.sets as f64 / row.secs } else { 0.0 };
        let each = |of: Option<u64>| of.filter(|_| row.sets > 0).map(|of| of as f64 / row.sets as f64);
        (row.cpu_us, row.bytes, row.commits) =
            (each(used.usage.cpu_us), each(used.usage.written), each(used.commits));
        let limit = self.calibration.limit_us(self.alg, self.work);
        row.ratio = row.cpu_us.zip(limit).map(|(used, limit)| used / limit);
        let memory = stage.hub.memory();
        (row.memory, row.memory_peak) = (memory.now, memory.peak);
        (row.repeated, row.invalid) = (report.repeated, report.invalid);
        if !sent.refused.is_empty() {
            row.figures.insert("refused", sent.refused.len() as f64);
        }
        if let Some(why) = &report.first_invalid {
            output::note(format_args!("a SET does not verify: {}", output::one_line(why)));
        }
    }
}

/// What was used in between.
pub(super) fn used(before: Meter, after: Meter) -> Meter {
    let commits = after.commits.zip(before.commits).map(|(after, before)| after.saturating_sub(before));
    Meter { usage: after.usage - before.usage, commits }
}

/// Waits until so many SETs came; `false` when they stopped coming before.
async fn came(stage: &Stage, needed: u64) -> bool {
    let mut received = stage.peers.received();
    while *received.borrow_and_update() < needed {
        if !matches!(timeout(STALL, received.changed()).await, Ok(Ok(()))) {
            return false;
        }
    }
    true
}
