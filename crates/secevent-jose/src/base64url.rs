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
    decode_fast(text.as_bytes()).ok_or_else(|| explain(what, text))
}

/// Six bits of a character at each of the four places of a group; `WRONG` for characters outside the alphabet.
static SIXES: [[u32; 256]; 4] = [sixes(18), sixes(12), sixes(6), sixes(0)];

/// A bit that no group of 24 has.
const WRONG: u32 = 1 << 31;

const fn sixes(shift: u32) -> [u32; 256] {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut table = [WRONG; 256];
    let mut value = 0;
    while value < 64 {
        table[ALPHABET[value as usize] as usize] = value << shift;
        value += 1;
    }
    table
}

/// Decodes groups of four characters by table; every token passes here twice, before anything else is done with it.
/// `None` when the text is not what [`base64url`] writes.
#[expect(clippy::cast_possible_truncation, reason = "the lowest eight bits are what is wanted")]
fn decode_fast(text: &[u8]) -> Option<Vec<u8>> {
    let group = |[a, b, c, d]: [u8; 4]| {
        SIXES[0][a as usize] | SIXES[1][b as usize] | SIXES[2][c as usize] | SIXES[3][d as usize]
    };
    let (groups, rest) = text.as_chunks::<4>();
    let mut bytes = vec![0; groups.len() * 3 + rest.len() * 3 / 4];
    let (whole, last) = bytes.as_chunks_mut::<3>();
    let mut wrong = 0;
    for (characters, three) in groups.iter().zip(whole) {
        let bits = group(*characters);
        wrong |= bits;
        *three = [(bits >> 16) as u8, (bits >> 8) as u8, bits as u8];
    }
    // `A` stands for six zero bits; what is beyond whole bytes must be zero too.
    let (bits, stray) = match *rest {
        [] => (0, 0),
        [a, b] => (group([a, b, b'A', b'A']), 0xFFFF),
        [a, b, c] => (group([a, b, c, b'A']), 0xFF),
        _ => return None,
    };
    wrong |= bits | if bits & stray == 0 { 0 } else { WRONG };
    for (byte, shift) in last.iter_mut().zip([16, 8]) {
        *byte = (bits >> shift) as u8;
    }
    (wrong & WRONG == 0).then_some(bytes)
}

/// Why a text is not base64url, in words.
#[cold]
fn explain(what: &str, text: &str) -> Error {
    let reason = match URL_SAFE_NO_PAD.decode(text) {
        Err(DecodeError::InvalidByte(at, b'=')) => format!("padding at offset {at}"),
        Err(DecodeError::InvalidByte(at, _)) => format!("a character outside the alphabet at offset {at}"),
        Err(DecodeError::InvalidLastSymbol { .. }) => "stray bits in the last character".to_owned(),
        Err(DecodeError::InvalidPadding) => "padding".to_owned(),
        Err(DecodeError::InvalidLength(_)) | Ok(_) => "a length that no byte sequence has".to_owned(),
    };
    Error::Malformed(format!("{what} is not base64url without padding: {reason} (JWT-023)"))
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

    proptest::proptest! {
        /// The reference implementation accepts the same texts and reads the same bytes.
        #[test]
        fn the_reference_agrees(bytes: Vec<u8>, text in "[-_A-Za-z0-9]{0,12}[-_A-Za-z0-9=+/ .]{0,2}") {
            proptest::prop_assert_eq!(base64url_decode(&base64url(&bytes)).ok(), Some(bytes));
            proptest::prop_assert_eq!(base64url_decode(&text).ok(), URL_SAFE_NO_PAD.decode(&text).ok());
        }
    }
}
