//! What is sent to one stream once more: events of the log, or its dead letters.

use std::collections::BTreeSet;

use secevent::{EventType, Timestamp};
use serde::{Deserialize, Serialize};

use super::DeadLetter;
use crate::{Entry, Seq, SubjectKey};

/// What is sent to a stream once more, and how far that is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// Which events.
    pub source: Source,
    /// The last place that is looked at.
    pub through: Seq,
    /// When it was asked for.
    pub at: Timestamp,
    /// How many events there were then.
    pub count: u64,
    /// How many of them are done, taken or not.
    pub done: u64,
    /// How many of those the receiver refused.
    pub refused: u64,
    /// The last place that was looked at.
    pub high: Seq,
    /// What is begun and not done. A dead letter that was added later may be beyond `high`.
    pub open: Vec<Entry>,
}

/// Where the events of a replay come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Source {
    /// The log: what was addressed to the stream and is settled.
    Log {
        /// Only of this type.
        event_type: Option<EventType>,
        /// Only about this subject. A hash, so that nobody reads here whom it is about.
        subject: Option<SubjectKey>,
    },
    /// The dead letters of the stream that have their event.
    Letters(Letters),
}

/// Some dead letters of a stream; all of them if nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letters {
    /// Only of these events.
    pub ids: Option<BTreeSet<Seq>>,
    /// Only of this type.
    pub event_type: Option<EventType>,
    /// Only those set aside after this time.
    pub after: Option<Timestamp>,
    /// Only those set aside before this time.
    pub before: Option<Timestamp>,
    /// Only those with these words in their reason.
    pub reason_contains: Option<String>,
}

impl Letters {
    /// Whether this letter is meant.
    pub fn include(&self, letter: &DeadLetter) -> bool {
        let is_of =
            |wanted: &EventType| letter.event.as_ref().is_some_and(|event| event.event_type == *wanted);
        self.ids.as_ref().is_none_or(|ids| ids.contains(&letter.seq))
            && self.event_type.as_ref().is_none_or(is_of)
            && self.after.is_none_or(|after| letter.at > after)
            && self.before.is_none_or(|before| letter.at < before)
            && self.reason_contains.as_ref().is_none_or(|words| letter.reason.contains(words.as_str()))
    }
}
