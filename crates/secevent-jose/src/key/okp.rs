//! Octet key pairs (RFC 8037 §2) for `EdDSA`, of which there is one curve here: Ed25519.

use aws_lc_rs::encoding::{AsBigEndian, Curve25519SeedBin};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
use zeroize::Zeroizing;

use super::jwk::{self, Jwk, bad};
use super::signing::Members;
use crate::error::shown;
use crate::{Alg, Error, base64url};

const CURVE: &str = "Ed25519";
/// Length of the public key and of the private seed (RFC 8032 §5.1.5).
const BYTES: usize = 32;

pub(super) fn supports(alg: Alg) -> bool {
    alg.is_same_as(Alg::Ed25519)
}

/// The members of a public key.
pub(super) fn public_members(key: &[u8]) -> Members {
    vec![("crv", Zeroizing::new(CURVE.to_owned())), ("x", Zeroizing::new(base64url(key)))]
}

fn check_curve(jwk: &Jwk) -> Result<(), Error> {
    match jwk::required(jwk, "crv")? {
        CURVE => Ok(()),
        other => bad(format!("crv {} is not Ed25519", shown(other))),
    }
}

/// The public half.
#[derive(Clone)]
pub(super) struct Public(ParsedPublicKey);

impl Public {
    pub(super) fn from_jwk(jwk: &Jwk) -> Result<Self, Error> {
        check_curve(jwk)?;
        match ParsedPublicKey::new(&ED25519, &*jwk::octets_of(jwk, "x", BYTES)?) {
            Ok(parsed) => Ok(Self(parsed)),
            Err(_) => bad("x is not a point of Ed25519"),
        }
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        self.0.verify_sig(message, signature).map_err(|_| Error::BadSignature)
    }
}

/// The private half.
pub(super) struct Private(Ed25519KeyPair);

impl Private {
    pub(super) fn generate() -> Result<Self, Error> {
        match Ed25519KeyPair::generate() {
            Ok(pair) => Ok(Self(pair)),
            Err(_) => bad("Ed25519 key generation failed"),
        }
    }

    /// From a private JWK; `d` is checked against `x`.
    pub(super) fn from_jwk(alg: Alg, jwk: &Jwk) -> Result<Self, Error> {
        if !supports(alg) {
            return Err(Error::unfit(alg, "OKP"));
        }
        check_curve(jwk)?;
        let (d, x) = (jwk::octets_of(jwk, "d", BYTES)?, jwk::octets_of(jwk, "x", BYTES)?);
        match Ed25519KeyPair::from_seed_and_public_key(&d, &x) {
            Ok(pair) => Ok(Self(pair)),
            Err(_) => bad("d and x are not those of one Ed25519 key"),
        }
    }

    /// From a `PrivateKeyInfo` with or without the public key (RFC 8410 §7).
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        match Ed25519KeyPair::from_pkcs8(der) {
            Ok(pair) => Ok(Self(pair)),
            Err(why) => bad(format!("not a private key of Ed25519: {why}")),
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        match self.0.try_sign(message) {
            Ok(signature) => Ok(signature.as_ref().to_vec()),
            Err(_) => Err(Error::Sign(CURVE.into())),
        }
    }

    pub(super) fn public_members(&self) -> Members {
        public_members(self.0.public_key().as_ref())
    }

    pub(super) fn private_members(&self) -> Result<Members, Error> {
        let seed: Result<Curve25519SeedBin<'_>, _> = self.0.seed().and_then(|seed| seed.as_be_bytes());
        let seed = seed.map_err(|_| Error::BadKey("Ed25519 key cannot be exported".into()))?;
        Ok(vec![("d", Zeroizing::new(base64url(seed.as_ref())))])
    }
}
