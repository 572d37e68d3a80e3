//! Names without an index: the `jti` we mint is its own place in the log, sealed.
//!
//! One 128-bit block holds the incarnation of the store, the place in the log, the audience and a check, encrypted
//! as a whole. An acknowledgement needs no look-up, each audience has its own `jti`, and a `jti` tells an outsider
//! nothing. A copy of the data takes a new incarnation, so that two lives of one store never mint the same name.

use secevent_jose::{Seal, base64url, base64url_decode};
use serde::{Deserialize, Serialize};

use crate::Seq;

/// Streams with the same `aud` share an audience, and so their signed SETs. Never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Audience(pub u32);

/// Mints and reads `jti`.
pub struct JtiMint {
    key: [u8; 16],
    seal: Seal,
    incarnation: u32,
}

impl std::fmt::Debug for JtiMint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JtiMint").finish_non_exhaustive()
    }
}

// 24 + 48 + 24 bits, and 32 zero bits as the check: a guessed name passes once in 2^56.
const INCARNATION_BITS: u32 = JtiMint::INCARNATION_BITS;
const SEQ_BITS: u32 = 48;
const AUDIENCE_BITS: u32 = 24;
const CHECK_BITS: u32 = 32;

impl JtiMint {
    /// How many of the lowest bits of an incarnation count.
    pub const INCARNATION_BITS: u32 = 24;

    /// A mint of this sealing key and incarnation, of which [`Self::INCARNATION_BITS`] count.
    pub fn new(key: [u8; 16], incarnation: u32) -> Self {
        Self { key, seal: Seal::new(key), incarnation: incarnation & mask32(INCARNATION_BITS) }
    }

    /// A secret of this store for another purpose: the same as long as the store lives.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        secevent_jose::sha256(&[self.key.as_slice(), b" ", purpose.as_bytes()].concat())
    }

    /// The name of the event at `seq` for this audience: 22 characters of base64url.
    // spec: SET-019, JWT-015
    pub fn mint(&self, seq: Seq, audience: Audience) -> String {
        let block = u128::from(self.incarnation) << (SEQ_BITS + AUDIENCE_BITS + CHECK_BITS)
            | u128::from(seq.0 & ((1 << SEQ_BITS) - 1)) << (AUDIENCE_BITS + CHECK_BITS)
            | u128::from(audience.0 & mask32(AUDIENCE_BITS)) << CHECK_BITS;
        base64url(&self.seal.seal(block).to_be_bytes())
    }

    /// The place of a name that this mint made; `None` for any other text (POLL-033).
    // spec: POLL-033
    pub fn open(&self, jti: &str) -> Option<(Seq, Audience)> {
        let bytes: [u8; 16] = base64url_decode(jti).ok()?.try_into().ok()?;
        let block = self.seal.open(u128::from_be_bytes(bytes));
        let field = |shift: u32, bits: u32| (block >> shift) & ((1 << bits) - 1);
        let ours = field(0, CHECK_BITS) == 0
            && field(SEQ_BITS + AUDIENCE_BITS + CHECK_BITS, INCARNATION_BITS) == u128::from(self.incarnation);
        let seq = u64::try_from(field(AUDIENCE_BITS + CHECK_BITS, SEQ_BITS)).ok()?;
        let audience = u32::try_from(field(CHECK_BITS, AUDIENCE_BITS)).ok()?;
        ours.then_some((Seq(seq), Audience(audience)))
    }
}

const fn mask32(bits: u32) -> u32 {
    (1 << bits) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: SET-019, POLL-033
    #[test]
    fn a_jti_opens_to_its_place_for_its_own_mint_only() {
        let mint = JtiMint::new([7; 16], 0x00AB_CDEF);
        let names: Vec<_> = (1..200).map(|seq| mint.mint(Seq(seq), Audience(3))).collect();
        for (seq, name) in (1..).zip(&names) {
            assert_eq!(name.len(), 22);
            assert_eq!(mint.open(name), Some((Seq(seq), Audience(3))));
            assert_eq!(JtiMint::new([7; 16], 1).open(name), None, "another incarnation");
            assert_eq!(JtiMint::new([8; 16], 0x00AB_CDEF).open(name), None, "another key");
        }
        assert_eq!(names.iter().collect::<std::collections::BTreeSet<_>>().len(), names.len());
        for foreign in ["", "bWJq", "24c63fb56e5a2d77a6b512616ca9fa24", "AAAAAAAAAAAAAAAAAAAAAA", "\u{e9}"] {
            assert_eq!(mint.open(foreign), None, "{foreign}");
        }
    }
}
