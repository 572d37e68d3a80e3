//! `secevent bench`: what the hub can do on this machine, beside what the machine can do.
//!
//! The hub is a process of its own and so are its receivers; this process hands events in and looks at the clock.
//! After each run every SET is verified with the keys that the hub publishes, and counted: a run that lost one is void.

mod calibration;
mod config;
mod hub;
mod latency;
mod load;
mod measure;
mod peers;
mod process;
mod producer;
mod progress;
mod protocol;
mod receivers;
mod results;
mod row;
mod scenarios;
mod schedule;
mod stage;
mod svg;
mod usage;
mod wire;

use std::{path::PathBuf, time::Duration};

use secevent::Alg;

use self::{
    progress::Progress,
    results::Results,
    scenarios::{Job, Scenario},
};
use super::keys;
use crate::{
    failure::{Exit, Failure},
    net,
    output::{self, Form},
};

/// Measure the hub on this machine, with what the machine can do beside it
#[derive(clap::Args)]
#[command(after_help = "\
Without a scenario the scenarios are listed. A run that lost a SET, or in which one does not verify,
is void and ends with 1. docs/benchmarks.md says what the columns mean.

Examples:
  secevent bench
  secevent bench --quick
  secevent bench push --fanout 16 --alg ES256 --rate 1000,2000,4000 --secs 5
  secevent bench catch-up --count 1000000 --json results.json
  secevent bench --all --json results.json --svg plots")]
#[expect(clippy::struct_excessive_bools, reason = "they are flags of a command line")]
pub(crate) struct Args {
    /// What to measure
    scenario: Option<String>,
    /// With --json: where the results are written instead of stdout
    file: Option<String>,
    /// The most important rows, in less than a minute
    #[arg(long)]
    quick: bool,
    /// Every scenario, in some minutes
    #[arg(long, conflicts_with = "quick")]
    all: bool,
    /// Streams that each event goes to
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    fanout: Option<u32>,
    /// The algorithm that SETs are signed with
    #[arg(long, value_parser = keys::alg())]
    alg: Option<Alg>,
    /// Events a second, several with commas between; left out, as fast as possible and half of that
    #[arg(long, value_name = "N", value_delimiter = ',')]
    rate: Vec<f64>,
    /// How long each load lasts
    #[arg(long, value_name = "SECS", default_value_t = 5.0)]
    secs: f64,
    /// All streams have one audience, and so share a signature
    #[arg(long)]
    shared: bool,
    /// How many of what the scenario is about: waiting events, polls, streams, subjects
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    count: Option<u32>,
    /// A folder on the disk to measure; that for temporary files if left out
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Write plots into this folder
    #[arg(long, value_name = "DIR")]
    svg: Option<PathBuf>,
    /// The receivers lose one SET, which must be noticed
    #[arg(long, hide = true)]
    swallow: bool,
}

pub(crate) fn run(args: &Args, form: Form) -> Result<Exit, Failure> {
    if args.scenario.as_deref() == Some("receivers") {
        return receivers::run();
    }
    let (jobs, file) = args.jobs(form)?;
    if jobs.is_empty() {
        return scenarios::list();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let results = runtime.block_on(async {
        let asked_to_end = net::asked_to_end()?;
        tokio::select! {
            results = measure(args, &jobs) => results,
            // Everything that was started is dropped, and ends.
            () = asked_to_end => Err(Failure::could_not("stopped before the end")),
        }
    });
    // The threads that read what children say have nothing to add.
    runtime.shutdown_background();
    let results = results?;
    if let Some(folder) = &args.svg {
        svg::write(&results, folder)?;
    }
    match (form, &file) {
        (Form::Json, None) => output::json(&results)?,
        (Form::Json, Some(file)) => {
            results.write(file.as_ref())?;
            output::say(results.table())?;
        }
        (Form::People, _) => output::say(results.table())?,
    }
    Ok(if results.are_valid() { Exit::Yes } else { Exit::No })
}

async fn measure(args: &Args, jobs: &[Job]) -> Result<Results, Failure> {
    let mut progress = Progress::new(jobs.len() + 1);
    progress.step("calibration");
    let calibration = calibration::calibrate(args.data.as_deref()).await?;
    let mut results = Results::new(calibration);
    for job in jobs {
        progress.step(&job.name());
        let rows = job.run(&results.calibration).await?;
        results.add(rows);
    }
    progress.end();
    Ok(results)
}

impl Args {
    /// What to do, and where the results go.
    fn jobs(&self, form: Form) -> Result<(Vec<Job>, Option<String>), Failure> {
        let words: Vec<_> = self.scenario.iter().chain(&self.file).collect();
        let named = words.first().and_then(|word| Scenario::named(word));
        let files = &words[usize::from(named.is_some())..];
        if files.len() > usize::from(form == Form::Json) {
            let what = format!("{:?} is no scenario", files[0]);
            return Err(Failure::usage(what).next("secevent bench, which lists them"));
        }
        let file = files.first().map(|file| (*file).clone());
        let secs = |secs| Duration::try_from_secs_f64(secs).unwrap_or(Duration::from_secs(5));
        let job = |scenario| Job {
            scenario,
            fanout: self.fanout,
            alg: self.alg,
            rates: self.rate.clone(),
            time: secs(self.secs),
            shared: self.shared,
            count: self.count,
            data: self.data.clone(),
            swallow: self.swallow,
        };
        if self.rate.iter().any(|rate| !rate.is_finite() || *rate < 1.0) {
            return Err(Failure::usage("--rate: give whole events a second, from 1"));
        }
        let jobs = match (named, self.quick, self.all) {
            (Some(scenario), false, false) => vec![job(scenario)],
            (None, true, _) => scenarios::quick(&job(Scenario::Push)),
            (None, _, true) => scenarios::all(&job(Scenario::Push)),
            (None, false, false) if words.is_empty() => Vec::new(),
            _ => return Err(Failure::usage("name a scenario, or give --quick or --all: one of the three")),
        };
        Ok((jobs, file))
    }
}
