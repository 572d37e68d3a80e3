//! Encryption algorithms by their registered names, and the allow-list of them (RFC 7518 §4.1, §5.1).

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// How the content key reaches the recipient: the `alg` of a JWE (RFC 7518 §4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum EncAlg {
    /// `RSA-OAEP-256`: RSAES-OAEP with SHA-256 and MGF1 with SHA-256 (RFC 7518 §4.3).
    RsaOaep256,
    /// `ECDH-ES`: the agreed key is the content key itself (RFC 7518 §4.6, RFC 8037 §3.2).
    EcdhEs,
    /// `ECDH-ES+A128KW`: the agreed key wraps the content key with AES-128.
    EcdhEsA128Kw,
    /// `ECDH-ES+A256KW`: the agreed key wraps the content key with AES-256.
    EcdhEsA256Kw,
}

impl EncAlg {
    /// Every algorithm of this crate, in the order in which they are listed to people.
    pub const ALL: [Self; 4] = [Self::RsaOaep256, Self::EcdhEs, Self::EcdhEsA128Kw, Self::EcdhEsA256Kw];

    /// The name in the IANA registry, which is the value of the `alg` header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RsaOaep256 => "RSA-OAEP-256",
            Self::EcdhEs => "ECDH-ES",
            Self::EcdhEsA128Kw => "ECDH-ES+A128KW",
            Self::EcdhEsA256Kw => "ECDH-ES+A256KW",
        }
    }

    /// The algorithm of that exact name, or `None` for any other text.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alg| alg.name() == name)
    }
}

/// How the content is encrypted and kept from being altered: the `enc` of a JWE (RFC 7518 §5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum Enc {
    /// `A128GCM`: AES-128 in Galois/Counter Mode (RFC 7518 §5.3).
    A128Gcm,
    /// `A256GCM`: AES-256 in Galois/Counter Mode.
    A256Gcm,
    /// `A128CBC-HS256`: AES-128 in CBC mode, then HMAC with SHA-256 (RFC 7518 §5.2.3).
    A128CbcHs256,
}

impl Enc {
    /// Every algorithm of this crate, in the order in which they are listed to people.
    pub const ALL: [Self; 3] = [Self::A128Gcm, Self::A256Gcm, Self::A128CbcHs256];

    /// The name in the IANA registry, which is the value of the `enc` header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::A128Gcm => "A128GCM",
            Self::A256Gcm => "A256GCM",
            Self::A128CbcHs256 => "A128CBC-HS256",
        }
    }

    /// The algorithm of that exact name, or `None` for any other text.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|enc| enc.name() == name)
    }
}

impl fmt::Display for EncAlg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Enc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for EncAlg {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::from_name(name).ok_or_else(|| Allowed::ALL.refuse_alg(name))
    }
}

impl FromStr for Enc {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::from_name(name).ok_or_else(|| Allowed::ALL.refuse_enc(name))
    }
}

/// What a recipient decrypts: an allow-list of both kinds that the caller states, never the token (RFC 8725 §3.1).
///
/// ```
/// use secevent_jose::jwe::{Allowed, Enc, EncAlg};
/// const ACCEPTED: Allowed = Allowed::of(&[EncAlg::RsaOaep256], &[Enc::A128Gcm, Enc::A256Gcm]);
/// assert!(!ACCEPTED.contains_alg(EncAlg::EcdhEs));
/// assert_eq!(ACCEPTED.to_string(), "RSA-OAEP-256; A128GCM, A256GCM");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Allowed {
    algs: u8,
    encs: u8,
}

impl Allowed {
    /// Every algorithm of this crate.
    pub const ALL: Self = Self::of(&EncAlg::ALL, &Enc::ALL);

    /// Exactly these algorithms, in any combination.
    pub const fn of(algs: &[EncAlg], encs: &[Enc]) -> Self {
        let mut allowed = Self { algs: 0, encs: 0 };
        let (mut algs, mut encs) = (algs, encs);
        while let [first, rest @ ..] = algs {
            allowed.algs |= 1 << *first as u8;
            algs = rest;
        }
        while let [first, rest @ ..] = encs {
            allowed.encs |= 1 << *first as u8;
            encs = rest;
        }
        allowed
    }

    /// Whether this `alg` is allowed.
    pub const fn contains_alg(self, alg: EncAlg) -> bool {
        self.algs & (1 << alg as u8) != 0
    }

    /// Whether this `enc` is allowed.
    pub const fn contains_enc(self, enc: Enc) -> bool {
        self.encs & (1 << enc as u8) != 0
    }

    pub(super) fn refuse_alg(self, alg: &str) -> Error {
        Error::AlgNotAllowed { alg: alg.to_owned(), allowed: self.alg_names() }
    }

    pub(super) fn refuse_enc(self, enc: &str) -> Error {
        Error::EncNotAllowed { enc: enc.to_owned(), allowed: self.enc_names() }
    }

    fn alg_names(self) -> String {
        let names = EncAlg::ALL.into_iter().filter(|alg| self.contains_alg(*alg)).map(EncAlg::name);
        names.collect::<Vec<_>>().join(", ")
    }

    fn enc_names(self) -> String {
        let names = Enc::ALL.into_iter().filter(|enc| self.contains_enc(*enc)).map(Enc::name);
        names.collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.alg_names(), self.enc_names())
    }
}

impl fmt::Debug for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Allowed({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_nothing_close_to_them_is_accepted() {
        for alg in EncAlg::ALL {
            assert_eq!(alg.name().parse::<EncAlg>().unwrap(), alg);
        }
        for enc in Enc::ALL {
            assert_eq!(enc.name().parse::<Enc>().unwrap(), enc);
        }
        for name in
            ["", "dir", "RSA1_5", "RSA-OAEP", "rsa-oaep-256", "ECDH-ES ", "A128KW", "PBES2-HS256+A128KW"]
        {
            assert!(name.parse::<EncAlg>().is_err(), "{name}");
        }
        for name in ["", "none", "A128CBC", "a128gcm", "A192GCM", "A256CBC-HS512"] {
            assert!(name.parse::<Enc>().is_err(), "{name}");
        }
    }

    // spec: BCP-001
    #[test]
    fn a_list_holds_what_it_was_given_and_nothing_else() {
        for alg in EncAlg::ALL {
            let allowed = Allowed::of(&[alg], &[]);
            assert_eq!(
                EncAlg::ALL.map(|other| allowed.contains_alg(other)),
                EncAlg::ALL.map(|other| other == alg)
            );
            assert_eq!(Enc::ALL.map(|enc| allowed.contains_enc(enc)), [false; 3]);
        }
        for enc in Enc::ALL {
            let allowed = Allowed::of(&[], &[enc]);
            assert_eq!(Enc::ALL.map(|other| allowed.contains_enc(other)), Enc::ALL.map(|other| other == enc));
        }
    }
}
