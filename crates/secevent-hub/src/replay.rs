//! Sending to one stream once more: events of the log, or dead letters. `again.rs` is the lane they take.

mod search;

use std::sync::Arc;

use secevent::event::ssf::StreamStatus;
use secevent_http::router::Problem;
use secevent_ssf::{
    Seq,
    store::{Batch, Letters, Replay, Source, Store, StoreError, Write},
};
use serde_json::json;
use tracing::{info, warn};

use self::search::letters_page;
pub(crate) use self::search::{Found, page};
use crate::{
    Hub,
    again::{Progress, State},
    stream::Stream,
};

impl Hub {
    /// Sends events of the log to a stream once more: those of a source after a place and up to another.
    pub(crate) async fn replay(
        &self,
        stream: &Arc<Stream>,
        source: Source,
        (after, through): (Seq, Seq),
        dry_run: bool,
    ) -> Result<Found, Problem> {
        if !dry_run {
            refuse_a_second(stream)?;
        }
        let found = self.find_again(stream, &source, (after, through)).await.map_err(cannot)?;
        if dry_run || found.count == 0 {
            return Ok(found);
        }
        let _alone = self.0.stream_changes.lock().await;
        refuse_a_second(stream)?;
        let replay = self.asked(source, (after.min(through), through), found.count);
        self.begin_again(stream, replay).await?;
        Ok(found)
    }

    /// Sends dead letters to their stream once more. A letter goes when the receiver has its event.
    pub(crate) async fn redrive(
        &self,
        stream: &Arc<Stream>,
        wanted: Letters,
        dry_run: bool,
    ) -> Result<Found, Problem> {
        self.write_letters(stream).await?;
        let (source, through) = (Source::Letters(wanted), self.0.writer.head());
        let found = self.find_again(stream, &source, (Seq(0), through)).await.map_err(cannot)?;
        if dry_run || found.count == 0 {
            return Ok(found);
        }
        let _alone = self.0.stream_changes.lock().await;
        let whole = found.first.len() as u64 == found.count;
        let added = if whole { stream.work().add_again(&found.first) } else { None };
        match added {
            Some(true) => {
                stream.wake.notify_waiters();
                self.write_letters(stream).await?;
            }
            Some(false) => return Err(in_the_way(stream)),
            None => {
                refuse_a_second(stream)?;
                let replay = self.asked(source, (Seq(0), through), found.count);
                // Few are known by now and need not be found again.
                let known = Replay { high: through, open: found.first.clone(), ..replay.clone() };
                self.begin_again(stream, if whole { known } else { replay }).await?;
            }
        }
        Ok(found)
    }

    /// Forgets dead letters for good, but for those that are being sent once more.
    pub(crate) async fn drop_letters(
        &self,
        stream: &Arc<Stream>,
        wanted: &Letters,
        dry_run: bool,
    ) -> Result<u64, Problem> {
        self.write_letters(stream).await?;
        let (mut after, mut count, no) = (Seq(0), 0, stream.no);
        while after < Seq(u64::MAX) {
            let asked = wanted.clone();
            let read = move |store: &dyn Store| letters_page(store, no, &asked, after);
            let (mut seqs, read) = self.read_store(read).await.map_err(cannot)?;
            {
                let work = stream.work();
                let busy = |seq| work.again.as_ref().is_some_and(|again| again.queue.backlog().is_open(seq));
                seqs.retain(|seq| !busy(*seq));
            }
            count += seqs.len() as u64;
            after = read.through;
            if !dry_run && !seqs.is_empty() {
                let writes = seqs.into_iter().map(|seq| Write::DropDeadLetter(no, seq)).collect();
                self.commit(Batch { events: Vec::new(), writes }).await.map_err(cannot)?;
            }
        }
        Ok(count)
    }

    /// Ends what is sent once more. What was not sent is not; its dead letters stay.
    pub(crate) async fn cancel_replay(&self, stream: &Arc<Stream>) -> Result<Progress, Problem> {
        let ended = stream.work().end_again(State::Cancelled).ok_or_else(|| Problem::not_found("replay"))?;
        stream.wake.notify_waiters();
        self.write_letters(stream).await?;
        Ok(ended)
    }

    /// A delivery cannot go on. What is new pauses its stream; what is sent once more only ends.
    pub(crate) async fn give_up(&self, stream: &Arc<Stream>, delivery_no: u64, reason: String) {
        let ended = {
            let mut work = stream.work();
            work.is_again(delivery_no).then(|| work.end_again(State::Cancelled))
        };
        if ended.is_none() {
            return self.pause(stream, delivery_no, reason).await;
        }
        let (id, reason) = (&stream.record().config.stream_id, reason.escape_debug());
        warn!(stream = %id, %reason, "a replay is ended: its receiver does not take it");
        stream.wake.notify_waiters();
        self.0.writer.mark_dirty(stream.no);
    }

    fn asked(&self, source: Source, (high, through): (Seq, Seq), count: u64) -> Replay {
        let at = self.now().timestamp();
        Replay { source, through, at, count, done: 0, refused: 0, high, open: Vec::new() }
    }

    /// On disk first, then in memory. The caller holds `stream_changes`.
    async fn begin_again(&self, stream: &Arc<Stream>, replay: Replay) -> Result<(), Problem> {
        let (record, count) = (stream.record(), replay.count);
        if stream.is_gone() {
            return Err(Problem::not_found("stream"));
        }
        if record.status == StreamStatus::Disabled {
            return Err(Problem::new(409, "the stream is disabled", "only its receiver enables it again"));
        }
        let write = Write::Replay(stream.no, Some(Box::new(replay.clone())));
        self.commit(Batch { events: Vec::new(), writes: vec![write] }).await.map_err(cannot)?;
        info!(stream = %record.config.stream_id, count, "events are sent once more");
        let delivery_no = stream.work().begin_again(replay, &record, &self.0.settings.limits);
        stream.wake.notify_waiters();
        self.deliver(stream, delivery_no);
        Ok(())
    }

    /// Has what was set aside on disk, where it is looked for.
    async fn write_letters(&self, stream: &Stream) -> Result<(), Problem> {
        self.0.writer.mark_dirty(stream.no);
        self.commit(Batch::default()).await.map(drop).map_err(cannot)
    }
}

fn refuse_a_second(stream: &Stream) -> Result<(), Problem> {
    if stream.work().again.is_some() { Err(in_the_way(stream)) } else { Ok(()) }
}

fn in_the_way(stream: &Stream) -> Problem {
    let detail = "wait until it is done, or cancel it: DELETE /v1/streams/{id}/replay";
    let problem = Problem::new(409, "events are sent once more on this stream already", detail);
    problem.with("replay", json!(stream.progress()))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn cannot(error: StoreError) -> Problem {
    Problem::unavailable(error.to_string())
}
