//! The `delivery` of a stream (SSF 1.0 §6.1): how SETs reach the receiver.

use std::fmt;

use secevent::finding::quote;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::{
    Refusal,
    read::{Reader, text},
};

/// The method URI of push delivery.
pub const PUSH: &str = "urn:ietf:rfc:8935";
/// The method URI of poll delivery.
pub const POLL: &str = "urn:ietf:rfc:8936";

/// How SETs of a stream are delivered.
// spec: SSF-023
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "method")]
#[non_exhaustive]
pub enum Delivery {
    /// The transmitter POSTs each SET (RFC 8935).
    #[serde(rename = "urn:ietf:rfc:8935")]
    Push {
        /// Where to; given by the receiver.
        endpoint_url: String,
        /// The whole value of the `Authorization` field, sent with every push.
        #[serde(skip_serializing_if = "Option::is_none")]
        authorization_header: Option<Secret>,
    },
    /// The receiver asks (RFC 8936).
    #[serde(rename = "urn:ietf:rfc:8936")]
    Poll {
        /// Where; given by the transmitter, so absent in most requests.
        #[serde(skip_serializing_if = "Option::is_none")]
        endpoint_url: Option<String>,
    },
}

/// The method URI that took the place of a draft's; `None` for any other.
// spec: SSF-030
pub fn successor(method: &str) -> Option<&'static str> {
    match method.strip_prefix("https://schemas.openid.net/secevent/risc/delivery-method/")? {
        "push" => Some(PUSH),
        "poll" => Some(POLL),
        _ => None,
    }
}

impl Delivery {
    /// The method URI.
    pub const fn method(&self) -> &'static str {
        match self {
            Self::Push { .. } => PUSH,
            Self::Poll { .. } => POLL,
        }
    }

    /// Where SETs are pushed to or polled from, if that is known.
    pub fn endpoint_url(&self) -> Option<&str> {
        match self {
            Self::Push { endpoint_url, .. } => Some(endpoint_url),
            Self::Poll { endpoint_url } => endpoint_url.as_deref(),
        }
    }

    /// Reads the object. The URL is bounded and otherwise left to whoever connects to it.
    // spec: SSF-024, SSF-028, SSF-104
    pub(crate) fn read(mut reader: Reader) -> Result<Self, Refusal> {
        let method = reader.required("method", "SSF-023", "name the delivery method by its URI", text)?;
        match method.as_str() {
            PUSH => Ok(Self::Push {
                endpoint_url: reader.required("endpoint_url", "SSF-024", URL_WANTED, endpoint)?,
                authorization_header: authorization(&mut reader)?,
            }),
            POLL => Ok(Self::Poll {
                endpoint_url: reader.optional("endpoint_url", "SSF-029", URL_WANTED, endpoint)?,
            }),
            other => Err(Refusal::new(
                "SSF-104",
                "/method",
                format!("{} is not supported", quote(other)),
                format!("use {PUSH} (push) or {POLL} (poll)"),
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Delivery {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(Reader::answer_of(Map::deserialize(deserializer)?)).map_err(serde::de::Error::custom)
    }
}

/// A credential: written to the wire as it is, and nowhere else.
// spec: PUSH-060
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Hides this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

const URL_WANTED: &str = "give a URL of at most 2048 bytes";

fn endpoint(value: &Value) -> Option<String> {
    value.as_str().filter(|url| (1..=URL_BYTES_MAX).contains(&url.len())).map(str::to_owned)
}

/// The refusal must not quote the value, so it is taken whatever it is and judged here.
fn authorization(reader: &mut Reader) -> Result<Option<Secret>, Refusal> {
    let value = reader.optional("authorization_header", "SSF-028", "", |value| Some(value.clone()))?;
    let Some(value) = value else { return Ok(None) };
    let fits = |text: &&str| {
        let bytes = text.as_bytes();
        (1..=AUTHORIZATION_BYTES_MAX).contains(&bytes.len()) && bytes.iter().all(|b| matches!(b, b' '..=b'~'))
    };
    value.as_str().filter(fits).map(|text| Some(Secret::new(text))).ok_or_else(|| {
        let mend =
            "give the whole field value, such as `Bearer abc`, in printable ASCII of at most 8192 bytes";
        Refusal::new("SSF-028", "/authorization_header", "it is no value of an Authorization field", mend)
    })
}

/// What browsers, proxies and servers agree on.
const URL_BYTES_MAX: usize = 2048;
/// Most servers refuse header sections over 8 KiB.
const AUTHORIZATION_BYTES_MAX: usize = 8 * 1024;
