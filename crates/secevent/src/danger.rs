//! What skips a check. Each use is a place for a reviewer to look at.

use secevent_jose::{Compact, json};
use serde_json::{Map, Value};

use crate::{Error, ErrorCode, Policy, Profile, set};

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
    let claims = json::parse_object(jws.payload_unverified()).map_err(|error| {
        let id = set::json_rule(&error);
        Error::peer(ErrorCode::InvalidRequest, id, &error, set::JSON_MEND)
    })?;
    Ok(Peeked { header: jws.header().members().clone(), claims })
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
