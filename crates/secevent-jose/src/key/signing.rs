//! The private half of a key pair: what an issuer signs with.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::jwk::{self, Jwk, Wiped, bad};
use super::{Signer, VerifyingKey, ec, okp, rsa};
use crate::error::shown;
use crate::{Alg, Error, json};

/// Members of a JWK by name; the values of private ones are wiped.
pub(crate) type Members = Vec<(&'static str, Zeroizing<String>)>;

/// A private key for signing with one algorithm, parsed and checked once; a clone shares it.
///
/// It shows neither in `Debug` nor in any error; [`to_jwk`](Self::to_jwk) is the only way out.
///
/// ```
/// use secevent_jose::{Alg, SigningKey};
/// let key = SigningKey::generate(Alg::Es256)?.with_kid("2026-01");
/// let again = SigningKey::from_jwk(key.to_jwk().as_bytes())?;
/// assert_eq!(format!("{again:?}"), r#"SigningKey(ES256, kid "2026-01")"#);
/// # Ok::<(), secevent_jose::Error>(())
/// ```
#[derive(Clone)]
pub struct SigningKey {
    private: Arc<Private>,
    alg: Alg,
    kid: String,
    verifying: VerifyingKey,
}

pub(super) enum Private {
    Rsa(rsa::Private),
    Ec(ec::Private),
    Okp(okp::Private),
}

impl SigningKey {
    /// Makes a new key for this algorithm; RSA keys have 2048 bits. Its `kid` is the thumbprint (RFC 7638).
    ///
    /// Fails with [`Error::BadKey`] if the operating system has no randomness.
    pub fn generate(alg: Alg) -> Result<Self, Error> {
        let private = match alg {
            Alg::Rs256 | Alg::Rs384 | Alg::Rs512 | Alg::Ps256 | Alg::Ps384 | Alg::Ps512 => {
                Private::Rsa(rsa::Private::generate(alg)?)
            }
            Alg::Es256 | Alg::Es384 | Alg::Es512 => Private::Ec(ec::Private::generate(alg)?),
            Alg::EdDsa | Alg::Ed25519 => Private::Okp(okp::Private::generate()?),
        };
        Self::new(private, alg, None)
    }

    /// Reads a private JWK (RFC 7517 §4, RFC 7518 §6.2.2 and §6.3.2, RFC 8037 §2).
    ///
    /// Without `alg` it is the curve's own, `EdDSA` for Ed25519 and `RS256` for RSA; without `kid` it is the
    /// thumbprint. Errors: [`Error::Json`], [`Error::KeyUnfit`] if `alg` is not of that type of key, and
    /// [`Error::BadKey`] if the key is not usable for signing or its public and private members do not belong
    /// together.
    pub fn from_jwk(json: &[u8]) -> Result<Self, Error> {
        let jwk = Wiped(json::parse_object(json)?);
        if !jwk::permits(&jwk, "sign")? {
            return bad("use or key_ops does not permit signing (RFC 7517 §4.2)");
        }
        let (alg, kid) = (jwk::alg(&jwk)?, jwk::text(&jwk, "kid")?);
        let (private, alg) = Private::from_jwk(alg, &jwk)?;
        Self::new(private, alg, kid)
    }

    pub(super) fn new(private: Private, alg: Alg, kid: Option<&str>) -> Result<Self, Error> {
        let public = jwk::declared(private.kty(), alg, kid, &private.public_members()?);
        let kid = jwk::required(&public, "kid")?.to_owned();
        Ok(Self { private: Arc::new(private), alg, kid, verifying: VerifyingKey::from_jwk(&public)? })
    }

    /// The same key under another name.
    pub fn with_kid(self, kid: impl Into<String>) -> Self {
        let kid = kid.into();
        let verifying = self.verifying.with_kid(&kid);
        Self { kid, verifying, ..self }
    }

    /// The key as a private JWK in JSON, for writing it to a file that only its owner can read.
    ///
    /// The text is overwritten in memory when dropped.
    ///
    /// # Panics
    ///
    /// When `aws-lc-rs` cannot export a key that it has made or taken, which only a lack of memory explains.
    pub fn to_jwk(&self) -> Zeroizing<String> {
        let mut jwk = Wiped(self.verifying.to_jwk());
        let members = self.private.private_members().expect("a key that was taken can be exported");
        jwk.extend(members.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())));
        jwk.to_text()
    }

    /// The public half, with the same `kid` and `alg`.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }
}

impl Signer for SigningKey {
    fn alg(&self) -> Alg {
        self.alg
    }

    fn kid(&self) -> &str {
        &self.kid
    }

    fn sign(&self, signing_input: &[u8]) -> Result<Vec<u8>, Error> {
        match &*self.private {
            Private::Rsa(key) => key.sign(signing_input),
            Private::Ec(key) => key.sign(signing_input),
            Private::Okp(key) => key.sign(signing_input),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, kid {})", self.alg, shown(&self.kid))
    }
}

impl Private {
    /// The private half and its algorithm, which is the declared one or the one that the type implies.
    fn from_jwk(alg: Option<Alg>, jwk: &Jwk) -> Result<(Self, Alg), Error> {
        match jwk::required(jwk, "kty")? {
            "RSA" => {
                let alg = alg.unwrap_or(Alg::Rs256);
                Ok((Self::Rsa(rsa::Private::from_jwk(alg, jwk)?), alg))
            }
            "EC" => {
                let alg = alg.map_or_else(|| ec::Curve::from_jwk(jwk).map(|curve| curve.alg), Ok)?;
                Ok((Self::Ec(ec::Private::from_jwk(alg, jwk)?), alg))
            }
            "OKP" => {
                let alg = alg.unwrap_or(Alg::EdDsa);
                Ok((Self::Okp(okp::Private::from_jwk(alg, jwk)?), alg))
            }
            other => bad(format!("kty {} is not RSA, EC or OKP", shown(other))),
        }
    }

    fn kty(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RSA",
            Self::Ec(_) => "EC",
            Self::Okp(_) => "OKP",
        }
    }

    fn public_members(&self) -> Result<Members, Error> {
        match self {
            Self::Rsa(key) => key.public_members(),
            Self::Ec(key) => key.public_members(),
            Self::Okp(key) => Ok(key.public_members()),
        }
    }

    fn private_members(&self) -> Result<Members, Error> {
        match self {
            Self::Rsa(key) => key.private_members(),
            Self::Ec(key) => key.private_members(),
            Self::Okp(key) => key.private_members(),
        }
    }
}
