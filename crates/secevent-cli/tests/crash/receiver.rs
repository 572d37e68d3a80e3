//! Receivers in plain HTTP: one that is pushed to and has a habit, one that polls.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    books::{Books, Habit, STREAMS, is_odd, txn},
    running::{Answer, call},
};

/// An endpoint that is pushed to; its connections end with the hub's.
pub(crate) struct PushReceiver {
    pub(crate) url: String,
    ended: Arc<AtomicBool>,
}

/// A thread that polls as long as there is a hub.
pub(crate) struct Poller {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl PushReceiver {
    pub(crate) fn start(books: Arc<Books>, stream: usize, habit: Habit) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/events", listener.local_addr().expect("it has an address"));
        let ended = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&ended);
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if ends.load(Ordering::Acquire) {
                    return;
                }
                let books = Arc::clone(&books);
                thread::spawn(move || serve(&connection, &books, stream, habit));
            }
        });
        Self { url, ended }
    }
}

impl Drop for PushReceiver {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        let address = self.url.trim_start_matches("http://").trim_end_matches("/events");
        // Only to wake the thread.
        drop(TcpStream::connect(address));
    }
}

/// Answers until either side hangs up.
fn serve(connection: &TcpStream, books: &Books, stream: usize, habit: Habit) {
    let mut reader = BufReader::new(connection);
    while let Some(token) = read(&mut reader) {
        let Some(answer) = answer(&token, books, stream, habit) else { return };
        let mut connection = connection;
        if connection.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// The body of the next request.
fn read(reader: &mut BufReader<&TcpStream>) -> Option<String> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    String::from_utf8(body).ok()
}

/// What is said to a SET; nothing is said before hanging up.
fn answer(token: &str, books: &Books, stream: usize, habit: Habit) -> Option<String> {
    if !books.up() {
        return None;
    }
    let first = is_odd(&txn(token)) && books.turned_away(stream, token);
    if habit == Habit::Refuses && is_odd(&txn(token)) {
        let body = r#"{"err":"invalid_request","description":"we take no odd ones"}"#;
        let head = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json";
        return Some(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    }
    if first && habit == Habit::Busy {
        return Some("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n".into());
    }
    books.arrived(stream, token);
    (!first).then(|| "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n".into())
}

impl Poller {
    pub(crate) fn start(books: Arc<Books>, stream: usize, address: String, path: String) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&ended);
        let thread = thread::spawn(move || {
            let headers = format!("Authorization: Bearer {}\r\n", STREAMS[stream].name);
            let mut ack = Vec::new();
            while !ends.load(Ordering::Acquire) {
                if !books.up() {
                    thread::sleep(Duration::from_millis(5));
                    continue;
                }
                let request = json!({"returnImmediately": true, "maxEvents": 50, "ack": ack}).to_string();
                let answer = call(&address, "POST", &path, &headers, &request);
                // What was not acknowledged comes again.
                ack = Vec::new();
                match answer.filter(|_| books.up()) {
                    Some(answer) if answer.status == 200 => ack = take(&books, stream, &answer.json),
                    // A hub that stops, or finds no room for the index of its log, says so.
                    None | Some(Answer { status: 503, .. }) => {}
                    Some(other) => books.fault(format!("a poll was answered with {}", other.status)),
                }
                thread::sleep(Duration::from_millis(if ack.is_empty() { 30 } else { 5 }));
            }
        });
        Self { ended, thread: Some(thread) }
    }
}

/// What is to be acknowledged: an odd one not the first time.
fn take(books: &Books, stream: usize, answer: &Value) -> Vec<String> {
    let sets = answer["sets"].as_object().expect("there are sets").iter();
    let taken = sets.filter(|(_, token)| {
        let token = token.as_str().expect("a SET is text");
        let txn = books.arrived(stream, token);
        !is_odd(&txn) || !books.turned_away(stream, token)
    });
    taken.map(|(jti, _)| jti.clone()).collect()
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        // It has told what it has to tell in the books.
        drop(self.thread.take().map(JoinHandle::join));
    }
}
