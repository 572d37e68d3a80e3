//! What a benchmark and its receivers say to each other: JSON, one line each.

use serde::{Deserialize, Serialize};

use super::latency::Summary;

/// What the receivers are told.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Ask {
    /// Take SETs by push.
    Listen(Behaviour),
    /// Be away: no socket listens, and open connections are cut.
    Away,
    /// Be back at the same address.
    Back,
    /// Poll these streams, each with one request after the other.
    Poll { address: String, streams: Vec<Polled> },
    /// Forget what was received.
    Forget,
    /// Verify what was received, and count it.
    Report(Question),
}

/// How the endpoints of a sink behave; the path `/s/7` is that of stream 7.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Behaviour {
    /// The first streams of all, this many, take connections and answer nothing.
    pub(super) silent: u32,
    /// The streams after these, this many, answer after five seconds.
    pub(super) slow: u32,
    /// One SET is answered and lost: a receiver with a fault, to see that the benchmark notices.
    pub(super) swallow: bool,
}

/// A stream to poll.
#[derive(Serialize, Deserialize)]
pub(super) struct Polled {
    pub(super) no: u32,
    pub(super) path: String,
    pub(super) token: String,
}

/// What to verify by, and what to count.
#[derive(Serialize, Deserialize)]
pub(super) struct Question {
    pub(super) issuer: String,
    /// The JWK Set of the hub.
    pub(super) jwks: String,
    /// The audience of each stream; one alone is that of all.
    pub(super) audiences: Vec<String>,
    /// Streams before this one are not counted.
    pub(super) from: u32,
    /// The number of the first event handed in, and how many there were.
    pub(super) first: u64,
    pub(super) events: u64,
    /// Events that the hub did not accept.
    pub(super) refused: Vec<u64>,
}

/// What the receivers say.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Tell {
    /// How many SETs came so far; said whenever it changes, a few hundred times a second at most.
    Received(u64),
    /// The address that is listened on.
    Listening(String),
    Done,
    Report(Report),
    Failed(String),
}

/// What was received.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Report {
    /// Pairs of stream and event, each counted once.
    pub(super) distinct: u64,
    /// SETs that came more than once.
    pub(super) repeated: u64,
    /// SETs that do not verify, and what is wrong with the first of them.
    pub(super) invalid: u64,
    pub(super) first_invalid: Option<String>,
    /// SETs about something else, such as a stream that was updated.
    pub(super) other: u64,
    /// Bytes of the longest SET.
    pub(super) set_bytes: usize,
    /// When the first and the last came, in microseconds since 1970.
    pub(super) first_at: u64,
    pub(super) last_at: u64,
    /// From the time that an event should have been sent to its receipt.
    pub(super) latency: Option<Summary>,
}

/// The `txn` of an event: its number, and when it should have been sent, in microseconds since 1970.
pub(super) fn txn(no: u64, intended_us: u64) -> String {
    format!("bench-{no}-{intended_us}")
}

/// What a `txn` says; `None` of one that is not ours.
pub(super) fn read_txn(txn: &str) -> Option<(u64, u64)> {
    let (no, intended_us) = txn.strip_prefix("bench-")?.split_once('-')?;
    Some((no.parse().ok()?, intended_us.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_txn_says_what_it_was_made_of() {
        assert_eq!(read_txn(&txn(7, 1_700_000_000_000_000)), Some((7, 1_700_000_000_000_000)));
        assert_eq!(read_txn("bench-7"), None);
        assert_eq!(read_txn("7-8"), None);
    }
}
