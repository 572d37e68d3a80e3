//! Keys in PEM armour (RFC 7468), which is how OpenSSL, cloud consoles and secret stores hand them out.
//!
//! The label says which structure is inside, the structure says which type of key it is, and the two must
//! agree; nothing is guessed, and text that is not a key is never taken for a secret. A text holds one key and
//! nothing else but white space, so that nobody can read another key out of it than we do.

use base64_simd::STANDARD;
use zeroize::Zeroizing;

use super::ec::Curve;
use super::jwk::{bad, declared};
use super::signing::{Members, Private, SigningKey};
use super::{VerifyingKey, der, ec, okp, rsa};
use crate::error::shown;
use crate::{Alg, Error};

impl SigningKey {
    /// Reads a private key from PEM: `PRIVATE KEY` (PKCS #8), `RSA PRIVATE KEY` (PKCS #1) or `EC PRIVATE KEY`
    /// (SEC 1).
    ///
    /// Its `kid` is the thumbprint (RFC 7638). PEM does not say what a key is for, so without `alg` it is the
    /// curve's own, `EdDSA` for Ed25519 and `RS256` for RSA. Errors: [`Error::KeyUnfit`] if `alg` is not of that
    /// type of key, [`Error::TooLong`] over 16 KiB, and [`Error::BadKey`] for everything else: an encrypted key, a
    /// public one, a certificate, text around the key, or one that [`from_jwk`](Self::from_jwk) would refuse.
    ///
    /// ```
    /// use secevent_jose::{Alg, Signer, SigningKey};
    ///
    /// let key = SigningKey::from_pem(
    ///     "-----BEGIN PRIVATE KEY-----
    /// MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
    /// -----END PRIVATE KEY-----",
    ///     Some(Alg::Ed25519),
    /// )?;
    /// assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"); // the example of RFC 8037, A.3
    /// # Ok::<(), secevent_jose::Error>(())
    /// ```
    pub fn from_pem(pem: &str, alg: Option<Alg>) -> Result<Self, Error> {
        let (label, der) = block(pem)?;
        let kind = match label {
            "PRIVATE KEY" => Kind::of(der::pkcs8_algorithm(&der)?)?,
            "RSA PRIVATE KEY" => Kind::Rsa,
            "EC PRIVATE KEY" => Kind::of(&[EC, der::sec1_curve(&der)?].concat())?,
            "PUBLIC KEY" | "RSA PUBLIC KEY" => return bad("it is a public key, which cannot sign"),
            other => return refused(other),
        };
        let alg = kind.alg(alg)?;
        let private = match (kind, label) {
            (Kind::Rsa, "PRIVATE KEY") => Private::Rsa(rsa::Private::from_pkcs8(alg, &der)?),
            (Kind::Rsa, _) => Private::Rsa(rsa::Private::from_pkcs1(alg, &der)?),
            (Kind::Ec(curve), "PRIVATE KEY") => Private::Ec(ec::Private::from_pkcs8(curve, &der)?),
            (Kind::Ec(curve), _) => Private::Ec(ec::Private::from_sec1(curve, &der)?),
            (Kind::Ed25519, _) => Private::Okp(okp::Private::from_pkcs8(&der)?),
        };
        Self::new(private, alg, None)
    }
}

impl VerifyingKey {
    /// Reads a public key from PEM: `PUBLIC KEY` (SPKI) or `RSA PUBLIC KEY` (PKCS #1).
    ///
    /// `alg` and `kid` are those that [`SigningKey::from_pem`] gives the private half, so an RSA key without
    /// `alg` verifies `RS256` and nothing else. Errors: [`Error::KeyUnfit`], [`Error::TooLong`] over 16 KiB, and
    /// [`Error::BadKey`] for everything else: a private key, a certificate, text around the key, or one that
    /// [`from_jwk`](Self::from_jwk) would refuse.
    pub fn from_pem(pem: &str, alg: Option<Alg>) -> Result<Self, Error> {
        let (label, der) = block(pem)?;
        let (kind, key) = match label {
            "PUBLIC KEY" => {
                let [algorithm, key] = der::spki(&der)?;
                (Kind::of(algorithm)?, key)
            }
            "RSA PUBLIC KEY" => (Kind::Rsa, der.as_slice()),
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => {
                return bad("it is a private key; its public half: openssl pkey -in FILE -pubout");
            }
            other => return refused(other),
        };
        Self::from_jwk(&declared(kind.kty(), kind.alg(alg)?, None, &kind.public_members(key)?))
    }
}

/// The type of a key, as its `AlgorithmIdentifier` gives it.
#[derive(Clone, Copy)]
enum Kind {
    Rsa,
    Ec(&'static Curve),
    Ed25519,
}

impl Kind {
    /// Identifiers are compared whole: parameters that are not the only right ones make another algorithm.
    fn of(identifier: &[u8]) -> Result<Self, Error> {
        let curve = || Curve::from_oid(identifier.strip_prefix(EC)?);
        match identifier {
            RSA => Ok(Self::Rsa),
            ED25519 => Ok(Self::Ed25519),
            _ => curve().map(Self::Ec).ok_or_else(|| Error::BadKey(OTHER_KIND.into())),
        }
    }

    /// The algorithm asked for, or the one that the type implies.
    fn alg(self, asked: Option<Alg>) -> Result<Alg, Error> {
        let (name, implied) = match self {
            Self::Rsa => ("RSA", Alg::Rs256),
            Self::Ec(curve) => (curve.name, curve.alg),
            Self::Ed25519 => ("Ed25519", Alg::EdDsa),
        };
        let alg = asked.unwrap_or(implied);
        let fits = match self {
            Self::Rsa => rsa::supports(alg),
            Self::Ec(curve) => curve.alg == alg,
            Self::Ed25519 => okp::supports(alg),
        };
        if fits { Ok(alg) } else { Err(Error::unfit(alg, name)) }
    }

    fn kty(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::Ec(_) => "EC",
            Self::Ed25519 => "OKP",
        }
    }

    fn public_members(self, key: &[u8]) -> Result<Members, Error> {
        match self {
            Self::Rsa => rsa::public_members(key),
            Self::Ec(curve) => curve.public_members(key),
            Self::Ed25519 => Ok(okp::public_members(key)),
        }
    }
}

/// The label and the content of the one block that the text is. White space means nothing in it.
fn block(pem: &str) -> Result<(&str, Zeroizing<Vec<u8>>), Error> {
    if pem.len() > BYTES_MAX {
        return Err(Error::TooLong { bytes: pem.len(), max: BYTES_MAX });
    }
    let Some(inside) = pem.trim_ascii().strip_prefix("-----BEGIN ") else {
        return bad(format!("a PEM key begins with -----BEGIN and nothing may stand before it; {ALONE}"));
    };
    let Some((label, rest)) = inside.split_once("-----") else {
        return bad("the line -----BEGIN is cut short");
    };
    if rest.contains("-----BEGIN ") {
        return bad(format!("more than one PEM block, the first being {}; {ALONE}", shown(label)));
    }
    let Some(body) = rest.strip_suffix(format!("-----END {label}-----").as_str()) else {
        return bad(format!("the END of {} must be there, and nothing after it", shown(label)));
    };
    if label.starts_with("ENCRYPTED ") || body.contains("Proc-Type: 4,ENCRYPTED") {
        return bad(ENCRYPTED);
    }
    let der = decode(body)?;
    der::check_alone(&der)?;
    Ok((label, der))
}

fn decode(body: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(body.len()));
    bytes.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let Ok(length) = STANDARD.decode_inplace(&mut bytes).map(|der| der.len()) else {
        return bad("between BEGIN and END there must be base64 and nothing else (RFC 7468 §3)");
    };
    bytes.truncate(length);
    Ok(bytes)
}

fn refused<T>(label: &str) -> Result<T, Error> {
    if label.ends_with("CERTIFICATE") {
        return bad(CERTIFICATE);
    }
    bad(format!("PEM of {} is not a key that is read here; to convert it: openssl pkey", shown(label)))
}

/// `rsaEncryption` with its NULL (RFC 3279 §2.3.1).
const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
/// `id-ecPublicKey`, which the curve follows (RFC 5480 §2.1.1).
const EC: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
/// `id-Ed25519` (RFC 8410 §3).
const ED25519: &[u8] = b"\x06\x03\x2b\x65\x70";

/// A private key of RSA-8192 is under 7 KiB.
const BYTES_MAX: usize = 16 * 1024;

const ALONE: &str = "to take a private key out: openssl pkey -in FILE -out KEY";
const ENCRYPTED: &str = "it is encrypted with a passphrase; decrypt it first: openssl pkey -in FILE -out KEY";
const CERTIFICATE: &str = "a certificate is not taken for a key, since nothing here would check its issuer and \
                           dates; take the key out: openssl x509 -in FILE -noout -pubkey";
const OTHER_KIND: &str = "it is not RSA, Ed25519, or EC on P-256, P-384 or P-521 by the name of the curve";
