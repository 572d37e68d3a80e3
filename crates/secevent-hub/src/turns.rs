//! How many SETs are on their way at once, over all push streams. Whoever wants to send waits for a turn, in the order
//! of asking; those who would hold up the others wait among themselves.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::connections::files;

/// Bounds sockets and memory, and keeps what else there is to do from waiting behind a crowd: two cores sign and send
/// this many ES256 SETs within some ten milliseconds.
const PROMPT_MAX: usize = 512;

/// The same for receivers that answer late: as many again, for they cost little but sockets.
const LATE_MAX: usize = 512;

/// An event for more streams than this leaves half of the turns to the events of few.
const WIDE: usize = 64;

/// A receiver that takes this long for one SET would soon hold every turn.
pub(crate) const LATE: Duration = Duration::from_secs(1);

/// The turns of all push streams.
#[derive(Debug)]
pub(crate) struct Turns {
    prompt: Arc<Semaphore>,
    wide: Arc<Semaphore>,
    late: Arc<Semaphore>,
}

/// An eighth of the files that the process may open at most; requests may have three quarters.
fn few(turns: usize) -> usize {
    turns.min(files() / 8).max(2)
}

/// A turn; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _turn: Option<OwnedSemaphorePermit>,
    _among_wide: Option<OwnedSemaphorePermit>,
}

impl Turns {
    pub(crate) fn new() -> Self {
        let pool = |turns| Arc::new(Semaphore::new(turns));
        Self { prompt: pool(few(PROMPT_MAX)), wide: pool(few(PROMPT_MAX) / 2), late: pool(few(LATE_MAX)) }
    }

    /// Waits for a turn to send an event of this many streams to a receiver that answers late, or does not.
    pub(crate) async fn take(&self, streams: usize, is_late: bool) -> Turn {
        // A pool is never closed, so that each permit comes.
        let permit = async |pool: &Arc<Semaphore>| Arc::clone(pool).acquire_owned().await.ok();
        if is_late {
            return Turn { _turn: permit(&self.late).await, _among_wide: None };
        }
        let among_wide = if streams > WIDE { permit(&self.wide).await } else { None };
        Turn { _turn: permit(&self.prompt).await, _among_wide: among_wide }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_crowd_and_late_receivers_leave_turns_to_the_others() {
        let turns = Turns::new();
        let wide: Vec<_> = taken(&turns, 10_000, false).await;
        assert_eq!(wide.len(), few(PROMPT_MAX) / 2);
        let late = taken(&turns, 1, true).await;
        assert_eq!(late.len(), few(LATE_MAX));
        let prompt = taken(&turns, 1, false).await;
        assert_eq!(prompt.len(), few(PROMPT_MAX) - wide.len());
        drop(wide);
        assert_eq!(
            taken(&turns, 1, false).await.len(),
            few(PROMPT_MAX) / 2,
            "a turn ends when it is dropped"
        );
    }

    /// Turns until none comes at once.
    async fn taken(turns: &Turns, streams: usize, is_late: bool) -> Vec<Turn> {
        let mut all = Vec::new();
        while let Ok(turn) = tokio::time::timeout(Duration::ZERO, turns.take(streams, is_late)).await {
            all.push(turn);
        }
        all
    }
}
