//! `hub-to-hub`: one hub pushes to another, which lists what it took.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    super::{
        calibration::Calibration,
        config::HubPlan,
        load::{Load, Pace},
        measure::{Measurement, used},
        protocol::Question,
        receivers::{KeptSet, report},
        row::Row,
        stage::Stage,
    },
    EVENT, Job, work_of_push,
};
use crate::{clock, failure::Failure};

/// Events that are handed in, unless `--count` says another number.
const EVENTS: u32 = 10_000;

/// Until the second hub has its stream, and until it has everything.
const SUBSCRIBED_MAX: Duration = Duration::from_secs(30);
const TAKEN_MAX: Duration = Duration::from_mins(2);
const LOOK: Duration = Duration::from_millis(20);

/// The row.
pub(super) async fn run(job: &Job, calibration: &Calibration) -> Result<Vec<Row>, Failure> {
    let mut first = Stage::set(HubPlan::new(job.alg(), 1), job.data.as_deref()).await?;
    let account = first.account(0).clone();
    let more = format!(
        "[[transmitter]]\nid = \"first\"\nissuer = \"{}\"\naudience = [\"{}\"]\ndelivery = \"push\"\n\
         token = \"{}\"\nevents = [\"{EVENT}\"]",
        first.hub.url(),
        account.audience,
        account.token
    );
    let second = HubPlan { more, ..HubPlan::new(job.alg(), 0) };
    let second = Stage::set(second, job.data.as_deref()).await?;
    // The verification of its new stream is the first that it takes.
    let earlier = taken(&second, 0, SUBSCRIBED_MAX, |rows| !rows.is_empty()).await?.len() as u64;

    let before = (first.hub.meter().await, second.hub.meter().await);
    let load =
        Load { events_max: job.count.unwrap_or(EVENTS).into(), ..Load::new(Pace::Accepted, TAKEN_MAX) };
    let sent = load.run(first.door(), first.peers.received(), 1).await?;
    first.next_event += sent.events;
    let last = earlier + sent.events - 1;
    drop(taken(&second, last, TAKEN_MAX, |rows| !rows.is_empty()).await);
    let last_at = clock::micros();
    let used_by = (used(before.0, first.hub.meter().await), used(before.1, second.hub.meter().await));

    let sets = all(&second).await?;
    let question = Question { events: sent.events, ..first.question() };
    let report = report(&question, &sets).map_err(Failure::could_not)?;
    let row = Row::new("hub-to-hub", job.alg(), 1);
    let mut measurement = Measurement { calibration, alg: job.alg(), work: work_of_push(1), from: 0, row };
    measurement.fill(&first, &sent, &report, (sent.first_at, last_at), &used_by.0);
    let mut row = measurement.row;
    row.lost = (sent.events - sent.refused.len() as u64).saturating_sub(report.distinct);
    row.accepted = sent.answers;
    if let Some(us) = used_by.1.usage.cpu_us.filter(|_| row.sets > 0) {
        #[expect(clippy::cast_precision_loss, reason = "times of one run are short")]
        row.figures.insert("CPU us/SET of the second hub", us as f64 / row.sets as f64);
    }
    Ok(vec![row])
}

/// What the second hub took after a number, as soon as it is enough.
async fn taken(
    hub: &Stage,
    after: u64,
    longest: Duration,
    enough: impl Fn(&[Value]) -> bool,
) -> Result<Vec<Value>, Failure> {
    let until = Instant::now() + longest;
    let path = format!("/v1/received?after={after}");
    loop {
        let token = &hub.hub.admin_token;
        let mut answer = hub.hub.json(("GET", &path), token, "", 200).await?;
        let rows = answer["received"].as_array_mut().map(std::mem::take).unwrap_or_default();
        if enough(&rows) {
            return Ok(rows);
        }
        if Instant::now() > until {
            return Err(hub.hub.failure("took nothing"));
        }
        sleep(LOOK).await;
    }
}

/// Everything that the second hub took.
async fn all(hub: &Stage) -> Result<Vec<KeptSet>, Failure> {
    let (mut sets, mut after) = (Vec::new(), 0);
    loop {
        let rows = taken(hub, after, Duration::ZERO, |_| true).await?;
        let Some(last) = rows.last() else { return Ok(sets) };
        after = last["no"].as_u64().unwrap_or(u64::MAX);
        sets.extend(rows.iter().filter_map(|row| {
            // When it came is known to the second only.
            let token = row["set"].as_str()?.as_bytes().into();
            Some(KeptSet { stream: 0, at: 0, token })
        }));
    }
}
