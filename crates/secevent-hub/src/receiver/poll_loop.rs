//! The poll client (RFC 8936 §2.4): ask, verify, keep, and acknowledge with the next request.

use std::{sync::Arc, time::Duration};

use secevent_http::client::CallError;
use secevent_ssf::{
    delivery::poll::{PollRequest, PollResponse},
    engine::backoff,
};
use tokio::{sync::watch, time::Instant};
use tracing::warn;

use super::{Sink, Subscription};
use crate::hub::stopped;

/// A transmitter holds a poll open for some time; this much is granted before the connection is given up.
const POLL_DEADLINE: Duration = Duration::from_secs(90);

/// The last acknowledgement on the way out is not waited for longer.
const LAST_WORD: Duration = Duration::from_secs(5);

/// SETs asked for at once: bounds memory, and what is repeated after a crash.
const MAX_EVENTS: usize = 100;

/// An empty answer that took less than this was not held open: the transmitter does no long polling.
const HELD_OPEN: Duration = Duration::from_secs(1);

/// Polls until `stop` says so or the stream is gone. What was kept is acknowledged before this returns.
///
/// # Errors
/// When the transmitter no longer knows the stream or us: nothing will get better by asking again.
// spec: POLL-019, POLL-023, POLL-025, POLL-026, POLL-028, POLL-042, POLL-044, POLL-047, POLL-054
pub async fn poll_loop<S: Sink>(
    subscription: &Subscription,
    sink: Arc<S>,
    stop: watch::Receiver<bool>,
) -> Result<(), CallError> {
    let request = PollRequest { max_events: Some(MAX_EVENTS), ..PollRequest::default() };
    let mut poller = Poller { subscription, sink: sink.as_ref(), stop, request, failures: 0, empty: 0 };
    loop {
        let asked = Instant::now();
        let Some(answer) = poller.ask().await else { return Ok(()) };
        let came = match answer {
            Ok(response) => poller.take(response).await,
            Err(error @ CallError::Status { status: 401 | 403 | 404, .. }) => return Err(error),
            Err(error) => {
                warn!(%error, "polling failed");
                Came::Trouble
            }
        };
        poller.pause(&came, asked.elapsed()).await;
    }
}

struct Poller<'p, S> {
    subscription: &'p Subscription,
    sink: &'p S,
    stop: watch::Receiver<bool>,
    /// The next one, with what is to be acknowledged.
    request: PollRequest,
    /// Troubles since something was kept or refused.
    failures: u32,
    /// Answers in a row that were empty and came at once.
    empty: u32,
}

/// What an answer brought.
enum Came {
    /// SETs, all of them kept or refused.
    Sets,
    Nothing,
    /// No answer, or a SET that cannot be taken now.
    Trouble,
}

impl<S: Sink> Poller<'_, S> {
    /// The next answer; `None` when it is time to stop, after the last word.
    async fn ask(&mut self) -> Option<Result<PollResponse, CallError>> {
        let url = self.subscription.stream.delivery.endpoint_url().unwrap_or_default();
        let transmitter = &self.subscription.transmitter;
        tokio::select! {
            answer = transmitter.poll(url, &self.request, POLL_DEADLINE) => return Some(answer),
            () = stopped(&mut self.stop) => {}
        }
        if let Some(last_word) = acknowledge_only(&mut self.request) {
            drop(transmitter.poll(url, &last_word, LAST_WORD).await);
        }
        None
    }

    /// Keeps what came; it is acknowledged with the next request.
    async fn take(&mut self, response: PollResponse) -> Came {
        self.request.ack.clear();
        self.request.set_errs.clear();
        let mut came = Came::Nothing;
        for (jti, set) in response.sets {
            let taken = self.subscription.verifier.take(&set, Some(&jti), self.sink).await;
            match taken.map_err(|refusal| refusal.set_error()) {
                Ok(()) => self.request.ack.push(jti),
                Err(Some(error)) => self.request.set_errs.push((jti, error)),
                // Not acknowledged: it will come again.
                Err(None) => {
                    came = Came::Trouble;
                    continue;
                }
            }
            self.failures = 0;
            if matches!(came, Came::Nothing) {
                came = Came::Sets;
            }
        }
        came
    }

    /// Waits before the next request, as long as the last answer, which took this long, asks for.
    async fn pause(&mut self, came: &Came, took: Duration) {
        let quick = matches!(came, Came::Nothing) && took < HELD_OPEN;
        self.empty = if quick { self.empty.saturating_add(1) } else { 0 };
        let pause = match came {
            Came::Trouble => {
                self.failures = self.failures.saturating_add(1);
                let jitter = u32::from_be_bytes(secevent_jose::random::<4>());
                // Events wait at the other side meanwhile: never longer than half a minute.
                Duration::from_millis(backoff(self.failures, jitter).clamp(100, 30_000))
            }
            Came::Nothing if quick => pause_after_empty(self.empty),
            _ => return,
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stopped(&mut self.stop) => {}
        }
    }
}

/// After this many empty answers that came at once: 100 ms, and twice as long each time, to 5 s.
fn pause_after_empty(answers: u32) -> Duration {
    let doubled = answers.saturating_sub(1).min(6);
    Duration::from_millis((100 << doubled).min(5_000))
}

/// What is not acknowledged yet, as a request that is answered at once (POLL-016).
// spec: POLL-016
fn acknowledge_only(request: &mut PollRequest) -> Option<PollRequest> {
    if request.ack.is_empty() && request.set_errs.is_empty() {
        return None;
    }
    let mut last = std::mem::take(request);
    last.max_events = Some(0);
    last.return_immediately = true;
    Some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_answers_at_once_are_asked_for_less_and_less_often() {
        let pauses = [1, 2, 3, 6, 7, 8, u32::MAX].map(|n| pause_after_empty(n).as_millis());
        assert_eq!(pauses, [100, 200, 400, 3_200, 5_000, 5_000, 5_000]);
    }
}
