//! Mutation of PEM: the DER inside is decoded, changed and encoded, or the label is exchanged.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use fastrand::Rng;

use super::{Pool, bytes};

/// Labels of keys, and of what is none.
const LABELS: [&str; 8] = [
    "PRIVATE KEY",
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "PUBLIC KEY",
    "RSA PUBLIC KEY",
    "ENCRYPTED PRIVATE KEY",
    "EC PARAMETERS",
    "CERTIFICATE",
];

/// Tags and lengths that DER readers trip over: long forms, the indefinite one, and one that nobody has the bytes for.
const LENGTHS: [&[u8]; 8] = [
    b"\x00",
    b"\x7f",
    b"\x80",
    b"\x81\x80",
    b"\x82\x00\x01",
    b"\x82\xff\xff",
    b"\x84\xff\xff\xff\xff",
    b"\x88\xff\xff\xff\xff\xff\xff\xff\xff",
];

/// No key is nested deeper.
const DEPTH_MAX: u8 = 8;

/// The label and the DER of an input that is one block.
fn block(input: &[u8]) -> Option<(&str, Vec<u8>)> {
    let text = std::str::from_utf8(input).ok()?;
    let (label, rest) = text.trim_ascii().strip_prefix("-----BEGIN ")?.split_once("-----")?;
    let (body, _) = rest.split_once("-----END ")?;
    let body: Vec<u8> = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    Some((label, STANDARD.decode(body).ok()?))
}

pub(super) fn mutate(input: &[u8], pool: &Pool, rng: &mut Rng) -> Option<Vec<u8>> {
    let (label, mut der) = block(input)?;
    let mut label = label.to_owned();
    match rng.u8(..16) {
        0 => rng.choice(LABELS)?.clone_into(&mut label),
        1 => der = spliced(&der, &block(pool.input(rng)).unwrap_or_default().1, rng),
        2 => replace_length(&mut der, rng),
        3 => der = bytes::mutate(&der, pool, rng),
        _ => der = inside(&der, DEPTH_MAX, pool, rng),
    }
    let body = STANDARD.encode(&der);
    let lines: Vec<&str> = body.as_bytes().chunks(64).filter_map(|line| str::from_utf8(line).ok()).collect();
    Some(format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n")).into_bytes())
}

/// The beginning of one and the end of the other.
fn spliced(one: &[u8], other: &[u8], rng: &mut Rng) -> Vec<u8> {
    [&one[..rng.usize(..=one.len())], &other[rng.usize(..=other.len())..]].concat()
}

/// Puts a length where one may stand.
fn replace_length(der: &mut Vec<u8>, rng: &mut Rng) {
    if der.len() > 1 {
        let at = rng.usize(1..der.len());
        der.splice(at..=at, rng.choice(LENGTHS).unwrap_or_default().iter().copied());
    }
}

/// Changes one element at some depth, and gives every element around it the length that it then has.
fn inside(der: &[u8], depth: u8, pool: &Pool, rng: &mut Rng) -> Vec<u8> {
    let Some(mut elements) = elements(der).filter(|elements| depth > 0 && !elements.is_empty()) else {
        return bytes::mutate(der, pool, rng);
    };
    let at = rng.usize(..elements.len());
    match rng.u8(..32) {
        0 => drop(elements.remove(at)),
        1 => elements.push(elements[at].clone()),
        2 => elements[at].0 ^= 1 << rng.u8(..8),
        3 => return bytes::mutate(der, pool, rng),
        _ => elements[at].1 = inside(&elements[at].1, depth - 1, pool, rng),
    }
    elements.iter().flat_map(|(tag, content)| element(*tag, content)).collect()
}

/// The tags and contents of elements that follow one another, if the bytes are nothing else.
fn elements(mut der: &[u8]) -> Option<Vec<(u8, Vec<u8>)>> {
    let mut elements = Vec::new();
    while let [tag, first, rest @ ..] = der {
        let (length, rest) = match (first, rest) {
            (0..=0x7f, _) => (usize::from(*first), rest),
            (0x81, [length, rest @ ..]) => (usize::from(*length), rest),
            (0x82, [high, low, rest @ ..]) => (usize::from(u16::from_be_bytes([*high, *low])), rest),
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        elements.push((*tag, content.to_vec()));
        der = rest;
    }
    der.is_empty().then_some(elements)
}

/// An element with the shortest length; what is too long for two bytes is cut.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
    let head = match length.to_be_bytes() {
        [0, low @ ..=0x7f] => vec![tag, low],
        [0, low] => vec![tag, 0x81, low],
        [high, low] => vec![tag, 0x82, high, low],
    };
    [&head, &content[..usize::from(length)]].concat()
}
