//! Handing over: from the inbox to a handler, one after the other, until each is handled or set aside.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use rusqlite::Transaction;
use secevent::{ErrorCode, danger};
use secevent_ssf::{
    engine::{Millis, backoff},
    store::StoreError,
};
use tokio::sync::{Notify, watch};
use tracing::{info, warn};

use super::{
    handlers::{Handed, Handler, Handlers},
    tolerance::most_relaxed_profile,
};
use crate::{
    Clock,
    hub::stopped,
    store::{Inbox, Next, Waiting},
};

/// What handing over takes.
pub(super) struct HandOver {
    pub(super) inbox: Arc<Inbox>,
    pub(super) handlers: Handlers,
    pub(super) clock: Clock,
    /// How often a SET is handed over at most.
    pub(super) attempts_max: u32,
    /// Told when something was kept.
    pub(super) news: Arc<Notify>,
}

/// An inbox that cannot be read or written now is asked again after this time.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// How often what is old is forgotten.
const PRUNE_EVERY: Duration = Duration::from_hours(1);

/// How long handled SETs are kept: twice as long as transmitters keep what they deliver, so that no repeat is taken for
/// new.
const HANDLED_SECS: i64 = 14 * 24 * 3600;

/// How long those that were set aside are kept: an operator who looks once a month still finds them.
const SET_ASIDE_SECS: i64 = 30 * 24 * 3600;

/// Rows deleted at a time.
const ROWS_MAX: usize = 1_000;

const PANICKED: &str = "the handler panicked";

/// What is kept of a handler's words.
const WORDS_CHARS_MAX: usize = 1_000;

impl HandOver {
    /// Hands over until it is told to stop; a handler at work is waited for.
    pub(super) async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut prune = tokio::time::interval(PRUNE_EVERY);
        while !*stop.borrow() {
            let pause = match self.step().await {
                Ok(None) => continue,
                Ok(Some(pause)) => pause,
                Err(error) => {
                    warn!(%error, "the inbox cannot be used; trying again");
                    STORE_PAUSE
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.news.notified() => {}
                _ = prune.tick() => self.prune().await,
                () = stopped(&mut stop) => {}
            }
        }
    }

    /// Hands over one SET; else answers how long there is nothing to do.
    async fn step(&self) -> Result<Option<Duration>, StoreError> {
        let now = (self.clock)();
        match self.ask(move |inbox| inbox.next(now)).await? {
            Next::Now(waiting) => self.hand_over(waiting).await.map(|()| None),
            Next::At(due) => Ok(Some(Duration::from_millis(due.0.saturating_sub(now.0)))),
            Next::Nothing => Ok(Some(PRUNE_EVERY)),
        }
    }

    async fn hand_over(&self, waiting: Waiting) -> Result<(), StoreError> {
        let (no, attempt) = (waiting.no, waiting.attempts.saturating_add(1));
        let handed = match read_back(waiting) {
            Ok(handed) => handed,
            // It was taken by another version of this program, and no other attempt will change that.
            Err(why) => return self.failed(no, self.attempts_max, why).await,
        };
        let outcome = match self.handlers.of(&handed.claims) {
            Some(Handler::Within(within)) => {
                let effect = move |transaction: &Transaction<'_>| {
                    // What it wrote is rolled back, so nothing half done is seen.
                    let effect = catch_unwind(AssertUnwindSafe(|| within(transaction, handed)));
                    effect.unwrap_or_else(|_| Err(PANICKED.to_owned()))
                };
                self.ask(move |inbox| inbox.handle(no, effect)).await?
            }
            Some(Handler::Apart(apart)) => match tokio::spawn(async move { apart(handed).await }).await {
                Ok(Ok(())) => return self.mark(no).await,
                Ok(Err(why)) => Err(why),
                Err(_) => Err(PANICKED.to_owned()),
            },
            None => return self.mark(no).await,
        };
        match outcome {
            Ok(()) => Ok(()),
            Err(why) => self.failed(no, attempt, why).await,
        }
    }

    /// The handler is done: until that is written, nothing else is handed over, and this is not handed over again.
    async fn mark(&self, no: i64) -> Result<(), StoreError> {
        loop {
            match self.ask(move |inbox| inbox.handle(no, |_| Ok(()))).await {
                Ok(_) => return Ok(()),
                Err(error) => {
                    warn!(%error, "a SET was handled and that cannot be written down; trying again");
                    tokio::time::sleep(STORE_PAUSE).await;
                }
            }
        }
    }

    async fn failed(&self, no: i64, attempt: u32, why: String) -> Result<(), StoreError> {
        let why: String = why.chars().take(WORDS_CHARS_MAX).collect();
        let words = why.escape_debug().to_string();
        let due = (attempt < self.attempts_max).then(|| {
            let jitter = u32::from_be_bytes(secevent_jose::random::<4>());
            Millis((self.clock)().0.saturating_add(backoff(attempt, jitter)))
        });
        if due.is_some() {
            info!(no, attempt, why = %words, "a handler failed; the SET is handed over again");
        } else {
            warn!(no, attempt, why = %words, "a SET is set aside: no handler could handle it");
        }
        self.ask(move |inbox| inbox.put_back(no, due, &why)).await
    }

    async fn prune(&self) {
        let now = (self.clock)().timestamp();
        loop {
            let before = (now.plus_secs(-HANDLED_SECS), now.plus_secs(-SET_ASIDE_SECS));
            match self.ask(move |inbox| inbox.prune(before.0, before.1, ROWS_MAX)).await {
                Ok(ROWS_MAX) => {}
                Ok(_) => return,
                Err(error) => return warn!(%error, "old SETs could not be forgotten"),
            }
        }
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Inbox) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        ask(&self.inbox, question).await
    }
}

/// Asks an inbox, away from the threads that serve requests.
pub(super) async fn ask<T: Send + 'static>(
    inbox: &Arc<Inbox>,
    question: impl FnOnce(&Inbox) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let inbox = Arc::clone(inbox);
    match tokio::task::spawn_blocking(move || question(&inbox)).await {
        Ok(answer) => answer,
        Err(error) => Err(StoreError::Failed(format!("a thread of the inbox ended: {error}"))),
    }
}

/// The claims of a SET that was verified when it came. Whom it is for and when it was good was judged then.
fn read_back(waiting: Waiting) -> Result<Handed, String> {
    let Waiting { transmitter, token, at, attempts, .. } = waiting;
    let policy = danger::unchecked(most_relaxed_profile());
    let claims = danger::verified_before(&token, &policy, at)
        .map_err(|error| format!("{}: {error}", ErrorCode::as_str(error.code())))?;
    Ok(Handed { claims, transmitter, attempt: attempts.saturating_add(1) })
}
