//! What is measured.

mod backlog;
mod crowd;
mod fairness;
mod hub_to_hub;
mod throughput;

use std::{path::PathBuf, time::Duration};

use secevent::Alg;

use super::{
    calibration::{ALGS, Calibration, Work},
    row::Row,
};
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
    HubToHub,
    Fairness,
    CatchUp,
    Restart,
    IdlePolls,
    Streams,
    Subjects,
}

/// Every scenario, by name and in words.
const SCENARIOS: [(Scenario, &str, &str); 10] = [
    (Scenario::Ingest, "ingest", "events that no stream wants: one by one, and in batches of 100"),
    (Scenario::Push, "push", "events pushed to --fanout streams"),
    (Scenario::Poll, "poll", "events polled by --fanout streams"),
    (Scenario::HubToHub, "hub-to-hub", "events pushed by one hub to another"),
    (Scenario::Fairness, "fairness", "64 streams, some of them dead or slow: how long the healthy ones wait"),
    (Scenario::CatchUp, "catch-up", "--count events (100000) wait when the receivers come back"),
    (Scenario::Restart, "restart", "--count events (100000) wait when the hub is killed and started again"),
    (
        Scenario::IdlePolls,
        "idle-polls",
        "--count streams (10000) with a long poll each, and one event for all",
    ),
    (
        Scenario::Streams,
        "streams",
        "10 streams and --count (10000): the price of idle ones; one event for all",
    ),
    (Scenario::Subjects, "subjects", "a stream of 1000 subjects, and of --count (100000)"),
];

/// The event that streams are about.
const EVENT: &str = "caep:session-revoked";

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
            Scenario::HubToHub => hub_to_hub::run(self, calibration).await,
            Scenario::Fairness => fairness::run(self, calibration).await,
            Scenario::CatchUp | Scenario::Restart => backlog::run(self, calibration).await,
            Scenario::IdlePolls => crowd::idle_polls(self, calibration).await,
            Scenario::Streams => crowd::streams(self, calibration).await,
            Scenario::Subjects => crowd::subjects(self, calibration).await,
        }
    }

    fn fanout(&self) -> u32 {
        self.fanout.unwrap_or(1)
    }

    fn alg(&self) -> Alg {
        self.alg.unwrap_or(Alg::Es256)
    }

    /// What was asked for, or this.
    fn rates_or(&self, rate: f64) -> Vec<f64> {
        if self.rates.is_empty() { vec![rate] } else { self.rates.clone() }
    }
}

/// What a SET takes at least that is pushed: its share of the request that brought the event, a signature, a request.
fn work_of_push(fanout: u32) -> Work {
    Work { signatures: 1.0, taken: per(fanout.into()), made: 1.0 }
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn per(number: u64) -> f64 {
    1.0 / number.max(1) as f64
}

/// The rows that matter most, in less than a minute: each takes four to six seconds.
pub(super) fn quick(job: &Job) -> Vec<Job> {
    use Scenario::{Ingest, Poll, Push};
    let rows = [
        (Ingest, 1, Alg::Es256),
        (Push, 1, Alg::Es256),
        (Push, 16, Alg::Es256),
        (Push, 1, Alg::Rs256),
        (Push, 16, Alg::Rs256),
        (Poll, 1, Alg::Es256),
        (Poll, 16, Alg::Es256),
    ];
    let time = Duration::from_millis(1200);
    rows.map(|(scenario, fanout, alg)| with(job, scenario, fanout, alg, time)).into()
}

/// Every scenario. Budget with loads of five seconds: 15 s for each row of `ingest`, `push`, `poll` and `hub-to-hub`,
/// 30 s for `fairness`, a minute for each of the others; about ten minutes in all.
pub(super) fn all(job: &Job) -> Vec<Job> {
    use Scenario::{CatchUp, Fairness, HubToHub, IdlePolls, Ingest, Poll, Push, Restart, Streams, Subjects};
    let plain = |scenario, fanout, alg| with(job, scenario, fanout, alg, job.time);
    let mut jobs = vec![plain(Ingest, 1, Alg::Es256)];
    for alg in ALGS {
        jobs.extend([1, 16, 1000].map(|fanout| plain(Push, fanout, alg)));
        jobs.extend([1, 16].map(|fanout| plain(Poll, fanout, alg)));
    }
    let shared = |scenario, fanout| Job { shared: true, ..plain(scenario, fanout, Alg::Rs256) };
    jobs.extend([shared(Push, 16), shared(Push, 1000), shared(Poll, 16)]);
    let rest = [HubToHub, Fairness, CatchUp, Restart, IdlePolls, Streams, Subjects];
    jobs.extend(rest.map(|scenario| plain(scenario, 1, Alg::Es256)));
    jobs
}

fn with(job: &Job, scenario: Scenario, fanout: u32, alg: Alg, time: Duration) -> Job {
    Job { scenario, fanout: Some(fanout), alg: Some(alg), time, ..job.clone() }
}
