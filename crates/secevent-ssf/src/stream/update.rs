//! Updating (PATCH) and replacing (PUT) a stream configuration (SSF 1.0 §8.1.1.3, §8.1.1.4).

use serde::Serialize;
use serde_json::{Map, Value};

use super::{CreateStream, Delivery, StreamConfig};
use crate::{Refusal, read::Reader, refusal::pointer};

/// A request to change a stream. Both methods have the same document; what an absent member means differs:
/// PATCH leaves it as it is, PUT deletes it.
// spec: SSF-114, SSF-115, SSF-119, SSF-129
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UpdateStream {
    /// The stream.
    pub stream_id: String,
    /// The receiver's members.
    #[serde(flatten)]
    pub changes: CreateStream,
    /// Everything else, of which the transmitter's members must hold the transmitter's values.
    #[serde(flatten)]
    pub echoed: Map<String, Value>,
}

impl UpdateStream {
    /// Reads a request.
    // spec: SSF-125, SSF-126
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let mut reader = Reader::request(body, "SSF-125")?;
        let stream_id = reader.stream_id("SSF-114")?;
        let changes = CreateStream::read(&mut reader)?;
        Ok(Self { stream_id, changes, echoed: reader.rest() })
    }

    /// Whether what the receiver repeats of the transmitter's members is what they are before the change.
    // spec: SSF-120, SSF-121, SSF-122, SSF-127, SSF-133, SSF-134
    pub fn check_echoed(&self, current: &StreamConfig) -> Result<(), Refusal> {
        let Ok(Value::Object(known)) = serde_json::to_value(current) else { return Ok(()) };
        for name in TRANSMITTER_SUPPLIED {
            if let Some(echoed) = self.echoed.get(name)
                && !is_same(echoed, known.get(name))
            {
                return Err(differs(&pointer(name)));
            }
        }
        match (&self.changes.delivery, &current.delivery) {
            (Some(Delivery::Poll { endpoint_url: Some(echoed) }), Delivery::Poll { endpoint_url })
                if endpoint_url.as_ref() != Some(echoed) =>
            {
                Err(differs("/delivery/endpoint_url"))
            }
            _ => Ok(()),
        }
    }
}

fn differs(at: &str) -> Refusal {
    let mend = "leave it out, or send it as the transmitter gave it; the receiver cannot change it";
    Refusal::new("SSF-120", at, "it is not the transmitter's value", mend)
}

/// Equal regardless of order, a string being the same as an array of it alone; an empty array equals nothing.
// spec: SSF-128
fn is_same(echoed: &Value, known: Option<&Value>) -> bool {
    sorted(echoed) == known.map(sorted).unwrap_or_default()
}

fn sorted(value: &Value) -> Vec<String> {
    let mut texts: Vec<String> = match value {
        Value::Array(items) => items.iter().map(Value::to_string).collect(),
        one => vec![one.to_string()],
    };
    texts.sort_unstable();
    texts
}

const TRANSMITTER_SUPPLIED: [&str; 6] =
    ["iss", "aud", "events_supported", "events_delivered", "min_verification_interval", "inactivity_timeout"];
