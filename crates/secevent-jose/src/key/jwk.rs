//! Reading the members of a JWK, and its thumbprint.

use std::ops::{Deref, DerefMut};

use zeroize::{Zeroize, Zeroizing};

use super::signing::Members;
use crate::base64url::decode;
use crate::error::shown;
use crate::json::{Map, Value};
use crate::{Alg, Error, base64url, sha256};

/// The members of a JWK.
pub(crate) type Jwk = Map<String, Value>;

/// Members that only a private or symmetric key has (RFC 7518 §6.2.2, §6.3.2, §6.4.1; RFC 8037 §2).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A private JWK of RSA-8192 is under 7 KiB; reserving this much keeps the text from being copied as it grows.
const JWK_BYTES: usize = 8 * 1024;

pub(crate) fn bad<T>(reason: impl Into<String>) -> Result<T, Error> {
    Err(Error::BadKey(reason.into()))
}

/// A member that is a string if it is there.
pub(crate) fn text<'j>(jwk: &'j Jwk, name: &str) -> Result<Option<&'j str>, Error> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => bad(format!("{name} is not a string (RFC 7517 §4)")),
    }
}

/// A member that must be there.
pub(crate) fn required<'j>(jwk: &'j Jwk, name: &str) -> Result<&'j str, Error> {
    text(jwk, name)?.ok_or_else(|| Error::BadKey(format!("{name} is missing")))
}

/// A member in base64url; wiped after use, since it may be a secret.
pub(crate) fn octets(jwk: &Jwk, name: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    match decode(name, required(jwk, name)?) {
        Ok(octets) => Ok(Zeroizing::new(octets)),
        Err(error) => bad(error.to_string()),
    }
}

/// The same, of a fixed length.
pub(crate) fn octets_of(jwk: &Jwk, name: &str, length: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
    let octets = octets(jwk, name)?;
    if octets.len() == length {
        return Ok(octets);
    }
    bad(format!("{name} has {} bytes, must have {length}", octets.len()))
}

/// The declared algorithm. One that is not ours makes the key useless, whatever its type (RFC 7517 §4.4).
pub(crate) fn alg(jwk: &Jwk) -> Result<Option<Alg>, Error> {
    let Some(name) = text(jwk, "alg")? else { return Ok(None) };
    match Alg::from_name(name) {
        Some(alg) => Ok(Some(alg)),
        None => bad(format!("alg {} is not a signature algorithm of ours", shown(name))),
    }
}

/// Whether `use` and `key_ops`, if there, permit this operation (RFC 7517 §4.2, §4.3).
pub(crate) fn permits(jwk: &Jwk, operation: &str) -> Result<bool, Error> {
    let usage = text(jwk, "use")?.is_none_or(|usage| usage != "enc");
    let listed = match jwk.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) => operations.iter().any(|listed| listed == operation),
        Some(_) => return bad("key_ops is not an array (RFC 7517 §4.3)"),
    };
    Ok(usage && listed)
}

/// The first private member, if the key has one.
pub(crate) fn private_member(jwk: &Jwk) -> Option<&'static str> {
    PRIVATE.into_iter().find(|name| jwk.contains_key(*name))
}

/// The public members that make the key what it is, in the order of the alphabet (RFC 7638 §3.2).
fn required_members(jwk: &Jwk) -> &'static [&'static str] {
    match jwk.get("kty").and_then(Value::as_str) {
        Some("RSA") => &["e", "kty", "n"],
        Some("EC") => &["crv", "kty", "x", "y"],
        _ => &["crv", "kty", "x"],
    }
}

/// The SHA-256 thumbprint in base64url (RFC 7638 §3).
pub(crate) fn thumbprint(jwk: &Jwk) -> String {
    let required: Jwk = required_members(jwk)
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), jwk.get(*name)?.clone())))
        .collect();
    base64url(&sha256(Value::Object(required).to_string().as_bytes()))
}

/// A public signature key of these members; its `kid` is the thumbprint if there is no other.
pub(crate) fn declared(kty: &str, alg: Alg, kid: Option<&str>, members: &Members) -> Jwk {
    let facts = [("kty", kty), ("use", "sig"), ("alg", alg.name()), ("kid", kid.unwrap_or_default())];
    let members = members.iter().map(|(name, value)| (*name, value.as_str()));
    let mut jwk: Jwk =
        facts.into_iter().chain(members).map(|(name, value)| (name.to_owned(), value.into())).collect();
    if kid.is_none() {
        jwk.insert("kid".to_owned(), thumbprint(&jwk).into());
    }
    jwk
}

/// Members of a private key; the strings are overwritten when it goes.
pub(crate) struct Wiped(pub(crate) Jwk);

impl Wiped {
    /// The key as JSON text, which is overwritten in memory when dropped.
    pub(crate) fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(Vec::with_capacity(JWK_BYTES));
        serde_json::to_writer_pretty(&mut *text, &self.0).expect("a map of JSON values is JSON");
        Zeroizing::new(String::from_utf8(std::mem::take(&mut *text)).expect("JSON is UTF-8"))
    }
}

impl Deref for Wiped {
    type Target = Jwk;

    fn deref(&self) -> &Jwk {
        &self.0
    }
}

impl DerefMut for Wiped {
    fn deref_mut(&mut self) -> &mut Jwk {
        &mut self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        for value in self.0.values_mut() {
            if let Value::String(text) = value {
                text.zeroize();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_object;

    /// RFC 7638 §3.1.
    #[test]
    fn thumbprint_is_that_of_the_rfc_example() {
        let jwk = parse_object(
            br#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#,
        )
        .unwrap();
        assert_eq!(thumbprint(&jwk), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn use_and_key_ops_must_both_permit() {
        for (members, expected) in [
            (r"{}", true),
            (r#"{"use":"sig","key_ops":["verify"]}"#, true),
            (r#"{"use":"enc"}"#, false),
            (r#"{"key_ops":["sign"]}"#, false),
            (r#"{"use":"enc","key_ops":["verify"]}"#, false),
        ] {
            assert_eq!(
                permits(&parse_object(members.as_bytes()).unwrap(), "verify"),
                Ok(expected),
                "{members}"
            );
        }
        assert!(permits(&parse_object(br#"{"key_ops":"verify"}"#).unwrap(), "verify").is_err());
    }
}
