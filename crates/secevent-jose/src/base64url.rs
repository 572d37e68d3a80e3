//! Base64url without padding (RFC 7515 §2, Appendix C), strict: one byte sequence has one spelling.

use base64::DecodeError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::Error;

/// Encodes bytes as base64url without padding, as every part of a JWS and every number of a JWK is.
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes base64url (RFC 7515 §2).
///
/// Refused with [`Error::Malformed`]: padding, whitespace, `+`, `/`, any other character outside the
/// alphabet, and a last character with bits that belong to no byte. The message gives the place, not the text.
pub fn base64url_decode(text: &str) -> Result<Vec<u8>, Error> {
    decode("text", text)
}

/// The same, naming the part of a token or key in the message.
// spec: JWT-023
// spec: BCP-026
pub(crate) fn decode(what: &str, text: &str) -> Result<Vec<u8>, Error> {
    URL_SAFE_NO_PAD.decode(text).map_err(|error| {
        let reason = match error {
            DecodeError::InvalidByte(at, b'=') => format!("padding at offset {at}"),
            DecodeError::InvalidByte(at, _) => {
                format!("a character outside the alphabet at offset {at}")
            }
            DecodeError::InvalidLastSymbol { .. } => "stray bits in the last character".to_owned(),
            DecodeError::InvalidLength(_) => "a length that no byte sequence has".to_owned(),
            DecodeError::InvalidPadding => "padding".to_owned(),
        };
        Error::Malformed(format!("{what} is not base64url without padding: {reason} (JWT-023)"))
    })
}

#[cfg(test)]
mod tests {
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
}
