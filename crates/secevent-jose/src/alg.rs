//! Signature algorithms by their registered names, and the allow-list of them (RFC 7518 §3.1, RFC 9864).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Error;

/// An asymmetric signature algorithm of JWS.
///
/// `none` and the HMAC family have no variant, so no code path can be talked into them (RFC 8725 §3.1).
/// Names are compared byte for byte: `none`, `es256` and `RS256 ` are all unknown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum Alg {
    /// `RS256`: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3).
    Rs256,
    /// `RS384`: RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// `RS512`: RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// `PS256`: RSASSA-PSS with SHA-256 and a salt of 32 bytes (RFC 7518 §3.5).
    Ps256,
    /// `PS384`: RSASSA-PSS with SHA-384 and a salt of 48 bytes.
    Ps384,
    /// `PS512`: RSASSA-PSS with SHA-512 and a salt of 64 bytes.
    Ps512,
    /// `ES256`: ECDSA on P-256 with SHA-256 (RFC 7518 §3.4).
    Es256,
    /// `ES384`: ECDSA on P-384 with SHA-384.
    Es384,
    /// `ES512`: ECDSA on P-521 with SHA-512.
    Es512,
    /// `EdDSA`: the older, polymorphic name of [`Alg::Ed25519`] (RFC 8037 §3.1); Ed448 is not supported.
    EdDsa,
    /// `Ed25519`: the fully specified name (RFC 9864 §2.2).
    Ed25519,
}

impl Alg {
    /// Every algorithm of this crate, in the order in which they are listed to people.
    pub const ALL: [Self; 11] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
        Self::Ed25519,
    ];

    /// The name in the IANA registry, which is the value of the `alg` header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
            Self::Ed25519 => "Ed25519",
        }
    }

    /// The algorithm of that exact name, or `None` for any other text.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alg| alg.name() == name)
    }

    /// Whether both names stand for one algorithm: true of equal names, and of `EdDSA` and `Ed25519`.
    pub(crate) fn is_same_as(self, other: Self) -> bool {
        let plain = |alg| if alg == Self::EdDsa { Self::Ed25519 } else { alg };
        plain(self) == plain(other)
    }
}

impl fmt::Display for Alg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Alg {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::from_name(name).ok_or_else(|| Error::not_allowed(name, AlgSet::ALL))
    }
}

impl Serialize for Alg {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Alg {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The algorithms that a receiver accepts from one issuer: an allow-list that the caller states, never the
/// token (RFC 8725 §3.1).
///
/// Being a list of what is taken, it has no default and no way to say "all but".
/// `EdDSA` and `Ed25519` are listed separately, so that a profile can refuse the older name.
///
/// ```
/// use secevent_jose::{Alg, AlgSet};
/// const ACCEPTED: AlgSet = AlgSet::of(&[Alg::Rs256, Alg::Es256]);
/// assert!(!ACCEPTED.contains(Alg::Ps256));
/// assert_eq!(ACCEPTED.to_string(), "RS256, ES256");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AlgSet(u16);

impl AlgSet {
    /// Every algorithm of this crate.
    pub const ALL: Self = Self::of(&Alg::ALL);

    /// The set of exactly these algorithms.
    pub const fn of(algs: &[Alg]) -> Self {
        let mut bits = 0;
        let mut rest = algs;
        while let [first, tail @ ..] = rest {
            bits |= Self::bit(*first);
            rest = tail;
        }
        Self(bits)
    }

    /// The algorithms that both lists allow.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether the algorithm is in the set.
    pub const fn contains(self, alg: Alg) -> bool {
        self.0 & Self::bit(alg) != 0
    }

    /// The members, in the order of [`Alg::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Alg> {
        Alg::ALL.into_iter().filter(move |alg| self.contains(*alg))
    }

    const fn bit(alg: Alg) -> u16 {
        1 << alg as u16
    }
}

impl FromIterator<Alg> for AlgSet {
    fn from_iter<I: IntoIterator<Item = Alg>>(algs: I) -> Self {
        Self(algs.into_iter().fold(0, |bits, alg| bits | Self::bit(alg)))
    }
}

impl fmt::Display for AlgSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, alg) in self.iter().enumerate() {
            write!(f, "{}{alg}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl fmt::Debug for AlgSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AlgSet({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_nothing_close_to_them_is_accepted() {
        for alg in Alg::ALL {
            assert_eq!(alg.name().parse::<Alg>().unwrap(), alg);
            assert_eq!(serde_json::to_value(alg).unwrap(), alg.name());
            assert_eq!(serde_json::from_value::<Alg>(alg.name().into()).unwrap(), alg);
        }
        for name in ["", "none", "HS256", "rs256", "RS256 ", "ES256K", "EDDSA", "Ed448"] {
            assert_eq!(Alg::from_name(name), None, "{name}");
        }
    }

    // spec: BCP-001
    #[test]
    fn a_set_holds_what_it_was_given_and_nothing_else() {
        for alg in Alg::ALL {
            let set = AlgSet::of(&[alg]);
            assert_eq!(set.iter().collect::<Vec<_>>(), [alg]);
            assert_eq!(set, [alg].into_iter().collect());
        }
        assert_eq!(AlgSet::of(&[]).to_string(), "");
        assert_eq!(AlgSet::ALL.iter().count(), Alg::ALL.len());
    }
}
