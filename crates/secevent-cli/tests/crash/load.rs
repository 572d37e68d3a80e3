//! Producers: they hand in one event or several, most under a key, and repeat what got no answer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    books::{Books, EVENTS},
    running::{Answer, call},
    site::ADMIN,
};

const PRODUCERS: usize = 3;
/// Attempts to get an answer to one request: the hub starts again within seconds.
const ATTEMPTS_MAX: usize = 2_000;

/// Producers at work.
pub(crate) struct Load {
    books: Arc<Books>,
    stop: Arc<AtomicBool>,
    producers: Vec<JoinHandle<()>>,
}

/// What is repeated until it has an answer.
pub(crate) struct Request {
    pub(crate) txns: Vec<String>,
    pub(crate) body: String,
    pub(crate) headers: String,
}

impl Request {
    /// Events of both types; `txn` names the first, and with a number the others.
    pub(crate) fn new(books: &Books, txn: &str, events: usize, key: Option<&str>) -> Self {
        Self::with_words(books, txn, events, key, "a rule")
    }

    /// The same with words of some length in each.
    pub(crate) fn with_words(
        books: &Books,
        txn: &str,
        events: usize,
        key: Option<&str>,
        words: &str,
    ) -> Self {
        let txns: Vec<_> = (0..events).map(|number| format!("{txn}-{number}")).collect();
        let body: Vec<_> = txns.iter().map(|txn| event(books, txn, words)).collect();
        let key = key.map(|key| format!("Idempotency-Key: {key}\r\n")).unwrap_or_default();
        let headers = format!("Authorization: {ADMIN}\r\n{key}");
        Self { txns, body: Value::Array(body).to_string(), headers }
    }

    pub(crate) fn send(&self, address: &str) -> Option<Answer> {
        call(address, "POST", "/v1/events", &self.headers, &self.body)
    }
}

fn event(books: &Books, txn: &str, words: &str) -> Value {
    let sum = txn.bytes().map(usize::from).sum::<usize>();
    let name = EVENTS[usize::from(sum % 4 == 1)];
    books.hand_in(txn, name);
    let subject = json!({"format": "email", "email": format!("{}@example.com", sum % 211)});
    let mut claims = json!({"reason_admin": {"en": words}});
    if name == EVENTS[1] {
        claims["credential_type"] = "password".into();
        claims["change_type"] = "update".into();
    }
    json!({"event": name, "subject": subject, "txn": txn, "claims": claims})
}

impl Load {
    pub(crate) fn start(books: &Arc<Books>, address: &str, name: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let producers = (0..PRODUCERS).map(|producer| {
            let (books, address, stop) = (Arc::clone(books), address.to_owned(), Arc::clone(&stop));
            let name = format!("{name}-{producer}");
            thread::spawn(move || produce(&books, &address, &stop, &name))
        });
        let producers = producers.collect();
        Self { books: Arc::clone(books), stop, producers }
    }

    /// Waits until so many more events were accepted.
    pub(crate) fn accepts(&self, more: usize) {
        let before = self.books.accepted();
        crate::running::patiently("accepted events", || {
            (self.books.accepted() >= before + more).then_some(())
        });
    }

    /// Every request gets its answer, and there are no more.
    pub(crate) fn finish(mut self) {
        self.stop.store(true, Ordering::Release);
        for producer in self.producers.drain(..) {
            producer.join().expect("no producer panics");
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}

fn produce(books: &Books, address: &str, stop: &AtomicBool, name: &str) {
    for nth in 0.. {
        if stop.load(Ordering::Acquire) {
            return;
        }
        if !books.up() {
            thread::sleep(Duration::from_millis(5));
            continue;
        }
        let txn = format!("{name}-{nth}");
        let key = (nth % 4 != 3).then_some(txn.as_str());
        let request = Request::new(books, &txn, if nth % 3 == 0 { 6 } else { 1 }, key);
        match key {
            Some(_) => until_answered(books, address, &request, nth % 8 == 0),
            None => drop(once(books, address, &request)),
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Sends a request; the answer when it is 202.
fn once(books: &Books, address: &str, request: &Request) -> Option<Value> {
    let answer = request.send(address)?;
    if !books.up() {
        return None;
    }
    match answer {
        Answer { status: 202, json } => {
            books.accept(&request.txns, &json);
            return Some(json);
        }
        Answer { status: 503, .. } => drop(books.refused.fetch_add(1, Ordering::Relaxed)),
        Answer { status, json } => books.fault(format!("an event was answered with {status}: {json}")),
    }
    None
}

/// The same until there is a 202, and then perhaps once more.
fn until_answered(books: &Books, address: &str, request: &Request, again: bool) {
    for attempt in 0..ATTEMPTS_MAX {
        if attempt > 0 {
            thread::sleep(Duration::from_millis(30));
        }
        if !books.up() {
            continue;
        }
        if attempt > 0 {
            books.repeated.fetch_add(1, Ordering::Relaxed);
        }
        let Some(answer) = once(books, address, request) else { continue };
        if again && once(books, address, request).is_some_and(|other| other != answer) {
            books.fault(format!("{} has two answers", request.txns[0]));
        }
        return;
    }
    books.fault(format!("{} has no answer", request.txns[0]));
}
