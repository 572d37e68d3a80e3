//! Elliptic curve keys (RFC 7518 §6.2) for ES256, ES384 and ES512 (§3.4).

use aws_lc_rs::encoding::{AsBigEndian, EcPrivateKeyBin};
use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self as sig, EcdsaKeyPair, KeyPair as _, ParsedPublicKey};
use aws_lc_rs::signature::{EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm};
use zeroize::Zeroizing;

use super::jwk::{self, Jwk, bad};
use super::signing::Members;
use crate::error::shown;
use crate::{Alg, Error, base64url};

/// First byte of a point of which both coordinates follow.
const UNCOMPRESSED: u8 = 4;

/// A curve, with the one algorithm that JWS has for it.
pub(super) struct Curve {
    pub(super) name: &'static str,
    pub(super) alg: Alg,
    /// Its object identifier in DER (RFC 5480 §2.1.1.1).
    oid: &'static [u8],
    /// Length of a coordinate and of the private number: both are written in full (RFC 7518 §6.2.1.2).
    bytes: usize,
    /// "Fixed" is the encoding of JWS: R and S side by side.
    verification: &'static EcdsaVerificationAlgorithm,
    signing: &'static EcdsaSigningAlgorithm,
}

static CURVES: [Curve; 3] = [
    Curve {
        name: "P-256",
        alg: Alg::Es256,
        oid: b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
        bytes: 32,
        verification: &sig::ECDSA_P256_SHA256_FIXED,
        signing: &sig::ECDSA_P256_SHA256_FIXED_SIGNING,
    },
    Curve {
        name: "P-384",
        alg: Alg::Es384,
        oid: b"\x06\x05\x2b\x81\x04\x00\x22",
        bytes: 48,
        verification: &sig::ECDSA_P384_SHA384_FIXED,
        signing: &sig::ECDSA_P384_SHA384_FIXED_SIGNING,
    },
    Curve {
        name: "P-521",
        alg: Alg::Es512,
        oid: b"\x06\x05\x2b\x81\x04\x00\x23",
        bytes: 66,
        verification: &sig::ECDSA_P521_SHA512_FIXED,
        signing: &sig::ECDSA_P521_SHA512_FIXED_SIGNING,
    },
];

impl Curve {
    pub(super) fn from_jwk(jwk: &Jwk) -> Result<&'static Self, Error> {
        let name = jwk::required(jwk, "crv")?;
        let curve = CURVES.iter().find(|curve| curve.name == name);
        curve.ok_or_else(|| Error::BadKey(format!("crv {} is not P-256, P-384 or P-521", shown(name))))
    }

    fn from_alg(alg: Alg) -> Result<&'static Self, Error> {
        CURVES.iter().find(|curve| curve.alg == alg).ok_or_else(|| Error::unfit(alg, "EC"))
    }

    pub(super) fn from_oid(oid: &[u8]) -> Option<&'static Self> {
        CURVES.iter().find(|curve| curve.oid == oid)
    }

    /// The members of this point, which must be in uncompressed form.
    pub(super) fn public_members(&self, point: &[u8]) -> Result<Members, Error> {
        match point {
            [UNCOMPRESSED, xy @ ..] if xy.len() == 2 * self.bytes => {
                let text = |octets| Zeroizing::new(base64url(octets));
                let (x, y) = xy.split_at(self.bytes);
                Ok(vec![("crv", Zeroizing::new(self.name.to_owned())), ("x", text(x)), ("y", text(y))])
            }
            _ => bad(format!("not a point of {} in uncompressed form", self.name)),
        }
    }

    /// The point in uncompressed form (SEC 1 §2.3.3).
    fn point(&self, jwk: &Jwk) -> Result<Vec<u8>, Error> {
        let (x, y) = (jwk::octets_of(jwk, "x", self.bytes)?, jwk::octets_of(jwk, "y", self.bytes)?);
        Ok([&[UNCOMPRESSED], x.as_slice(), y.as_slice()].concat())
    }
}

/// The public half: a point that is on its curve.
#[derive(Clone)]
pub(super) struct Public {
    pub(super) curve: &'static Curve,
    parsed: ParsedPublicKey,
}

impl Public {
    // spec: BCP-009
    pub(super) fn from_jwk(jwk: &Jwk) -> Result<Self, Error> {
        let curve = Curve::from_jwk(jwk)?;
        match ParsedPublicKey::new(curve.verification, curve.point(jwk)?) {
            Ok(parsed) => Ok(Self { curve, parsed }),
            Err(_) => bad(format!("x and y are not a point of {}", curve.name)),
        }
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        self.parsed.verify_sig(message, signature).map_err(|_| Error::BadSignature)
    }
}

/// The private half.
pub(super) struct Private {
    curve: &'static Curve,
    pair: EcdsaKeyPair,
}

impl Private {
    pub(super) fn generate(alg: Alg) -> Result<Self, Error> {
        let curve = Curve::from_alg(alg)?;
        match EcdsaKeyPair::generate(curve.signing) {
            Ok(pair) => Ok(Self { curve, pair }),
            Err(_) => bad("EC key generation failed"),
        }
    }

    /// From a private JWK; `d` is checked against `x` and `y`.
    pub(super) fn from_jwk(alg: Alg, jwk: &Jwk) -> Result<Self, Error> {
        let curve = Curve::from_jwk(jwk)?;
        if curve.alg != alg {
            return Err(Error::unfit(alg, curve.name));
        }
        let d = jwk::octets_of(jwk, "d", curve.bytes)?;
        match EcdsaKeyPair::from_private_key_and_public_key(curve.signing, &d, &curve.point(jwk)?) {
            Ok(pair) => Ok(Self { curve, pair }),
            Err(_) => bad(format!("d, x and y are not those of one key of {}", curve.name)),
        }
    }

    /// From a `PrivateKeyInfo` (RFC 5208 §5).
    pub(super) fn from_pkcs8(curve: &'static Curve, der: &[u8]) -> Result<Self, Error> {
        Self::read(curve, EcdsaKeyPair::from_pkcs8(curve.signing, der))
    }

    /// From an `ECPrivateKey` (RFC 5915 §3).
    pub(super) fn from_sec1(curve: &'static Curve, der: &[u8]) -> Result<Self, Error> {
        Self::read(curve, EcdsaKeyPair::from_private_key_der(curve.signing, der))
    }

    fn read(curve: &'static Curve, pair: Result<EcdsaKeyPair, KeyRejected>) -> Result<Self, Error> {
        match pair {
            Ok(pair) => Ok(Self { curve, pair }),
            Err(why) => bad(format!("not a private key of {}: {why}", curve.name)),
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        match self.pair.sign(&SystemRandom::new(), message) {
            Ok(signature) => Ok(signature.as_ref().to_vec()),
            Err(_) => Err(Error::Sign("ECDSA".into())),
        }
    }

    pub(super) fn public_members(&self) -> Result<Members, Error> {
        self.curve.public_members(self.pair.public_key().as_ref())
    }

    pub(super) fn private_members(&self) -> Result<Members, Error> {
        let d: Result<EcPrivateKeyBin<'_>, _> = self.pair.private_key().as_be_bytes();
        let d = d.map_err(|_| Error::BadKey("EC key cannot be exported".into()))?;
        Ok(vec![("d", Zeroizing::new(base64url(d.as_ref())))])
    }
}
