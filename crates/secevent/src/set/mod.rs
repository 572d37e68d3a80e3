//! The Security Event Token (RFC 8417): made by [`Set::issue`], read by [`Set::parse`].

mod claims;
mod envelope;
mod issue;
#[cfg(feature = "jwe")]
mod nested;
mod policy;
mod template;
mod unverified;
mod verified;

pub use claims::Claims;
pub(crate) use claims::{check_claims, check_event};
pub(crate) use envelope::Envelope;
pub use issue::{Draft, Unsigned};
#[cfg(feature = "jwe")]
pub use nested::{Decrypted, Recipient};
pub use policy::Policy;
pub use template::Template;
pub(crate) use unverified::{JSON_MEND, claims_document, json_rule, judge, not_json};
pub use unverified::{KeyHint, Keys, UnverifiedSet};
pub use verified::VerifiedSet;

use crate::Error;

/// The way in: [`Set::issue`] makes a token, [`Set::parse`] reads one.
#[derive(Debug)]
#[non_exhaustive]
pub struct Set;

impl Set {
    /// Begins a SET of this issuer.
    pub fn issue(iss: impl Into<String>) -> Draft {
        Draft::new(iss.into())
    }

    /// Reads a compact token as far as is safe without a key: size, shape and header.
    ///
    /// # Errors
    /// `invalid_request` when it is not a JWS in compact form (RFC 7519 §7.2).
    pub fn parse(token: &str) -> Result<UnverifiedSet<'_>, Error> {
        UnverifiedSet::parse(token)
    }
}
