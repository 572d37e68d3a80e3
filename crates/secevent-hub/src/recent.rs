//! The last events of the log and the SETs signed for them: what most deliveries need is still here.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use secevent_ssf::{Audience, Seq, store::NewEvent};

/// Events kept, and signed SETs as many.
const ENTRIES_MAX: usize = 4096;

/// Bytes of events and of SETs together: 4,096 events of 2 KiB with their SETs, and far fewer of the largest.
const BYTES_MAX: usize = 32 * 1024 * 1024;

/// Bounded by count and bytes; the oldest leave first.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    events: BTreeMap<Seq, (usize, Arc<NewEvent>)>,
    signed: BTreeMap<(Seq, Audience), (String, Arc<str>)>,
    /// Of both together.
    bytes: usize,
}

impl Recent {
    pub(crate) fn insert(&self, seq: Seq, event: NewEvent) -> Arc<NewEvent> {
        let (bytes, event) = (event.event.bytes(), Arc::new(event));
        let mut kept = self.kept();
        let before = kept.events.insert(seq, (bytes, Arc::clone(&event)));
        kept.bytes += bytes;
        kept.bytes -= before.map_or(0, |(bytes, _)| bytes);
        kept.shrink();
        event
    }

    pub(crate) fn event(&self, seq: Seq) -> Option<Arc<NewEvent>> {
        self.kept().events.get(&seq).map(|(_, event)| Arc::clone(event))
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
        let before = kept.signed.insert((seq, audience), (kid.to_owned(), Arc::clone(set)));
        kept.bytes += set.len();
        kept.bytes -= before.map_or(0, |(_, set)| set.len());
        kept.shrink();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn shrink(&mut self) {
        while self.events.len() > ENTRIES_MAX {
            self.pop_event();
        }
        while self.signed.len() > ENTRIES_MAX {
            self.pop_signed();
        }
        while self.bytes > BYTES_MAX {
            let event = self.events.first_key_value().map(|(seq, _)| *seq);
            let signed = self.signed.first_key_value().map(|((seq, _), _)| *seq);
            match (event, signed) {
                (Some(event), Some(signed)) if signed < event => self.pop_signed(),
                (None, _) => self.pop_signed(),
                _ => self.pop_event(),
            }
        }
    }

    fn pop_event(&mut self) {
        self.bytes -= self.events.pop_first().map_or(0, |(_, (bytes, _))| bytes);
    }

    fn pop_signed(&mut self) {
        self.bytes -= self.signed.pop_first().map_or(0, |(_, (_, set))| set.len());
    }
}

#[cfg(test)]
mod tests {
    use secevent::{EventType, SubjectId, Timestamp};
    use secevent_ssf::{LoggedEvent, SubjectKey};

    use super::*;

    fn event(bytes: usize) -> NewEvent {
        let subject = SubjectId::email("a@x.example");
        let payload = serde_json::Map::from_iter([("words".to_owned(), "x".repeat(bytes).into())]);
        let event_type = EventType::from_uri("urn:example:event");
        let event = LoggedEvent::new(Timestamp(0), event_type, subject.clone(), payload, "t".into());
        NewEvent { event, subject: SubjectKey::of(&subject), streams: Vec::new() }
    }

    #[test]
    fn large_events_and_sets_leave_early_the_oldest_first() {
        const MIB: usize = 1024 * 1024;
        let recent = Recent::default();
        let set: Arc<str> = "x".repeat(MIB).into();
        for n in 1..=100 {
            recent.insert(Seq(n), event(MIB));
            recent.insert_signed(Seq(n), Audience(1), "key", &set);
            recent.insert_signed(Seq(n), Audience(1), "key", &set);
        }
        let kept = recent.kept();
        assert!(kept.bytes <= BYTES_MAX && kept.bytes > BYTES_MAX - 2 * MIB, "{}", kept.bytes);
        assert_eq!((kept.events.len(), kept.signed.len()), (15, 16));
        assert_eq!(kept.signed.first_key_value().map(|(key, _)| key.0), Some(Seq(85)));
    }

    #[test]
    fn small_ones_are_bounded_by_their_number() {
        let recent = Recent::default();
        (0..5_000).for_each(|n| drop(recent.insert(Seq(n), event(1))));
        let kept = recent.kept();
        assert_eq!(kept.events.len(), ENTRIES_MAX);
        assert_eq!(kept.bytes, kept.events.values().map(|(bytes, _)| bytes).sum::<usize>());
    }
}
