//! `idle-polls`, `streams` and `subjects`: what many cost that have nothing to do, and one event for all of them.

use std::fs;

use serde_json::json;

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
    EVENT, Job, per, work_of_push,
};
use crate::{failure::Failure, output};

/// How many, unless `--count` says another number.
const POLLS: u32 = 10_000;
const STREAMS: u32 = 10_000;
const SUBJECTS: u32 = 100_000;

/// What many are compared with.
const STREAMS_FEW: u32 = 10;
const SUBJECTS_FEW: u32 = 1000;

/// The streams that have something to do among many.
const BUSY: u32 = 10;
const UNDER_WAY: usize = 256;

/// An event that every stream wants, where few want [`EVENT`].
const EVENT_FOR_ALL: &str = "caep:session-presented";

/// Files beside connections: the store, pipes, libraries.
const FILES_BESIDE: u32 = 300;

/// Long polls that wait.
pub(super) async fn idle_polls(job: &Job, calibration: &Calibration) -> Result<Vec<Row>, Failure> {
    let polls = affordable(job.count.unwrap_or(POLLS));
    let more = format!("[poll]\nwait = \"10m\"\n[limits]\nconnections = {}", polls + FILES_BESIDE);
    let plan = HubPlan { more, ..HubPlan::new(job.alg(), polls) };
    let mut stage = Stage::set(plan, job.data.as_deref()).await?;
    stage.pollable(|_| vec![EVENT]).await?;
    stage.hub.quiet().await;
    let before = stage.hub.memory().now;
    stage.poll().await?;
    stage.hub.quiet().await;
    let after = stage.hub.memory().now;
    let mut row = Row::new("idle-polls", job.alg(), polls).note("one event for all");
    insert_each(&mut row, "bytes a poll", before, after, polls);
    let work = Work { signatures: 1.0, taken: per(polls.into()), made: 0.0 };
    let measurement = Measurement { calibration, alg: job.alg(), work, from: 0, row };
    Ok(vec![one(job, EVENT, measurement, &mut stage).await?])
}

/// Streams, of which ten have something to do.
pub(super) async fn streams(job: &Job, calibration: &Calibration) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for streams in [STREAMS_FEW, affordable(job.count.unwrap_or(STREAMS)).max(BUSY)] {
        let plan = HubPlan::new(job.alg(), streams);
        let mut stage = Stage::set(plan, job.data.as_deref()).await?;
        let before = stage.hub.memory().now;
        let events = |no| if no < BUSY { vec![EVENT, EVENT_FOR_ALL] } else { vec![EVENT_FOR_ALL] };
        stage.push(Behaviour::default(), 0, events).await?;
        stage.hub.quiet().await;
        let after = stage.hub.memory().now;
        let measurement = |fanout, note: String| Measurement {
            calibration,
            alg: job.alg(),
            work: work_of_push(fanout),
            from: 0,
            row: Row::new("streams", job.alg(), fanout).note(note),
        };
        let mut busy = measurement(BUSY, format!("10 busy of {streams}"));
        insert_each(&mut busy.row, "bytes a stream", before, after, streams);
        rows.push(busy.run(&mut stage, Load::new(Pace::Closed(UNDER_WAY), job.time)).await?);
        let all = measurement(streams, "one event for all".to_owned());
        rows.push(one(job, EVENT_FOR_ALL, all, &mut stage).await?);
    }
    Ok(rows)
}

/// A stream that is about some subjects only.
pub(super) async fn subjects(job: &Job, calibration: &Calibration) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for subjects in [SUBJECTS_FEW, job.count.unwrap_or(SUBJECTS)] {
        let of_stream = format!("default_subjects = \"NONE\"\nsubjects_per_stream = {subjects}");
        let plan = HubPlan { of_stream, ..HubPlan::new(job.alg(), 1) };
        let mut stage = Stage::set(plan, job.data.as_deref()).await?;
        stage.push(Behaviour::default(), 0, |_| vec![EVENT]).await?;
        let before = stage.hub.memory().now;
        let began = tokio::time::Instant::now();
        let (path, id) = (stage.path("add_subject_endpoint"), stage.streams[0].id.clone());
        let subject = |no| json!({"format": "email", "email": format!("user-{no}@example.com")});
        let bodies: Vec<_> =
            (0..subjects).map(|no| json!({"stream_id": id, "subject": subject(no)}).to_string()).collect();
        stage.call_all(("POST", &path), &bodies, 200).await?;
        let added = f64::from(subjects) / began.elapsed().as_secs_f64();
        stage.hub.quiet().await;
        let after = stage.hub.memory().now;
        let mut row = Row::new("subjects", job.alg(), 1).note(subjects.to_string());
        row.figures.insert("subjects added a second", added);
        insert_each(&mut row, "bytes a subject", before, after, subjects);
        let measurement = Measurement { calibration, alg: job.alg(), work: work_of_push(1), from: 0, row };
        let load = Load { subjects: subjects.into(), ..Load::new(Pace::Closed(UNDER_WAY), job.time) };
        rows.push(measurement.run(&mut stage, load).await?);
    }
    Ok(rows)
}

/// One event, and when the last of its SETs has come.
async fn one(
    job: &Job,
    event: &'static str,
    measurement: Measurement<'_>,
    stage: &mut Stage,
) -> Result<Row, Failure> {
    let load = Load { events_max: 1, connections: 1, event, ..Load::new(Pace::Closed(1), job.time) };
    let mut row = measurement.run(stage, load).await?;
    let times = [("accepted after, ms", row.accepted), ("last SET after, ms", row.latency)];
    row.figures.extend(times.iter().filter_map(|(name, times)| Some((*name, times.as_ref()?.max))));
    Ok(row)
}

#[expect(clippy::cast_precision_loss, reason = "memory of one process is little")]
fn insert_each(row: &mut Row, name: &'static str, before: Option<u64>, after: Option<u64>, number: u32) {
    if let (Some(before), Some(after)) = (before, after) {
        row.figures.insert(name, after.saturating_sub(before) as f64 / f64::from(number));
    }
}

/// As many connections as the files allow that a process may open; both ends need one each.
fn affordable(wanted: u32) -> u32 {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let files: Option<u32> = files.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok());
    // The hub keeps a quarter for itself.
    let most = files.map_or(u32::MAX, |files| (files / 4 * 3).saturating_sub(FILES_BESIDE).max(1));
    if wanted > most {
        output::note(format_args!("{most} instead of {wanted}: more files must not be open (ulimit -n)"));
    }
    wanted.min(most)
}
