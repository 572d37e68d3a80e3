//! The poll client (RFC 8936 §2.4): ask, verify, keep, and acknowledge with the next request.

use std::{sync::Arc, time::Duration};

use secevent::ErrorCode;
use secevent_http::client::CallError;
use secevent_ssf::{
    delivery::{SetError, poll::PollRequest},
    engine::backoff,
};
use tokio::sync::watch;
use tracing::warn;

use super::{Sink, Subscription};
use crate::hub::stopped;

/// A transmitter holds a poll open for some time; this much is granted before the connection is given up.
const POLL_DEADLINE: Duration = Duration::from_secs(90);

/// The last acknowledgement on the way out is not waited for longer.
const LAST_WORD: Duration = Duration::from_secs(5);

/// SETs asked for at once: bounds memory, and what is repeated after a crash.
const MAX_EVENTS: usize = 100;

/// Polls until `stop` says so or the stream is gone. What was kept is acknowledged before this returns.
///
/// # Errors
/// When the transmitter no longer knows the stream or us: nothing will get better by asking again.
// spec: POLL-019, POLL-023, POLL-025, POLL-026, POLL-028, POLL-042, POLL-044, POLL-047, POLL-054
pub async fn poll_loop<S: Sink>(
    subscription: &Subscription,
    sink: Arc<S>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), CallError> {
    let url = subscription.stream.delivery.endpoint_url().unwrap_or_default();
    let mut request = PollRequest { max_events: Some(MAX_EVENTS), ..PollRequest::default() };
    let mut failures = 0;
    loop {
        let polled = tokio::select! {
            polled = subscription.transmitter.poll(url, &request, POLL_DEADLINE) => polled,
            () = stopped(&mut stop) => {
                let last_word = acknowledge_only(&mut request);
                if let Some(last_word) = last_word {
                    drop(subscription.transmitter.poll(url, &last_word, LAST_WORD).await);
                }
                return Ok(());
            }
        };
        match polled {
            Ok(response) => {
                failures = 0;
                request.ack.clear();
                request.set_errs.clear();
                for (jti, set) in response.sets {
                    match take(subscription, sink.as_ref(), &jti, &set).await {
                        Taken::Kept => request.ack.push(jti),
                        Taken::Refused(error) => {
                            warn!(%jti, error = %error.description, "refused a SET");
                            request.set_errs.push((jti, error));
                        }
                        Taken::NotNow(why) => {
                            warn!(%jti, %why, "a SET could not be taken now; it will come again");
                            failures += 1;
                        }
                    }
                }
            }
            Err(error @ CallError::Status { status: 401 | 403 | 404, .. }) => return Err(error),
            Err(error) => {
                failures += 1;
                warn!(%error, "polling failed");
            }
        }
        if failures > 0 {
            let jitter = u32::from_be_bytes(secevent_jose::random::<4>());
            // Events wait at the other side meanwhile: never longer than half a minute.
            let pause = Duration::from_millis(backoff(failures, jitter).clamp(100, 30_000));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stopped(&mut stop) => {}
            }
        }
    }
}

enum Taken {
    Kept,
    Refused(SetError),
    NotNow(String),
}

async fn take<S: Sink>(subscription: &Subscription, sink: &S, jti: &str, set: &str) -> Taken {
    let verified = match subscription.verifier.verify(set).await {
        Ok(verified) => verified,
        Err(refusal) => match refusal.set_error() {
            Some(error) => return Taken::Refused(error),
            None => return Taken::NotNow(refusal.to_string()),
        },
    };
    if verified.jti() != jti {
        let words = "the member name is not the `jti` of its SET (POLL-042)";
        return Taken::Refused(SetError::new(ErrorCode::InvalidRequest, words));
    }
    match sink.keep(verified).await {
        Ok(()) => Taken::Kept,
        Err(why) => Taken::NotNow(why),
    }
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
