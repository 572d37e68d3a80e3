//! What a stream has not taken in time, or has too much of, is dropped: one dead letter says how much that was.

use std::collections::BTreeMap;

use secevent_ssf::{
    Seq, StreamNo,
    store::{DeadLetter, StoreError},
};
use tracing::warn;

use crate::{Hub, metrics::SetAside, stream::Stream};

/// Events of the log that are read at a time.
const ROUTES_MAX: usize = 1_000;

/// How many events wait for a stream in the part of the log that it has not read, as last counted: between two places,
/// without the first. Both only move on, so that an event is read twice at most.
#[derive(Clone, Copy, Debug)]
struct Tail {
    after: Seq,
    through: Seq,
    count: usize,
}

/// What was counted of the streams that are far behind.
#[derive(Debug, Default)]
pub(crate) struct Tails(BTreeMap<StreamNo, Tail>);

impl Hub {
    /// Drops from every stream what it has not taken within the retention time, so that a receiver who is away for long
    /// does not keep the log from being forgotten.
    pub(crate) async fn expire(&self) -> Result<(), StoreError> {
        let before = self.retention().events_before;
        let last = self.read_store(move |store| store.last_before(before)).await?;
        let Some(through) = last else { return Ok(()) };
        for stream in self.0.streams.all() {
            if stream.work().queue.backlog().settled_to(Seq(u64::MAX)) < through {
                self.drop_through(&stream, through, "were not taken within `[retention] age`").await?;
            }
        }
        Ok(())
    }

    /// Drops the oldest events of every stream for which more than `[retention] pending` wait.
    pub(crate) async fn drop_excess(&self, tails: &mut Tails) -> Result<(), StoreError> {
        let max = self.0.settings.limits.pending;
        let streams = self.0.streams.all();
        tails.0.retain(|no, _| self.0.streams.by_no(*no).is_some());
        for stream in streams {
            let (known, unread) = {
                let work = stream.work();
                let backlog = work.queue.backlog();
                (backlog.known(), backlog.unread())
            };
            let head = self.0.writer.head();
            let distance = unread.map_or(0, |after| head.0.saturating_sub(after.0));
            if (known as u64).saturating_add(distance) <= max as u64 {
                tails.0.remove(&stream.no);
                continue;
            }
            let unread = match unread {
                None => 0,
                Some(after) => self.count_tail(tails, stream.no, after, head).await?,
            };
            // Some more than it must be, so that this is not done for every event.
            let excess = (known + unread).saturating_sub(max);
            let Some(excess) = (excess > 0).then(|| excess + max / 16) else { continue };
            let Some(through) = self.place_of(&stream, excess).await? else { continue };
            let why = "were dropped, the oldest of more than `[retention] pending` allows";
            self.drop_through(&stream, through, why).await?;
            tails.0.remove(&stream.no);
        }
        Ok(())
    }

    async fn count_tail(
        &self,
        tails: &mut Tails,
        stream: StreamNo,
        after: Seq,
        head: Seq,
    ) -> Result<usize, StoreError> {
        let fresh = Tail { after, through: after, count: 0 };
        let kept = tails.0.get(&stream).copied().filter(|kept| (kept.after..=kept.through).contains(&after));
        let kept = kept.unwrap_or(fresh);
        let taken = self.count_routes(stream, Some(kept.after), after).await?;
        let come = self.count_routes(stream, Some(kept.through), head).await?;
        let count = (kept.count + come).saturating_sub(taken);
        tails.0.insert(stream, Tail { after, through: head.max(kept.through), count });
        Ok(count)
    }

    /// The place of the event that is this many from the oldest of those that wait for a stream.
    async fn place_of(&self, stream: &Stream, nth: usize) -> Result<Option<Seq>, StoreError> {
        let (known, unread) = {
            let work = stream.work();
            let backlog = work.queue.backlog();
            if let Some(place) = backlog.nth(nth) {
                return Ok(Some(place));
            }
            (backlog.known(), backlog.unread())
        };
        let mut left = nth.saturating_sub(known).max(1);
        let mut next = unread;
        while let Some(after) = next.filter(|after| *after < self.0.writer.head()) {
            let no = stream.no;
            let routes = self.read_store(move |store| store.routes(no, after, ROUTES_MAX)).await?;
            if let Some(entry) = routes.entries.get(left - 1) {
                return Ok(Some(entry.seq));
            }
            left -= routes.entries.len();
            next = Some(routes.through);
        }
        Ok(None)
    }

    /// Drops what a stream has not settled up to a place, and says so in one dead letter.
    async fn drop_through(&self, stream: &Stream, through: Seq, why: &str) -> Result<(), StoreError> {
        let (known, unread) = stream.work().queue.backlog_mut().expire(through);
        let dropped = known + self.count_routes(stream.no, unread, through).await?;
        if dropped > 0 {
            let id = &stream.record().config.stream_id;
            warn!(stream = %id, dropped, through = through.0, "dropped events of a stream: they {why}");
            self.0.metrics.set_aside(SetAside::Expired, dropped as u64);
            let reason = format!("{dropped} events up to this one {why}");
            let at = self.now().timestamp();
            let mut work = stream.work();
            let many = Some(dropped as u64);
            work.letters.push(DeadLetter { stream: stream.no, seq: through, reason, at, many, event: None });
            // The letter goes with the cursor, which may have been written meanwhile.
            work.queue.backlog_mut().mark_dirty();
        }
        self.0.writer.mark_dirty(stream.no);
        Ok(())
    }

    /// How many events are addressed to a stream after a place, up to another.
    async fn count_routes(
        &self,
        stream: StreamNo,
        after: Option<Seq>,
        through: Seq,
    ) -> Result<usize, StoreError> {
        let mut count = 0;
        let mut next = after;
        while let Some(after) = next.filter(|after| *after < through) {
            let routes = self.read_store(move |store| store.routes(stream, after, ROUTES_MAX)).await?;
            count += routes.entries.iter().filter(|entry| entry.seq <= through).count();
            next = Some(routes.through);
        }
        Ok(count)
    }
}
