//! What is measured.

mod throughput;

use std::{path::PathBuf, time::Duration};

use secevent::Alg;

use super::{calibration::Calibration, row::Row};
use crate::{
    failure::{Exit, Failure},
    output,
};

/// A way to use a hub.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scenario {
    Ingest,
    Push,
    Poll,
}

/// Every scenario, by name and in words.
const SCENARIOS: [(Scenario, &str, &str); 3] = [
    (Scenario::Ingest, "ingest", "events that no stream wants: one by one, and in batches of 100"),
    (Scenario::Push, "push", "events pushed to --fanout streams"),
    (Scenario::Poll, "poll", "events polled by --fanout streams"),
];

/// A scenario and how it is to be run.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) scenario: Scenario,
    pub(super) fanout: Option<u32>,
    pub(super) alg: Option<Alg>,
    pub(super) rates: Vec<f64>,
    pub(super) time: Duration,
    pub(super) shared: bool,
    pub(super) count: Option<u32>,
    pub(super) data: Option<PathBuf>,
    pub(super) swallow: bool,
}

impl Scenario {
    pub(super) fn named(name: &str) -> Option<Self> {
        SCENARIOS.iter().find(|(_, known, _)| *known == name).map(|(scenario, ..)| *scenario)
    }

    pub(super) fn name(self) -> &'static str {
        SCENARIOS.iter().find(|(scenario, ..)| *scenario == self).map_or("", |(_, name, _)| name)
    }
}

/// Says what can be measured.
pub(super) fn list() -> Result<Exit, Failure> {
    let lines = SCENARIOS.map(|(_, name, words)| format!("{name:<12} {words}"));
    output::say(lines.join("\n"))?;
    output::note("secevent bench --quick measures the most important of them in less than a minute");
    Ok(Exit::Yes)
}

impl Job {
    pub(super) fn name(&self) -> String {
        let shared = if self.shared { ", one audience" } else { "" };
        format!("{}, fan-out {}, {}{shared}", self.scenario.name(), self.fanout(), self.alg())
    }

    pub(super) async fn run(&self, calibration: &Calibration) -> Result<Vec<Row>, Failure> {
        match self.scenario {
            Scenario::Ingest => throughput::ingest(self, calibration).await,
            Scenario::Push | Scenario::Poll => throughput::deliver(self, calibration).await,
        }
    }

    fn fanout(&self) -> u32 {
        self.fanout.unwrap_or(1)
    }

    fn alg(&self) -> Alg {
        self.alg.unwrap_or(Alg::Es256)
    }
}

/// The rows that matter most. Each takes four to six seconds.
pub(super) fn quick(job: &Job) -> Vec<Job> {
    use Scenario::{Ingest, Poll, Push};
    let time = Duration::from_millis(1500);
    let rows = [
        (Ingest, 1, Alg::Es256),
        (Push, 1, Alg::Es256),
        (Push, 16, Alg::Es256),
        (Push, 1, Alg::Rs256),
        (Push, 16, Alg::Rs256),
        (Poll, 1, Alg::Es256),
        (Poll, 16, Alg::Es256),
    ];
    rows.map(|(scenario, fanout, alg)| Job {
        scenario,
        fanout: Some(fanout),
        alg: Some(alg),
        time,
        ..job.clone()
    })
    .into()
}

/// Every scenario.
pub(super) fn all(job: &Job) -> Vec<Job> {
    quick(job)
}
