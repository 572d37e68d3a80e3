//! The private half of a key pair: what a recipient decrypts with.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
use zeroize::Zeroizing;

use super::EncAlg;
use super::agreement::{Crv, Secret};
use super::encryption::{self, EncryptionKey};
use crate::error::shown;
use crate::key::jwk::{self, Jwk, Wiped, bad};
use crate::key::signing::Members;
use crate::key::{der, rsa};
use crate::{Error, base64url, json};

/// A private key for decrypting, parsed and checked once; a clone shares it.
///
/// It shows neither in `Debug` nor in any error; [`to_jwk`](Self::to_jwk) is the only way out.
///
/// ```
/// use secevent_jose::jwe::{DecryptionKey, EncAlg};
/// let key = DecryptionKey::generate(EncAlg::EcdhEs)?.with_kid("2026-01");
/// let again = DecryptionKey::from_jwk(key.to_jwk().as_bytes())?;
/// assert_eq!(format!("{again:?}"), r#"DecryptionKey(P-256 for ECDH-ES, kid "2026-01")"#);
/// # Ok::<(), secevent_jose::Error>(())
/// ```
#[derive(Clone)]
pub struct DecryptionKey {
    private: Arc<Private>,
    public: EncryptionKey,
}

pub(super) enum Private {
    Rsa(PrivateDecryptingKey),
    Ecdh(Secret),
}

impl DecryptionKey {
    /// Makes a new key for this algorithm: RSA of 2048 bits, or of the curve P-256. Its `kid` is the thumbprint
    /// (RFC 7638).
    ///
    /// Fails with [`Error::BadKey`] if the operating system has no randomness.
    pub fn generate(alg: EncAlg) -> Result<Self, Error> {
        if alg != EncAlg::RsaOaep256 {
            return Self::generate_on(Crv::P256, alg);
        }
        match PrivateDecryptingKey::generate(KeySize::Rsa2048) {
            Ok(key) => Self::new(Private::Rsa(key), Some(alg), None),
            Err(_) => bad("RSA key generation failed"),
        }
    }

    /// Makes a new key of this curve.
    ///
    /// Fails with [`Error::KeyUnfit`] if the algorithm agrees on no key, and like [`generate`](Self::generate).
    pub fn generate_on(crv: Crv, alg: EncAlg) -> Result<Self, Error> {
        if alg == EncAlg::RsaOaep256 {
            return Err(Error::unfit(alg, crv.name()));
        }
        match Secret::generate(crv) {
            Some(secret) => Self::new(Private::Ecdh(secret), Some(alg), None),
            None => bad(format!("{crv} key generation failed")),
        }
    }

    /// Reads a private JWK (RFC 7517 §4, RFC 7518 §6.2.2 and §6.3.2, RFC 8037 §2).
    ///
    /// Without `alg` it is for every algorithm of its type; without `kid` it is the thumbprint. Errors:
    /// [`Error::Json`], and [`Error::BadKey`] if the key is not for encryption or its public and private members do
    /// not belong together.
    pub fn from_jwk(json: &[u8]) -> Result<Self, Error> {
        let jwk = Wiped(json::parse_object(json)?);
        encryption::check_purpose(&jwk, &["decrypt", "unwrapKey", "deriveKey", "deriveBits"])?;
        let private = Private::from_jwk(&jwk)?;
        Self::new(private, encryption::alg(&jwk)?, jwk::text(&jwk, "kid")?)
    }

    fn new(private: Private, alg: Option<EncAlg>, kid: Option<&str>) -> Result<Self, Error> {
        let mut jwk = private.public_jwk()?;
        jwk.insert("use".to_owned(), "enc".into());
        jwk.extend(alg.map(|alg| ("alg".to_owned(), alg.name().into())));
        let kid = kid.map_or_else(|| jwk::thumbprint(&jwk), str::to_owned);
        jwk.insert("kid".to_owned(), kid.into());
        Ok(Self { private: Arc::new(private), public: EncryptionKey::from_jwk(&jwk)? })
    }

    /// The same key under another name.
    ///
    /// # Panics
    ///
    /// Never: a name makes no key unusable.
    pub fn with_kid(self, kid: impl Into<String>) -> Self {
        let mut jwk = self.public.to_jwk();
        jwk.insert("kid".to_owned(), kid.into().into());
        let public = EncryptionKey::from_jwk(&jwk).expect("only the name differs");
        Self { public, ..self }
    }

    /// The `kid`, to find the key that a token names in its header.
    pub fn kid(&self) -> &str {
        self.public.kid().unwrap_or_default()
    }

    /// Whether the key is for this algorithm; as [`EncryptionKey::fits`].
    pub fn fits(&self, alg: EncAlg) -> bool {
        self.public.fits(alg)
    }

    /// The public half, for publishing.
    pub fn encryption_key(&self) -> &EncryptionKey {
        &self.public
    }

    /// The key as a private JWK in JSON, for writing it to a file that only its owner can read.
    ///
    /// The text is overwritten in memory when dropped.
    ///
    /// # Panics
    ///
    /// When `aws-lc-rs` cannot export a key that it has made or taken, which only a lack of memory explains.
    pub fn to_jwk(&self) -> Zeroizing<String> {
        let mut jwk = Wiped(self.public.to_jwk());
        let members = self.private.private_members().expect("a key that was taken can be exported");
        jwk.extend(members.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())));
        jwk.to_text()
    }

    pub(super) fn private(&self) -> &Private {
        &self.private
    }
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecryptionKey({})", self.public)
    }
}

impl Private {
    fn from_jwk(jwk: &Jwk) -> Result<Self, Error> {
        match jwk::required(jwk, "kty")? {
            "RSA" => {
                let der: Result<Pkcs8V1Der<'_>, _> = rsa::pair(jwk)?.as_der();
                match der.ok().and_then(|der| PrivateDecryptingKey::from_pkcs8(der.as_ref()).ok()) {
                    Some(key) => Ok(Self::Rsa(key)),
                    None => bad("the numbers are not those of one RSA key"),
                }
            }
            kty @ ("EC" | "OKP") => Secret::from_jwk(kty, jwk).map(Self::Ecdh),
            other => bad(format!("kty {} is not RSA, EC or OKP", shown(other))),
        }
    }

    fn public_jwk(&self) -> Result<Jwk, Error> {
        match self {
            Self::Rsa(key) => {
                let pkcs8 = exported(key)?;
                let [n, e, ..] = der::rsa_private(pkcs8.as_ref())?;
                let members = [("kty", "RSA".to_owned()), ("n", base64url(n)), ("e", base64url(e))];
                Ok(members.map(|(name, value)| (name.to_owned(), value.into())).into_iter().collect())
            }
            Self::Ecdh(secret) => Ok(secret.point.to_jwk()),
        }
    }

    fn private_members(&self) -> Result<Members, Error> {
        match self {
            Self::Rsa(key) => {
                let pkcs8 = exported(key)?;
                let [_n, _e, secrets @ ..] = der::rsa_private(pkcs8.as_ref())?;
                Ok(rsa::named(["d", "p", "q", "dp", "dq", "qi"], secrets))
            }
            Self::Ecdh(secret) => secret.private_members(),
        }
    }
}

fn exported(key: &PrivateDecryptingKey) -> Result<Pkcs8V1Der<'static>, Error> {
    key.as_der().map_err(|_| Error::BadKey("RSA key cannot be exported".into()))
}
