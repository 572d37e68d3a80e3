//! Watching over a stream: it is verified at its beginning and whenever it falls silent (SSF 1.0 §8.1.4).

use std::time::Duration;

use secevent::event::ssf::StreamStatus;
use secevent_http::client::CallError;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout_at},
};
use tracing::{info, warn};

use super::{Standing, Subscription, standing::News};

/// How closely a stream is watched.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Watch {
    /// A stream on which nothing came for so long is verified.
    pub silence: Duration,
    /// A verification event is expected within this time, or since the last SET that came meanwhile.
    pub answer: Duration,
    /// Metadata is read again after this time: endpoints and keys move.
    pub renew: Duration,
    /// The same when tokens are refused for their keys.
    pub renew_for_keys: Duration,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            silence: Duration::from_hours(1),
            answer: Duration::from_mins(2),
            renew: Duration::from_hours(24),
            renew_for_keys: Duration::from_mins(10),
        }
    }
}

/// A pause is never shorter: whatever a transmitter answers, it is not asked without end.
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// A shorter `inactivity_timeout` is not served: it would be two requests a second, and more.
const TIMEOUT_MIN: Duration = Duration::from_secs(2);

/// Verifications that fail are tried again after pauses that double, to this multiple of the first.
const DOUBLINGS_MAX: u32 = 5;

/// Watches over a stream until its metadata is to be read again.
///
/// # Errors
/// When the transmitter no longer knows the stream or us: subscribing again may help.
// spec: SSF-086, SSF-087, SSF-089, SSF-092, SSF-179, SSF-190, SSF-191, SSF-204
pub(crate) async fn watch_over(subscription: &Subscription, times: &Watch) -> Result<(), CallError> {
    let begun = Instant::now();
    let mut heartbeat = Heartbeat {
        subscription,
        standing: subscription.standing(),
        news: subscription.standing().news(),
        times,
        begun,
        asked: begun,
        missed: 0,
    };
    loop {
        heartbeat.beat().await?;
        if heartbeat.rest().await {
            return Ok(());
        }
    }
}

struct Heartbeat<'s> {
    subscription: &'s Subscription,
    standing: &'s Standing,
    news: watch::Receiver<News>,
    times: &'s Watch,
    begun: Instant,
    /// When the transmitter was called last.
    asked: Instant,
    /// Verifications in a row that came to nothing.
    missed: u32,
}

impl Heartbeat<'_> {
    /// Looks at the status, and where the stream is enabled asks for an event and waits for it.
    async fn beat(&mut self) -> Result<(), CallError> {
        self.asked = Instant::now();
        self.read_status().await?;
        if self.standing.stream_status().is_some_and(|status| status != StreamStatus::Enabled) {
            return Ok(());
        }
        // The metadata was read anew, or the stream taken up again, soon after it was verified.
        if !self.standing.may_ask(self.interval()) {
            return Ok(());
        }
        self.asked = Instant::now();
        let verified = match self.subscription.verify().await {
            Ok(state) => self.awaited(&state).await,
            // Asked for just before, by us before a restart perhaps: the stream is well, and asked again later.
            Err(CallError::Status { status: 429, .. }) => return Ok(()),
            // Without the endpoint, reading the stream shows at least that it is there.
            Err(CallError::NoEndpoint(_)) => self.read_stream().await?,
            Err(error) => Err(passing(error)?),
        };
        match verified {
            Ok(()) => {
                if self.missed > 0 {
                    info!(transmitter = %self.standing.id(), "the stream is well again");
                }
                self.missed = 0;
            }
            Err(why) => {
                if self.missed == 0 {
                    warn!(transmitter = %self.standing.id(), %why, "the stream is not verified; trying on");
                }
                self.missed = self.missed.saturating_add(1);
                self.standing.error(&why);
            }
        }
        Ok(())
    }

    /// Waits for a verification event. Others may come before it, and as long as they do it may still be behind them.
    async fn awaited(&mut self, state: &str) -> Result<(), String> {
        let asked = Instant::now();
        loop {
            let heard = {
                let news = self.news.borrow_and_update();
                if news.verified.as_deref() == Some(state) {
                    return Ok(());
                }
                news.heard.max(asked)
            };
            if !matches!(
                timeout_at(heard + self.times.answer.min(LONG), self.news.changed()).await,
                Ok(Ok(()))
            ) {
                let within = self.times.answer;
                return Err(format!("no verification event came within {within:?} (SSF-191)"));
            }
        }
    }

    // spec: SSF-143, SSF-144
    async fn read_status(&self) -> Result<(), CallError> {
        let id = &self.subscription.stream.stream_id;
        match self.subscription.transmitter.status(id).await {
            Ok(document) => self.subscription.watched.updated(document.status, document.reason, None),
            Err(CallError::NoEndpoint(_)) => {}
            Err(error) => drop(passing(error)?),
        }
        Ok(())
    }

    async fn read_stream(&self) -> Result<Result<(), String>, CallError> {
        match self.subscription.transmitter.read_stream(&self.subscription.stream.stream_id).await {
            Ok(_) | Err(CallError::NoEndpoint(_)) => Ok(Ok(())),
            Err(error) => Ok(Err(passing(error)?)),
        }
    }

    /// Rests until the stream is to be looked at again; `true` when everything is to be read anew first.
    async fn rest(&mut self) -> bool {
        loop {
            let (heard, unknown_keys) = {
                let news = self.news.borrow_and_update();
                (news.heard, news.unknown_keys)
            };
            let renew = if unknown_keys > 0 {
                self.times.renew.min(self.times.renew_for_keys)
            } else {
                self.times.renew
            };
            let (next, renew) = (self.next(heard), self.begun + renew.min(LONG));
            tokio::select! {
                () = sleep_until(next.min(renew)) => return renew <= next,
                changed = self.news.changed() => if changed.is_err() { return true },
            }
        }
    }

    /// The least time between two requests for verification.
    fn interval(&self) -> Duration {
        at_most_long(self.subscription.stream.min_verification_interval.unwrap_or_default())
    }

    /// When the stream is looked at next.
    fn next(&self, heard: Instant) -> Instant {
        let (stream, asked) = (&self.subscription.stream, self.asked);
        let at_least = self.interval().max(PAUSE_MIN);
        if self.missed > 0 {
            let pause = self.times.answer.saturating_mul(2_u32.pow(self.missed.min(DOUBLINGS_MAX)));
            return Instant::now().max(asked + pause.max(at_least).min(LONG));
        }
        // A call about the stream keeps it alive; taking what is pushed does not (SSF-090).
        let alive = stream.inactivity_timeout.map(|secs| asked + at_most_long(secs).max(TIMEOUT_MIN) / 2);
        let silent = heard.max(asked) + self.times.silence.min(LONG);
        alive.map_or(silent, |alive| alive.min(silent)).max(asked + at_least)
    }
}

/// No time of a transmitter or a configuration counts for more: an instant far away cannot be told.
const LONG: Duration = Duration::from_hours(30 * 24);

fn at_most_long(secs: u64) -> Duration {
    Duration::from_secs(secs).min(LONG)
}

/// The words of an error that may pass; the others end the subscription.
fn passing(error: CallError) -> Result<String, CallError> {
    match error {
        CallError::Status { status: 401 | 403 | 404, .. } => Err(error),
        error => Ok(error.to_string()),
    }
}
