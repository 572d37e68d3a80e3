//! JSON Web Encryption, compact serialisation ([RFC 7516 §3.1](https://www.rfc-editor.org/rfc/rfc7516#section-3.1)):
//! `header.encrypted_key.iv.ciphertext.tag`.
//!
//! Whoever has the recipient's public key can [`encrypt`]; only the recipient can [decrypt](Compact::decrypt). What
//! comes out was altered by nobody, and may have been written by anybody: it is the signature inside that says by whom.
//!
//! ```
//! use secevent_jose::json::Map;
//! use secevent_jose::jwe::{Allowed, Compact, DecryptionKey, Enc, EncAlg, EncryptionKey, encrypt};
//!
//! // The recipient makes a key pair and publishes the public half.
//! let key = DecryptionKey::generate(EncAlg::EcdhEsA256Kw)?;
//! let published = EncryptionKey::from_jwk(&key.encryption_key().to_jwk())?;
//!
//! // The sender encrypts to it.
//! let token = encrypt(b"hello", &published, EncAlg::EcdhEsA256Kw, Enc::A256Gcm, &Map::new())?;
//!
//! // The recipient decides what it accepts, and only then decrypts.
//! let allowed = Allowed::of(&[EncAlg::EcdhEsA256Kw], &[Enc::A256Gcm]);
//! assert_eq!(*Compact::parse(&token)?.decrypt(&key, allowed)?, b"hello");
//! # Ok::<(), secevent_jose::Error>(())
//! ```
//!
//! Left out on purpose: RSAES-PKCS1-v1_5 and RSA-OAEP with SHA-1 (RFC 8725 §3.2), passwords and every other
//! symmetric key, compression, and the JSON serialisation.

mod agreement;
mod alg;
mod content;
mod decryption;
mod encryption;
mod management;

use std::fmt;

use zeroize::Zeroizing;

pub use agreement::Crv;
pub use alg::{Allowed, Enc, EncAlg};
pub use decryption::DecryptionKey;
pub use encryption::EncryptionKey;

use crate::base64url::decode;
use crate::error::shown;
use crate::json::{Map, Value};
use crate::{Error, Header, base64url};

/// A signed token of 64 KiB grows by a third when it is encoded once more; the rest is for header and key.
pub const TOKEN_BYTES_MAX: usize = 96 * 1024;

/// Decrypted content, overwritten in memory when dropped.
pub type Plaintext = Zeroizing<Vec<u8>>;

/// A JWE in compact form that was split and decoded, and not decrypted yet.
#[derive(Clone, PartialEq)]
pub struct Compact<'t> {
    header: Header,
    /// The first part exactly as received, which the tag covers.
    protected: &'t str,
    encrypted_key: Vec<u8>,
    iv: Vec<u8>,
    ciphertext: Vec<u8>,
    tag: Vec<u8>,
}

impl<'t> Compact<'t> {
    /// Splits and decodes a token (RFC 7516 §5.2, steps 1 to 5).
    ///
    /// Errors: [`Error::TooLong`] over [`TOKEN_BYTES_MAX`], [`Error::CritUnsupported`], [`Error::ZipUnsupported`],
    /// [`Error::Json`] for a header that is not a strict JSON object, and [`Error::Malformed`] for everything else,
    /// such as a signed token of three parts. No whitespace is trimmed.
    // spec: BCP-011
    // spec: BCP-021
    // spec: BCP-026
    // spec: BCP-027
    // spec: CHK-001
    // spec: JWT-002
    // spec: JWT-023
    pub fn parse(token: &'t str) -> Result<Self, Error> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Error::TooLong { bytes: token.len(), max: TOKEN_BYTES_MAX });
        }
        let [protected, encrypted_key, iv, ciphertext, tag] = split(token)?;
        let header = Header::parse(decode("the header part", protected)?)?;
        check(&header)?;
        Ok(Self {
            header,
            protected,
            encrypted_key: decode("the encrypted key part", encrypted_key)?,
            iv: decode("the initialization vector part", iv)?,
            ciphertext: decode("the ciphertext part", ciphertext)?,
            tag: decode("the tag part", tag)?,
        })
    }

    /// The header, which everybody on the way can read. Only after decryption is it known to be unaltered.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The `enc` as received, which may name no algorithm of ours (RFC 7516 §4.1.2).
    pub fn enc(&self) -> &str {
        self.header.text("enc").unwrap_or_default()
    }

    /// Decrypts the content (RFC 7516 §5.2, steps 6 to 17); it is overwritten in memory when dropped.
    ///
    /// Errors, in the order of the checks: [`Error::AlgNotAllowed`] and [`Error::EncNotAllowed`] by the allow-list,
    /// [`Error::KeyUnfit`] if the key is not for that algorithm, [`Error::Malformed`] if the header's `epk`, `apu` or
    /// `apv` cannot be used, and [`Error::NotDecrypted`] for all that depends on the private key, so that the answer
    /// says nothing about it.
    // spec: BCP-001
    // spec: BCP-002
    // spec: BCP-008
    // spec: BCP-019
    // spec: BCP-020
    // spec: JWT-005
    pub fn decrypt(&self, key: &DecryptionKey, allowed: Allowed) -> Result<Plaintext, Error> {
        let alg = EncAlg::from_name(self.header.alg()).filter(|alg| allowed.contains_alg(*alg));
        let alg = alg.ok_or_else(|| allowed.refuse_alg(self.header.alg()))?;
        let enc = Enc::from_name(self.enc()).filter(|enc| allowed.contains_enc(*enc));
        let enc = enc.ok_or_else(|| allowed.refuse_enc(self.enc()))?;
        let header = self.header.members().to_map();
        let cek = management::recover(key, alg, enc, &header, &self.encrypted_key)?;
        enc.open(&cek, &self.iv, self.protected.as_bytes(), &self.ciphertext, &self.tag)
    }
}

/// The header only: even encrypted, content is not for logs.
impl fmt::Debug for Compact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("jwe::Compact").field("header", &self.header).finish_non_exhaustive()
    }
}

/// The five parts.
fn split(token: &str) -> Result<[&str; 5], Error> {
    let mut parts = token.split('.');
    let five = [(); 5].map(|()| parts.next());
    if let ([Some(a), Some(b), Some(c), Some(d), Some(e)], None) = (five, parts.next()) {
        return Ok([a, b, c, d, e]);
    }
    Err(Error::Malformed(match token.split('.').count() {
        3 => {
            "the token has three parts, so it is signed (JWS); an encrypted token is wanted (BCP-021)".into()
        }
        _ if token.trim_start().starts_with('{') => {
            "the token is JSON; only the compact serialisation is accepted (RFC 7516 §3.1)".into()
        }
        parts => format!("the token has {parts} parts, a JWE has 5 (RFC 7516 §3.1)"),
    }))
}

/// What a JWE's header must and must not have, beyond what every header must.
fn check(header: &Header) -> Result<(), Error> {
    if let Some(zip) = header.members().get("zip") {
        return Err(Error::ZipUnsupported(shown(&zip.to_value().to_string())));
    }
    match header.text("enc") {
        Some(_) => Ok(()),
        None => {
            Err(Error::Malformed("header has no enc, or one that is not a string (RFC 7516 §4.1.2)".into()))
        }
    }
}

/// Encrypts to a recipient's public key, with a content key and initialization vector that are used this once
/// (RFC 7516 §5.1).
///
/// The header has `alg`, `enc`, the `kid` of the key if it has one, `members` in their order, and `epk` where the
/// algorithm needs it. Of `members`, `apu` and `apv` enter key derivation (RFC 7518 §4.6.1); all are sent in clear.
///
/// Errors: [`Error::KeyUnfit`], [`Error::Malformed`] if `members` has one that is set here or refused by
/// [`Compact::parse`], [`Error::TooLong`] for a token over [`TOKEN_BYTES_MAX`], and [`Error::Encrypt`].
///
/// # Panics
///
/// When the operating system has no randomness to give.
pub fn encrypt(
    plaintext: &[u8],
    key: &EncryptionKey,
    alg: EncAlg,
    enc: Enc,
    members: &Map<String, Value>,
) -> Result<String, Error> {
    if plaintext.len() > TOKEN_BYTES_MAX {
        return Err(Error::TooLong { bytes: plaintext.len(), max: TOKEN_BYTES_MAX });
    }
    let facts = [("alg", Some(alg.name())), ("enc", Some(enc.name())), ("kid", key.kid())];
    let facts = facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
    let mut header: Map<String, Value> = facts.collect();
    if let Some(name) = members.keys().find(|name| RESERVED.contains(&name.as_str())) {
        return Err(Error::Malformed(format!("header member {name} is not the caller's to set")));
    }
    header.extend(members.iter().map(|(name, value)| (name.clone(), value.clone())));
    let managed = management::establish(key, alg, enc, &header)?;
    header.extend(managed.epk.map(|epk| ("epk".to_owned(), epk.into())));
    let header = Value::Object(header).to_string();
    check(&Header::parse(header.clone().into_bytes())?)?;

    let protected = base64url(header.as_bytes());
    let iv = enc.fresh_iv();
    let (ciphertext, tag) = enc.seal(&managed.cek, &iv, protected.as_bytes(), plaintext)?;
    let rest = [&managed.encrypted_key, &iv, &ciphertext, &tag].map(|part| base64url(part)).join(".");
    let token = format!("{protected}.{rest}");
    if token.len() > TOKEN_BYTES_MAX {
        return Err(Error::TooLong { bytes: token.len(), max: TOKEN_BYTES_MAX });
    }
    Ok(token)
}

/// Members that say how the token was made, and those that no token of ours has.
const RESERVED: [&str; 6] = ["alg", "enc", "kid", "epk", "zip", "crit"];
