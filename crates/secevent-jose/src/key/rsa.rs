//! RSA keys (RFC 7518 §6.3) for RS256 to RS512 (§3.3) and PS256 to PS512 (§3.5).

use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPairComponents, KeySize, PublicKey, PublicKeyComponents};
use aws_lc_rs::signature::{self as sig, KeyPair as _, ParsedPublicKey, RsaKeyPair};
use aws_lc_rs::signature::{RsaParameters, RsaSignatureEncoding};
use zeroize::Zeroizing;

use super::jwk::{self, Jwk, bad};
use super::{der, signing::Members};
use crate::{Alg, Error, base64url};

/// 2048 is the least that RFC 7518 §3.3 permits; a signature of over 8192 bits costs too much to verify.
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// What `aws-lc-rs` accepts. A larger exponent would make each verification slower without need.
const EXPONENT_BITS_MAX: usize = 33;

struct Scheme {
    alg: Alg,
    verification: &'static RsaParameters,
    signing: &'static RsaSignatureEncoding,
}

/// The salt of PSS is as long as the hash, which is the default of `aws-lc-rs` and the rule of RFC 7518 §3.5.
static SCHEMES: [Scheme; 6] = [
    Scheme {
        alg: Alg::Rs256,
        verification: &sig::RSA_PKCS1_2048_8192_SHA256,
        signing: &sig::RSA_PKCS1_SHA256,
    },
    Scheme {
        alg: Alg::Rs384,
        verification: &sig::RSA_PKCS1_2048_8192_SHA384,
        signing: &sig::RSA_PKCS1_SHA384,
    },
    Scheme {
        alg: Alg::Rs512,
        verification: &sig::RSA_PKCS1_2048_8192_SHA512,
        signing: &sig::RSA_PKCS1_SHA512,
    },
    Scheme { alg: Alg::Ps256, verification: &sig::RSA_PSS_2048_8192_SHA256, signing: &sig::RSA_PSS_SHA256 },
    Scheme { alg: Alg::Ps384, verification: &sig::RSA_PSS_2048_8192_SHA384, signing: &sig::RSA_PSS_SHA384 },
    Scheme { alg: Alg::Ps512, verification: &sig::RSA_PSS_2048_8192_SHA512, signing: &sig::RSA_PSS_SHA512 },
];

pub(super) fn supports(alg: Alg) -> bool {
    position(alg).is_some()
}

fn position(alg: Alg) -> Option<usize> {
    SCHEMES.iter().position(|scheme| scheme.alg == alg)
}

/// The public half. `aws-lc-rs` parses a key for one algorithm, so each is parsed when first needed.
#[derive(Clone)]
pub(crate) struct Public {
    pub(crate) components: PublicKeyComponents<Vec<u8>>,
    parsed: Box<[OnceLock<ParsedPublicKey>; SCHEMES.len()]>,
}

impl Public {
    // spec: BCP-009
    pub(crate) fn from_jwk(jwk: &Jwk) -> Result<Self, Error> {
        let (n, e) = (number(jwk, "n")?, number(jwk, "e")?);
        if !MODULUS_BITS.contains(&bits(&n)) {
            return bad(format!("n has {} bits, must have 2048 to 8192 (RFC 7518 §3.3)", bits(&n)));
        }
        if !is_odd(&n) {
            return bad("n is even, so it is no product of two large primes");
        }
        if !is_odd(&e) || *e == [1] || bits(&e) > EXPONENT_BITS_MAX {
            return bad("e must be odd, at least 3 and of at most 33 bits");
        }
        let components = PublicKeyComponents { n, e };
        Ok(Self { components, parsed: Box::default() })
    }

    pub(super) fn verify(&self, alg: Alg, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let position = position(alg).ok_or_else(|| Error::unfit(alg, "RSA"))?;
        self.parsed(position)?.verify_sig(message, signature).map_err(|_| Error::BadSignature)
    }

    fn parsed(&self, position: usize) -> Result<&ParsedPublicKey, Error> {
        let cell = &self.parsed[position];
        if let Some(parsed) = cell.get() {
            return Ok(parsed);
        }
        match self.components.to_parsed_public_key(SCHEMES[position].verification) {
            Ok(parsed) => Ok(cell.get_or_init(|| parsed)),
            Err(_) => bad("n and e are not those of an RSA key"),
        }
    }
}

/// The private half, for one algorithm.
pub(super) struct Private {
    pair: RsaKeyPair,
    scheme: &'static Scheme,
}

impl Private {
    pub(super) fn generate(alg: Alg) -> Result<Self, Error> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048);
        Self::new(alg, pair.map_err(|_| Error::BadKey("RSA key generation failed".into()))?)
    }

    /// From a private JWK.
    pub(super) fn from_jwk(alg: Alg, jwk: &Jwk) -> Result<Self, Error> {
        Self::new(alg, pair(jwk)?)
    }

    /// From a `PrivateKeyInfo` (RFC 5208 §5).
    pub(super) fn from_pkcs8(alg: Alg, der: &[u8]) -> Result<Self, Error> {
        Self::read(alg, RsaKeyPair::from_pkcs8(der))
    }

    /// From an `RSAPrivateKey` (RFC 8017, Appendix A.1.2).
    pub(super) fn from_pkcs1(alg: Alg, der: &[u8]) -> Result<Self, Error> {
        Self::read(alg, RsaKeyPair::from_der(der))
    }

    fn read(alg: Alg, pair: Result<RsaKeyPair, KeyRejected>) -> Result<Self, Error> {
        let pair = pair.map_err(|why| Error::BadKey(format!("not an RSA key of 2048 to 8192 bits: {why}")));
        Self::new(alg, pair?)
    }

    fn new(alg: Alg, pair: RsaKeyPair) -> Result<Self, Error> {
        let position = position(alg).ok_or_else(|| Error::unfit(alg, "RSA"))?;
        Ok(Self { pair, scheme: &SCHEMES[position] })
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        match self.pair.sign(self.scheme.signing, &SystemRandom::new(), message, &mut signature) {
            Ok(()) => Ok(signature),
            Err(_) => Err(Error::Sign("RSA".into())),
        }
    }

    pub(super) fn public_members(&self) -> Result<Members, Error> {
        Ok(named(["n", "e"], der::rsa_public(self.pair.public_key().as_ref())?))
    }

    pub(super) fn private_members(&self) -> Result<Members, Error> {
        let pkcs8: Pkcs8V1Der<'_> =
            self.pair.as_der().map_err(|_| Error::BadKey("RSA key cannot be exported".into()))?;
        let [_n, _e, secrets @ ..] = der::rsa_private(pkcs8.as_ref())?;
        Ok(named(["d", "p", "q", "dp", "dq", "qi"], secrets))
    }
}

/// The members of an `RSAPublicKey` (RFC 8017, Appendix A.1.1), which has one spelling in DER.
pub(super) fn public_members(key: &[u8]) -> Result<Members, Error> {
    match PublicKey::from_der(key) {
        Ok(parsed) if parsed.as_ref() == key => Ok(named(["n", "e"], der::rsa_public(key)?)),
        _ => bad("not an RSA public key in DER"),
    }
}

/// From a private JWK with all of RFC 7518 §6.3.2 but `oth`; the numbers are checked against each other.
pub(crate) fn pair(jwk: &Jwk) -> Result<RsaKeyPair, Error> {
    if jwk.contains_key("oth") {
        return bad("oth: a key of more than two primes is not supported");
    }
    let Public { components: public_key, .. } = Public::from_jwk(jwk)?;
    let secret = |name| jwk::octets(jwk, name);
    let components = KeyPairComponents {
        public_key,
        d: secret("d")?,
        p: secret("p")?,
        q: secret("q")?,
        dP: secret("dp")?,
        dQ: secret("dq")?,
        qInv: secret("qi")?,
    };
    RsaKeyPair::from_components(&components)
        .map_err(|_| Error::BadKey("the numbers are not those of one RSA key".into()))
}

pub(crate) fn named<const N: usize>(names: [&'static str; N], numbers: [&[u8]; N]) -> Members {
    names.into_iter().zip(numbers.map(|number| Zeroizing::new(base64url(number)))).collect()
}

/// A `Base64urlUInt`. Some issuers prepend the zero bytes that RFC 7518 §6.3.1.1 warns of; they say nothing.
fn number(jwk: &Jwk, name: &str) -> Result<Vec<u8>, Error> {
    let octets = jwk::octets(jwk, name)?;
    Ok(octets.iter().copied().skip_while(|octet| *octet == 0).collect())
}

fn bits(number: &[u8]) -> usize {
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

fn is_odd(number: &[u8]) -> bool {
    number.last().is_some_and(|last| last & 1 == 1)
}
