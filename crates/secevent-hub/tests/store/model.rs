//! A store against the model: whatever is written, forgotten, crashed and opened again, every reading answers as the
//! store in memory does.
//!
//! A store joins with a [`Place`]; a new kind of write with a line in [`write()`], a new reading in [`Seen`].

use proptest::prelude::*;
use secevent::Timestamp;
use secevent_ssf::{
    Entry, Seq, StreamNo,
    engine::Cursor,
    interest::{SubjectName, Wish},
    store::{
        Batch, DeadLetter, IdempotentAnswer, KeyRecord, LogRow, MemoryStore, Origin, Received, Retention,
        Store, StreamRecord, Write,
    },
};

use crate::records::{answer, event_at, letter, origin, received, retention, stream, wish};

/// Where a store is kept.
pub(crate) trait Place {
    /// Opens what is there.
    fn open(&mut self) -> Box<dyn Store>;

    /// The process ends at once while the store is open.
    fn crash(&mut self, store: Box<dyn Store>);

    /// The process ends while this batch is being written; what was written of it is `part` of 255.
    fn crash_in_commit(&mut self, store: Box<dyn Store>, batch: &Batch, part: u8);
}

/// What happens to a store.
#[derive(Clone, Debug)]
enum Step {
    Commit(Batch),
    Prune(Retention),
    Reopen,
    Crash,
    CrashInCommit(Batch, u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        20 => batch().prop_map(Step::Commit),
        3 => prune().prop_map(Step::Prune),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
        1 => (batch(), any::<u8>()).prop_map(|(batch, part)| Step::CrashInCommit(batch, part)),
    ];
    prop::collection::vec(step, 1..40)
}

fn prune() -> impl Strategy<Value = Retention> {
    let rows_max = prop_oneof![1..4_usize, Just(1_000)];
    (0..60_u64, AT, rows_max)
        .prop_map(|(settled, before, rows_max)| Retention { rows_max, ..retention(settled, before) })
}

fn batch() -> impl Strategy<Value = Batch> {
    let event = (AT, prop::collection::btree_set(1..STREAMS, 0..4));
    let event = event.prop_map(|(at, streams)| event_at(at, &Vec::from_iter(streams)));
    let (events, writes) = (prop::collection::vec(event, 0..4), prop::collection::vec(write(), 0..4));
    (events, writes).prop_map(|(events, writes)| Batch { events, writes })
}

/// Few of everything, so that the same comes again.
const STREAMS: u32 = 5;
const AT: std::ops::Range<i64> = 0..30;
const NAMES: [&str; 3] = ["a", "b", "c"];

fn write() -> impl Strategy<Value = Write> {
    let no = 1..STREAMS;
    let name = || prop::sample::select(&NAMES[..]);
    let seq = || 1..40_u64;
    let flag = any::<bool>();
    prop_oneof![
        3 => (no.clone(), flag).prop_map(|(no, described)| {
            let mut record = stream(no);
            record.config.description = described.then(|| "again".into());
            Write::Stream(Box::new(record))
        }),
        1 => no.clone().prop_map(|no| Write::DropStream(StreamNo(no))),
        3 => (no.clone(), name(), 0..9_u64).prop_map(|(no, about, turn)| Write::Wish(Box::new(wish(no, about, turn)))),
        1 => (no.clone(), name()).prop_map(|(no, about)| {
            Write::DropWish(StreamNo(no), SubjectName::of(&wish(no, about, 0).subject))
        }),
        3 => (no.clone(), prop::collection::btree_set(seq(), 1..5)).prop_map(|(no, places)| {
            let mut open: Vec<_> = places.into_iter().map(Seq).collect();
            let high = open.pop().unwrap();
            Write::Cursor(StreamNo(no), Cursor { high, open })
        }),
        3 => (no, seq(), name(), AT).prop_map(|(no, seq, reason, at)| {
            Write::DeadLetter(DeadLetter { at: Timestamp(at), ..letter(no, seq, reason) })
        }),
        3 => (name(), name(), name(), AT).prop_map(|(from, iss, jti, at)| {
            Write::Received(Received { at: Timestamp(at), ..received(from, iss, jti) })
        }),
        3 => (name(), 0..3_u64, AT).prop_map(|(key, first, at)| Write::Answer(answer(key, first, at))),
        2 => (name(), AT, prop::option::of(AT)).prop_map(|(kid, at, withdrawn)| Write::Key(KeyRecord {
            kid: kid.into(),
            jwk: "{}".into(),
            created_at: Timestamp(at),
            signs_from: Timestamp(at + 5),
            withdrawn_at: withdrawn.map(Timestamp),
        })),
        1 => name().prop_map(|kid| Write::DropKey(kid.into())),
    ]
}

/// All that can be read of a store.
#[derive(Debug, PartialEq)]
struct Seen {
    origin: Origin,
    head: Seq,
    last: (u32, u32),
    streams: Vec<(StreamRecord, Cursor)>,
    wishes: Vec<Wish>,
    keys: Vec<KeyRecord>,
    events: Vec<LogRow>,
    routes: Vec<(Vec<Entry>, Seq)>,
    last_before: Vec<Option<Seq>>,
    letters: Vec<DeadLetter>,
    received: Vec<Received>,
    named: Vec<Option<Received>>,
    answers: Vec<Option<IdempotentAnswer>>,
}

/// Pages of every size, from every place.
const PAGES: [(u64, usize); 5] = [(0, 1), (0, 3), (2, 2), (7, 100), (0, 100)];

impl Seen {
    fn of(store: &dyn Store) -> Self {
        let snapshot = store.load().unwrap();
        let mut wishes = snapshot.wishes;
        wishes.sort_by_key(|wish| (wish.stream, SubjectName::of(&wish.subject)));
        let all: Vec<_> = (0..=snapshot.head.0 + 1).map(Seq).collect();
        let streams = || (0..=STREAMS).map(StreamNo);
        let pages = || streams().flat_map(|no| PAGES.map(|(after, limit)| (no, after, limit)));
        let from = [None].into_iter().chain(NAMES.map(Some));
        let names = || NAMES.into_iter().flat_map(|iss| NAMES.map(|jti| (iss, jti)));
        Self {
            events: store.events(&all).unwrap(),
            routes: pages()
                .map(|(no, after, limit)| store.routes(no, Seq(after), limit).unwrap())
                .map(|routes| (routes.entries, routes.through))
                .collect(),
            last_before: [0, 9, 15, 99].map(|before| store.last_before(Timestamp(before)).unwrap()).into(),
            letters: pages()
                .flat_map(|(no, after, limit)| store.dead_letters(no, Seq(after), limit).unwrap())
                .collect(),
            received: from
                .flat_map(|from| PAGES.map(|(after, limit)| store.received(from, after, limit).unwrap()))
                .flatten()
                .collect(),
            named: names().map(|(iss, jti)| store.received_as(iss, jti).unwrap()).collect(),
            answers: NAMES.map(|key| store.answer(key).unwrap()).into(),
            origin: snapshot.origin,
            head: snapshot.head,
            last: (snapshot.last_stream, snapshot.last_audience),
            streams: snapshot.streams,
            keys: snapshot.keys,
            wishes,
        }
    }
}

/// A store and its model side by side.
fn live(place: &mut dyn Place, steps: Vec<Step>) {
    let model = MemoryStore::new(origin());
    let mut store = place.open();
    for step in steps {
        let told = format!("{step:?}");
        match step {
            Step::Commit(batch) => {
                assert_eq!(store.commit(&batch).unwrap(), model.commit(&batch).unwrap(), "{told}");
            }
            Step::Prune(retention) => {
                assert_eq!(forget(store.as_ref(), &retention), forget(&model, &retention), "{told}");
            }
            Step::Reopen => {
                drop(store);
                store = place.open();
            }
            Step::Crash => {
                place.crash(store);
                store = place.open();
            }
            Step::CrashInCommit(batch, part) => {
                place.crash_in_commit(store, &batch, part);
                store = place.open();
            }
        }
        assert_eq!(Seen::of(store.as_ref()), Seen::of(&model), "after {told}");
    }
}

/// Part by part until nothing is left to forget. Which dead letters are in which part is open.
fn forget(store: &dyn Store, retention: &Retention) -> usize {
    let mut all = 0;
    loop {
        let rows = store.prune(retention).unwrap();
        assert!(rows <= retention.rows_max);
        all += rows;
        if rows < retention.rows_max {
            return all;
        }
    }
}

/// Whatever happens to a store kept there, it is as its model.
pub(crate) fn check<P: Place>(cases: u32, place: impl Fn() -> P) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(steps in steps())| live(&mut place(), steps));
}
