//! Answering polls (RFC 8936 §2): acknowledgements first, then the selection, then a wait if there is nothing.

use std::{sync::Arc, time::Duration};

use secevent::ErrorCode;
use secevent_http::router::Problem;
use secevent_ssf::{
    Seq,
    delivery::poll::{PollRequest, PollResponse},
    engine::{PollQueue, Selection},
    store::{DeadLetter, StoreError},
};
use tokio::time::Instant;
use tracing::{Instrument, debug_span, field::Empty, info, instrument, warn};

use crate::{
    Hub,
    hub::{SignError, ToSend, stopped},
    metrics::SetAside,
    stream::{Queue, Stream},
};

impl Hub {
    // spec: POLL-012, POLL-017, POLL-037, POLL-045, POLL-046
    #[instrument(name = "poll", level = "debug", skip_all, fields(stream = %stream.record().config.stream_id))]
    pub(crate) async fn answer_poll(
        &self,
        stream: &Arc<Stream>,
        request: PollRequest,
    ) -> Result<PollResponse, Problem> {
        if self.is_stopping() {
            // An acknowledgement that is taken now might not be written any more.
            return Err(Problem::unavailable("the hub is stopping"));
        }
        if !is_polled(stream) {
            return Err(Problem::not_found("poll stream"));
        }
        self.settle(stream, &request);
        let limits = &self.0.settings.limits;
        let max = request.max_events.unwrap_or(usize::MAX).min(limits.poll_events);
        let deadline = Instant::now() + limits.poll_wait;
        let mut stopping = self.0.stopping.subscribe();
        let poll = Poll::begin(stream);
        loop {
            // Registered before the look, so that nothing that is appended in between is missed.
            let mut woken = std::pin::pin!(stream.wake.notified());
            woken.as_mut().enable();
            if stream.is_gone() || !is_polled(stream) {
                return Err(Problem::not_found("poll stream"));
            }
            let unread = self.read_for_poll(stream).await.map_err(|error| cannot_read(&error))?;
            let (selection, look_again) = poll.look(max, self);
            let done = !selection.seqs.is_empty()
                || (max == 0 && selection.more)
                || request.return_immediately
                || Instant::now() >= deadline
                || *stopping.borrow();
            if done {
                return self.respond(stream, selection).await;
            }
            if unread {
                continue;
            }
            tokio::select! {
                () = woken => {}
                () = tokio::time::sleep_until(deadline.min(look_again)) => {}
                () = stopped(&mut stopping) => {}
            }
        }
    }

    /// Reads on for what is new, and a page for what is sent once more: what is new does not wait for the rest of that.
    /// Answers whether there is a rest.
    async fn read_for_poll(&self, stream: &Arc<Stream>) -> Result<bool, StoreError> {
        let mut deliveries = stream.work().deliveries();
        if let Some(live) = deliveries.next() {
            while self.refill(stream, live).await? {}
        }
        let Some(again) = deliveries.next() else { return Ok(false) };
        self.refill(stream, again).await
    }

    /// Releases what the receiver has, and sets aside what it refused. Names that are not ours, or of another
    /// audience, are ignored without a word.
    // spec: POLL-029, POLL-033, POLL-034, POLL-035
    fn settle(&self, stream: &Stream, request: &PollRequest) {
        let record = stream.record();
        let place = |jti: &str| -> Option<Seq> {
            let (seq, audience) = self.0.jti.open(jti)?;
            (audience == record.audience).then_some(seq)
        };
        let acked: Vec<_> = request.ack.iter().filter_map(|jti| place(jti)).collect();
        let mut settled = 0;
        {
            let mut work = stream.work();
            for seq in &acked {
                if let Some(delivery_no) = work.release(*seq) {
                    work.has_taken(delivery_no, *seq);
                    settled += 1;
                }
            }
        }
        if settled > 0 {
            self.0.metrics.acknowledged(settled);
            self.follow_acks(stream, &acked);
            self.0.writer.mark_dirty(stream.no);
        }
        // What a key signed that has just left is no fault of the receiver: it is offered again, signed anew.
        let key_left = self.0.keys.has_left_lately(self.alg_of(&record), self.now().timestamp());
        for (jti, error) in &request.set_errs {
            if key_left && error.code() == Some(ErrorCode::InvalidKey) {
                continue;
            }
            if let Some(seq) = place(jti) {
                self.set_aside(stream, seq, &format!("{}: {}", error.err, error.description));
            }
        }
    }

    /// Makes an open event a dead letter; one that is not open stays what it is.
    fn set_aside(&self, stream: &Stream, seq: Seq, reason: &str) {
        let at = self.now().timestamp();
        {
            let mut work = stream.work();
            let Some(delivery_no) = work.release(seq) else { return };
            let reason = reason.to_owned();
            let letter = DeadLetter { stream: stream.no, seq, reason, at, many: None, event: None };
            work.set_aside(delivery_no, letter);
        }
        self.0.metrics.set_aside(SetAside::Refused, 1);
        // The receiver's words: on a terminal they must not become commands or lines of their own.
        let reason = reason.escape_debug();
        warn!(stream = %stream.record().config.stream_id, event = seq.0, %reason, "set aside");
        self.0.writer.mark_dirty(stream.no);
    }

    // spec: POLL-038, POLL-039, POLL-040, POLL-043
    async fn respond(&self, stream: &Stream, selection: Selection) -> Result<PollResponse, Problem> {
        let record = stream.record();
        self.0.metrics.offered(&selection);
        let mut response = PollResponse { more_available: selection.more, ..PollResponse::default() };
        for (nth, seq) in selection.seqs.into_iter().enumerate() {
            if nth % SIGNATURES_AT_ONCE == SIGNATURES_AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
            let span = debug_span!("offer", txn = Empty, stream = record.config.stream_id, event = seq.0);
            match self.signed(seq, &record, nth < selection.again).instrument(span).await {
                Ok(ToSend::Set(set)) => {
                    response.sets.push((self.0.jti.mint(seq, record.audience), set.to_string()));
                }
                Ok(left_out) => {
                    if matches!(left_out, ToSend::Gone) {
                        info!(stream = %record.config.stream_id, event = seq.0, "no longer in the log; left out");
                    }
                    stream.work().release(seq);
                }
                Err(SignError::Set(error)) => {
                    self.set_aside(stream, seq, &format!("it cannot be signed: {error}"));
                }
                Err(error) => return Err(cannot_read(&error)),
            }
        }
        self.0.writer.mark_dirty(stream.no);
        Ok(response)
    }
}

fn is_polled(stream: &Stream) -> bool {
    matches!(stream.work().queue, Queue::Poll(_))
}

/// An RS256 signature takes a quarter of a millisecond: others get their turn every other millisecond.
const SIGNATURES_AT_ONCE: usize = 8;

/// What a receiver is told; the details are the operator's.
fn cannot_read(error: &dyn std::error::Error) -> Problem {
    warn!(%error, "a poll could not be answered");
    Problem::unavailable("the hub cannot read now")
}

/// Later than any poll waits.
const FAR_AWAY_MS: u64 = 24 * 60 * 60 * 1000;

/// A poll in progress; it ends when dropped, also when its receiver goes away in the middle.
struct Poll<'s>(&'s Stream);

impl<'s> Poll<'s> {
    fn begin(stream: &'s Stream) -> Self {
        stream.work().poll_queues().for_each(PollQueue::begin);
        Self(stream)
    }

    /// What there is, what is new before all else, and when to look again at the latest.
    fn look(&self, max: usize, hub: &Hub) -> (Selection, Instant) {
        let now = hub.now();
        let mut selection = Selection::default();
        let mut lease_end = now.plus(FAR_AWAY_MS);
        for queue in self.0.work().poll_queues() {
            let Selection { seqs, more, again } = queue.select(max - selection.seqs.len(), now);
            if selection.seqs.is_empty() {
                // They stand in front; what a replay offers is no repeat by mischance.
                selection.again = again;
            }
            selection.seqs.extend(seqs);
            selection.more |= more;
            lease_end = queue.next_lease_end(now).map_or(lease_end, |end| end.min(lease_end));
        }
        let wait_ms = lease_end.0.saturating_sub(now.0).max(1);
        (selection, Instant::now() + Duration::from_millis(wait_ms))
    }
}

impl Drop for Poll<'_> {
    fn drop(&mut self) {
        self.0.work().poll_queues().for_each(PollQueue::end);
    }
}
