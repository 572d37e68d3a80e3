//! Mutation of bytes that nothing is known of.

use std::ops::Range;

use fastrand::Rng;

use super::Pool;

/// Pieces of the grammars that are parsed here, and bytes that grammars trip over.
const TOKENS: [&[u8]; 40] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\\udc00",
    b"\\u0061",
    b"null",
    b"true",
    b"0",
    b"-0",
    b"1e400",
    b"1e-400",
    b"1.0",
    b"18446744073709551616",
    b".",
    b"..",
    b"=",
    b"-_",
    b"+/",
    b"\0",
    b"\n",
    b"\r\n",
    b"\t",
    b" ",
    b"\x7f",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    "ä".as_bytes(),
    "\u{10ffff}".as_bytes(),
    "\u{202e}".as_bytes(),
    b"\"a\":1,",
    b"%00",
];

pub(super) fn mutate(input: &[u8], pool: &Pool, rng: &mut Rng) -> Vec<u8> {
    let mut output = input.to_vec();
    match rng.u8(..8) {
        0 => flip(&mut output, rng),
        1 => drop(output.drain(range(input.len(), rng))),
        2 => output.truncate(rng.usize(..=input.len())),
        3 => insert(&mut output, rng.choice(TOKENS).unwrap_or_default(), rng),
        4 => insert(&mut output, &[rng.u8(..)], rng),
        5 => {
            let piece = &input[range(input.len(), rng)];
            let most = if rng.u8(..64) == 0 { 4096 } else { 1 };
            let times = most.min(super::INPUT_BYTES_MAX / piece.len().max(1));
            insert(&mut output, &piece.repeat(times), rng);
        }
        6 => {
            let other = pool.input(rng);
            insert(&mut output, &other[range(other.len(), rng)], rng);
        }
        _ => {
            let other = pool.input(rng);
            output.truncate(rng.usize(..=input.len()));
            output.extend_from_slice(&other[rng.usize(..=other.len())..]);
        }
    }
    output
}

fn flip(bytes: &mut [u8], rng: &mut Rng) {
    if let Some(at) = (!bytes.is_empty()).then(|| rng.usize(..bytes.len())) {
        bytes[at] ^= 1 << rng.u8(..8);
    }
}

fn insert(bytes: &mut Vec<u8>, piece: &[u8], rng: &mut Rng) {
    let at = rng.usize(..=bytes.len());
    bytes.splice(at..at, piece.iter().copied());
}

/// A short range most of the time.
fn range(length: usize, rng: &mut Rng) -> Range<usize> {
    let start = rng.usize(..=length);
    let most = if rng.bool() { 8 } else { length };
    start..start + rng.usize(..=most.min(length - start))
}
