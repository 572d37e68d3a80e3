//! A keyed permutation of 128-bit numbers: what goes out looks random, and comes back as what it was.

use std::fmt;

use aws_lc_rs::cipher::{AES_128, DecryptingKey, DecryptionContext, EncryptingKey, UnboundCipherKey};

/// One AES-128 block as a permutation of `u128`.
///
/// It turns a sequence number into an identifier that says nothing about the sequence and needs no table to
/// undo. Equal numbers give equal identifiers, and there is no integrity: any number opens to *some* number,
/// so the caller must be able to tell whether the result is one of its own. It is not a way to encrypt data.
///
/// ```
/// let seal = secevent_jose::Seal::new(secevent_jose::random());
/// assert_eq!(seal.open(seal.seal(42)), 42);
/// ```
pub struct Seal {
    encrypt: EncryptingKey,
    decrypt: DecryptingKey,
}

impl Seal {
    /// Expands the key once, so that each block afterwards costs one AES operation.
    ///
    /// # Panics
    ///
    /// Never: every 16 bytes are an AES-128 key.
    pub fn new(key: [u8; 16]) -> Self {
        let unbound = || UnboundCipherKey::new(&AES_128, &key);
        Self {
            encrypt: unbound().and_then(EncryptingKey::ecb).expect("16 bytes are an AES-128 key"),
            decrypt: unbound().and_then(DecryptingKey::ecb).expect("16 bytes are an AES-128 key"),
        }
    }

    /// The identifier of a number.
    ///
    /// # Panics
    ///
    /// Never: the input is one whole block.
    pub fn seal(&self, block: u128) -> u128 {
        let mut bytes = block.to_be_bytes();
        self.encrypt.encrypt(&mut bytes).expect("16 bytes are one AES block");
        u128::from_be_bytes(bytes)
    }

    /// The number of an identifier, or an arbitrary number if it is not one of ours.
    ///
    /// # Panics
    ///
    /// Never: the input is one whole block.
    pub fn open(&self, block: u128) -> u128 {
        let mut bytes = block.to_be_bytes();
        self.decrypt.decrypt(&mut bytes, DecryptionContext::None).expect("16 bytes are one AES block");
        u128::from_be_bytes(bytes)
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 197, Appendix C.1.
    #[test]
    fn a_block_is_plain_aes_128() {
        let seal = Seal::new(std::array::from_fn(|i| u8::try_from(i).unwrap()));
        let (plain, sealed) =
            (0x0011_2233_4455_6677_8899_aabb_ccdd_eeff, 0x69c4_e0d8_6a7b_0430_d8cd_b780_70b4_c55a);
        assert_eq!(seal.seal(plain), sealed);
        assert_eq!(seal.open(sealed), plain);
    }

    #[test]
    fn a_seal_is_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Seal>();
    }
}
