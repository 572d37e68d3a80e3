//! The stream configuration (SSF 1.0 §8.1.1).

use secevent::EventType;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::Delivery;
use crate::{
    Refusal,
    read::{Reader, event_types, text, text_or_texts},
};

/// What transmitter and receiver agreed on for one stream.
// spec: SSF-072, SSF-074, SSF-081, SSF-083
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StreamConfig {
    /// The name of the stream, unique at its transmitter.
    pub stream_id: String,
    /// The issuer of every SET on it.
    pub iss: String,
    /// The audience of every SET on it; one is written as a string, several as an array.
    #[serde(serialize_with = "one_or_many")]
    pub aud: Vec<String>,
    /// What the transmitter could send.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events_supported: Vec<EventType>,
    /// What the receiver wants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events_requested: Option<Vec<EventType>>,
    /// What is sent; always written, also when it is empty.
    pub events_delivered: Vec<EventType>,
    /// How it is sent.
    pub delivery: Delivery,
    /// Seconds that a receiver leaves between two requests for verification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_verification_interval: Option<u64>,
    /// Seconds without activity of the receiver after which the stream may end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inactivity_timeout: Option<u64>,
    /// What the receiver calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Members that the specification does not name.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl StreamConfig {
    /// Reads the answer of a transmitter; whether `iss` is the one asked is for the caller to see (SSF-097).
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        Self::read(Reader::answer(body, "SSF-096")?)
    }

    fn read(mut reader: Reader) -> Result<Self, Refusal> {
        let events = "give an array of event URIs";
        let seconds = "give a whole number of seconds";
        Ok(Self {
            stream_id: reader.stream_id("SSF-072")?,
            iss: reader.required("iss", "SSF-074", "give the issuer", text)?,
            aud: reader.required("aud", "SSF-007", "give a string or an array of them", text_or_texts)?,
            events_supported: reader
                .optional("events_supported", "SSF-077", events, event_types)?
                .unwrap_or_default(),
            events_requested: reader.optional("events_requested", "SSF-078", events, event_types)?,
            events_delivered: reader.required("events_delivered", "SSF-083", events, event_types)?,
            delivery: delivery(&mut reader)?,
            min_verification_interval: reader.optional(
                "min_verification_interval",
                "SSF-086",
                seconds,
                Value::as_u64,
            )?,
            inactivity_timeout: reader.optional("inactivity_timeout", "SSF-089", seconds, Value::as_u64)?,
            description: reader.optional("description", "SSF-085", "give a string", text)?,
            other: reader.rest(),
        })
    }
}

impl<'de> Deserialize<'de> for StreamConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(Reader::answer_of(Map::deserialize(deserializer)?)).map_err(serde::de::Error::custom)
    }
}

fn delivery(reader: &mut Reader) -> Result<Delivery, Refusal> {
    let object = |value: &Value| value.as_object().cloned();
    let members = reader.required("delivery", "SSF-023", "give an object with a `method`", object)?;
    Delivery::read(Reader::answer_of(members)).map_err(|refusal| refusal.within("delivery"))
}

fn one_or_many<S: Serializer>(aud: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    match aud {
        [one] => one.serialize(serializer),
        many => many.serialize(serializer),
    }
}
