//! The public half of a key pair: what an issuer publishes and a receiver verifies with.

use std::fmt;
use std::sync::Arc;

use super::jwk::{self, Jwk, bad};
use super::{ec, okp, rsa};
use crate::error::shown;
use crate::json::{Map, Value};
use crate::{Alg, Error};

/// A public key for verifying signatures (RFC 7517), parsed and checked once; a clone shares it.
///
/// It never is a symmetric key and never holds private members, so publishing one is always safe.
#[derive(Clone)]
pub struct VerifyingKey(Arc<Parts>);

#[derive(Clone)]
struct Parts {
    public: Public,
    kid: Option<String>,
    /// The `alg` member, which is one that the key's type and curve support.
    alg: Option<Alg>,
    /// Whether `use` and `key_ops` permit verification.
    may_verify: bool,
    /// The members as received, unknown ones included.
    jwk: Jwk,
}

#[derive(Clone)]
enum Public {
    Rsa(rsa::Public),
    Ec(ec::Public),
    Okp(okp::Public),
}

impl VerifyingKey {
    /// Reads a public JWK (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).
    ///
    /// Refused with [`Error::BadKey`]: `oct` and unknown types, keys with private members, points off their
    /// curve, RSA keys of under 2048 or over 8192 bits or with an exponent that is even or below 3, an `alg` that
    /// is not ours or not of that type of key, and members of the wrong form. Unknown members are kept.
    pub fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, Error> {
        if let Some(name) = jwk::private_member(jwk) {
            return bad(format!("it has the private member {name}; a published key must not"));
        }
        let public = Public::from_jwk(jwk)?;
        let alg = jwk::alg(jwk)?;
        if let Some(alg) = alg.filter(|alg| !public.supports(*alg)) {
            return bad(format!("alg {alg} is not one of its type, {}", public.name()));
        }
        let kid = jwk::text(jwk, "kid")?.map(str::to_owned);
        let may_verify = jwk::permits(jwk, "verify")?;
        Ok(Self(Arc::new(Parts { public, kid, alg, may_verify, jwk: jwk.clone() })))
    }

    /// The `kid` member (RFC 7517 §4.5).
    pub fn kid(&self) -> Option<&str> {
        self.0.kid.as_deref()
    }

    /// The `alg` member (RFC 7517 §4.4): the one algorithm the issuer says the key is for.
    pub fn alg(&self) -> Option<Alg> {
        self.0.alg
    }

    /// Whether the key may verify signatures of this algorithm.
    ///
    /// Its type and curve must be the algorithm's, `alg`, if there, must name it (`EdDSA` and `Ed25519` name the
    /// same one), `use` must not be `enc`, and `key_ops`, if there, must list `verify`.
    // spec: BCP-003
    // spec: BCP-020
    pub fn fits(&self, alg: Alg) -> bool {
        self.0.may_verify
            && self.0.public.supports(alg)
            && self.0.alg.is_none_or(|declared| declared.is_same_as(alg))
    }

    /// Verifies a signature in the form that JWS uses.
    ///
    /// Errors: [`Error::KeyUnfit`] if the key does not [fit](Self::fits), [`Error::BadSignature`].
    // spec: BCP-002
    // spec: BCP-020
    pub fn verify(&self, alg: Alg, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        if !self.fits(alg) {
            return Err(Error::unfit(alg, self.to_string()));
        }
        match &self.0.public {
            Public::Rsa(key) => key.verify(alg, message, signature),
            Public::Ec(key) => key.verify(message, signature),
            Public::Okp(key) => key.verify(message, signature),
        }
    }

    /// The same key under another name.
    pub(super) fn with_kid(&self, kid: &str) -> Self {
        let mut parts = Parts::clone(&self.0);
        parts.kid = Some(kid.to_owned());
        parts.jwk.insert("kid".to_owned(), kid.into());
        Self(Arc::new(parts))
    }

    /// The SHA-256 thumbprint in base64url, a name for the key that anyone can compute (RFC 7638).
    pub fn thumbprint(&self) -> String {
        jwk::thumbprint(&self.0.jwk)
    }

    /// The key as a public JWK, with the members it was read from.
    pub fn to_jwk(&self) -> Map<String, Value> {
        self.0.jwk.clone()
    }
}

/// A short description for messages: type, and what the key is declared for.
impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.public.name())?;
        if let Some(alg) = self.0.alg {
            write!(f, " for {alg}")?;
        }
        if !self.0.may_verify {
            f.write_str(", not for verifying")?;
        }
        match self.kid() {
            Some(kid) => write!(f, ", kid {}", shown(kid)),
            None => f.write_str(", without kid"),
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({self})")
    }
}

impl Public {
    fn from_jwk(jwk: &Jwk) -> Result<Self, Error> {
        match jwk::required(jwk, "kty")? {
            "RSA" => rsa::Public::from_jwk(jwk).map(Self::Rsa),
            "EC" => ec::Public::from_jwk(jwk).map(Self::Ec),
            "OKP" => okp::Public::from_jwk(jwk).map(Self::Okp),
            other => bad(format!("kty {} is not RSA, EC or OKP", shown(other))),
        }
    }

    fn supports(&self, alg: Alg) -> bool {
        match self {
            Self::Rsa(_) => rsa::supports(alg),
            Self::Ec(key) => key.curve.alg == alg,
            Self::Okp(_) => okp::supports(alg),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RSA",
            Self::Ec(key) => key.curve.name,
            Self::Okp(_) => "Ed25519",
        }
    }
}
