//! What is sent to a stream once more: a second lane beside the one of what is new. It is fed from the log or from the
//! dead letters, never from what comes in, and what is new does not wait for it.

mod work;

use secevent::Timestamp;
use secevent_ssf::{
    Entry, Seq,
    engine::Cursor,
    store::{DeadLetter, Replay, Source},
};
use serde::Serialize;

use crate::stream::Queue;

/// SETs of a push stream that are on their way once more at the same time: one while another is answered, and few
/// beside the window of what is new.
const WINDOW: usize = 2;

/// The second lane of a stream.
#[derive(Debug)]
pub(crate) struct Again {
    pub(crate) queue: Queue,
    delivery_no: u64,
    /// As it was when this lane was made; where it stands now is in the backlog.
    replay: Replay,
}

/// How it stands with what is sent once more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Progress {
    pub(crate) state: State,
    pub(crate) of: &'static str,
    pub(crate) count: u64,
    pub(crate) done: u64,
    pub(crate) refused: u64,
    pub(crate) asked_at: Timestamp,
}

/// Whether it still goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// It goes on.
    Running,
    /// It goes on when the stream does.
    Held,
    /// Everything was sent and answered.
    Finished,
    /// It was ended before.
    Cancelled,
}

/// What a commit takes along of a stream.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) cursor: Option<Cursor>,
    /// Whether the disk has another replay than this, or none.
    pub(crate) replay_changed: bool,
    pub(crate) replay: Option<Replay>,
    pub(crate) letters: Vec<DeadLetter>,
    pub(crate) taken: Vec<Seq>,
}

impl Again {
    /// As it is to be written.
    fn replay(&self) -> Replay {
        let backlog = self.queue.backlog();
        Replay {
            done: self.replay.done + backlog.settled(),
            high: backlog.cursor().high,
            open: backlog.open().collect(),
            ..self.replay.clone()
        }
    }

    fn is_finished(&self) -> bool {
        let backlog = self.queue.backlog();
        !backlog.has_more() && backlog.open().next().is_none()
    }

    fn progress(&self, state: State) -> Progress {
        let Replay { source, count, refused, at, done, .. } = &self.replay;
        let of = if matches!(source, Source::Log { .. }) { "log" } else { "dead-letters" };
        let done = done + self.queue.backlog().settled();
        Progress { state, of, count: *count, done, refused: *refused, asked_at: *at }
    }

    /// From where on it still needs the log; dead letters have their events themselves.
    pub(crate) fn needs_after(&self) -> Option<Seq> {
        let cursor = self.queue.backlog().cursor();
        matches!(self.replay.source, Source::Log { .. }).then(|| cursor.low().min(cursor.high))
    }

    /// When it was asked for.
    pub(crate) const fn asked_at(&self) -> Timestamp {
        self.replay.at
    }
}

/// Which of these events are sent once more: what is on its way to the stream anyway does not go twice.
pub(crate) fn due(source: &Source, live: &Queue, mut entries: Vec<Entry>) -> Vec<Entry> {
    if matches!(source, Source::Log { .. }) {
        entries.retain(|entry| live.backlog().is_settled(entry.seq));
    }
    entries
}
