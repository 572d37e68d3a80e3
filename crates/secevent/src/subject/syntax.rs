//! The value rules of identifier formats: addr-spec, E.164, acct, DID and URI.

use std::net::IpAddr;

/// addr-spec of RFC 5322 §3.4.1, without comments and folding (RFC 9493 §3.2.2).
pub(super) fn is_addr_spec(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    // RFC 5321 §4.5.3.1: 64 octets before the sign, 255 after it.
    (1..=64).contains(&local.len())
        && (1..=255).contains(&domain.len())
        && (is_dot_atom(local) || is_quoted(local))
        && (is_dot_atom(domain) || is_address_literal(domain))
}

/// E.164 with the international prefix: `+`, then at most 15 digits, the first not 0.
pub(super) fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (2..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

/// `acct:user@host` (RFC 7565).
pub(super) fn is_acct(text: &str) -> bool {
    let rest = text.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("acct:")).map(|_| &text[5..]);
    rest.and_then(|rest| rest.rsplit_once('@')).is_some_and(|(user, host)| {
        !user.is_empty() && !host.is_empty() && is_uri(text) && !user.contains(['@', '/', '?', '#'])
    })
}

/// A DID URL: `did:method:id`, then path, query and fragment if any (DID Core §3.2).
pub(super) fn is_did(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("did:") else { return false };
    let Some((method, id)) = rest.split_once(':') else { return false };
    let id = id.split(['/', '?', '#']).next().unwrap_or_default();
    !method.is_empty()
        && method.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && !id.is_empty()
        && !id.ends_with(':')
        && is_uri(text)
}

/// An absolute URI of RFC 3986: a scheme, and only characters that a URI may hold.
pub(crate) fn is_uri(text: &str) -> bool {
    let Some(colon) = text.bytes().position(|byte| byte == b':') else { return false };
    let (scheme, rest) = (&text[..colon], &text[colon + 1..]);
    let mut chars = scheme.bytes();
    chars.next().is_some_and(|b| b.is_ascii_alphabetic())
        && chars.all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        && !rest.is_empty()
        && are_uri_characters(rest)
}

/// `StringOrURI` of RFC 7519 §2: any text, but one with a colon must be a URI.
pub(super) fn is_string_or_uri(text: &str) -> bool {
    text.bytes().all(|byte| byte != b':') || is_uri(text)
}

/// A SCIM resource path relative to the base URI, without dot segments (SCIM-013).
pub(super) fn is_relative_path(text: &str) -> bool {
    are_uri_characters(text) && !is_uri(text) && !text.split('/').any(|segment| matches!(segment, "." | ".."))
}

pub(super) fn is_ip_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

fn are_uri_characters(text: &str) -> bool {
    let seen = text.bytes().fold(0, |seen, byte| seen | URI_CHARACTERS[byte as usize]);
    seen & WRONG == 0 && (seen & ESCAPE == 0 || text.split('%').skip(1).all(starts_with_two_digits))
}

fn starts_with_two_digits(text: &str) -> bool {
    text.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

const ESCAPE: u8 = 1;
const WRONG: u8 = 2;

/// 0 for the unreserved and reserved characters of RFC 3986 §2.2 and §2.3.
static URI_CHARACTERS: [u8; 256] = {
    let others = b"-._~:/?#[]@!$&'()*+,;=";
    let mut table = [WRONG; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() {
            table[byte as usize] = 0;
        }
        byte += 1;
    }
    let mut i = 0;
    while i < others.len() {
        table[others[i] as usize] = 0;
        i += 1;
    }
    table[b'%' as usize] = ESCAPE;
    table
};

fn is_dot_atom(text: &str) -> bool {
    text.split('.').all(|atom| {
        !atom.is_empty()
            && atom
                .chars()
                .all(|c| !c.is_ascii() || c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c))
    })
}

fn is_quoted(text: &str) -> bool {
    text.len() >= 2
        && text.starts_with('"')
        && text.ends_with('"')
        && !text[1..text.len() - 1].contains(['"', '\r', '\n', '\0'])
}

fn is_address_literal(text: &str) -> bool {
    text.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|inner| inner.strip_prefix("IPv6:").map_or_else(|| is_ip_address(inner), is_ip_address))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Rule = (fn(&str) -> bool, &'static [&'static str], &'static [&'static str]);

    // spec: SUB-012, SUB-013, SUB-017, SUB-018, SUB-019, SUB-026, SCIM-013, JWT-017
    #[test]
    fn values_of_formats_follow_their_grammar() {
        let rules: [Rule; 7] = [
            (
                is_addr_spec,
                &["a@b", "a.b+c@d.example", "\"odd name\"@e.example", "u@[192.0.2.1]", "ü@example.com"],
                &["", "a", "@b", "a@", "A <a@b>", "mailto:a@b", "a..b@c", "a@b c", "a@b.", "a b@c"],
            ),
            (
                is_e164,
                &["+12065550100", "+4930123456"],
                &["12065550100", "+1 206", "+0123", "+", "+1234567890123456"],
            ),
            (
                is_acct,
                &["acct:a@example.com", "ACCT:a@b", "acct:a%40b@c"],
                &["acct:a", "acct:@b", "a@b", "http://a@b"],
            ),
            (
                is_did,
                &["did:example:123", "did:example:123/p?q=1#f", "did:web:a.example%3A80"],
                &["did:example", "did:", "did:Ex:1", "did:example:", "urn:x:y"],
            ),
            (
                is_uri,
                &["https://a.example/b?c#d", "urn:uuid:1", "x:y", "http://[::1]/"],
                &["", "a", "/relative", "a:", "1a:b", "https://a b", "a:%zz", "a:\u{e9}"],
            ),
            (is_ip_address, &["192.0.2.1", "2001:0db8:0000::1"], &["192.0.2", "[::1]", "localhost", ""]),
            (is_relative_path, &["/Users/1", "Users/a%20b"], &["https://a/Users/1", "/../x", "/a b"]),
        ];
        for (rule, good, bad) in rules {
            for text in good {
                assert!(rule(text), "{text:?} is fine");
            }
            for text in bad {
                assert!(!rule(text), "{text:?} is not");
            }
        }
        assert!(is_string_or_uri("plain") && is_string_or_uri("urn:a:b") && !is_string_or_uri("1:b c"));
    }
}
