//! What was handed in, what was answered, and what arrived where.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use secevent::danger;
use serde_json::Value;

/// What a push receiver does now and then.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    /// It refuses some SETs for good.
    Refuses,
    /// It answers some SETs with 503 the first time.
    Busy,
    /// It hangs up on some SETs the first time, without an answer, and has them all the same.
    HangsUp,
}

/// A stream, with the name of its receiver, which is its token too.
pub(crate) struct Stream {
    pub(crate) name: &'static str,
    pub(crate) audience: &'static str,
    /// Polled when `None`.
    pub(crate) pushed: Option<Habit>,
    pub(crate) wants: [&'static str; 2],
}

/// A type that all want, and one that some want.
pub(crate) const EVENTS: [&str; 2] = ["caep:session-revoked", "caep:credential-change"];

/// The first four share two audiences, the others have their own.
pub(crate) const STREAMS: [Stream; 6] = [
    stream("refuses", "https://one.example", Some(Habit::Refuses), EVENTS[1]),
    stream("polls", "https://one.example", None, EVENTS[0]),
    stream("busy", "https://two.example", Some(Habit::Busy), EVENTS[1]),
    stream("polls-too", "https://two.example", None, EVENTS[1]),
    stream("hangs-up", "https://three.example", Some(Habit::HangsUp), EVENTS[1]),
    stream("polls-some", "https://four.example", None, EVENTS[0]),
];

const fn stream(
    name: &'static str,
    audience: &'static str,
    pushed: Option<Habit>,
    and: &'static str,
) -> Stream {
    Stream { name, audience, pushed, wants: [EVENTS[0], and] }
}

/// Whether a SET is one of those that a receiver does not take as others: few, so that breakers stay closed.
pub(crate) fn is_odd(txn: &str) -> bool {
    txn.bytes().fold(7_u32, |mixed, byte| mixed.wrapping_mul(31) ^ u32::from(byte)).is_multiple_of(24)
}

/// All of it; every stream has a page.
#[derive(Default)]
pub(crate) struct Books {
    events: Mutex<Events>,
    pages: [Mutex<Page>; STREAMS.len()],
    /// What must not be.
    faults: Mutex<Vec<String>>,
    up: AtomicBool,
    /// Requests whose answer was lost and that were repeated under their key.
    pub(crate) repeated: AtomicUsize,
    /// Requests that were answered with 503.
    pub(crate) refused: AtomicUsize,
}

#[derive(Default)]
struct Events {
    /// The type of each by its `txn`.
    handed_in: BTreeMap<String, &'static str>,
    accepted: BTreeSet<String>,
    /// Places of the log.
    ids: BTreeMap<String, String>,
}

/// What one stream delivered.
#[derive(Default)]
struct Page {
    /// `jti` and claims by `txn`.
    sets: BTreeMap<String, (String, Value)>,
    jtis: BTreeSet<String>,
    tokens: String,
    turned_away: BTreeSet<String>,
    repeats: usize,
}

impl Books {
    /// Whether there is somebody to talk to.
    pub(crate) fn up(&self) -> bool {
        self.up.load(Ordering::Acquire)
    }

    pub(crate) fn is_up(&self, up: bool) {
        self.up.store(up, Ordering::Release);
    }

    pub(crate) fn fault(&self, what: String) {
        locked(&self.faults).push(what);
    }

    pub(crate) fn accepted(&self) -> usize {
        locked(&self.events).accepted.len()
    }

    /// Before it is sent: it may arrive whatever becomes of the answer.
    pub(crate) fn hand_in(&self, txn: &str, event: &'static str) {
        locked(&self.events).handed_in.insert(txn.to_owned(), event);
    }

    /// A 202 for these.
    pub(crate) fn accept(&self, txns: &[String], answer: &Value) {
        let mut events = locked(&self.events);
        let rows = answer["events"].as_array().expect("it is a list");
        assert_eq!(rows.len(), txns.len(), "{answer}");
        for (txn, row) in txns.iter().zip(rows) {
            let event = events.handed_in[txn];
            let wanted = STREAMS.iter().filter(|stream| stream.wants.contains(&event)).count();
            if row["streams"] != wanted {
                self.fault(format!("{txn} went to {} streams, not to {wanted}", row["streams"]));
            }
            let id = row["id"].as_str().expect("it is text").to_owned();
            if let Some(other) = events.ids.insert(id, txn.clone()).filter(|other| other != txn) {
                self.fault(format!("{txn} has the place of {other} in the log"));
            }
            events.accepted.insert(txn.clone());
        }
    }

    /// The `txn` of a SET that arrived.
    pub(crate) fn arrived(&self, stream: usize, token: &str) -> String {
        let (txn, jti, claims) = read(token);
        let mut page = locked(&self.pages[stream]);
        page.tokens.push_str(token);
        page.tokens.push('\n');
        let said = (jti.clone(), claims);
        match page.sets.get(&txn) {
            Some(before) if *before != said => {
                self.fault(format!("{txn} came again as {said:?}, not {before:?}"));
            }
            Some(_) => page.repeats += 1,
            None => {
                if !page.jtis.insert(jti) {
                    self.fault(format!("{txn} has the jti of another"));
                }
                page.sets.insert(txn.clone(), said);
            }
        }
        txn
    }

    /// A SET that came and is not taken as others: `true` the first time.
    pub(crate) fn turned_away(&self, stream: usize, token: &str) -> bool {
        let (txn, ..) = read(token);
        let mut page = locked(&self.pages[stream]);
        page.turned_away.insert(txn)
    }

    /// Everything is where it must be, and nothing else; answers with all tokens of the stream.
    pub(crate) fn settle(&self, number: usize, letters: &[(String, String)]) -> String {
        let (stream, events, page) = (&STREAMS[number], locked(&self.events), locked(&self.pages[number]));
        let name = stream.name;
        assert!(locked(&self.faults).is_empty(), "{:#?}", locked(&self.faults));
        let refused: BTreeSet<_> = letters.iter().map(|(txn, _)| txn).collect();
        assert_eq!(refused.len(), letters.len(), "{name}: a letter each");
        for (txn, reason) in letters {
            assert!(stream.pushed == Some(Habit::Refuses) && is_odd(txn), "{name} {txn}: {reason}");
            assert!(reason.contains("we take no odd ones"), "{name} {txn}: {reason}");
        }
        let wanted =
            |txn: &String| events.handed_in.get(txn).is_some_and(|event| stream.wants.contains(event));
        let there = |txn: &String| page.sets.contains_key(txn) != refused.contains(txn);
        let lost: Vec<_> = events.accepted.iter().filter(|txn| wanted(txn) && !there(txn)).collect();
        assert!(lost.is_empty(), "{name}: {} of {} lost: {lost:?}", lost.len(), events.accepted.len());
        let strange: Vec<_> = page.sets.keys().chain(refused).filter(|txn| !wanted(txn)).collect();
        assert!(strange.is_empty(), "{name}: never handed in for it: {strange:?}");
        assert!(page.sets.len() > letters.len(), "{name}: {} came", page.sets.len());
        assert_eq!(letters.is_empty(), stream.pushed != Some(Habit::Refuses), "{name}");
        page.tokens.clone()
    }

    /// `(accepted, arrived, arrived once more)`.
    pub(crate) fn sums(&self) -> (usize, usize, usize) {
        let sum = |what: fn(&Page) -> usize| self.pages.iter().map(|page| what(&locked(page))).sum();
        (self.accepted(), sum(|page| page.sets.len()), sum(|page| page.repeats))
    }
}

/// The `txn` of a SET.
pub(crate) fn txn(token: &str) -> String {
    read(token).0
}

/// `txn`, `jti` and all claims. Signatures are verified in the end.
fn read(token: &str) -> (String, String, Value) {
    let claims = danger::peek(token).expect("it can be read").claims;
    let claims = serde_json::to_value(&claims).expect("it is JSON");
    let text = |name: &str| claims[name].as_str().expect("it is text").to_owned();
    (text("txn"), text("jti"), claims)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
