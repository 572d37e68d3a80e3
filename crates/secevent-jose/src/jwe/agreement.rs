//! Key agreement by Elliptic Curve Diffie-Hellman (RFC 7518 §4.6, RFC 8037 §3.2): points, private keys, and the
//! derivation of a key from what both sides have agreed on.

use std::fmt;

use aws_lc_rs::agreement::{self, Algorithm, ParsedPublicKey, PrivateKey, UnparsedPublicKey};
use aws_lc_rs::encoding::{AsBigEndian, Curve25519SeedBin, EcPrivateKeyBin};
use aws_lc_rs::kdf::{SskdfDigestAlgorithmId, get_sskdf_digest_algorithm, sskdf_digest};
use zeroize::Zeroizing;

use crate::error::shown;
use crate::key::jwk::{self, Jwk, bad};
use crate::key::signing::Members;
use crate::{Error, base64url, constant_time_eq};

/// First byte of a point of which both coordinates follow.
const UNCOMPRESSED: u8 = 4;

/// A curve for key agreement, by its `crv` (RFC 7518 §6.2.1.1, RFC 8037 §2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum Crv {
    /// `P-256`.
    P256,
    /// `P-384`.
    P384,
    /// `P-521`.
    P521,
    /// `X25519` (RFC 7748).
    X25519,
}

impl Crv {
    /// Every curve of this crate, in the order in which they are listed to people.
    pub const ALL: [Self; 4] = [Self::P256, Self::P384, Self::P521, Self::X25519];

    /// The name in the IANA registry, which is the value of `crv`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
            Self::X25519 => "X25519",
        }
    }

    pub(super) const fn kty(self) -> &'static str {
        if matches!(self, Self::X25519) { "OKP" } else { "EC" }
    }

    /// The curve of a JWK of this type.
    fn from_jwk(kty: &str, jwk: &Jwk) -> Result<Self, Error> {
        let name = jwk::required(jwk, "crv")?;
        let curve = Self::ALL.into_iter().find(|curve| curve.kty() == kty && curve.name() == name);
        curve.ok_or_else(|| {
            Error::BadKey(format!("crv {} of kty {kty} is not for key agreement", shown(name)))
        })
    }

    const fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::P256 => &agreement::ECDH_P256,
            Self::P384 => &agreement::ECDH_P384,
            Self::P521 => &agreement::ECDH_P521,
            Self::X25519 => &agreement::X25519,
        }
    }

    /// Length of a coordinate and of the private number: both are written in full (RFC 7518 §6.2.1.2).
    const fn bytes(self) -> usize {
        match self {
            Self::P256 | Self::X25519 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

impl fmt::Display for Crv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A public key that is a point of its curve.
#[derive(Clone)]
pub(super) struct Point {
    pub(super) crv: Crv,
    parsed: ParsedPublicKey,
}

impl Point {
    // spec: BCP-009
    pub(super) fn from_jwk(kty: &str, jwk: &Jwk) -> Result<Self, Error> {
        let crv = Crv::from_jwk(kty, jwk)?;
        let x = jwk::octets_of(jwk, "x", crv.bytes())?;
        let octets = match crv {
            Crv::X25519 => x.to_vec(),
            _ => [&[UNCOMPRESSED], &x[..], &jwk::octets_of(jwk, "y", crv.bytes())?[..]].concat(),
        };
        match ParsedPublicKey::try_from(UnparsedPublicKey::new(crv.algorithm(), octets)) {
            Ok(parsed) => Ok(Self { crv, parsed }),
            Err(_) => bad(format!("it is not a point of {crv}")),
        }
    }

    /// `crv`, `x` and, but for X25519, `y`.
    pub(super) fn members(&self) -> Vec<(&'static str, String)> {
        let octets = self.parsed.as_ref();
        let crv = ("crv", self.crv.name().to_owned());
        if self.crv == Crv::X25519 {
            return vec![crv, ("x", base64url(octets))];
        }
        let (x, y) = octets[1..].split_at(self.crv.bytes());
        vec![crv, ("x", base64url(x)), ("y", base64url(y))]
    }

    /// The point as the `epk` of a header (RFC 7518 §4.6.1.1).
    pub(super) fn to_jwk(&self) -> Jwk {
        let kty = ("kty", self.crv.kty().to_owned());
        std::iter::once(kty)
            .chain(self.members())
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect()
    }
}

/// A private key for agreement: the recipient's, or one that is made for a single token.
pub(super) struct Secret {
    key: PrivateKey,
    pub(super) point: Point,
}

impl Secret {
    /// `None` when the system has no randomness.
    pub(super) fn generate(crv: Crv) -> Option<Self> {
        Self::new(crv, PrivateKey::generate(crv.algorithm()).ok()?)
    }

    /// From a private JWK; `d` is checked against `x` and `y`.
    pub(super) fn from_jwk(kty: &str, jwk: &Jwk) -> Result<Self, Error> {
        let public = Point::from_jwk(kty, jwk)?;
        let d = jwk::octets_of(jwk, "d", public.crv.bytes())?;
        let key = PrivateKey::from_private_key(public.crv.algorithm(), &d).ok();
        let secret = key
            .and_then(|key| Self::new(public.crv, key))
            .filter(|secret| constant_time_eq(secret.point.parsed.as_ref(), public.parsed.as_ref()));
        secret.ok_or_else(|| Error::BadKey(format!("d is not that of its public members on {}", public.crv)))
    }

    fn new(crv: Crv, key: PrivateKey) -> Option<Self> {
        let octets = key.compute_public_key().ok()?;
        let parsed = UnparsedPublicKey::new(crv.algorithm(), octets).try_into().ok()?;
        Some(Self { key, point: Point { crv, parsed } })
    }

    pub(super) fn private_members(&self) -> Result<Members, Error> {
        let text = |octets: &[u8]| Zeroizing::new(base64url(octets));
        let d = if self.point.crv == Crv::X25519 {
            let seed: Result<Curve25519SeedBin<'_>, _> = self.key.as_be_bytes();
            seed.map(|seed| text(seed.as_ref()))
        } else {
            let number: Result<EcPrivateKeyBin<'_>, _> = self.key.as_be_bytes();
            number.map(|number| text(number.as_ref()))
        };
        Ok(vec![("d", d.map_err(|_| Error::BadKey("the key cannot be exported".into()))?)])
    }

    /// Agrees with the other side and derives a key; `None` when there is nothing to agree on, as with the points of
    /// small order on X25519 (RFC 7748 §6.1).
    pub(super) fn agree(&self, other: &Point, purpose: &Purpose<'_>) -> Option<Zeroizing<Vec<u8>>> {
        agreement::agree(&self.key, other.parsed.clone(), None, |z| Ok::<_, Option<_>>(derive(z, purpose)))
            .unwrap_or_else(|nothing| nothing)
    }
}

/// What the derived key is for, which enters its derivation (RFC 7518 §4.6.2).
#[derive(Clone, Copy)]
pub(super) struct Purpose<'a> {
    /// `enc` when the key encrypts content, `alg` when it wraps a key.
    pub(super) name: &'a str,
    pub(super) apu: &'a [u8],
    pub(super) apv: &'a [u8],
    pub(super) bytes: usize,
}

/// The Concat KDF with SHA-256 (NIST SP 800-56A §5.8.1), which later documents call the one-step KDF.
fn derive(z: &[u8], purpose: &Purpose<'_>) -> Option<Zeroizing<Vec<u8>>> {
    let mut info = Vec::new();
    for part in [purpose.name.as_bytes(), purpose.apu, purpose.apv] {
        info.extend(u32::try_from(part.len()).ok()?.to_be_bytes());
        info.extend(part);
    }
    info.extend(u32::try_from(purpose.bytes * 8).ok()?.to_be_bytes());
    let sha256 = get_sskdf_digest_algorithm(SskdfDigestAlgorithmId::Sha256)?;
    let mut key = Zeroizing::new(vec![0; purpose.bytes]);
    sskdf_digest(sha256, z, &info, &mut key).ok()?;
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_object;

    const ALICE: &[u8] = br#"{"kty":"EC","crv":"P-256","x":"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0","y":"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps","d":"0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo"}"#;
    const BOB: &[u8] = br#"{"kty":"EC","crv":"P-256","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ","y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck","d":"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"}"#;

    /// RFC 7518, Appendix C.
    #[test]
    fn both_sides_derive_the_key_of_the_rfc_example() {
        let [alice, bob] =
            [ALICE, BOB].map(|jwk| Secret::from_jwk("EC", &parse_object(jwk).unwrap()).unwrap());
        let purpose = Purpose { name: "A128GCM", apu: b"Alice", apv: b"Bob", bytes: 16 };
        for (one, other) in [(&alice, &bob), (&bob, &alice)] {
            let key = one.agree(&other.point, &purpose).unwrap();
            assert_eq!(base64url(&key), "VqqN6vgjbSBcIijNcacQGg");
        }
        for other in [
            Purpose { name: "A256GCM", ..purpose },
            Purpose { apu: b"", ..purpose },
            Purpose { apv: b"Eve", ..purpose },
            Purpose { bytes: 32, ..purpose },
        ] {
            let key = alice.agree(&bob.point, &other).unwrap();
            assert_ne!(base64url(&key[..16]), "VqqN6vgjbSBcIijNcacQGg");
        }
    }

    /// RFC 7748 §6.1: the point of order one makes the shared secret zero, whoever the other side is.
    #[test]
    fn a_point_of_small_order_agrees_on_nothing() {
        let jwk = format!(r#"{{"kty":"OKP","crv":"X25519","x":"{}"}}"#, base64url(&[0; 32]));
        let zero = Point::from_jwk("OKP", &parse_object(jwk.as_bytes()).unwrap());
        let purpose = Purpose { name: "A128GCM", apu: b"", apv: b"", bytes: 16 };
        let secret = Secret::generate(Crv::X25519).unwrap();
        assert!(zero.is_ok_and(|zero| secret.agree(&zero, &purpose).is_none()));
    }
}
