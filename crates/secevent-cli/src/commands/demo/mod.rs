//! `secevent demo`: the whole story on one machine.
//!
//! A hub on SQLite in a temporary folder, a receiver that is pushed to, one that polls, and a relying party that
//! takes Logout Tokens; all over real HTTP on loopback.

mod report;
mod samples;
mod stage;

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use self::{
    report::{Heard, Report},
    samples::Sample,
    stage::Stage,
};
use crate::{
    failure::{Exit, Failure},
    net,
    output::Form,
};

/// Watch security events travel: signed, delivered, verified, acknowledged
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent demo
  secevent demo --once
  secevent demo --once --json")]
pub(crate) struct Args {
    /// End after every sample arrived once
    #[arg(long)]
    once: bool,
}

/// What `--once` may take at most.
const ONCE_MAX: Duration = Duration::from_mins(1);

/// The pause between signals of the endless form, so that a person can follow.
const PACE: Duration = Duration::from_millis(700);

pub(crate) fn run(args: &Args, form: Form) -> Result<Exit, Failure> {
    net::block_on(async {
        let deadline = Instant::now() + ONCE_MAX;
        let mut report = Report::new(form);
        let asked_to_end = net::asked_to_end()?;
        let told = tokio::select! {
            told = tell(args, &mut report, deadline) => told,
            () = asked_to_end => Ok(()),
        };
        report.close()?;
        told.map(|()| if report.all_well() { Exit::Yes } else { Exit::No })
    })
}

async fn tell(args: &Args, report: &mut Report, deadline: Instant) -> Result<(), Failure> {
    let late = |_| Failure::no("not everything arrived within 60 seconds");
    let mut stage = timeout_at(deadline, Stage::set()).await.map_err(late)??;
    report.open(&stage)?;
    let samples = samples::all();
    loop {
        for sample in &samples {
            let played = play(&mut stage, sample);
            let heard =
                if args.once { timeout_at(deadline, played).await.map_err(late)?? } else { played.await? };
            report.line(&heard)?;
            if !args.once {
                tokio::time::sleep(PACE).await;
            }
        }
        let heard = stage.log_out().await?;
        report.line(&heard)?;
        if args.once {
            stage.strike().await;
            return Ok(());
        }
        report.again()?;
    }
}

/// Emits one sample and follows it until its receiver has it and the hub knows.
async fn play(stage: &mut Stage, sample: &Sample) -> Result<Heard, Failure> {
    let sent = Instant::now();
    let id = stage.emit(sample).await?;
    let arrival = stage.arrival().await?;
    let verified = arrival.event == sample.name() && arrival.subject == sample.subject.to_string();
    let acked = stage.is_settled(&id).await?;
    Ok(Heard {
        event: arrival.event,
        subject: arrival.subject,
        delivery: arrival.delivery,
        jti: arrival.jti,
        ms: arrival.at.duration_since(sent).as_secs_f64() * 1000.0,
        verified,
        acked,
    })
}
