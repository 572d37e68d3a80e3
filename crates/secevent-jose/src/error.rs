//! What can be wrong with a token, a key or a set of keys.

use crate::AlgSet;
use crate::json::JsonError;

/// Why a token was not believed or a key not taken.
///
/// Up to [`ZipUnsupported`](Self::ZipUnsupported) the *token* is not acceptable whatever the key; up to
/// [`NotDecrypted`](Self::NotDecrypted) the *key* is missing or the wrong one; the rest say that a key could not
/// be read or used. Messages carry what was found and the rule it breaks, and never a secret or a whole token;
/// text that came from a peer is escaped and cut to 64 characters.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not a JWS or JWE in compact form, or not a JWK set.
    #[error("{0}")]
    Malformed(String),
    /// The text has five parts: it is an encrypted token (JWE), which is not a JWS (RFC 7516 §9).
    #[error("the token has five parts, so it is encrypted (JWE); a signed token is wanted (BCP-021)")]
    Encrypted,
    /// The input is larger than the limit for its kind, and was not looked at.
    #[error("{bytes} bytes are more than the limit of {max}")]
    TooLong {
        /// Size of the input.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The header has `crit`, and this crate understands no extension (RFC 7515 §4.1.11).
    #[error("header has crit {0}, and no extension is understood (JWT-021)")]
    CritUnsupported(String),
    /// The header's `alg` is not in the receiver's allow-list (RFC 8725 §3.1).
    #[error("alg {} is not allowed here; allowed: {allowed} (BCP-001)", shown(alg))]
    AlgNotAllowed {
        /// The `alg` as received.
        alg: String,
        /// The allow-list, as [`AlgSet`] displays it.
        allowed: String,
    },
    /// The header's `enc` is not in the receiver's allow-list (RFC 8725 §3.1).
    #[error("enc {} is not allowed here; allowed: {allowed} (BCP-001)", shown(enc))]
    EncNotAllowed {
        /// The `enc` as received.
        enc: String,
        /// The names of what is allowed.
        allowed: String,
    },
    /// The header of an encrypted token has `zip`: what is compressed tells its content by its length, and may
    /// expand without measure (RFC 8725 §3.6).
    #[error("header has zip {0}, and compressed content is not taken (BCP-011)")]
    ZipUnsupported(String),
    /// The set holds no key of that `kid` that fits the algorithm, or, without `kid`, none that fits.
    #[error("no key of the set {} and fits the algorithm", kid.as_deref().map_or_else(|| "is usable".to_owned(), |kid| format!("has kid {}", shown(kid))))]
    KeyNotFound {
        /// The `kid` as received.
        kid: Option<String>,
    },
    /// Several keys fit and nothing tells them apart; the issuer has to give each its own `kid`.
    #[error("more than one key fits; the issuer must give each key its own kid (RFC 7517 §4.5)")]
    AmbiguousKey,
    /// The key is of another type or curve, or is declared for another algorithm or use (RFC 8725 §3.1).
    #[error("alg {alg} does not fit the key: {key} (BCP-020)")]
    KeyUnfit {
        /// Name of the algorithm.
        alg: String,
        /// What the key is.
        key: String,
    },
    /// The signature is not one that this key made over this header and payload.
    #[error("the signature does not verify with this key")]
    BadSignature,
    /// The encrypted token was made for another key, or was altered; which of them is not told (RFC 7516 §11.5).
    #[error(
        "the token does not decrypt with this key: it was made for another one, or was altered on its way"
    )]
    NotDecrypted,
    /// The key that is to be revoked is the only one that could sign.
    #[error("kid {} is the only key that can sign; add the next one, then revoke this", shown(kid))]
    LastKey {
        /// Its `kid`.
        kid: String,
    },
    /// The JWK or PEM is not a usable key; says what is wrong.
    #[error("unusable key: {0}")]
    BadKey(String),
    /// The signer could not make a signature.
    #[error("signing failed: {0}")]
    Sign(String),
    /// The token could not be encrypted.
    #[error("encryption failed: {0}")]
    Encrypt(String),
    /// Something that must be strict JSON is not.
    #[error("not acceptable JSON: {0}")]
    Json(#[from] JsonError),
}

impl Error {
    pub(crate) fn not_allowed(alg: &str, allowed: AlgSet) -> Self {
        Self::AlgNotAllowed { alg: alg.to_owned(), allowed: allowed.to_string() }
    }

    pub(crate) fn unfit(alg: impl ToString + Copy, key: impl Into<String>) -> Self {
        Self::KeyUnfit { alg: alg.to_string(), key: key.into() }
    }
}

/// Text from a peer as it may stand in a message: quoted, escaped, and cut to 64 characters.
// spec: BCP-016
pub(crate) fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 64;
    let mut escaped = text.chars().flat_map(char::escape_debug);
    let start: String = escaped.by_ref().take(CHARS_MAX).collect();
    let rest = if escaped.next().is_some() { "…" } else { "" };
    format!("\"{start}{rest}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Alg;

    // spec: BCP-016
    #[test]
    fn text_from_a_peer_is_escaped_and_cut() {
        assert_eq!(shown("../'\u{1b}[2J\r\n\0"), r#""../\'\u{1b}[2J\r\n\0""#);
        assert_eq!(shown(&"k".repeat(64)), format!("\"{}\"", "k".repeat(64)));
        assert_eq!(shown(&"k".repeat(1_000_000)), format!("\"{}…\"", "k".repeat(64)));
        assert_eq!(
            Error::not_allowed("none", AlgSet::of(&[Alg::Rs256, Alg::Es256])).to_string(),
            r#"alg "none" is not allowed here; allowed: RS256, ES256 (BCP-001)"#
        );
        assert_eq!(
            Error::KeyNotFound { kid: Some("a\nb".into()) }.to_string(),
            r#"no key of the set has kid "a\nb" and fits the algorithm"#
        );
    }
}
