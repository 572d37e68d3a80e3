//! The members of a JSON body: each is taken once, and what is left in the end is not known here.

use std::collections::BTreeSet;

use axum::extract::Request;
use secevent::{EventType, Timestamp};
use secevent_http::router::{Problem, read_body};
use secevent_jose::json;
use secevent_ssf::Seq;
use serde_json::{Map, Value};

use crate::Hub;

/// Events that one request may name; they are written down with every step of a replay.
const IDS_MAX: usize = 1024;

/// Text that one request may look for: a sentence or two.
const TEXT_BYTES_MAX: usize = 1024;

/// What a body has and nobody took yet.
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// Those of a request; none where there is no body.
    pub(super) async fn of(hub: &Hub, request: Request) -> Result<Self, Problem> {
        let body = read_body(request.into_body(), hub.0.settings.limits.body_bytes).await?;
        if body.trim_ascii().is_empty() {
            return Ok(Self(Map::new()));
        }
        json::parse_object(&body).map(Self).map_err(|error| refused(error.to_string()))
    }

    fn take<T>(
        &mut self,
        name: &str,
        wanted: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(value) = self.0.remove(name) else { return Ok(None) };
        read(&value).map(Some).ok_or_else(|| refused(format!("/{name}: give {wanted}")))
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let wanted = format!("a string of at most {TEXT_BYTES_MAX} bytes");
        let fits = |text: &&str| text.len() <= TEXT_BYTES_MAX;
        self.take(name, &wanted, |value| value.as_str().filter(fits).map(str::to_owned))
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<bool, Problem> {
        Ok(self.take(name, "true or false", Value::as_bool)?.unwrap_or_default())
    }

    pub(super) fn time(&mut self, name: &str) -> Result<Option<Timestamp>, Problem> {
        self.take(name, "seconds since 1970", |value| value.as_i64().map(Timestamp))
    }

    pub(super) fn seq(&mut self, name: &str) -> Result<Option<Seq>, Problem> {
        self.take(name, "the id of an event", seq)
    }

    pub(super) fn seqs(&mut self, name: &str) -> Result<Option<BTreeSet<Seq>>, Problem> {
        let wanted = format!("an array of at most {IDS_MAX} ids of events");
        self.take(name, &wanted, |value| {
            value.as_array().filter(|ids| ids.len() <= IDS_MAX)?.iter().map(seq).collect()
        })
    }

    pub(super) fn event_type(&mut self) -> Result<Option<EventType>, Problem> {
        let Some(name) = self.text("type")? else { return Ok(None) };
        EventType::from_name(&name).map(Some).map_err(|error| refused(format!("/type: {error}")))
    }

    /// What is there, not taken.
    pub(super) fn peek(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub(super) fn value(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Refuses what nobody took.
    pub(super) fn none_left(&self, known: &str) -> Result<(), Problem> {
        match self.0.keys().next() {
            Some(unknown) => Err(refused(format!("/{unknown}: known here are {known}"))),
            None => Ok(()),
        }
    }
}

/// As the API shows it, text, or a number.
fn seq(value: &Value) -> Option<Seq> {
    value.as_str().map_or_else(|| value.as_u64(), |text| text.parse().ok()).map(Seq)
}

/// Members of a query, as those of a body.
impl From<Vec<(String, String)>> for Members {
    fn from(pairs: Vec<(String, String)>) -> Self {
        let value = |name: &str, text: String| match name {
            "ids" => text.split(',').map(str::trim).map(Value::from).collect(),
            "type" | "reason_contains" => text.into(),
            _ => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        };
        Self(pairs.into_iter().map(|(name, text)| (name.clone(), value(&name, text))).collect())
    }
}

pub(super) fn refused(detail: impl Into<String>) -> Problem {
    Problem::new(400, "the request cannot be taken", detail)
}
