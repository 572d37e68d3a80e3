//! A size, as people write it.

use serde::{Deserialize, Deserializer, de::Error as _};

/// A size: bytes, or text such as `500 MB` or `10 GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes(u64);

impl Bytes {
    /// As a number.
    pub const fn count(self) -> u64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match toml::Value::deserialize(deserializer)? {
            toml::Value::Integer(bytes) => bytes.to_string(),
            toml::Value::String(text) => text,
            other => return Err(D::Error::custom(format!("give a size such as \"10 GB\", not {other}"))),
        };
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match &text[digits.len()..] {
            "" | "B" => Some(1),
            "kB" | "KB" => Some(1_000),
            "MB" => Some(1_000_000),
            "GB" => Some(1_000_000_000),
            "TB" => Some(1_000_000_000_000),
            "KiB" => Some(1 << 10),
            "MiB" => Some(1 << 20),
            "GiB" => Some(1 << 30),
            "TiB" => Some(1 << 40),
            _ => None,
        };
        let bytes = digits.trim().parse::<u64>().ok().zip(unit).and_then(|(n, unit)| n.checked_mul(unit));
        bytes.map(Self).ok_or_else(|| {
            D::Error::custom(format!(
                "{text:?} is no size; give bytes, or text such as \"500 MB\" or \"10 GiB\""
            ))
        })
    }
}
