//! Base64url without padding (RFC 7515 §2, Appendix C), strict: one byte sequence has one spelling.

use base64_simd::URL_SAFE_NO_PAD;

use crate::Error;

/// Encodes bytes as base64url without padding, as every part of a JWS and every number of a JWK is.
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// The same, behind what is there.
pub(crate) fn append(text: &mut String, bytes: &[u8]) {
    URL_SAFE_NO_PAD.encode_append(bytes, text);
}

/// Decodes base64url (RFC 7515 §2).
///
/// Refused with [`Error::Malformed`]: padding, whitespace, `+`, `/`, any other character outside the
/// alphabet, and a last character with bits that belong to no byte. The message gives the place, not the text.
pub fn base64url_decode(text: &str) -> Result<Vec<u8>, Error> {
    decode("text", text)
}

/// The same, naming the part of a token or key in the message.
pub(crate) fn decode(what: &str, text: &str) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    decode_into(&mut bytes, what, text)?;
    Ok(bytes)
}

/// The same, behind what is there.
// spec: JWT-023
// spec: BCP-026
pub(crate) fn decode_into(bytes: &mut Vec<u8>, what: &str, text: &str) -> Result<(), Error> {
    URL_SAFE_NO_PAD.decode_append(text, bytes).map_err(|_| explain(what, text))
}

/// Why a text is not base64url, in words.
#[cold]
fn explain(what: &str, text: &str) -> Error {
    let outside = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"-_".contains(byte);
    let reason = match text.bytes().position(|byte| outside(&byte)) {
        Some(at) if text.as_bytes()[at] == b'=' => format!("padding at offset {at}"),
        Some(at) => format!("a character outside the alphabet at offset {at}"),
        None if text.len() % 4 == 1 => "a length that no byte sequence has".to_owned(),
        None => "stray bits in the last character".to_owned(),
    };
    Error::Malformed(format!("{what} is not base64url without padding: {reason} (JWT-023)"))
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as REFERENCE};

    use super::*;

    // spec: JWT-023
    // spec: BCP-026
    #[test]
    fn only_the_one_spelling_is_accepted() {
        assert_eq!(base64url_decode("-_8").unwrap(), [0xfb, 0xff]);
        assert_eq!(base64url_decode(""), Ok(Vec::new()));
        for wrong in ["-_8=", "-_8==", "+/8", "-_8 ", " -_8", "-_\n8", "-_9", "-", "-_8-_", "=", "ä"] {
            assert!(matches!(base64url_decode(wrong), Err(Error::Malformed(_))), "{wrong:?}");
        }
    }

    proptest::proptest! {
        /// The reference implementation accepts the same texts and reads the same bytes.
        #[test]
        fn the_reference_agrees(bytes: Vec<u8>, text in "[-_A-Za-z0-9]{0,12}[-_A-Za-z0-9=+/ .]{0,2}") {
            proptest::prop_assert_eq!(base64url_decode(&base64url(&bytes)).ok(), Some(bytes));
            proptest::prop_assert_eq!(base64url_decode(&text).ok(), REFERENCE.decode(&text).ok());
        }
    }
}
