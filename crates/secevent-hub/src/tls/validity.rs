//! Until when a certificate is valid (RFC 5280 §4.1.2.5). Nothing else of it is read here: what it is good for is
//! judged by those who are shown it.

use jiff::{civil::DateTime, tz::TimeZone};
use secevent::Timestamp;

/// The end of a certificate's validity; `None` where it cannot be found.
pub(super) fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    let (_, certificate, _) = element(certificate)?;
    let (_, tbs, _) = element(certificate)?;
    let (tag, _, after_first) = element(tbs)?;
    // The version is left out by version 1.
    let serial = if tag == VERSION { after_first } else { tbs };
    let validity = skip(skip(skip(serial)?)?)?;
    let (_, validity, _) = element(validity)?;
    let (tag, text, _) = element(skip(validity)?)?;
    time(tag, text)
}

/// `[0]`, constructed.
const VERSION: u8 = 0xA0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// What follows one element.
fn skip(der: &[u8]) -> Option<&[u8]> {
    element(der).map(|(_, _, rest)| rest)
}

/// The first element: its tag, its content, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, der) = der.split_first()?;
    let (first, der) = der.split_first()?;
    let (length, der) = match first {
        0..=0x7F => (usize::from(*first), der),
        // No certificate is longer than three bytes can say.
        0x81..=0x83 => {
            let (length, der) = der.split_at_checked(usize::from(first & 0x7F))?;
            (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), der)
        }
        _ => return None,
    };
    let (content, rest) = der.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn time(tag: u8, text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let text = match tag {
        UTC_TIME => format!("{}{text}", if text < "50" { "20" } else { "19" }),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let at = DateTime::strptime("%Y%m%d%H%M%S", &text).ok()?;
    TimeZone::UTC.to_timestamp(at).ok().map(|at| Timestamp(at.as_second()))
}

#[cfg(test)]
mod tests {
    use secevent::Timestamp;
    use testkit::Authority;

    use super::*;

    fn der(pem: &str) -> Vec<u8> {
        use rustls::pki_types::{CertificateDer, pem::PemObject};
        CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()
    }

    #[test]
    fn the_end_is_found_in_both_forms_of_time() {
        let authority = Authority::new();
        for (year, end) in [(2031, 1_924_992_000), (2049, 2_493_072_000), (2051, 2_556_144_000)] {
            let certificate = authority.certify_until("localhost", year);
            assert_eq!(not_after(&der(&certificate.cert)), Some(Timestamp(end)), "{year}");
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        let whole = der(&Authority::new().certify("localhost").cert);
        for end in 0..whole.len() {
            not_after(&whole[..end]);
        }
        for at in 0..whole.len() {
            let mut bent = whole.clone();
            bent[at] = !bent[at];
            not_after(&bent);
        }
        assert_eq!(not_after(&[]), None);
        assert_eq!(not_after(&[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]), None);
        assert_eq!((time(UTC_TIME, b"4"), time(UTC_TIME, "ä0101000000Z".as_bytes())), (None, None));
        assert_eq!(time(GENERALIZED_TIME, b"20260231000000Z"), None);
    }
}
