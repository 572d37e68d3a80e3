//! `catch-up` and `restart`: a backlog is built while the receivers are away; then they are back, or the hub was
//! killed meanwhile.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{
    super::{
        calibration::Calibration,
        config::HubPlan,
        hub::Meter,
        load::{Load, Pace},
        measure::{Measurement, used},
        protocol::Behaviour,
        row::Row,
        stage::Stage,
    },
    EVENT, Job, Scenario, work_of_push,
};
use crate::{clock, failure::Failure};

/// Events that wait, unless `--count` says another number.
const EVENTS: u32 = 100_000;

const BATCH: u64 = 100;

/// Nobody waits longer for a backlog to be built.
const BUILD_MAX: Duration = Duration::from_mins(15);

/// How often it is looked whether the first SET has come.
const LOOK: Duration = Duration::from_millis(1);
const FIRST_WAIT: Duration = Duration::from_mins(1);

/// The row.
pub(super) async fn run(job: &Job, calibration: &Calibration) -> Result<Vec<Row>, Failure> {
    let fanout = job.fanout();
    let mut stage = Stage::set(HubPlan::new(job.alg(), fanout), job.data.as_deref()).await?;
    stage.push(Behaviour::default(), 0, |_| vec![EVENT]).await?;
    stage.peers.away().await?;
    let events = job.count.unwrap_or(EVENTS);
    let load = Load {
        batch: BATCH,
        events_max: events.into(),
        connections: 8,
        ..Load::new(Pace::Accepted, BUILD_MAX)
    };
    let began = Instant::now();
    let sent = load.run(stage.door(), stage.peers.received(), fanout.into()).await?;
    let built = began.elapsed();

    let received = *stage.peers.received().borrow();
    let name = job.scenario.name();
    let mut row = Row::new(name, job.alg(), fanout).note(format!("{} waiting", sent.events));
    let mut before = stage.hub.meter().await;
    if job.scenario == Scenario::Restart {
        stage.hub.kill();
        before = Meter::nothing();
    }
    stage.peers.back().await?;
    let began_us = clock::micros();
    if job.scenario == Scenario::Restart {
        row.figures.insert("ready after, ms", stage.restart().await?.as_secs_f64() * 1e3);
    } else {
        wake(&stage).await?;
    }
    first(&stage, received).await?;
    let first = clock::micros().saturating_sub(began_us);
    let mut measurement =
        Measurement { calibration, alg: job.alg(), work: work_of_push(fanout), from: 0, row };
    let report = measurement.arrived(&mut stage, &load, &sent, received).await?;
    let used = used(before, stage.hub.meter().await);
    measurement.fill(&stage, &sent, &report, (began_us, report.last_at), &used);
    let mut row = measurement.row;
    row.figures.insert("built in, s", built.as_secs_f64());
    row.figures.insert("first SET after, ms", ms(first));
    row.figures.insert("last SET after, s", ms(report.last_at.saturating_sub(began_us)) / 1e3);
    Ok(vec![row])
}

/// A lane whose receiver was away for long waits for long, too. An operator who knows better pauses and resumes it.
async fn wake(stage: &Stage) -> Result<(), Failure> {
    for stream in &stage.streams {
        for verb in ["pause", "resume"] {
            let path = format!("/v1/streams/{}/{verb}", stream.id);
            stage.hub.call("POST", &path, &stage.hub.admin_token, "{}").await?;
        }
    }
    Ok(())
}

async fn first(stage: &Stage, received: u64) -> Result<(), Failure> {
    let until = Instant::now() + FIRST_WAIT;
    while *stage.peers.received().borrow() == received {
        if Instant::now() > until {
            return Err(Failure::no("no SET came within a minute after the receivers were back"));
        }
        sleep(LOOK).await;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "times of one run are short")]
fn ms(us: u64) -> f64 {
    us as f64 / 1e3
}
