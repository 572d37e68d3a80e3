//! The log: every event once, with the streams it is addressed to.

use std::{collections::BTreeMap, sync::OnceLock};

use secevent::{EventType, Profile, SubjectId, Template, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A place in the log, from 1. 0 is before the first event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Seq(pub u64);

/// The number of a stream, from 1; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StreamNo(pub u32);

/// A subject as lanes tell them apart: a hash of its canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SubjectKey(pub u64);

impl SubjectKey {
    /// The key of a subject.
    pub fn of(subject: &SubjectId) -> Self {
        let digest = secevent_jose::sha256(subject.canonical().as_bytes());
        Self(digest.iter().take(8).fold(0, |key, byte| key << 8 | u64::from(*byte)))
    }
}

/// An event that was accepted. Its claims are fixed here and never rebuilt; it is signed when it is first sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoggedEvent {
    /// When it was accepted; the `iat` of its SETs.
    pub iat: Timestamp,
    /// What happened.
    pub event_type: EventType,
    /// To whom.
    pub subject: SubjectId,
    /// The payload.
    pub payload: Map<String, Value>,
    /// What ties it to others of the same cause (SSF-012).
    pub txn: String,
    /// When it happened, if the producer said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toe: Option<Timestamp>,
    #[serde(skip)]
    template: OnceLock<Template>,
}

impl PartialEq for LoggedEvent {
    fn eq(&self, other: &Self) -> bool {
        (self.iat, self.toe) == (other.iat, other.toe)
            && (&self.event_type, &self.subject) == (&other.event_type, &other.subject)
            && (&self.payload, &self.txn) == (&other.payload, &other.txn)
    }
}

impl LoggedEvent {
    /// An event accepted at this time.
    pub const fn new(
        iat: Timestamp,
        event_type: EventType,
        subject: SubjectId,
        payload: Map<String, Value>,
        txn: String,
    ) -> Self {
        Self { iat, event_type, subject, payload, txn, toe: None, template: OnceLock::new() }
    }

    /// The same, which happened at another time.
    pub const fn happened(mut self, toe: Option<Timestamp>) -> Self {
        self.toe = toe;
        self
    }

    /// The SET of this event but for `jti` and `aud`: judged once, the same claims every time. Its issuer is the one
    /// that was first asked for; a log has one.
    ///
    /// # Errors
    /// Everything that an issuer must not send.
    // spec: SSF-001, SSF-004, SSF-005, SSF-011, SSF-012
    pub fn template(&self, iss: &str) -> Result<&Template, secevent::Error> {
        if let Some(template) = self.template.get() {
            return Ok(template);
        }
        let events = [(self.event_type.uri(), &self.payload)].into();
        let said = Said { txn: &self.txn, toe: self.toe, sub_id: &self.subject, events };
        let template = Template::judge(Profile::SSF, iss, self.iat, &said)?;
        Ok(self.template.get_or_init(|| template))
    }

    /// About how many bytes it takes: those of its claims, once they were judged.
    pub fn bytes(&self) -> usize {
        let judged = self.template.get().map(Template::bytes);
        judged.unwrap_or_else(|| serde_json::to_string(&self.payload).map_or(0, |json| json.len()))
    }
}

/// The claims of an event besides those that say from whom it is, to whom, and when it was accepted.
#[derive(Serialize)]
struct Said<'a> {
    txn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    toe: Option<Timestamp>,
    sub_id: &'a SubjectId,
    events: BTreeMap<&'a str, &'a Map<String, Value>>,
}

/// Where an event goes: what a stream far behind reads instead of bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the log.
    pub seq: Seq,
    /// Whom it is about.
    pub subject: SubjectKey,
}
