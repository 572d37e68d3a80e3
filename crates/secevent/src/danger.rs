//! What skips a check. Each use is a place for a reviewer to look at.

mod unsigned;

use secevent_jose::{Compact, JsonError};
use serde_json::{Map, Value};

pub use unsigned::{SecureChannel, UnsignedSet, accept_unsigned, issue_unsigned};

use crate::{Claims, Error, Policy, Profile, Timestamp, set};

/// Header and claims of a token that nobody vouched for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Peeked {
    /// The JOSE header.
    pub header: Map<String, Value>,
    /// The claims.
    pub claims: Map<String, Value>,
}

/// Reads a token without verifying it: for showing it, or for picking the stream it belongs to (CHK-004).
///
/// # Errors
/// `invalid_request` when the token cannot be read at all.
pub fn peek(token: &str) -> Result<Peeked, Error> {
    let jws = Compact::parse(token).map_err(|error| Error::jose(&error))?;
    let (header, payload) = jws.into_parts();
    let document = set::claims_document(payload)?;
    let claims = document.root().as_object().ok_or_else(|| set::not_json(&JsonError::NOT_AN_OBJECT))?;
    Ok(Peeked { header: header.members().to_map(), claims: claims.to_map() })
}

/// Reads a token that was verified before, such as one out of a store of one's own: every rule is judged again, and
/// the signature is not.
///
/// # Errors
/// As [`UnverifiedSet::verify`](crate::UnverifiedSet::verify), without those of keys.
pub fn verified_before(token: &str, policy: &Policy, now: Timestamp) -> Result<Claims, Error> {
    let jws = Compact::parse(token).map_err(|error| Error::jose(&error))?;
    let (header, payload) = jws.into_parts();
    Ok(set::judge(&header, payload, policy, now)?.0)
}

/// A policy that takes tokens of any issuer to any audience; [`check_iss`] and [`check_aud`] narrow it.
pub const fn unchecked(profile: Profile) -> Policy {
    Policy::unchecked(profile)
}

/// Sets the issuer of a policy, if there is one.
pub fn check_iss(mut policy: Policy, iss: Option<String>) -> Policy {
    policy.iss = iss;
    policy
}

/// Sets the audience of a policy, if there is one.
pub fn check_aud(mut policy: Policy, aud: Option<String>) -> Policy {
    policy.aud = aud.map(|aud| vec![aud]);
    policy
}
