//! The last events of the log and the SETs signed for them: what most deliveries need is still here.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use secevent_ssf::{Audience, Seq, store::NewEvent};

/// Events kept. At about 1 KiB each, and as much per signed SET, some ten MiB.
const EVENTS_MAX: usize = 4096;

/// Bounded by count; the oldest leave first.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    events: BTreeMap<Seq, Arc<NewEvent>>,
    signed: BTreeMap<(Seq, Audience), (String, Arc<str>)>,
}

impl Recent {
    pub(crate) fn insert(&self, seq: Seq, event: NewEvent) -> Arc<NewEvent> {
        let event = Arc::new(event);
        let mut kept = self.kept();
        kept.events.insert(seq, Arc::clone(&event));
        if kept.events.len() > EVENTS_MAX {
            kept.events.pop_first();
        }
        event
    }

    pub(crate) fn event(&self, seq: Seq) -> Option<Arc<NewEvent>> {
        self.kept().events.get(&seq).cloned()
    }

    /// The SET signed for this audience with this key.
    pub(crate) fn signed(&self, seq: Seq, audience: Audience, kid: &str) -> Option<Arc<str>> {
        self.kept()
            .signed
            .get(&(seq, audience))
            .filter(|(with, _)| with == kid)
            .map(|(_, set)| Arc::clone(set))
    }

    pub(crate) fn insert_signed(&self, seq: Seq, audience: Audience, kid: &str, set: &Arc<str>) {
        let mut kept = self.kept();
        kept.signed.insert((seq, audience), (kid.to_owned(), Arc::clone(set)));
        if kept.signed.len() > EVENTS_MAX {
            kept.signed.pop_first();
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
