//! The engines: lanes, poll queues and the cursor under them, by rules and against a model.

#[path = "engine/backlog.rs"]
mod backlog;
#[path = "engine/lane.rs"]
mod lane;
#[path = "engine/model.rs"]
mod model;
#[path = "engine/poll_queue.rs"]
mod poll_queue;

use secevent_ssf::{Entry, Seq, SubjectKey, engine::Backlog};

/// The event at this place, about this subject.
fn entry(seq: u64, subject: u64) -> Entry {
    Entry { seq: Seq(seq), subject: SubjectKey(subject) }
}

/// A backlog of events about these subjects, at the places from 1.
fn backlog_of(subjects: &[u64]) -> Backlog {
    let mut backlog = Backlog::new(Seq(0));
    (1..).zip(subjects).for_each(|(seq, subject)| backlog.offer(entry(seq, *subject)));
    backlog
}

fn seqs(places: impl IntoIterator<Item = u64>) -> Vec<Seq> {
    places.into_iter().map(Seq).collect()
}
