//! JSON Web Key Set (RFC 7517 §5): the keys that an issuer publishes.

use serde_json::json;

use crate::error::shown;
use crate::json::{self, Value};
use crate::{Alg, Error, VerifyingKey};

/// A set of 100 RSA-4096 keys is about 80 KiB; certificates in `x5c` may triple that.
const BYTES_MAX: usize = 256 * 1024;
/// Issuers publish two to ten keys; every one more is work for whoever looks for a key.
const KEYS_MAX: usize = 100;

/// The usable public keys of one issuer.
///
/// Keep one set per issuer and never merge two: a token is only as good as the set it was checked against
/// (RFC 8725 §3.8).
#[derive(Clone, Debug, Default)]
pub struct JwkSet {
    keys: Vec<VerifyingKey>,
    skipped: Vec<String>,
}

impl JwkSet {
    /// The set of these keys, for publishing.
    pub fn new(keys: Vec<VerifyingKey>) -> Self {
        Self { keys, skipped: Vec::new() }
    }

    /// Reads a set (RFC 7517 §5).
    ///
    /// A member that is not a usable public signature key is left out and listed in
    /// [`skipped`](Self::skipped), so that one odd key does not take the issuer off the air. Errors:
    /// [`Error::TooLong`] over 256 KiB, [`Error::Json`], and [`Error::Malformed`] if `keys` is not an array or
    /// has more than 100 members.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > BYTES_MAX {
            return Err(Error::TooLong { bytes: bytes.len(), max: BYTES_MAX });
        }
        let document = json::parse_object(bytes)?;
        let Some(Value::Array(members)) = document.get("keys") else {
            return Err(Error::Malformed("a JWK set has an array named keys (RFC 7517 §5.1)".into()));
        };
        if members.len() > KEYS_MAX {
            let found = members.len();
            return Err(Error::Malformed(format!("a JWK set of {found} keys; the limit is {KEYS_MAX}")));
        }
        let mut set = Self::default();
        for (position, member) in members.iter().enumerate() {
            match read(member) {
                Ok(key) => set.keys.push(key),
                Err(reason) => set.skipped.push(format!("key {position}{}: {reason}", kid_of(member))),
            }
        }
        Ok(set)
    }

    /// One sentence for each member that was left out: its position, its `kid` and the reason.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// The usable keys, in the order published.
    pub fn keys(&self) -> &[VerifyingKey] {
        &self.keys
    }

    /// The one key to verify a token of this `alg` and `kid` with.
    ///
    /// With `kid`, the key of that name that fits the algorithm; without, the only key that fits. Errors:
    /// [`Error::KeyNotFound`], upon which the set may have to be fetched again, and [`Error::AmbiguousKey`]
    /// rather than trying one after the other.
    // spec: BCP-003
    // spec: BCP-016
    pub fn find(&self, alg: Alg, kid: Option<&str>) -> Result<&VerifyingKey, Error> {
        let mut candidates =
            self.keys.iter().filter(|key| (kid.is_none() || key.kid() == kid) && key.fits(alg));
        match (candidates.next(), candidates.next()) {
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err(Error::AmbiguousKey),
            (None, _) => Err(Error::KeyNotFound { kid: kid.map(str::to_owned) }),
        }
    }

    /// The set as JSON, for the issuer's `jwks_uri`. There is no way for a private member to be in it.
    pub fn to_json(&self) -> String {
        json!({ "keys": self.keys.iter().map(VerifyingKey::to_jwk).collect::<Vec<_>>() }).to_string()
    }
}

fn read(member: &Value) -> Result<VerifyingKey, Error> {
    let jwk = member.as_object().ok_or_else(|| Error::BadKey("not a JSON object".into()))?;
    VerifyingKey::from_jwk(jwk)
}

fn kid_of(member: &Value) -> String {
    member["kid"].as_str().map(|kid| format!(" (kid {})", shown(kid))).unwrap_or_default()
}
