//! Event identifiers and their short names.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{finding::quote, subject::is_uri};

/// The event identifier of a SET: a URI, with a short name such as `caep:session-revoked` where a family is known.
///
/// One of the catalogue takes no memory of its own: a hub keeps dozens of them for each of thousands of streams.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Cow<'_, str>")]
pub struct EventType(Cow<'static, str>);

impl From<Cow<'_, str>> for EventType {
    fn from(uri: Cow<'_, str>) -> Self {
        let known = Self::CATALOGUE.iter().find(|(known, ..)| *known == uri);
        Self(known.map_or_else(|| Cow::Owned(uri.into_owned()), |(uri, ..)| Cow::Borrowed(*uri)))
    }
}

/// A short name is a prefix of this table and the rest of the URI.
const FAMILIES: [(&str, &str); 5] = [
    ("caep:", "https://schemas.openid.net/secevent/caep/event-type/"),
    ("risc:", "https://schemas.openid.net/secevent/risc/event-type/"),
    ("ssf:", "https://schemas.openid.net/secevent/ssf/event-type/"),
    ("logout:", "http://schemas.openid.net/event/"),
    ("scim:", "urn:ietf:params:scim:event:"),
];

/// A name that is neither a short name of the catalogue nor a URI.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is no event: give a short name such as `caep:session-revoked` or a URI{}", quote(name), hint(nearest.as_ref()))]
#[non_exhaustive]
pub struct UnknownEvent {
    /// What was given.
    pub name: String,
    /// The short name that looks most like it.
    pub nearest: Option<String>,
}

fn hint(nearest: Option<&String>) -> String {
    nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

impl EventType {
    /// The type of this URI.
    pub fn from_uri<'u>(uri: impl Into<Cow<'u, str>>) -> Self {
        uri.into().into()
    }

    /// The type of this payload.
    pub fn of<P: super::Payload>() -> Self {
        Self(Cow::Borrowed(P::URI))
    }

    /// Reads a short name of the catalogue, or any URI.
    ///
    /// ```
    /// use secevent::EventType;
    ///
    /// let slip = EventType::from_name("caep:sesion-revoked").unwrap_err();
    /// assert_eq!(slip.nearest.as_deref(), Some("caep:session-revoked"));
    /// ```
    pub fn from_name(name: &str) -> Result<Self, UnknownEvent> {
        let Some((prefix, base)) = FAMILIES.iter().find(|(prefix, _)| name.starts_with(prefix)) else {
            let unknown = || UnknownEvent { name: name.to_owned(), nearest: nearest(name) };
            return is_uri(name).then(|| Self::from_uri(name)).ok_or_else(unknown);
        };
        let event_type = Self::from_uri(format!("{base}{}", &name[prefix.len()..]));
        // The SCIM family is open to registration by IANA (SCIM-002).
        if event_type.is_known() || *prefix == "scim:" {
            Ok(event_type)
        } else {
            Err(UnknownEvent { name: name.to_owned(), nearest: nearest(name) })
        }
    }

    /// The event identifier as it stands in `events`.
    pub fn uri(&self) -> &str {
        &self.0
    }

    /// The short name where the family is known, else the URI.
    pub fn name(&self) -> String {
        FAMILIES
            .iter()
            .find_map(|(prefix, base)| Some(format!("{prefix}{}", self.0.strip_prefix(base)?)))
            .unwrap_or_else(|| self.0.clone().into_owned())
    }

    /// Whether the catalogue has it.
    pub fn is_known(&self) -> bool {
        Self::CATALOGUE.iter().any(|(uri, ..)| *uri == self.0)
    }

    /// Every type of the catalogue that new implementations may use.
    pub fn catalogue() -> impl Iterator<Item = Self> {
        Self::CATALOGUE.iter().filter(|(_, _, deprecated)| !deprecated).map(|(uri, ..)| Self::from_uri(*uri))
    }

    /// The specification and section that define it, if the catalogue has it.
    pub fn spec(&self) -> Option<&'static str> {
        Self::CATALOGUE.iter().find(|(uri, ..)| *uri == self.0).map(|(_, spec, _)| *spec)
    }
}

impl std::fmt::Display for EventType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}

fn nearest(name: &str) -> Option<String> {
    let names = EventType::CATALOGUE.iter().map(|(uri, ..)| EventType::from_uri(*uri).name());
    names
        .map(|known| (strsim::jaro_winkler(&known, name), known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}
