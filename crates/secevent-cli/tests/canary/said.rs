//! What was said, by whom, and what of it nobody should have said.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use super::{
    CANARY, PUSH_URL,
    running::{Desk, Ended, Hub, Running},
};

/// Everything that anybody said, by who said it.
#[derive(Default)]
pub(super) struct Said(Vec<(String, String)>);

impl Said {
    /// A log, or what else nobody asked for.
    pub(super) fn log(&mut self, who: impl Into<String>, words: impl Into<String>) {
        self.0.push((who.into(), words.into()));
    }

    /// An answer to whoever asked.
    pub(super) fn add(&mut self, who: impl Into<String>, words: impl Into<String>) {
        self.log(who, words.into().replace(PUSH_URL, "(push URL)"));
    }

    pub(super) fn ended(&mut self, who: impl Into<String>, ended: &Ended) {
        self.add(who, format!("{}\n{}", ended.out, ended.err));
    }

    /// Runs a command to its end, whatever that is.
    pub(super) fn run(&mut self, desk: &Desk, args: &[&str]) -> Ended {
        let variables = [("PUSH_FIELD", "Bearer canary-push-by-command"), ("TOKEN", "canary-acme")];
        let ended = Running::new(desk.command(args).envs(variables)).ended();
        self.ended(args.join(" ").replace(CANARY, "(secret)"), &ended);
        ended
    }

    /// One request, as raw as it is given, and the whole answer.
    pub(super) fn ask(&mut self, hub: &Hub, line: &str, headers: &[&str], body: &str) -> String {
        let headers: String = headers.iter().flat_map(|header| [header, "\r\n"]).collect();
        let length = body.len();
        let request = format!(
            "{line} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        );
        let mut stream = TcpStream::connect(hub.address()).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a duration");
        stream.write_all(request.as_bytes()).expect("the hub reads");
        let mut answer = String::new();
        // A request that is no HTTP may be cut off.
        let _ = stream.read_to_string(&mut answer);
        self.add(format!("answer to {line} {headers}{body}").replace(CANARY, "(secret)"), answer.clone());
        answer
    }

    /// Who says this word, and after what.
    pub(super) fn leaks(&self, secret: &str) -> Vec<String> {
        let leak = |(who, words): &(String, String)| {
            let at = words.to_ascii_lowercase().find(&secret.to_ascii_lowercase())?;
            let before = words[..at].chars().rev().take(60).collect::<Vec<_>>();
            Some(format!("{who}: ...{}(secret)", before.into_iter().rev().collect::<String>()))
        };
        self.0.iter().filter_map(leak).collect()
    }
}
