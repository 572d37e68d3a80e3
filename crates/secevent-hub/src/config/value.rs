//! Values of the configuration that are more than TOML.

use std::{path::Path, time::Duration};

use secevent::{Alg, Matching};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{ConfigError, Env};

/// A secret: `env:NAME`, `file:PATH`, or the text itself.
#[derive(Clone)]
pub struct SecretRef(String);

impl<'de> Deserialize<'de> for SecretRef {
    /// The words of the parser would quote what is no text, and it may be the secret.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => Ok(Self(text)),
            _ => {
                Err(D::Error::custom("give a secret as text in quotes, or as \"env:NAME\" or \"file:PATH\""))
            }
        }
    }
}

impl std::fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretRef(…)")
    }
}

impl SecretRef {
    /// A reference of this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A reference to this file.
    pub(super) fn file(path: &Path) -> Self {
        Self(format!("file:{}", path.display()))
    }

    /// The file it is in, if it is in one.
    pub fn path(&self) -> Option<&Path> {
        self.0.strip_prefix("file:").map(Path::new)
    }

    /// The secret, without white space around it.
    ///
    /// # Errors
    /// When the variable is not set, the file cannot be read, or the secret is empty.
    pub fn resolve(&self, env: Env<'_>) -> Result<String, ConfigError> {
        let secret = match self.0.split_once(':') {
            Some(("env", name)) => env(name)
                .ok_or_else(|| ConfigError::new(format!("the environment variable {name} is not set")))?,
            Some(("file", path)) => std::fs::read_to_string(Path::new(path))
                .map_err(|error| ConfigError::new(format!("the secret file {path}: {error}")))?,
            _ => self.0.clone(),
        };
        match secret.trim() {
            "" => Err(ConfigError::new(match self.0.split_once(':') {
                Some(("env", name)) => format!("the environment variable {name} is empty"),
                Some(("file", path)) => format!("the secret file {path} is empty"),
                _ => "the secret is empty".to_owned(),
            })),
            trimmed => Ok(trimmed.to_owned()),
        }
    }
}

/// A length of time: seconds, or text such as `30s`, `15m`, `12h`, `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length(Duration);

impl Length {
    pub(super) const fn secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    /// As a duration.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match toml::Value::deserialize(deserializer)? {
            toml::Value::Integer(secs) => secs.to_string(),
            toml::Value::String(text) => text,
            other => {
                return Err(D::Error::custom(format!("give a length of time such as \"30s\", not {other}")));
            }
        };
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match &text[digits.len()..] {
            "" | "s" => Some(1),
            "m" => Some(60),
            "h" => Some(3600),
            "d" => Some(24 * 3600),
            _ => None,
        };
        let secs = digits.trim().parse::<u64>().ok().zip(unit).and_then(|(n, unit)| n.checked_mul(unit));
        secs.map(Self::secs).ok_or_else(|| {
            D::Error::custom(format!(
                "{text:?} is no length of time; give seconds, or text such as \"30s\" or \"7d\""
            ))
        })
    }
}

/// A signature algorithm by its JOSE name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlgName(pub Alg);

impl Default for AlgName {
    fn default() -> Self {
        Self(Alg::Rs256)
    }
}

impl<'de> Deserialize<'de> for AlgName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = || Alg::ALL.map(Alg::name).join(", ");
        Alg::from_name(&name)
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("{name:?} is no algorithm here; use one of {}", known())))
    }
}

/// How complex subjects are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MatchingName {
    /// At least one member is shared, and none differs.
    #[default]
    SharedMember,
    /// No member differs.
    Literal,
}

impl From<MatchingName> for Matching {
    fn from(name: MatchingName) -> Self {
        match name {
            MatchingName::SharedMember => Self::SharedMember,
            MatchingName::Literal => Self::Literal,
        }
    }
}

/// Which private addresses may be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AllowPrivate {
    /// All or none.
    All(bool),
    /// These ranges, such as `10.1.0.0/16`.
    Ranges(Vec<String>),
}

impl Default for AllowPrivate {
    fn default() -> Self {
        Self::All(false)
    }
}

impl<'de> Deserialize<'de> for AllowPrivate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = toml::Value::deserialize(deserializer)?;
        let range = |value: &toml::Value| value.as_str().map(str::to_owned);
        let read = match &value {
            toml::Value::Boolean(all) => Some(Self::All(*all)),
            toml::Value::Array(ranges) => ranges.iter().map(range).collect::<Option<_>>().map(Self::Ranges),
            _ => None,
        };
        let wanted = || format!("give true, false, or ranges such as [\"10.1.0.0/16\"], not {value}");
        read.ok_or_else(|| D::Error::custom(wanted()))
    }
}

/// Sections whose keys the environment may set; those that are not built yet say so.
const SECTIONS: [&str; 13] = [
    "store",
    "signing",
    "admin",
    "egress",
    "stream",
    "poll",
    "push",
    "retention",
    "limits",
    "tls",
    "oauth",
    "log",
    "otlp",
];

/// Keys that hold text also when it looks like a number.
const TEXTS: [&str; 10] =
    ["issuer", "listen", "url", "alg", "token", "extra_ca", "cert", "key", "audience", "jwks_uri"];

/// Lays `SECEVENT_SECTION_KEY` over a table. Other variables are none of ours.
pub(super) fn lay_over(table: &mut toml::Table, name: &str, value: &str) -> bool {
    let Some(name) = name.strip_prefix("SECEVENT_") else { return false };
    let name = name.to_ascii_lowercase();
    let section =
        SECTIONS.iter().find_map(|section| Some((*section, name.strip_prefix(section)?.strip_prefix('_')?)));
    let (table, key) = match section {
        Some((section, key)) => {
            let entry = table.entry(section).or_insert_with(|| toml::Table::new().into());
            match entry.as_table_mut() {
                Some(table) => (table, key),
                None => return false,
            }
        }
        None if matches!(name.as_str(), "issuer" | "listen") => (table, name.as_str()),
        None => return false,
    };
    let parsed = || toml::from_str::<toml::Table>(&format!("v = {value}")).ok()?.remove("v");
    let typed = if TEXTS.contains(&key) { None } else { parsed() };
    table.insert(key.to_owned(), typed.unwrap_or_else(|| value.into()));
    true
}
