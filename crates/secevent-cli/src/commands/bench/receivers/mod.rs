//! The receivers of a benchmark, in a process of their own: they take SETs as cheaply as they can, and verify them
//! when all is over. They end when nobody speaks to them any more.

mod kept;
mod poller;
mod report;
mod sink;

use std::{
    io::{self, Write as _},
    rc::Rc,
    thread,
    time::Duration,
};

use tokio::sync::mpsc;

use self::kept::Kept;
use self::sink::Sink;
pub(super) use self::{kept::KeptSet, report::report};
use super::protocol::{Ask, Tell};
use crate::failure::{Exit, Failure};

/// Between two words on how many SETs came: often enough for whoever waits for room.
const NEWS_EVERY: Duration = Duration::from_millis(2);

/// Requests that wait; there is one at a time.
const ASKED_MAX: usize = 16;

/// Runs until stdin is closed.
pub(super) fn run() -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    let answer = local.block_on(&runtime, serve());
    runtime.shutdown_background();
    answer
}

async fn serve() -> Result<Exit, Failure> {
    let (said, mut asked) = mpsc::channel(ASKED_MAX);
    thread::spawn(move || {
        let lines = io::stdin().lines().map_while(Result::ok);
        lines.take_while(|line| said.blocking_send(line.clone()).is_ok()).for_each(drop);
    });
    let kept = Rc::new(Kept::default());
    tokio::task::spawn_local(tell_news(Rc::clone(&kept)));
    let mut sink = Sink::new(Rc::clone(&kept));
    while let Some(line) = asked.recv().await {
        let answer = match serde_json::from_str(&line) {
            Ok(ask) => answer(ask, &mut sink, &kept).await,
            Err(error) => Err(io::Error::other(error)),
        };
        tell(&answer.unwrap_or_else(|error| Tell::Failed(error.to_string())))?;
    }
    Ok(Exit::Yes)
}

async fn answer(ask: Ask, sink: &mut Sink, kept: &Rc<Kept>) -> io::Result<Tell> {
    Ok(match ask {
        Ask::Listen(behaviour) => Tell::Listening(sink.listen(behaviour).await?),
        Ask::Away => {
            sink.leave();
            Tell::Done
        }
        Ask::Back => {
            sink.back().await?;
            Tell::Done
        }
        Ask::Poll { address, streams } => {
            poller::start(&address, streams, kept);
            Tell::Done
        }
        Ask::Forget => {
            kept.forget();
            Tell::Done
        }
        Ask::Report(question) => Tell::Report(report(&question, &kept.sets()).map_err(io::Error::other)?),
    })
}

/// Says how many came, when that is something new.
async fn tell_news(kept: Rc<Kept>) -> io::Result<()> {
    let mut told = 0;
    loop {
        tokio::time::sleep(NEWS_EVERY).await;
        if kept.received() != told {
            told = kept.received();
            tell(&Tell::Received(told))?;
        }
    }
}

fn tell(words: &Tell) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, words)?;
    out.write_all(b"\n")?;
    out.flush()
}
