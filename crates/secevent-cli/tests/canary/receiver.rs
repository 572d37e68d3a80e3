//! A push receiver with words of its own.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};

use serde_json::json;

use super::FORGED;

/// A receiver that fails once, refuses once in words that are logged, and takes the rest.
pub(super) struct Receiver {
    pub(super) url: String,
    pub(super) taken: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    pub(super) fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let url = format!("http://{}/events", listener.local_addr().expect("it is bound"));
        let taken = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::clone(&taken);
        thread::spawn(move || {
            for (n, stream) in listener.incoming().enumerate() {
                let Ok(mut stream) = stream else { return };
                let mut head = [0; 8192];
                let read = stream.read(&mut head).unwrap_or_default();
                let text = String::from_utf8_lossy(&head[..read]).into_owned();
                let field = text.lines().find(|line| line.to_lowercase().starts_with("authorization"));
                let words = format!("{FORGED} {}", field.unwrap_or_default());
                let refusal = json!({"err": "invalid_request", "description": words}).to_string();
                let (status, body) = match n {
                    0 => ("503 Service Unavailable", "canary of a page"),
                    1 => ("400 Bad Request", refusal.as_str()),
                    _ => ("202 Accepted", ""),
                };
                let length = body.len();
                // A hub that went away is no fault of this test.
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
                     Connection: close\r\n\r\n{body}"
                );
                requests.lock().expect("it goes on").push(text);
            }
        });
        Self { url, taken }
    }
}
