//! How things stand with one transmitter: for the operator, and for whoever watches over the stream.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use secevent::{Timestamp, event::ssf::StreamStatus};
use serde_json::{Map, Value, json};
use tokio::{sync::watch, time::Instant};

use super::{
    tally::Tally,
    tolerance::{Relaxations, Tolerance},
};

/// What is known of one transmitter, across all the streams that it and we have had.
#[derive(Debug)]
pub struct Standing {
    id: String,
    issuer: String,
    pub(crate) relaxations: Relaxations,
    pub(crate) tally: Tally,
    known: Mutex<Known>,
    /// Told of each SET that is taken and of each trouble with keys.
    news: watch::Sender<News>,
}

#[derive(Debug, Default)]
struct Known {
    stream_id: Option<String>,
    /// Names of events that were asked for and will not be delivered.
    not_delivered: Vec<String>,
    status: Option<(StreamStatus, Option<String>)>,
    /// The `iat` of the last stream-updated event that was believed.
    status_at: Option<Timestamp>,
    last_received: Option<Timestamp>,
    last_verified: Option<Timestamp>,
    last_error: Option<String>,
    /// When verification of this stream was asked for last.
    asked: Option<Instant>,
}

/// What wakes whoever watches over the stream.
#[derive(Clone, Debug)]
pub(crate) struct News {
    /// When a SET was taken last, or the stream begun.
    pub(crate) heard: Instant,
    /// The state that was seen last in a verification event.
    pub(crate) verified: Option<String>,
    /// SETs that were refused for their key since the stream was begun.
    pub(crate) unknown_keys: u64,
}

impl Standing {
    /// Nothing is known yet.
    pub fn new(id: impl Into<String>, issuer: impl Into<String>, tolerance: Tolerance) -> Self {
        let (id, issuer) = (id.into(), issuer.into());
        let news = News { heard: Instant::now(), verified: None, unknown_keys: 0 };
        Self {
            relaxations: Relaxations::new(id.clone(), tolerance),
            tally: Tally::default(),
            id,
            issuer,
            known: Mutex::default(),
            news: watch::Sender::new(news),
        }
    }

    /// The name of the transmitter here.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether there is a stream, as far as we know.
    pub fn is_subscribed(&self) -> bool {
        self.known().stream_id.is_some()
    }

    /// The status of the stream, once it was told.
    pub fn stream_status(&self) -> Option<StreamStatus> {
        self.known().status.as_ref().map(|(status, _)| *status)
    }

    /// For the operator, as JSON: no secrets, no subjects.
    pub fn describe(&self) -> Value {
        let known = self.known();
        let (status, reason) = known.status.as_ref().map_or((None, None), |(s, r)| (Some(s), r.as_ref()));
        let relaxed: Map<_, _> =
            self.relaxations.counts().map(|(rule, n)| (rule.to_owned(), n.into())).collect();
        json!({
            "id": self.id, "issuer": self.issuer, "status": {
                "subscribed": known.stream_id.is_some(), "stream_id": known.stream_id, "stream_status": status,
                "reason": reason, "not_delivered": known.not_delivered, "last_received": known.last_received, "last_verified": known.last_verified,
                "last_error": known.last_error,
            },
            "relaxed": relaxed,
        })
    }

    pub(crate) fn news(&self) -> watch::Receiver<News> {
        self.news.subscribe()
    }

    // spec: SSF-082
    pub(crate) fn subscribed(&self, stream_id: &str, not_delivered: &[String]) {
        let mut known = self.known();
        if known.stream_id.as_deref() != Some(stream_id) {
            known.status = None;
            known.status_at = None;
            known.asked = None;
        }
        known.stream_id = Some(stream_id.to_owned());
        known.not_delivered = not_delivered.to_vec();
        known.last_error = None;
        self.news.send_modify(|news| *news = News { heard: Instant::now(), verified: None, unknown_keys: 0 });
    }

    pub(crate) fn unsubscribed(&self, why: Option<&str>) {
        let mut known = self.known();
        known.stream_id = None;
        known.last_error = why.map(shortened).or_else(|| known.last_error.take());
    }

    pub(crate) fn error(&self, why: &str) {
        self.known().last_error = Some(shortened(why));
    }

    /// A SET was refused for a key that is not there or does not fit.
    pub(crate) fn unknown_key(&self) {
        self.news.send_modify(|news| news.unknown_keys = news.unknown_keys.saturating_add(1));
    }

    pub(crate) fn received(&self, at: Timestamp) {
        self.known().last_received = Some(at);
        self.news.send_modify(|news| news.heard = Instant::now());
    }

    /// Whether verification may be asked for, so long after the last time; if so, it is.
    // spec: SSF-086, SSF-087
    pub(crate) fn may_ask(&self, interval: Duration) -> bool {
        let mut known = self.known();
        let may = known.asked.is_none_or(|asked| asked.elapsed() >= interval);
        if may {
            known.asked = Some(Instant::now());
        }
        may
    }

    pub(crate) fn verified(&self, state: Option<String>, at: Timestamp) {
        let mut known = self.known();
        known.last_verified = Some(at);
        if state.is_some() {
            known.last_error = None;
            self.news.send_modify(|news| news.verified = state);
        }
    }

    /// Believes a status unless something newer was heard; answers whether it is another than before.
    // spec: SSF-204
    pub(crate) fn updated(
        &self,
        status: StreamStatus,
        reason: Option<String>,
        said: Option<Timestamp>,
    ) -> bool {
        let mut known = self.known();
        if said.is_some() && said < known.status_at {
            return false;
        }
        known.status_at = said.or(known.status_at);
        let reason = reason.map(|reason| shortened(&reason));
        known.status.replace((status, reason)).is_none_or(|(before, _)| before != status)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Words of a peer, fit to be shown.
fn shortened(text: &str) -> String {
    text.chars().take(WORDS_CHARS_MAX).collect()
}

/// Two sentences.
const WORDS_CHARS_MAX: usize = 300;
