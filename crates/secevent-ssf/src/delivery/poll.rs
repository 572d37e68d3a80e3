//! Poll delivery (RFC 8936 §2.2, §2.3): the receiver asks and acknowledges, the transmitter answers with what
//! is waiting.
//!
//! ```
//! use secevent_ssf::delivery::poll::PollRequest;
//!
//! let request = PollRequest { ack: vec!["4d3559ec".into()], return_immediately: true, ..Default::default() };
//! let wire = serde_json::to_string(&request).unwrap();
//! assert_eq!(wire, r#"{"returnImmediately":true,"ack":["4d3559ec"]}"#);
//! assert_eq!(PollRequest::parse(wire.as_bytes()).unwrap(), request);
//! ```

use std::collections::HashSet;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::SetError;
use crate::{
    Refusal,
    read::{Reader, text, texts},
    refusal::pointer,
};

/// What a receiver sends: how much it wants, whether it waits, and what it has received.
///
/// An id that is acknowledged and reported in error counts as reported only.
// spec: POLL-005, POLL-006, POLL-011, POLL-014, POLL-015
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PollRequest {
    /// The largest number of SETs wanted; absent means no limit, 0 asks for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_events: Option<usize>,
    /// Short polling: answer at once, with nothing if need be.
    #[serde(skip_serializing_if = "is_false")]
    pub return_immediately: bool,
    /// The `jti` of SETs received successfully.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ack: Vec<String>,
    /// The `jti` of SETs that were refused, and why.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_object")]
    pub set_errs: Vec<(String, SetError)>,
}

impl PollRequest {
    /// Reads a request. Unknown members are ignored; wrong types, negative numbers, more than 10,000 ids and
    /// ids of more than 512 bytes are refused.
    // spec: POLL-021, POLL-050
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let mut reader = Reader::request(body, "POLL-021")?;
        let mut request = Self {
            max_events: reader.optional("maxEvents", "POLL-006", "give a whole number from 0", whole)?,
            return_immediately: reader
                .optional("returnImmediately", "POLL-011", "give true or false", Value::as_bool)?
                .unwrap_or_default(),
            ack: reader.optional("ack", "POLL-014", "give an array of strings", texts)?.unwrap_or_default(),
            set_errs: set_errs(&mut reader)?,
        };
        request.check_ids()?;
        request.drop_acks_in_error();
        Ok(request)
    }

    /// Whether it only acknowledges and wants its answer at once.
    // spec: POLL-016
    pub fn is_acknowledge_only(&self) -> bool {
        self.max_events == Some(0) && self.return_immediately
    }

    fn check_ids(&self) -> Result<(), Refusal> {
        let ids = self.ack.len() + self.set_errs.len();
        if ids > IDS_MAX {
            let found = format!("{ids} ids are acknowledged at once");
            return Err(Refusal::new(
                "POLL-021",
                "",
                found,
                format!("send at most {IDS_MAX} in one request"),
            ));
        }
        let mut named = self.ack.iter().map(|id| ("ack", id)).chain(self.errors_by_id());
        match named.find(|(_, id)| id.len() > ID_BYTES_MAX) {
            Some((member, id)) => Err(Refusal::new(
                "POLL-021",
                pointer(member),
                format!("an id has {} bytes", id.len()),
                format!("send each `jti` as it was received; none has more than {ID_BYTES_MAX} bytes"),
            )),
            None => Ok(()),
        }
    }

    fn errors_by_id(&self) -> impl Iterator<Item = (&'static str, &String)> {
        self.set_errs.iter().map(|(id, _)| ("setErrs", id))
    }

    // spec: POLL-035
    fn drop_acks_in_error(&mut self) {
        let refused: HashSet<&str> = self.set_errs.iter().map(|(id, _)| id.as_str()).collect();
        if !refused.is_empty() {
            self.ack.retain(|id| !refused.contains(id.as_str()));
        }
    }
}

/// What a transmitter answers.
// spec: POLL-039, POLL-040, POLL-043
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PollResponse {
    /// Compact SETs by their `jti`; the order carries no meaning on the wire.
    #[serde(serialize_with = "as_object")]
    pub sets: Vec<(String, String)>,
    /// Whether more is waiting.
    #[serde(skip_serializing_if = "is_false")]
    pub more_available: bool,
}

impl PollResponse {
    /// Reads an answer. The tokens are not looked at; verify each, and compare its `jti` with its name here.
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let mut reader = Reader::answer(body, "POLL-039")?;
        let sets = reader.required("sets", "POLL-039", "give an object of strings by `jti`", |value| {
            let sets = value.as_object()?.iter();
            sets.map(|(jti, set)| Some((jti.clone(), text(set)?))).collect::<Option<Vec<_>>>()
        })?;
        let more_available =
            reader.optional("moreAvailable", "POLL-043", "give true or false", Value::as_bool)?;
        Ok(Self { sets, more_available: more_available.unwrap_or_default() })
    }
}

fn set_errs(reader: &mut Reader) -> Result<Vec<(String, SetError)>, Refusal> {
    let wanted = "give an object of errors by `jti`";
    let object = reader.optional("setErrs", "POLL-015", wanted, |value| value.as_object().cloned())?;
    let entries = object.unwrap_or_else(Map::new).into_iter();
    entries
        .map(|(jti, value)| match SetError::read(&value) {
            Ok(error) => Ok((jti, error)),
            Err(refusal) => Err(refusal.within(&jti).within("setErrs")),
        })
        .collect()
}

fn whole(value: &Value) -> Option<usize> {
    value.as_u64().map(|number| usize::try_from(number).unwrap_or(usize::MAX))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

fn as_object<T: Serialize, S: Serializer>(entries: &[(String, T)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(entries.iter().map(|(name, value)| (name, value)))
}

/// Ten times the largest answer we give; a body of 1 MiB holds about 25,000 ids of ours.
const IDS_MAX: usize = 10_000;
/// A `jti` is a UUID or a digest in practice; ours has 22 characters.
const ID_BYTES_MAX: usize = 512;
