//! Subject Identifiers (RFC 9493; SSF 1.0 §3; RFC 9967 §2.1): who or what an event is about.
//!
//! ```
//! use secevent::SubjectId;
//!
//! let alice = SubjectId::email("alice@example.com");
//! assert_eq!(alice.format(), "email");
//! assert!(alice.is("email", "alice@example.com"));
//! ```

mod check;
mod matching;
mod syntax;

use secevent_jose::json::{Document, Json};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

pub use check::check_subject;
pub use matching::Matching;
pub(crate) use syntax::is_uri;

use crate::finding::{Check, Finding, Role};

/// A Subject Identifier: a JSON object whose `format` says which members identify the subject.
///
/// The object is kept whole, so proprietary formats and unknown members survive. Constructors make every
/// registered format; whether the values are well formed is judged when a token is issued or verified, or
/// at once by [`SubjectId::from_json`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct SubjectId {
    /// Invariant: `format` is there and is a string.
    members: Map<String, Value>,
}

impl SubjectId {
    /// Reads an identifier as a receiver does: what RFC 9493 requires must be there, more is kept.
    pub fn from_json(value: &Value) -> Result<Self, Vec<Finding>> {
        let mut check = Check::new(Role::Receiver);
        match Document::parse(value.to_string().into_bytes()) {
            Ok(document) => check_subject(document.root(), &mut check),
            Err(error) => check.error("SUB-001", error.to_string(), "give a JSON object"),
        }
        let subject = Self::deserialize(value).ok().filter(|_| !check.refused());
        subject.ok_or_else(|| check.into_findings())
    }

    /// `account`: an acct URI, such as `acct:alice@example.com` (RFC 9493 §3.2.1).
    pub fn account(uri: impl Into<String>) -> Self {
        Self::simple("account", [("uri", uri.into())])
    }

    /// `email`: an address such as `alice@example.com` (RFC 9493 §3.2.2).
    pub fn email(email: impl Into<String>) -> Self {
        Self::simple("email", [("email", email.into())])
    }

    /// `iss_sub`: the subject of an issuer (RFC 9493 §3.2.3).
    pub fn iss_sub(iss: impl Into<String>, sub: impl Into<String>) -> Self {
        Self::simple("iss_sub", [("iss", iss.into()), ("sub", sub.into())])
    }

    /// `opaque`: a string without further meaning (RFC 9493 §3.2.4).
    pub fn opaque(id: impl Into<String>) -> Self {
        Self::simple("opaque", [("id", id.into())])
    }

    /// `phone_number`: an E.164 number such as `+12065550100` (RFC 9493 §3.2.5).
    pub fn phone_number(number: impl Into<String>) -> Self {
        Self::simple("phone_number", [("phone_number", number.into())])
    }

    /// `did`: a decentralised identifier or DID URL (RFC 9493 §3.2.6).
    pub fn did(url: impl Into<String>) -> Self {
        Self::simple("did", [("url", url.into())])
    }

    /// `uri`: any URI (RFC 9493 §3.2.7).
    pub fn uri(uri: impl Into<String>) -> Self {
        Self::simple("uri", [("uri", uri.into())])
    }

    /// `aliases`: several identifiers of one entity (RFC 9493 §3.2.8).
    pub fn aliases(identifiers: impl IntoIterator<Item = Self>) -> Self {
        let identifiers = identifiers.into_iter().map(|id| Value::Object(id.members)).collect();
        Self::of("aliases", [("identifiers", Value::Array(identifiers))])
    }

    /// `jwt_id`: a JWT by its issuer and id (SSF 1.0 §3.5.1).
    pub fn jwt_id(iss: impl Into<String>, jti: impl Into<String>) -> Self {
        Self::simple("jwt_id", [("iss", iss.into()), ("jti", jti.into())])
    }

    /// `saml_assertion_id`: a SAML 2.0 assertion (SSF 1.0 §3.5.2).
    pub fn saml_assertion_id(issuer: impl Into<String>, assertion_id: impl Into<String>) -> Self {
        Self::simple("saml_assertion_id", [("issuer", issuer.into()), ("assertion_id", assertion_id.into())])
    }

    /// `ip-addresses`: addresses as seen by the transmitter (SSF 1.0 §3.5.3).
    pub fn ip_addresses(addresses: impl IntoIterator<Item = std::net::IpAddr>) -> Self {
        let addresses = addresses.into_iter().map(|ip| Value::String(ip.to_string())).collect();
        Self::of("ip-addresses", [("ip-addresses", Value::Array(addresses))])
    }

    /// `scim`: a resource path relative to the SCIM base URI, such as `/Users/44f6` (RFC 9967 §2.1).
    pub fn scim(uri: impl Into<String>) -> Self {
        Self::simple("scim", [("uri", uri.into())])
    }

    /// `complex`: one principal described by several members such as `user`, `device`, `tenant` (SSF 1.0 §3.3).
    pub fn complex(members: impl IntoIterator<Item = (impl Into<String>, Self)>) -> Self {
        Self::of("complex", members.into_iter().map(|(name, id)| (name, Value::Object(id.members))))
    }

    /// The identifier format; compared exactly (SUB-010).
    pub fn format(&self) -> &str {
        self.text("format").unwrap_or_default()
    }

    /// Whether the format is `format` and its member of that same name, or its only text member, is `value`.
    pub fn is(&self, format: &str, value: &str) -> bool {
        self.format() == format && self.members.iter().any(|(name, v)| name != "format" && v == value)
    }

    /// A member that is a string.
    pub fn text(&self, member: &str) -> Option<&str> {
        self.members.get(member).and_then(Value::as_str)
    }

    /// A member of a complex subject, such as `user`.
    pub fn part(&self, member: &str) -> Option<Self> {
        let part = self.members.get(member)?.as_object()?;
        part.get("format")?.is_string().then(|| Self { members: part.clone() })
    }

    /// The object, with members the library does not know.
    pub const fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// One text per identity: members sorted, no white space. Equal subjects and only they share it,
    /// so it serves as the key of an index.
    // spec: SUB-066
    pub fn canonical(&self) -> String {
        let mut out = String::new();
        matching::write_canonical(&self.members, &mut out);
        out
    }

    /// The identifier in a document, if it is an object with a `format`.
    pub(crate) fn read(value: Json<'_>) -> Option<Self> {
        let members = value.as_object()?;
        members.text("format")?;
        Some(Self { members: members.to_map() })
    }

    fn of(format: &str, members: impl IntoIterator<Item = (impl Into<String>, Value)>) -> Self {
        let format = [("format".to_owned(), Value::String(format.to_owned()))];
        let members = members.into_iter().map(|(name, value)| (name.into(), value));
        Self { members: format.into_iter().chain(members).collect() }
    }

    fn simple<const N: usize>(format: &str, members: [(&str, String); N]) -> Self {
        Self::of(format, members.map(|(name, value)| (name, Value::String(value))))
    }
}

impl<'de> Deserialize<'de> for SubjectId {
    /// Takes any object with a `format`; [`check_subject`] judges the rest.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = Map::deserialize(deserializer)?;
        match members.get("format") {
            Some(Value::String(_)) => Ok(Self { members }),
            _ => Err(serde::de::Error::custom("a subject identifier needs a `format` string (SUB-002)")),
        }
    }
}

impl std::fmt::Display for SubjectId {
    /// For people: the identifying values only, `alice@example.com` or `user=alice, tenant=t1`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        fn text(value: &Value) -> String {
            match value {
                Value::String(s) => s.clone(),
                Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(" = "),
                Value::Object(members) => text_of(members),
                other => other.to_string(),
            }
        }
        fn text_of(members: &Map<String, Value>) -> String {
            let complex = members.get("format").is_some_and(|format| format == "complex");
            let shown = members.iter().filter(|(name, _)| *name != "format");
            let parts = shown.map(|(name, v)| if complex { format!("{name}={}", text(v)) } else { text(v) });
            parts.collect::<Vec<_>>().join(if complex { ", " } else { " " })
        }
        f.write_str(&text_of(&self.members).escape_debug().to_string())
    }
}
