//! JSON Web Signature, compact serialisation (RFC 7515 §3.1): `header.payload.signature`.
//!
//! A token is [parsed](Compact::parse), which believes nothing, then [verified](Compact::verify) with a key and
//! an allow-list, which returns the payload.
//!
//! ```
//! use secevent_jose::{Alg, AlgSet, Compact, Error, SigningKey};
//! let (key, other) = (SigningKey::generate(Alg::Ed25519)?, SigningKey::generate(Alg::Ed25519)?);
//! let token = secevent_jose::sign(None, b"hello", &key)?;
//!
//! let jws = Compact::parse(&token)?;
//! assert_eq!(jws.verify(key.verifying_key(), AlgSet::ALL)?, b"hello");
//! assert_eq!(jws.verify(other.verifying_key(), AlgSet::ALL), Err(Error::BadSignature));
//! # Ok::<(), Error>(())
//! ```

use std::fmt;

use serde::Serialize;

use crate::base64url::{append, decode, decode_into};
use crate::error::shown;
use crate::json::{Document, JsonError, Object};
use crate::{Alg, AlgSet, Error, Signer, VerifyingKey};

/// A SET with ten subjects and two languages is under 4 KiB; 64 KiB leaves room and bounds memory.
pub const TOKEN_BYTES_MAX: usize = 64 * 1024;

/// The JOSE header of a JWS (RFC 7515 §4), or of a JWE, where these members mean the same (RFC 7516 §4).
// Invariant: `alg` is there and a string; `typ`, `cty` and `kid` are strings if there; `crit` is not there.
#[derive(Clone, PartialEq, Debug)]
pub struct Header {
    document: Document,
    /// The algorithm that `alg` names, if it is one of ours.
    known_alg: Option<Alg>,
}

impl Header {
    // spec: JWT-001
    pub(crate) fn parse(bytes: Vec<u8>) -> Result<Self, Error> {
        let document = Document::parse(bytes)?;
        let members = document.root().as_object().ok_or(JsonError::NOT_AN_OBJECT)?;
        let (mut crit, mut alg, mut odd) = (None, None, None);
        for (name, value) in members.iter() {
            match name {
                "crit" => crit = Some(value),
                "alg" => alg = Some(value),
                "typ" | "cty" | "kid" => {}
                _ => continue,
            }
            if value.as_str().is_none() {
                odd.get_or_insert(name);
            }
        }
        // spec: JWT-021
        // spec: JWT-002
        if let Some(crit) = crit {
            return Err(Error::CritUnsupported(shown(&crit.to_value().to_string())));
        }
        let alg = alg.ok_or_else(|| Error::Malformed("header has no alg (RFC 7515 §4.1.1)".into()))?;
        if let Some(name) = odd {
            return Err(Error::Malformed(format!("header member {name} is not a string (RFC 7515 §4.1)")));
        }
        let known_alg = alg.as_str().and_then(Alg::from_name);
        Ok(Self { document, known_alg })
    }

    /// The `alg` as received, which may name no algorithm of ours (RFC 7515 §4.1.1).
    pub fn alg(&self) -> &str {
        self.text("alg").unwrap_or_default()
    }

    /// The media type of the whole token, e.g. `secevent+jwt` (RFC 7515 §4.1.9).
    pub fn typ(&self) -> Option<&str> {
        self.text("typ")
    }

    /// The media type of the payload; `JWT` in a nested token (RFC 7515 §4.1.10).
    pub fn cty(&self) -> Option<&str> {
        self.text("cty")
    }

    /// Which of the issuer's keys was used (RFC 7515 §4.1.4). Written by whoever made the token: only ever
    /// compare it.
    pub fn kid(&self) -> Option<&str> {
        self.text("kid")
    }

    /// All members in the order received, for showing them to a person.
    ///
    /// A key carried here (`jwk`, `x5c`) or pointed to (`jku`, `x5u`) proves nothing about the issuer.
    ///
    /// # Panics
    ///
    /// Never: a header that is no object is not parsed.
    pub fn members(&self) -> Object<'_> {
        self.document.root().as_object().expect("it was an object when it was parsed")
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.members().text(name)
    }
}

/// A JWS in compact form that was split and decoded, and of which nothing is believed yet.
#[derive(Clone, PartialEq)]
pub struct Compact<'t> {
    header: Header,
    /// The first two parts and their period, exactly as received.
    signing_input: &'t str,
    /// Payload and signature, one behind the other.
    decoded: Vec<u8>,
    payload_bytes: usize,
}

impl<'t> Compact<'t> {
    /// Splits and decodes a token (RFC 7515 §5.2, steps 1 to 7, and RFC 7519 §7.2).
    ///
    /// A token of `alg` `none` or of an unknown one is taken apart like any other, so that it can be shown;
    /// [`verify`](Self::verify) refuses it. Errors: [`Error::TooLong`] over [`TOKEN_BYTES_MAX`],
    /// [`Error::Encrypted`] for five parts, [`Error::CritUnsupported`], [`Error::Json`] for a header that is not
    /// a strict JSON object, and [`Error::Malformed`] for everything else. No whitespace is trimmed.
    // spec: JWT-001
    pub fn parse(token: &'t str) -> Result<Self, Error> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Error::TooLong { bytes: token.len(), max: TOKEN_BYTES_MAX });
        }
        // A token of another number of parts is no base64url somewhere, which is found on the way.
        Self::decode(token).map_err(|error| count_parts(token).err().unwrap_or(error))
    }

    fn decode(token: &'t str) -> Result<Self, Error> {
        let (header, rest) = token.split_once('.').unwrap_or_default();
        let (payload, signature) = rest.rsplit_once('.').ok_or(Error::Encrypted)?;
        let signing_input = &token[..header.len() + 1 + payload.len()];
        let header = Header::parse(decode("the header part", header)?)?;
        let mut decoded = Vec::with_capacity(rest.len() * 3 / 4);
        decode_into(&mut decoded, "the payload part", payload)?;
        let payload_bytes = decoded.len();
        decode_into(&mut decoded, "the signature part", signature)?;
        Ok(Self { header, signing_input, decoded, payload_bytes })
    }

    /// The header, which is as unverified as the rest.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The header's `alg` as one of ours, or [`Error::AlgNotAllowed`].
    pub fn alg(&self) -> Result<Alg, Error> {
        self.header.known_alg.ok_or_else(|| Error::not_allowed(self.header.alg(), AlgSet::ALL))
    }

    /// The payload, for showing only: anyone may have written it. [`verify`](Self::verify) returns the one to
    /// act on.
    pub fn payload_unverified(&self) -> &[u8] {
        &self.decoded[..self.payload_bytes]
    }

    /// Verifies the signature over the exact text received, and returns the payload (RFC 7515 §5.2, step 8).
    ///
    /// Errors, in the order of the checks: [`Error::AlgNotAllowed`] if the header's `alg` is not in `allowed`,
    /// [`Error::KeyUnfit`] if the key is not for that algorithm, [`Error::BadSignature`].
    // spec: BCP-001
    // spec: BCP-002
    // spec: BCP-005
    // spec: BCP-008
    // spec: BCP-019
    // spec: JWT-005
    // spec: JWT-022
    pub fn verify(&self, key: &VerifyingKey, allowed: AlgSet) -> Result<&[u8], Error> {
        let alg = (self.header.known_alg)
            .filter(|alg| allowed.contains(*alg))
            .ok_or_else(|| Error::not_allowed(self.header.alg(), allowed))?;
        let (payload, signature) = self.decoded.split_at(self.payload_bytes);
        key.verify(alg, self.signing_input.as_bytes(), signature)?;
        Ok(payload)
    }

    /// Header and payload without a copy, for callers that have called [`verify`](Self::verify).
    pub fn into_parts(mut self) -> (Header, Vec<u8>) {
        self.decoded.truncate(self.payload_bytes);
        (self.header, self.decoded)
    }
}

/// The header only: payloads are personal data, and a token with its signature is a credential.
impl fmt::Debug for Compact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compact").field("header", &self.header).finish_non_exhaustive()
    }
}

/// Why a token is no JWS, if its parts tell.
// spec: BCP-021
#[cold]
fn count_parts(token: &str) -> Result<(), Error> {
    match token.split('.').count() {
        3 => Ok(()),
        5 => Err(Error::Encrypted),
        _ if token.trim_start().starts_with('{') => Err(Error::Malformed(
            "the token is JSON; only the compact serialisation is accepted (RFC 7515 §3.1)".into(),
        )),
        parts => Err(Error::Malformed(format!("the token has {parts} parts, a JWS has 3 (RFC 7515 §3.1)"))),
    }
}

/// The text that is signed: `BASE64URL(header) "." BASE64URL(payload)` (RFC 7515 §5.1). The header is a map, or
/// anything else that is a JSON object.
///
/// # Panics
///
/// When the header is something that JSON cannot say, such as a map whose names are no strings.
pub fn signing_input(header: &impl Serialize, payload: &[u8]) -> String {
    /// The header with a long `kid`, both dots, and the signature of a 2048-bit RSA key.
    const AROUND_PAYLOAD: usize = 640;
    let header = serde_json::to_vec(header).expect("a header is JSON");
    let mut input = String::with_capacity(payload.len().div_ceil(3) * 4 + AROUND_PAYLOAD);
    append(&mut input, &header);
    input.push('.');
    append(&mut input, payload);
    input
}

/// Completes a signing input to a token, for signatures that come from elsewhere (RFC 7515 §5.1, step 8).
pub fn attach(mut signing_input: String, signature: &[u8]) -> String {
    signing_input.push('.');
    append(&mut signing_input, signature);
    signing_input
}

/// The header that most tokens have.
#[derive(Serialize)]
struct Typical<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    typ: Option<&'a str>,
    alg: &'a str,
    kid: &'a str,
}

/// The signing input of a token with the header `typ`, `alg`, `kid`, in this order (RFC 7515 §5.1).
pub fn signing_input_of(typ: Option<&str>, alg: Alg, kid: &str, payload: &[u8]) -> String {
    signing_input(&Typical { typ, alg: alg.name(), kid }, payload)
}

/// Signs a payload with the header `typ`, `alg`, `kid`, in this order (RFC 7515 §5.1).
///
/// Errors: [`Error::Sign`] from the signer, and [`Error::TooLong`] for a token that [`Compact::parse`] would
/// refuse.
pub fn sign(typ: Option<&str>, payload: &[u8], signer: &dyn Signer) -> Result<String, Error> {
    let input = signing_input_of(typ, signer.alg(), signer.kid(), payload);
    let signature = signer.sign(input.as_bytes())?;
    let token = attach(input, &signature);
    if token.len() > TOKEN_BYTES_MAX {
        return Err(Error::TooLong { bytes: token.len(), max: TOKEN_BYTES_MAX });
    }
    Ok(token)
}
