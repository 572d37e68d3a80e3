//! Reading the members of a JSON object one by one, with a refusal that names the place.

use secevent::{EventType, SubjectId, finding::describe};
use secevent_jose::json;
use serde_json::{Map, Value};

use crate::{Refusal, refusal::pointer};

/// An object of which members are taken until [`rest`](Self::rest) hands over the others.
pub(crate) struct Reader {
    members: Map<String, Value>,
    null_is_absent: bool,
}

impl Reader {
    /// A request: strict JSON, and `null` is refused, since its meaning is undefined.
    // spec: SSF-126
    pub(crate) fn request(body: &[u8], id: &'static str) -> Result<Self, Refusal> {
        let members = json::parse_object(body).map_err(|error| Refusal::json(id, &error))?;
        Ok(Self { members, null_is_absent: false })
    }

    /// An answer: an optional member that is `null` counts as absent, as many serialisers write it.
    pub(crate) fn answer(body: &[u8], id: &'static str) -> Result<Self, Refusal> {
        Ok(Self { null_is_absent: true, ..Self::request(body, id)? })
    }

    /// An answer, or a part of one, that was parsed before.
    pub(crate) const fn answer_of(members: Map<String, Value>) -> Self {
        Self { members, null_is_absent: true }
    }

    /// A part of a request.
    pub(crate) const fn request_of(members: Map<String, Value>) -> Self {
        Self { members, null_is_absent: false }
    }

    /// A member that may be there.
    pub(crate) fn optional<T>(
        &mut self,
        name: &str,
        id: &'static str,
        wanted: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        match self.members.shift_remove(name) {
            None => Ok(None),
            Some(Value::Null) if self.null_is_absent => Ok(None),
            Some(value) => read(&value).map(Some).ok_or_else(|| unfit(name, id, Some(&value), wanted)),
        }
    }

    /// A member that must be there.
    pub(crate) fn required<T>(
        &mut self,
        name: &str,
        id: &'static str,
        wanted: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T, Refusal> {
        self.optional(name, id, wanted, read)?.ok_or_else(|| unfit(name, id, None, wanted))
    }

    /// The `stream_id` that every document about a stream names.
    pub(crate) fn stream_id(&mut self, id: &'static str) -> Result<String, Refusal> {
        self.required("stream_id", id, "name the stream by a string of 1 to 255 bytes", |value| {
            value.as_str().filter(|text| (1..=STREAM_ID_BYTES_MAX).contains(&text.len())).map(str::to_owned)
        })
    }

    /// The `subject` of a subject request.
    pub(crate) fn subject(&mut self, id: &'static str) -> Result<SubjectId, Refusal> {
        let value = self.required("subject", id, "give a subject identifier (RFC 9493)", |value| {
            value.is_object().then(|| value.clone())
        })?;
        SubjectId::from_json(&value).map_err(|findings| {
            let worst = findings.into_iter().max_by_key(|finding| finding.level);
            let unread = || Refusal::new(id, "", "it is no subject identifier", "give a `format`");
            worst.map_or_else(unread, Refusal::from).within("subject")
        })
    }

    /// The members that were not asked for.
    pub(crate) fn rest(self) -> Map<String, Value> {
        self.members
    }
}

fn unfit(name: &str, id: &'static str, found: Option<&Value>, wanted: &str) -> Refusal {
    Refusal::new(id, pointer(name), describe(found), wanted)
}

/// Any string.
pub(crate) fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// An array of strings.
pub(crate) fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(text).collect()
}

/// One string, or an array of them.
pub(crate) fn text_or_texts(value: &Value) -> Option<Vec<String>> {
    text(value).map(|one| vec![one]).or_else(|| texts(value))
}

/// An array of event identifiers; any string is one that may be unknown.
pub(crate) fn event_types(value: &Value) -> Option<Vec<EventType>> {
    Some(texts(value)?.into_iter().map(EventType::from_uri).collect())
}

/// Text that is cut at a number of bytes instead of being refused.
pub(crate) fn cut(mut text: String, bytes_max: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes_max));
    text
}

/// Our ids have 32 characters; those of others are UUIDs and the like.
const STREAM_ID_BYTES_MAX: usize = 255;
