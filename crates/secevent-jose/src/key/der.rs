//! Just enough DER to take the numbers of an RSA key out of what `aws-lc-rs` exports, and to see which type of
//! key a PEM block holds before `aws-lc-rs` reads it. The other direction needs none: `aws-lc-rs` takes the
//! numbers themselves.

use crate::Error;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
/// `[0]`, constructed.
const CONTEXT_0: u8 = 0xa0;

/// `n` and `e` of an `RSAPublicKey` (RFC 8017, Appendix A.1.1).
pub(super) fn rsa_public(der: &[u8]) -> Result<[&[u8]; 2], Error> {
    let mut key = Reader(Reader(der).take(SEQUENCE)?);
    key.unsigned_integers()
}

/// `n`, `e`, `d`, `p`, `q`, `dp`, `dq`, `qi` of an `RSAPrivateKey` (RFC 8017, Appendix A.1.2) in a
/// `PrivateKeyInfo` (RFC 5208 §5).
pub(crate) fn rsa_private(pkcs8: &[u8]) -> Result<[&[u8]; 8], Error> {
    let mut info = Reader(Reader(pkcs8).take(SEQUENCE)?);
    let (_version, _algorithm) = (info.take(INTEGER)?, info.take(SEQUENCE)?);
    let mut key = Reader(Reader(info.take(OCTET_STRING)?).take(SEQUENCE)?);
    let _version = key.take(INTEGER)?;
    key.unsigned_integers()
}

/// The `AlgorithmIdentifier` of a `PrivateKeyInfo` (RFC 5208 §5).
pub(super) fn pkcs8_algorithm(der: &[u8]) -> Result<&[u8], Error> {
    let mut info = Reader(Reader(der).take(SEQUENCE)?);
    let _version = info.take(INTEGER)?;
    info.take(SEQUENCE)
}

/// The curve of an `ECPrivateKey` (RFC 5915 §3).
pub(super) fn sec1_curve(der: &[u8]) -> Result<&[u8], Error> {
    let mut key = Reader(Reader(der).take(SEQUENCE)?);
    let (_version, _number) = (key.take(INTEGER)?, key.take(OCTET_STRING)?);
    key.take(CONTEXT_0)
}

/// The `AlgorithmIdentifier` and the key of a `SubjectPublicKeyInfo` (RFC 5280 §4.1).
pub(super) fn spki(der: &[u8]) -> Result<[&[u8]; 2], Error> {
    let mut info = Reader(Reader(der).take(SEQUENCE)?);
    let (algorithm, bits) = (info.take(SEQUENCE)?, info.take(BIT_STRING)?);
    match bits {
        [0, key @ ..] if info.0.is_empty() => Ok([algorithm, key]),
        _ => Err(Error::BadKey("a public key is whole bytes with nothing after them".into())),
    }
}

/// That this is one structure and nothing follows it.
pub(super) fn check_alone(der: &[u8]) -> Result<(), Error> {
    let mut reader = Reader(der);
    reader.take(SEQUENCE)?;
    if reader.0.is_empty() { Ok(()) } else { Err(Error::BadKey("bytes follow the end of the key".into())) }
}

struct Reader<'d>(&'d [u8]);

impl<'d> Reader<'d> {
    /// The content of the next element, which must have this tag.
    fn take(&mut self, tag: u8) -> Result<&'d [u8], Error> {
        self.element(tag).ok_or_else(|| Error::BadKey(format!("DER element of tag {tag:#04x} expected")))
    }

    fn element(&mut self, tag: u8) -> Option<&'d [u8]> {
        let (&found, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81 => (usize::from(*rest.first()?), &rest[1..]),
            0x82 => (usize::from(u16::from_be_bytes(*rest.first_chunk()?)), &rest[2..]),
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        (found == tag).then_some(content)
    }

    /// The next `N` integers, without the zero byte that keeps a large one from being negative.
    fn unsigned_integers<const N: usize>(&mut self) -> Result<[&'d [u8]; N], Error> {
        let mut integers = [[].as_slice(); N];
        for integer in &mut integers {
            let content = self.take(INTEGER)?;
            *integer = content.strip_prefix(&[0]).unwrap_or(content);
        }
        Ok(integers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_come_out_unsigned() {
        let der = [SEQUENCE, 8, INTEGER, 3, 0, 0x81, 2, INTEGER, 1, 3];
        assert_eq!(rsa_public(&der), Ok([[0x81, 2].as_slice(), &[3]]));
    }

    #[test]
    fn lengths_of_one_two_and_three_bytes_are_read() {
        for (length, prefix) in [
            (0x7f, vec![SEQUENCE, 0x7f]),
            (0xff, vec![SEQUENCE, 0x81, 0xff]),
            (0x1234, vec![SEQUENCE, 0x82, 0x12, 0x34]),
        ] {
            let der = [prefix, vec![7; length]].concat();
            assert_eq!(Reader(&der).take(SEQUENCE), Ok(vec![7; length].as_slice()));
            assert!(Reader(&der[..der.len() - 1]).take(SEQUENCE).is_err());
        }
    }

    #[test]
    fn anything_cut_short_or_of_another_tag_is_an_error() {
        let der = [SEQUENCE, 8, INTEGER, 3, 0, 0x81, 2, INTEGER, 1, 3];
        for end in 0..der.len() {
            assert!(rsa_public(&der[..end]).is_err(), "{end}");
        }
        for wrong in [[OCTET_STRING, 0], [SEQUENCE, 0x80], [SEQUENCE, 0x83]] {
            assert!(Reader(&wrong).take(SEQUENCE).is_err(), "{wrong:?}");
        }
    }
}
