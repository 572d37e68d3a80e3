//! Transmitter configuration metadata (SSF 1.0 §7): where a transmitter's doors are.
//!
//! ```
//! use secevent_ssf::metadata::TransmitterMetadata;
//!
//! let body = br#"{"issuer":"https://tr.example.com","jwks_uri":"https://tr.example.com/jwks.json"}"#;
//! let metadata = TransmitterMetadata::parse(body, "https://tr.example.com", false).unwrap();
//! assert_eq!(metadata.spec_version(), "1_0-ID1");
//! // A trailing slash makes another issuer.
//! assert_eq!(TransmitterMetadata::parse(body, "https://tr.example.com/", false).unwrap_err().id, "SSF-055");
//! ```

mod judge;
mod well_known;

use secevent::{Check, Level, Role, finding::quote};
use secevent_jose::json;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

pub use judge::judge_metadata;
pub use well_known::{RISC_CONFIGURATION, SSF_CONFIGURATION, well_known};

use crate::Refusal;

/// What a transmitter publishes about itself. Members that are absent, or would be empty arrays, are omitted.
// spec: SSF-053
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TransmitterMetadata {
    /// The version of the framework; see [`spec_version`](Self::spec_version).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec_version: Option<String>,
    /// The issuer, string-identical to `iss` of its SETs.
    pub issuer: String,
    /// Where its public keys are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// URIs of the delivery methods, such as [`PUSH`](crate::stream::PUSH).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub delivery_methods_supported: Vec<String>,
    /// Streams are created, read, changed and deleted here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration_endpoint: Option<String>,
    /// The status of a stream is read and set here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_endpoint: Option<String>,
    /// Subjects are added here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub add_subject_endpoint: Option<String>,
    /// Subjects are removed here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remove_subject_endpoint: Option<String>,
    /// Verification events are asked for here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification_endpoint: Option<String>,
    /// Members of complex subjects that a receiver must interpret, or discard the event.
    // spec: SSF-038
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub critical_subject_members: Vec<String>,
    /// How the endpoints are protected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_schemes: Vec<AuthorizationScheme>,
    /// Whether new streams include all subjects or none; absent, nothing may be assumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_subjects: Option<DefaultSubjects>,
    /// Members that the specification does not name.
    // spec: SSF-052
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A way to be authorised (SSF 1.0 §7.1.1).
// spec: SSF-040
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuthorizationScheme {
    /// The URN of its specification, such as `urn:ietf:rfc:6749` for OAuth 2.0.
    pub spec_urn: String,
    /// Members that the specification does not name.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl AuthorizationScheme {
    /// The scheme of this specification.
    pub fn new(spec_urn: impl Into<String>) -> Self {
        Self { spec_urn: spec_urn.into(), other: Map::new() }
    }
}

/// Which subjects a new stream includes.
// spec: SSF-043, SSF-044
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DefaultSubjects {
    /// All that are appropriate; the receiver may remove some.
    #[default]
    All,
    /// None until the receiver adds them.
    None,
}

impl TransmitterMetadata {
    /// Reads what a transmitter answered at the well-known address of `issuer`.
    ///
    /// The issuer must be the same string, and every URL `https`, or `http` where `allow_http` says so.
    // spec: SSF-055, SSF-056
    pub fn parse(body: &[u8], issuer: &str, allow_http: bool) -> Result<Self, Refusal> {
        let members = json::parse_object(body).map_err(|error| Refusal::json("SSF-052", &error))?;
        let metadata = Self::judged(members, allow_http)?;
        if metadata.issuer != issuer {
            let found = format!("it is {}, asked for was {}", quote(&metadata.issuer), quote(issuer));
            let mend = "configure the issuer exactly as the transmitter publishes it, character by character";
            return Err(Refusal::new("SSF-055", "/issuer", found, mend));
        }
        Ok(metadata)
    }

    /// The version of the framework; one that is not named is the first implementer's draft.
    // spec: SSF-036
    pub fn spec_version(&self) -> &str {
        self.spec_version.as_deref().unwrap_or("1_0-ID1")
    }

    fn judged(members: Map<String, Value>, allow_http: bool) -> Result<Self, Refusal> {
        let mut check = Check::new(Role::Receiver);
        let read = judge::walk(members, allow_http, &mut check);
        match check.into_findings().into_iter().find(|finding| finding.level >= Level::Lenient) {
            Some(broken) => Err(broken.into()),
            None => Ok(read),
        }
    }
}

impl<'de> Deserialize<'de> for TransmitterMetadata {
    /// As [`parse`](Self::parse), for a document that is already trusted: any issuer, and `http` allowed.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::judged(Map::deserialize(deserializer)?, true).map_err(serde::de::Error::custom)
    }
}
