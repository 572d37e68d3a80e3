//! `ingest`, `push` and `poll`: as fast as possible, and how long it takes at a given rate.

use std::time::Duration;

use super::{
    super::{
        calibration::{Calibration, Work},
        config::HubPlan,
        load::{Load, Pace},
        measure::Measurement,
        protocol::Behaviour,
        row::Row,
        stage::Stage,
    },
    EVENT, Job, Scenario, per, work_of_push,
};
use crate::failure::Failure;

/// Long enough for connections, caches and the log of the store to be as they are later.
const WARM_UP: Duration = Duration::from_millis(400);

/// Events of one request, where they come in batches.
const BATCH: u64 = 100;

/// The least and the most events under way when it goes as fast as possible, and how many SETs these may be: a stream
/// keeps a thousand in memory.
const UNDER_WAY: std::ops::RangeInclusive<usize> = 8..=512;
const SETS_UNDER_WAY: usize = 4096;

/// Of what is possible, where a rate is not given.
const HALF: f64 = 0.5;

/// Events that no stream wants.
pub(super) async fn ingest(job: &Job, calibration: &Calibration) -> Result<Vec<Row>, Failure> {
    let mut stage = Stage::set(HubPlan::new(job.alg(), 1), job.data.as_deref()).await?;
    let mut rows = Vec::new();
    for (batch, note) in [(1, ""), (BATCH, "batches of 100")] {
        let measurement = || Measurement {
            calibration,
            alg: job.alg(),
            work: Work { taken: per(batch), ..Work::default() },
            from: 0,
            row: Row::new("ingest", job.alg(), 0).note(note),
        };
        let load = |pace, time| Load { batch, ..Load::new(pace, time) };
        measurement().run(&mut stage, load(Pace::Accepted, WARM_UP)).await?;
        let row = measurement().run(&mut stage, load(Pace::Accepted, job.time)).await?;
        let possible = row.sets_per_s;
        rows.push(row);
        for rate in job.rates_or((possible * HALF).floor().max(1.0)) {
            rows.push(measurement().run(&mut stage, load(Pace::Rate(rate * per(batch)), job.time)).await?);
        }
    }
    Ok(rows)
}

/// Events that are pushed or polled.
pub(super) async fn deliver(job: &Job, calibration: &Calibration) -> Result<Vec<Row>, Failure> {
    let fanout = job.fanout();
    let plan = HubPlan { shared_audience: job.shared, ..HubPlan::new(job.alg(), fanout) };
    let mut stage = Stage::set(plan, job.data.as_deref()).await?;
    if job.scenario == Scenario::Push {
        let behaviour = Behaviour { swallow: job.swallow, ..Behaviour::default() };
        stage.push(behaviour, 0, |_| vec![EVENT]).await?;
    } else {
        stage.pollable(|_| vec![EVENT]).await?;
        stage.poll().await?;
    }
    let measurement = || Measurement {
        calibration,
        alg: job.alg(),
        work: work(job),
        from: 0,
        row: Row::new(job.scenario.name(), job.alg(), fanout).note(if job.shared {
            "one audience"
        } else {
            ""
        }),
    };
    let under_way = (SETS_UNDER_WAY / fanout as usize).clamp(*UNDER_WAY.start(), *UNDER_WAY.end());
    let closed = |time| Load::new(Pace::Closed(under_way), time);
    if !job.swallow {
        measurement().run(&mut stage, closed(WARM_UP)).await?;
    }
    let row = measurement().run(&mut stage, closed(job.time)).await?;
    let possible = row.sets_per_s / f64::from(fanout);
    let mut rows = vec![row];
    for rate in job.rates_or((possible * HALF).floor().max(1.0)) {
        rows.push(measurement().run(&mut stage, Load::new(Pace::Rate(rate), job.time)).await?);
    }
    Ok(rows)
}

/// What one SET takes at least.
fn work(job: &Job) -> Work {
    let work = work_of_push(job.fanout());
    Work {
        signatures: if job.shared { work.taken } else { work.signatures },
        made: if job.scenario == Scenario::Push { work.made } else { 0.0 },
        ..work
    }
}
