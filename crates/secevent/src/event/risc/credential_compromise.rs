//! `credential-compromise` (RISC 1.0 §2.7).

use secevent_jose::json::Json;
use serde_json::Value;

use crate::{
    Check,
    event::{LanguageMap, Member, NumericDate, caep::CredentialType, define::event},
};

event! {
    /// A credential of the subject was found compromised.
    // spec: RISC-015, RISC-016, RISC-017
    CredentialCompromise, "https://schemas.openid.net/secevent/risc/event-type/credential-compromise", "RISC 1.0 §2.7";
    required {
        /// The kind of credential.
        credential_type: CredentialType, "credential_type" = "RISC-016";
    }
    optional {
        /// When the transmitter found out.
        event_timestamp: NumericDate, "event_timestamp" = "RISC-017";
        /// Why, for logs and audit.
        reason_admin: Reason, "reason_admin" = "RISC-018";
        /// Why, for the end user.
        reason_user: Reason, "reason_user" = "RISC-018";
    }
}

/// A reason whose type RISC leaves open: CAEP's languages, or plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Text in several languages; what is sent.
    Languages(LanguageMap),
    /// Plain text; accepted.
    Text(String),
}

impl From<LanguageMap> for Reason {
    fn from(texts: LanguageMap) -> Self {
        Self::Languages(texts)
    }
}

impl From<(&str, &str)> for Reason {
    fn from(text: (&str, &str)) -> Self {
        Self::Languages(text.into())
    }
}

impl Member for Reason {
    const EXPECTED: &'static str = LanguageMap::EXPECTED;

    // spec: RISC-018
    fn read(value: Json<'_>) -> Option<Self> {
        LanguageMap::read(value).map(Self::Languages).or_else(|| String::read(value).map(Self::Text))
    }

    fn write(&self) -> Value {
        match self {
            Self::Languages(texts) => texts.write(),
            Self::Text(text) => text.write(),
        }
    }

    fn is_plain(&self) -> bool {
        matches!(self, Self::Languages(texts) if texts.is_plain())
    }

    fn advise(&self, id: &'static str, check: &mut Check) {
        match self {
            Self::Languages(texts) => texts.advise(id, check),
            Self::Text(_) => check.warn(id, "plain text", format!("give {}", Self::EXPECTED)),
        }
    }
}
