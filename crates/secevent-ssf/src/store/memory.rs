//! The store in memory: the model that every other store is compared with. Nothing survives the process.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    Batch, DeadLetter, IdempotentAnswer, KeyRecord, LogRow, NewEvent, Origin, Received, Replay, Retention,
    Routes, Snapshot, Store, StoreError, StreamRecord, Usage, Write,
};
use secevent::Timestamp;

use crate::{
    Entry, Seq, StreamNo,
    engine::Cursor,
    interest::{SubjectName, Wish},
};

/// A store in memory.
#[derive(Debug)]
pub struct MemoryStore {
    origin: Origin,
    model: Mutex<Model>,
}

#[derive(Debug, Default)]
struct Model {
    head: u64,
    last_stream: u32,
    last_audience: u32,
    log: BTreeMap<Seq, Logged>,
    streams: BTreeMap<StreamNo, (StreamRecord, Cursor)>,
    replays: BTreeMap<StreamNo, Replay>,
    wishes: BTreeMap<(StreamNo, SubjectName), Wish>,
    dead_letters: BTreeMap<(StreamNo, Seq), DeadLetter>,
    received: Vec<Received>,
    /// In the order they came.
    answers: Vec<IdempotentAnswer>,
    keys: Vec<KeyRecord>,
    /// Bytes of events and received SETs, which is nearly all.
    used_bytes: u64,
}

/// An event, and the time that it is forgotten by: never before that of an earlier one.
#[derive(Debug)]
struct Logged {
    at: Timestamp,
    event: NewEvent,
    bytes: u64,
}

impl MemoryStore {
    /// An empty store.
    pub const fn new(origin: Origin) -> Self {
        let model = Model {
            head: 0,
            last_stream: 0,
            last_audience: 0,
            log: BTreeMap::new(),
            streams: BTreeMap::new(),
            replays: BTreeMap::new(),
            wishes: BTreeMap::new(),
            dead_letters: BTreeMap::new(),
            received: Vec::new(),
            answers: Vec::new(),
            keys: Vec::new(),
            used_bytes: 0,
        };
        Self { origin, model: Mutex::new(model) }
    }

    fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Model {
    fn write(&mut self, write: Write, first: Seq) {
        match write {
            Write::Stream(record) => {
                self.last_stream = self.last_stream.max(record.no.0);
                self.last_audience = self.last_audience.max(record.audience.0);
                let cursor = self.streams.remove(&record.no).map(|(_, cursor)| cursor);
                self.streams.insert(record.no, (*record, cursor.unwrap_or_default()));
            }
            Write::DropStream(no) => {
                self.streams.remove(&no);
                self.replays.remove(&no);
                self.dead_letters.retain(|(stream, _), _| *stream != no);
                self.wishes.retain(|(stream, _), _| *stream != no);
            }
            Write::Wish(wish) => {
                if self.streams.contains_key(&wish.stream) {
                    self.wishes.insert((wish.stream, SubjectName::of(&wish.subject)), *wish);
                }
            }
            Write::DropWish(stream, name) => _ = self.wishes.remove(&(stream, name)),
            Write::Cursor(no, cursor) => {
                if let Some((_, kept)) = self.streams.get_mut(&no) {
                    *kept = cursor;
                }
            }
            Write::Replay(no, Some(replay)) => {
                if self.streams.contains_key(&no) {
                    self.replays.insert(no, *replay);
                }
            }
            Write::Replay(no, None) => _ = self.replays.remove(&no),
            Write::DeadLetter(letter) => self.set_aside(letter),
            Write::DropDeadLetter(no, seq) => _ = self.dead_letters.remove(&(no, seq)),
            Write::Received(set) => {
                if !self.received.iter().any(|kept| (&kept.iss, &kept.jti) == (&set.iss, &set.jti)) {
                    let no = self.received.last().map_or(1, |last| last.no + 1);
                    self.used_bytes += set.set.len() as u64;
                    self.received.push(Received { no, ..set });
                }
            }
            Write::Answer(answer) => {
                let first = Seq(first.0 + answer.first.0);
                self.answers.retain(|kept| kept.key != answer.key);
                self.answers.push(IdempotentAnswer { first, ..answer });
            }
            Write::Key(key) => {
                self.keys.retain(|kept| kept.kid != key.kid);
                self.keys.push(key);
                self.keys.sort_by(|a, b| (a.created_at, &a.kid).cmp(&(b.created_at, &b.kid)));
            }
            Write::DropKey(kid) => self.keys.retain(|kept| kept.kid != kid),
        }
    }

    /// With what the event says, from the log or from the letter before this one.
    fn set_aside(&mut self, letter: DeadLetter) {
        let place = (letter.stream, letter.seq);
        if !self.streams.contains_key(&letter.stream) {
            return;
        }
        let logged = self.log.get(&letter.seq).filter(|_| letter.many.is_none());
        let before = self.dead_letters.remove(&place).and_then(|before| before.event);
        let event = logged.map(|logged| Box::new(logged.event.event.clone())).or(before);
        self.dead_letters.insert(place, DeadLetter { event, ..letter });
    }
}

impl Store for MemoryStore {
    fn load(&self) -> Result<Snapshot, StoreError> {
        let model = self.model();
        Ok(Snapshot {
            origin: self.origin.clone(),
            head: Seq(model.head),
            last_stream: model.last_stream,
            last_audience: model.last_audience,
            streams: model.streams.values().cloned().collect(),
            replays: model.replays.iter().map(|(no, replay)| (*no, replay.clone())).collect(),
            wishes: model.wishes.values().cloned().collect(),
            keys: model.keys.clone(),
        })
    }

    fn commit(&self, batch: &Batch) -> Result<Seq, StoreError> {
        let mut model = self.model();
        let first = Seq(model.head + 1);
        for event in &batch.events {
            model.head += 1;
            let seq = Seq(model.head);
            let latest = model.log.last_key_value().map_or(event.event.iat, |(_, last)| last.at);
            let at = event.event.iat.max(latest);
            let bytes = bytes_of(event);
            model.used_bytes += bytes;
            model.log.insert(seq, Logged { at, event: event.clone(), bytes });
        }
        batch.writes.iter().cloned().for_each(|write| model.write(write, first));
        Ok(first)
    }

    fn events(&self, seqs: &[Seq]) -> Result<Vec<LogRow>, StoreError> {
        let model = self.model();
        let row = |seq: &Seq| model.log.get(seq).map(|row| LogRow { seq: *seq, event: row.event.clone() });
        Ok(seqs.iter().filter_map(row).collect())
    }

    fn routes(&self, stream: StreamNo, after: Seq, limit: usize) -> Result<Routes, StoreError> {
        let model = self.model();
        let read: Vec<_> = model.log.range(Seq(after.0.saturating_add(1))..).take(limit).collect();
        let through = if read.len() < limit {
            after.max(Seq(model.head))
        } else {
            read.last().map_or(after, |(seq, _)| **seq)
        };
        let ours = read.into_iter().filter(|(_, row)| row.event.streams.contains(&stream));
        let entries = ours.map(|(seq, row)| Entry { seq: *seq, subject: row.event.subject }).collect();
        Ok(Routes { entries, through })
    }

    fn last_before(&self, before: Timestamp) -> Result<Option<Seq>, StoreError> {
        let model = self.model();
        let old = model.log.iter().take_while(|(_, row)| row.at < before);
        Ok(old.last().map(|(seq, _)| *seq))
    }

    fn dead_letters(
        &self,
        stream: StreamNo,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let model = self.model();
        let letters = model.dead_letters.range((stream, Seq(after.0.saturating_add(1)))..);
        Ok(letters.take_while(|((no, _), _)| *no == stream).take(limit).map(|(_, l)| l.clone()).collect())
    }

    fn received(
        &self,
        transmitter: Option<&str>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Received>, StoreError> {
        let model = self.model();
        let wanted = |set: &&Received| set.no > after && transmitter.is_none_or(|id| set.transmitter == id);
        Ok(model.received.iter().filter(wanted).take(limit).cloned().collect())
    }

    fn received_as(&self, iss: &str, jti: &str) -> Result<Option<Received>, StoreError> {
        let named = |set: &&Received| (set.iss.as_str(), set.jti.as_str()) == (iss, jti);
        Ok(self.model().received.iter().find(named).cloned())
    }

    fn answer(&self, key: &str) -> Result<Option<IdempotentAnswer>, StoreError> {
        Ok(self.model().answers.iter().find(|answer| answer.key == key).cloned())
    }

    fn prune(&self, retention: &Retention) -> Result<usize, StoreError> {
        let mut model = self.model();
        let Retention { settled, rows_max, .. } = *retention;
        let mut left = rows_max;
        // The last one stays, as in every store: numbers are counted from it.
        let settled = settled.min(Seq(model.head.saturating_sub(1)));
        while left > 0
            && let Some(first) = model.log.first_entry()
            && *first.key() <= settled
            && first.get().at < retention.events_before
        {
            let row = first.remove();
            model.used_bytes -= row.bytes;
            left -= 1;
        }
        let old = model.received.iter().rev().skip(1).rev().take(left);
        let old = old.take_while(|set| set.at < retention.received_before).count();
        let forgotten: usize = model.received.drain(..old).map(|set| set.set.len()).sum();
        model.used_bytes -= forgotten as u64;
        left -= old;
        let old = model.answers.iter().take(left);
        let old = old.take_while(|answer| answer.at < retention.answers_before).count();
        model.answers.drain(..old);
        left -= old;
        model.dead_letters.retain(|_, letter| {
            let goes = left > 0 && letter.at < retention.dead_letters_before;
            left -= usize::from(goes);
            !goes
        });
        Ok(rows_max - left)
    }

    fn usage(&self) -> Result<Usage, StoreError> {
        Ok(Usage { used_bytes: self.model().used_bytes, free_bytes: None })
    }
}

fn bytes_of(NewEvent { event, streams, .. }: &NewEvent) -> u64 {
    let text = serde_json::to_string(event).map_or(0, |text| text.len());
    (text + size_of_val(streams.as_slice())) as u64
}
