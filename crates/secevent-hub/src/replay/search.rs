//! What there is to send once more: in the log, and among the dead letters.

use std::{collections::BTreeSet, sync::Arc};

use secevent::{EventType, Timestamp};
use secevent_ssf::{
    Entry, Seq, StreamNo, SubjectKey,
    engine::{OPEN_MAX, RING_MAX},
    store::{DeadLetter, Letters, NewEvent, Routes, Source, Store, StoreError},
};

use crate::{Hub, accept::is_framework, again::due, stream::Stream};

/// Dead letters read at a time; each has its event, of some kilobytes.
const LETTERS_AT_ONCE: usize = 100;

/// What a request is about.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// How many events.
    pub(crate) count: u64,
    /// Dead letters that have no event to send.
    pub(crate) left_out: u64,
    /// The first of the events, as many as may be open.
    pub(super) first: Vec<Entry>,
}

/// What a source has for a stream after a place and up to another, as far as one page goes. `own` is what events about
/// the stream itself are about.
pub(crate) fn page(
    store: &dyn Store,
    (stream, own): (StreamNo, SubjectKey),
    source: &Source,
    (after, through): (Seq, Seq),
) -> Result<Routes, StoreError> {
    let mut read = match source {
        Source::Letters(wanted) => letters_page(store, stream, wanted, after)?.1,
        Source::Log { event_type, subject } => {
            let mut read = store.routes(stream, after, RING_MAX)?;
            read.entries.retain(|entry| subject.is_none_or(|subject| subject == entry.subject));
            keep_type(store, event_type.as_ref(), own, &mut read.entries)?;
            read
        }
        _ => Routes { entries: Vec::new(), through },
    };
    read.entries.retain(|entry| entry.seq <= through);
    read.through = read.through.min(through);
    Ok(read)
}

/// Leaves entries of one type, or of any but those of what a stream was told of itself: that is true no more. What an
/// event says is read only where it has to be.
fn keep_type(
    store: &dyn Store,
    event_type: Option<&EventType>,
    own: SubjectKey,
    entries: &mut Vec<Entry>,
) -> Result<(), StoreError> {
    let sure = |entry: &Entry| event_type.is_none() && entry.subject != own;
    let seqs: Vec<_> = entries.iter().filter(|entry| !sure(entry)).map(|entry| entry.seq).collect();
    let wanted =
        |found: &EventType| event_type.map_or_else(|| !is_framework(found), |wanted| found == wanted);
    let rows = store.events(&seqs)?.into_iter().filter(|row| wanted(&row.event.event.event_type));
    let wanted: BTreeSet<_> = rows.map(|row| row.seq).collect();
    entries.retain(|entry| sure(entry) || wanted.contains(&entry.seq));
    Ok(())
}

/// The dead letters of a page that are meant, and of those with an event where they go.
pub(super) fn letters_page(
    store: &dyn Store,
    stream: StreamNo,
    wanted: &Letters,
    after: Seq,
) -> Result<(Vec<Seq>, Routes), StoreError> {
    let mut letters = store.dead_letters(stream, after, LETTERS_AT_ONCE)?;
    let last = letters.last().map(|letter| letter.seq).filter(|_| letters.len() == LETTERS_AT_ONCE);
    letters.retain(|letter| wanted.include(letter));
    let entry = |letter: &DeadLetter| {
        let subject = SubjectKey::of(&letter.event.as_ref()?.subject);
        Some(Entry { seq: letter.seq, subject })
    };
    let entries = letters.iter().filter_map(entry).collect();
    let seqs = letters.into_iter().map(|letter| letter.seq).collect();
    Ok((seqs, Routes { entries, through: last.unwrap_or(Seq(u64::MAX)) }))
}

impl Hub {
    /// The dead letter of an event, if it has one on disk.
    pub(crate) async fn dead_letter(
        &self,
        stream: StreamNo,
        seq: Seq,
    ) -> Result<Option<DeadLetter>, StoreError> {
        let Some(before) = seq.0.checked_sub(1) else { return Ok(None) };
        let letters = self.read_store(move |store| store.dead_letters(stream, Seq(before), 1)).await?;
        Ok(letters.into_iter().find(|letter| letter.seq == seq))
    }

    /// What a dead letter says, as an event of the log.
    pub(crate) async fn event_of_letter(
        &self,
        stream: StreamNo,
        seq: Seq,
    ) -> Result<Option<Arc<NewEvent>>, StoreError> {
        let event = self.dead_letter(stream, seq).await?.and_then(|letter| letter.event);
        Ok(event.map(|event| {
            Arc::new(NewEvent {
                subject: SubjectKey::of(&event.subject),
                event: *event,
                streams: vec![stream],
            })
        }))
    }

    /// The last event that was accepted before a time. The log has the order of time, but for events that were
    /// accepted within the same moment or while the clock was set back.
    pub(crate) async fn last_before(&self, time: Timestamp) -> Result<Seq, StoreError> {
        let head = self.0.writer.head();
        let search = move |store: &dyn Store| {
            let (mut before, mut after) = (0, head.0 + 1);
            while after - before > 1 {
                let middle = before + (after - before) / 2;
                let row = store.events(&[Seq(middle)])?.pop();
                // What is forgotten is the oldest.
                if row.is_none_or(|row| row.event.event.iat < time) {
                    before = middle;
                } else {
                    after = middle;
                }
            }
            Ok(Seq(before))
        };
        self.read_store(search).await
    }

    /// Looks at all there is of a source between two places.
    pub(crate) async fn find_again(
        &self,
        stream: &Stream,
        source: &Source,
        (mut after, through): (Seq, Seq),
    ) -> Result<Found, StoreError> {
        let mut found = Found::default();
        while after < through {
            let (no, own, asked) = (stream.no, stream.own_subject(), source.clone());
            let (all, read) = match asked {
                Source::Letters(wanted) => {
                    self.read_store(move |store| letters_page(store, no, &wanted, after)).await?
                }
                asked => {
                    let read = move |store: &dyn Store| page(store, (no, own), &asked, (after, through));
                    (Vec::new(), self.read_store(read).await?)
                }
            };
            let entries = due(source, &stream.work().queue, read.entries);
            found.count += entries.len() as u64;
            found.left_out += all.len().saturating_sub(entries.len()) as u64;
            found.first.extend(entries.iter().take(OPEN_MAX - found.first.len()));
            after = read.through;
        }
        Ok(found)
    }
}
