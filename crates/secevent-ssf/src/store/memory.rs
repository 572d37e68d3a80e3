//! The store in memory: the model that every other store is compared with. Nothing survives the process.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    Batch, DeadLetter, IdempotentAnswer, KeyRecord, LogRow, NewEvent, Origin, Received, Replay, Retention,
    Routes, Snapshot, Store, StoreError, StreamRecord, Write,
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
    log: BTreeMap<Seq, NewEvent>,
    streams: BTreeMap<StreamNo, (StreamRecord, Cursor)>,
    replays: BTreeMap<StreamNo, Replay>,
    wishes: BTreeMap<(StreamNo, SubjectName), Wish>,
    dead_letters: BTreeMap<(StreamNo, Seq), DeadLetter>,
    received: Vec<Received>,
    answers: BTreeMap<String, IdempotentAnswer>,
    keys: Vec<KeyRecord>,
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
            answers: BTreeMap::new(),
            keys: Vec::new(),
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
                    self.received.push(Received { no, ..set });
                }
            }
            Write::Answer(answer) => {
                let first = Seq(first.0 + answer.first.0);
                self.answers.insert(answer.key.clone(), IdempotentAnswer { first, ..answer });
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
        let event = logged.map(|logged| logged.event.clone()).or(before);
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
            model.log.insert(seq, event.clone());
        }
        batch.writes.iter().cloned().for_each(|write| model.write(write, first));
        Ok(first)
    }

    fn events(&self, seqs: &[Seq]) -> Result<Vec<LogRow>, StoreError> {
        let model = self.model();
        let row = |seq: &Seq| model.log.get(seq).map(|event| LogRow { seq: *seq, event: event.clone() });
        Ok(seqs.iter().filter_map(row).collect())
    }

    fn routes(&self, stream: StreamNo, after: Seq, limit: usize) -> Result<Routes, StoreError> {
        let model = self.model();
        let read: Vec<_> = model.log.range(Seq(after.0.saturating_add(1))..).take(limit).collect();
        let through =
            if read.len() < limit { Seq(model.head) } else { read.last().map_or(after, |(seq, _)| **seq) };
        let ours = read.into_iter().filter(|(_, event)| event.streams.contains(&stream));
        let entries = ours.map(|(seq, event)| Entry { seq: *seq, subject: event.subject }).collect();
        Ok(Routes { entries, through })
    }

    fn last_before(&self, before: Timestamp, limit: usize) -> Result<Option<Seq>, StoreError> {
        let model = self.model();
        let old = model.log.iter().take(limit).take_while(|(_, event)| event.event.iat < before);
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
        Ok(self.model().answers.get(key).cloned())
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
            && first.get().event.iat < retention.events_before
        {
            first.remove();
            left -= 1;
        }
        let old = model.received.iter().rev().skip(1).rev().take(left);
        let old = old.take_while(|set| set.at < retention.received_before).count();
        model.received.drain(..old);
        left -= old;
        let mut goes = |at: Timestamp, before: Timestamp| {
            let goes = left > 0 && at < before;
            left -= usize::from(goes);
            goes
        };
        model.dead_letters.retain(|_, letter| !goes(letter.at, retention.dead_letters_before));
        model.answers.retain(|_, answer| !goes(answer.at, retention.answers_before));
        Ok(rows_max - left)
    }
}
