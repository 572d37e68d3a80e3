//! Creating a stream (SSF 1.0 §8.1.1.1).

use secevent::EventType;
use serde::Serialize;
use serde_json::Value;

use super::Delivery;
use crate::{
    Refusal,
    read::{Reader, cut, event_types, text},
    refusal::pointer,
};

/// What a receiver may say about its stream; the rest of the configuration is the transmitter's.
// spec: SSF-094, SSF-095
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CreateStream {
    /// The events it wants; absent, the transmitter decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events_requested: Option<Vec<EventType>>,
    /// How it wants them; absent means poll.
    // spec: SSF-102
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
    /// What it calls the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl CreateStream {
    /// Reads a request. Unknown members and unknown events are no fault; a description is cut at 1 KiB, and
    /// more than 200 events are refused.
    // spec: SSF-105
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        Self::read(&mut Reader::request(body, "SSF-105")?)
    }

    // spec: SSF-079, SSF-085
    pub(super) fn read(reader: &mut Reader) -> Result<Self, Refusal> {
        let events = "give an array of event URIs";
        let events_requested = reader.optional("events_requested", "SSF-078", events, event_types)?;
        check_events(events_requested.as_deref().unwrap_or_default())?;
        let description = reader.optional("description", "SSF-085", "give a string", text)?;
        Ok(Self {
            events_requested,
            delivery: delivery(reader)?,
            description: description.map(|text| cut(text, DESCRIPTION_BYTES_MAX)),
        })
    }
}

fn delivery(reader: &mut Reader) -> Result<Option<Delivery>, Refusal> {
    let object = |value: &Value| value.as_object().cloned();
    let members = reader.optional("delivery", "SSF-023", "give an object with a `method`", object)?;
    let read = |members| Delivery::read(Reader::request_of(members));
    members.map(read).transpose().map_err(|refusal| refusal.within("delivery"))
}

fn check_events(events: &[EventType]) -> Result<(), Refusal> {
    let refused =
        |found, mend: String| Err(Refusal::new("SSF-105", pointer("events_requested"), found, mend));
    if events.len() > EVENTS_MAX {
        return refused(format!("{} events", events.len()), format!("request at most {EVENTS_MAX}"));
    }
    match events.iter().find(|event| event.uri().len() > EVENT_BYTES_MAX) {
        Some(event) => refused(
            format!("an event URI of {} bytes", event.uri().len()),
            format!("keep each within {EVENT_BYTES_MAX} bytes"),
        ),
        None => Ok(()),
    }
}

/// A paragraph of text.
const DESCRIPTION_BYTES_MAX: usize = 1024;
/// The catalogue of all known specifications has about 40.
const EVENTS_MAX: usize = 200;
/// The longest known event URI has 90 bytes.
const EVENT_BYTES_MAX: usize = 512;
