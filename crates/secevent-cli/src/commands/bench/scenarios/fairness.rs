//! `fairness`: how long healthy streams wait while others are broken.
//!
//! Of 64 streams a tenth is dead, half of these by refusing connections and half by silence, and another tenth
//! answers after five seconds. Only the healthy ones are counted, without the others' trouble and with it.

use super::{
    super::{
        calibration::Calibration,
        config::HubPlan,
        load::{Load, Pace},
        measure::Measurement,
        protocol::Behaviour,
        row::Row,
        stage::Stage,
    },
    EVENT, Job, work_of_push,
};
use crate::failure::Failure;

const STREAMS: u32 = 64;
const BROKEN: u32 = STREAMS / 10;

/// Low enough that healthy streams alone would hardly wait.
const EVENTS_PER_S: f64 = 50.0;

/// The two rows.
pub(super) async fn run(job: &Job, calibration: &Calibration) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for (broken, note) in [(0, "all healthy"), (BROKEN, "1 in 10 dead, 1 in 10 slow")] {
        let mut stage = Stage::set(HubPlan::new(job.alg(), STREAMS), job.data.as_deref()).await?;
        let behaviour = Behaviour { silent: broken / 2, slow: broken, swallow: false };
        stage.push(behaviour, broken - broken / 2, |_| vec![EVENT]).await?;
        // The healthy ones are the same in both rows.
        let from = 2 * BROKEN;
        for rate in job.rates_or(EVENTS_PER_S) {
            let row = Row::new("fairness", job.alg(), STREAMS - from).note(note);
            let measurement =
                Measurement { calibration, alg: job.alg(), work: work_of_push(STREAMS), from, row };
            rows.push(measurement.run(&mut stage, Load::new(Pace::Rate(rate), job.time)).await?);
        }
    }
    if let [healthy, broken] = rows.as_mut_slice()
        && let (Some(healthy), Some(p99)) = (healthy.latency, broken.latency.map(|latency| latency.p99))
    {
        broken.figures.insert("p99 over that without trouble", p99 / healthy.p99);
    }
    Ok(rows)
}
