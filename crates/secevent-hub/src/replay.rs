//! Sending to one stream once more: events of the log, or dead letters. `again.rs` is the lane they take.

use std::{collections::BTreeSet, sync::Arc};

use secevent::{Timestamp, event::ssf::StreamStatus};
use secevent_http::router::Problem;
use secevent_ssf::{
    Entry, Seq, StreamNo, SubjectKey,
    engine::{OPEN_MAX, RING_MAX},
    store::{Batch, DeadLetter, Letters, NewEvent, Replay, Routes, Source, Store, StoreError, Write},
};
use serde_json::json;
use tracing::{info, warn};

use crate::{
    Hub,
    again::{Due as _, Progress, State},
    stream::Stream,
};

/// Dead letters read at a time; each has its event, of some kilobytes.
const LETTERS_AT_ONCE: usize = 100;

/// What a request is about.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// How many events.
    pub(crate) count: u64,
    /// Dead letters that have no event to send.
    pub(crate) left_out: u64,
    /// The first of the events, as many as may be open.
    first: Vec<Entry>,
}

/// What a source has for a stream after a place and up to another, as far as one page goes.
pub(crate) fn page(
    store: &dyn Store,
    stream: StreamNo,
    source: &Source,
    (after, through): (Seq, Seq),
) -> Result<Routes, StoreError> {
    let mut read = match source {
        Source::Letters(wanted) => letters_page(store, stream, wanted, after)?.1,
        Source::Log { event_type, subject } => {
            let mut read = store.routes(stream, after, RING_MAX)?;
            read.entries.retain(|entry| subject.is_none_or(|subject| subject == entry.subject));
            if let Some(event_type) = event_type {
                let seqs: Vec<_> = read.entries.iter().map(|entry| entry.seq).collect();
                let rows = store.events(&seqs)?.into_iter();
                let of_type = rows.filter(|row| row.event.event.event_type == *event_type);
                let of_type: BTreeSet<_> = of_type.map(|row| row.seq).collect();
                read.entries.retain(|entry| of_type.contains(&entry.seq));
            }
            read
        }
        _ => Routes { entries: Vec::new(), through },
    };
    read.entries.retain(|entry| entry.seq <= through);
    read.through = read.through.min(through);
    Ok(read)
}

/// The dead letters of a page that are meant, and of those with an event where they go.
fn letters_page(
    store: &dyn Store,
    stream: StreamNo,
    wanted: &Letters,
    after: Seq,
) -> Result<(Vec<Seq>, Routes), StoreError> {
    let mut letters = store.dead_letters(stream, after, LETTERS_AT_ONCE)?;
    let last = letters.last().map(|letter| letter.seq).filter(|_| letters.len() == LETTERS_AT_ONCE);
    letters.retain(|letter| wanted.include(letter));
    let entry = |letter: &DeadLetter| {
        let subject = SubjectKey::of(&letter.event.as_ref()?.subject);
        Some(Entry { seq: letter.seq, subject })
    };
    let entries = letters.iter().filter_map(entry).collect();
    let seqs = letters.into_iter().map(|letter| letter.seq).collect();
    Ok((seqs, Routes { entries, through: last.unwrap_or(Seq(u64::MAX)) }))
}

impl Hub {
    /// The dead letter of an event, if it has one on disk.
    pub(crate) async fn dead_letter(
        &self,
        stream: StreamNo,
        seq: Seq,
    ) -> Result<Option<DeadLetter>, StoreError> {
        let Some(before) = seq.0.checked_sub(1) else { return Ok(None) };
        let letters = self.read_store(move |store| store.dead_letters(stream, Seq(before), 1)).await?;
        Ok(letters.into_iter().find(|letter| letter.seq == seq))
    }

    /// What a dead letter says, as an event of the log.
    pub(crate) async fn event_of_letter(
        &self,
        stream: StreamNo,
        seq: Seq,
    ) -> Result<Option<Arc<NewEvent>>, StoreError> {
        let event = self.dead_letter(stream, seq).await?.and_then(|letter| letter.event);
        Ok(event.map(|event| {
            Arc::new(NewEvent { subject: SubjectKey::of(&event.subject), event, streams: vec![stream] })
        }))
    }

    /// The last event that was accepted before a time. The log has the order of time, but for events that were
    /// accepted within the same moment or while the clock was set back.
    pub(crate) async fn last_before(&self, time: Timestamp) -> Result<Seq, StoreError> {
        let head = self.0.writer.head();
        let search = move |store: &dyn Store| {
            let (mut before, mut after) = (0, head.0 + 1);
            while after - before > 1 {
                let middle = before + (after - before) / 2;
                let row = store.events(&[Seq(middle)])?.pop();
                // What is forgotten is the oldest.
                if row.is_none_or(|row| row.event.event.iat < time) {
                    before = middle;
                } else {
                    after = middle;
                }
            }
            Ok(Seq(before))
        };
        self.read_store(search).await
    }

    /// Looks at all there is of a source between two places.
    pub(crate) async fn find_again(
        &self,
        stream: &Stream,
        source: &Source,
        (mut after, through): (Seq, Seq),
    ) -> Result<Found, StoreError> {
        let mut found = Found::default();
        while after < through {
            let (no, asked) = (stream.no, source.clone());
            let (all, read) = match asked {
                Source::Letters(wanted) => {
                    self.read_store(move |store| letters_page(store, no, &wanted, after)).await?
                }
                asked => {
                    let read = move |store: &dyn Store| page(store, no, &asked, (after, through));
                    (Vec::new(), self.read_store(read).await?)
                }
            };
            let entries = source.due(&stream.work().queue, read.entries);
            found.count += entries.len() as u64;
            found.left_out += all.len().saturating_sub(entries.len()) as u64;
            found.first.extend(entries.iter().take(OPEN_MAX - found.first.len()));
            after = read.through;
        }
        Ok(found)
    }

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
