//! The public half of a key pair: what a recipient publishes and a sender encrypts to.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rsa::{OaepPublicEncryptingKey, PublicEncryptingKey};

use super::EncAlg;
use super::agreement::Point;
use crate::Error;
use crate::error::shown;
use crate::json::{Map, Value};
use crate::key::jwk::{self, Jwk, bad};
use crate::key::rsa;

/// A public key for encrypting to its owner (RFC 7517), parsed and checked once; a clone shares it.
///
/// It never is a symmetric key and never holds private members, so publishing one is always safe.
#[derive(Clone)]
pub struct EncryptionKey(Arc<Parts>);

struct Parts {
    public: Public,
    kid: Option<String>,
    /// The `alg` member, which is one that the key's type supports.
    alg: Option<EncAlg>,
    /// The members as received, unknown ones included.
    jwk: Jwk,
}

pub(super) enum Public {
    Rsa(OaepPublicEncryptingKey),
    Ecdh(Point),
}

impl EncryptionKey {
    /// Reads a public JWK (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).
    ///
    /// Refused with [`Error::BadKey`]: a `use` other than `enc`, `key_ops` without an operation of encryption, `oct`
    /// and unknown types, keys with private members, points off their curve, RSA keys of under 2048 or over 8192
    /// bits, an `alg` that is not ours or not of that type of key, and members of the wrong form. Unknown members
    /// are kept.
    pub fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, Error> {
        if let Some(name) = jwk::private_member(jwk) {
            return bad(format!("it has the private member {name}; a published key must not"));
        }
        check_purpose(jwk, &["encrypt", "wrapKey", "deriveKey", "deriveBits"])?;
        let public = Public::from_jwk(jwk)?;
        let alg = alg(jwk)?;
        if let Some(alg) = alg.filter(|alg| !public.supports(*alg)) {
            return bad(format!("alg {alg} is not one of its type, {}", public.name()));
        }
        let kid = jwk::text(jwk, "kid")?.map(str::to_owned);
        Ok(Self(Arc::new(Parts { public, kid, alg, jwk: jwk.clone() })))
    }

    /// The `kid` member (RFC 7517 §4.5), which the header of a token made with the key repeats.
    pub fn kid(&self) -> Option<&str> {
        self.0.kid.as_deref()
    }

    /// The `alg` member (RFC 7517 §4.4): the one algorithm its owner says the key is for.
    pub fn alg(&self) -> Option<EncAlg> {
        self.0.alg
    }

    /// Whether the key may be used with this algorithm: its type must be the algorithm's, and `alg`, if there, must
    /// name it.
    // spec: BCP-003
    // spec: BCP-020
    pub fn fits(&self, alg: EncAlg) -> bool {
        self.0.public.supports(alg) && self.0.alg.is_none_or(|declared| declared == alg)
    }

    /// The SHA-256 thumbprint in base64url, a name for the key that anyone can compute (RFC 7638).
    pub fn thumbprint(&self) -> String {
        jwk::thumbprint(&self.0.jwk)
    }

    /// The key as a public JWK, with the members it was read from.
    pub fn to_jwk(&self) -> Map<String, Value> {
        self.0.jwk.clone()
    }

    pub(super) fn public(&self) -> &Public {
        &self.0.public
    }
}

/// A short description for messages: type, and what the key is declared for.
impl fmt::Display for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.public.name())?;
        if let Some(alg) = self.0.alg {
            write!(f, " for {alg}")?;
        }
        match self.kid() {
            Some(kid) => write!(f, ", kid {}", shown(kid)),
            None => f.write_str(", without kid"),
        }
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptionKey({self})")
    }
}

impl Public {
    // spec: BCP-009
    fn from_jwk(jwk: &Jwk) -> Result<Self, Error> {
        match jwk::required(jwk, "kty")? {
            "RSA" => {
                let key: Result<PublicEncryptingKey, _> = rsa::Public::from_jwk(jwk)?.components.try_into();
                match key.and_then(OaepPublicEncryptingKey::new) {
                    Ok(key) => Ok(Self::Rsa(key)),
                    Err(_) => bad("n and e are not those of an RSA key"),
                }
            }
            kty @ ("EC" | "OKP") => Point::from_jwk(kty, jwk).map(Self::Ecdh),
            other => bad(format!("kty {} is not RSA, EC or OKP", shown(other))),
        }
    }

    fn supports(&self, alg: EncAlg) -> bool {
        matches!(self, Self::Rsa(_)) == (alg == EncAlg::RsaOaep256)
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RSA",
            Self::Ecdh(point) => point.crv.name(),
        }
    }
}

/// The declared algorithm. One that is not ours makes the key useless, whatever its type (RFC 7517 §4.4).
pub(super) fn alg(jwk: &Jwk) -> Result<Option<EncAlg>, Error> {
    let Some(name) = jwk::text(jwk, "alg")? else { return Ok(None) };
    match EncAlg::from_name(name) {
        Some(alg) => Ok(Some(alg)),
        None => bad(format!("alg {} is not an encryption algorithm of ours", shown(name))),
    }
}

/// Whether `use` and `key_ops`, if there, permit one of these operations (RFC 7517 §4.2, §4.3).
///
/// An empty `key_ops` says nothing: it is what Web Cryptography writes for the public half of a key for agreement.
pub(super) fn check_purpose(jwk: &Jwk, operations: &[&str]) -> Result<(), Error> {
    if let Some(usage) = jwk::text(jwk, "use")?.filter(|usage| *usage != "enc") {
        return bad(format!("use is {}, and must be enc or absent (RFC 7517 §4.2)", shown(usage)));
    }
    match jwk.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(listed)) if listed.is_empty() => Ok(()),
        Some(Value::Array(listed))
            if operations.iter().any(|wanted| listed.iter().any(|op| op == wanted)) =>
        {
            Ok(())
        }
        Some(Value::Array(_)) => bad("key_ops lists no operation of encryption (RFC 7517 §4.3)"),
        Some(_) => bad("key_ops is not an array (RFC 7517 §4.3)"),
    }
}
