//! Content encryption (RFC 7518 §5): authenticated encryption of the plaintext under a key that is used once.

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    self, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::Enc;
use crate::{Error, constant_time_eq, random};

/// Length of the tag of all three algorithms; HMAC-SHA-256 is cut to it (RFC 7518 §5.2.3, §5.3).
const TAG_BYTES: usize = 16;
/// Of the key of A128CBC-HS256 the first half authenticates, the second encrypts (RFC 7518 §5.2.2.1).
const CBC_HALF: usize = 16;

impl Enc {
    /// Length of the content key.
    pub(super) const fn key_bytes(self) -> usize {
        match self {
            Self::A128Gcm => 16,
            Self::A256Gcm | Self::A128CbcHs256 => 32,
        }
    }

    /// A random initialization vector: 96 bits for GCM, one block for CBC.
    pub(super) fn fresh_iv(self) -> Vec<u8> {
        match self {
            Self::A128Gcm | Self::A256Gcm => random::<{ aead::NONCE_LEN }>().to_vec(),
            Self::A128CbcHs256 => random::<{ cipher::AES_CBC_IV_LEN }>().to_vec(),
        }
    }

    /// Ciphertext and tag.
    pub(super) fn seal(
        self,
        cek: &[u8],
        iv: &[u8],
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let sealed = match self {
            Self::A128Gcm => gcm_seal(&aead::AES_128_GCM, cek, iv, aad, plaintext),
            Self::A256Gcm => gcm_seal(&aead::AES_256_GCM, cek, iv, aad, plaintext),
            Self::A128CbcHs256 => cbc_seal(cek, iv, aad, plaintext),
        };
        sealed.map_err(|Unspecified| Error::Encrypt(self.name().into()))
    }

    /// The plaintext. Whatever is wrong, the error is the same.
    pub(super) fn open(
        self,
        cek: &[u8],
        iv: &[u8],
        aad: &[u8],
        ciphertext: &[u8],
        tag: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let opened = match self {
            Self::A128Gcm => gcm_open(&aead::AES_128_GCM, cek, iv, aad, ciphertext, tag),
            Self::A256Gcm => gcm_open(&aead::AES_256_GCM, cek, iv, aad, ciphertext, tag),
            Self::A128CbcHs256 => cbc_open(cek, iv, aad, ciphertext, tag),
        };
        opened.map_err(|Unspecified| Error::NotDecrypted)
    }
}

fn gcm_seal(
    algorithm: &'static aead::Algorithm,
    cek: &[u8],
    iv: &[u8],
    aad: &[u8],
    plaintext: &[u8],
) -> Result<(Vec<u8>, Vec<u8>), Unspecified> {
    let key = LessSafeKey::new(UnboundKey::new(algorithm, cek)?);
    let mut text = plaintext.to_vec();
    let nonce = Nonce::try_assume_unique_for_key(iv)?;
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(aad), &mut text)?;
    Ok((text, tag.as_ref().to_vec()))
}

fn gcm_open(
    algorithm: &'static aead::Algorithm,
    cek: &[u8],
    iv: &[u8],
    aad: &[u8],
    ciphertext: &[u8],
    tag: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    // A shorter tag would be easier to guess.
    if tag.len() != TAG_BYTES {
        return Err(Unspecified);
    }
    let key = LessSafeKey::new(UnboundKey::new(algorithm, cek)?);
    let mut text = Zeroizing::new(ciphertext.to_vec());
    let nonce = Nonce::try_assume_unique_for_key(iv)?;
    key.open_in_place_separate_tag(nonce, Aad::from(aad), tag, &mut text)?;
    Ok(text)
}

/// RFC 7518 §5.2.2.1.
fn cbc_seal(cek: &[u8], iv: &[u8], aad: &[u8], plaintext: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Unspecified> {
    let (mac_key, enc_key) = cek.split_at_checked(CBC_HALF).ok_or(Unspecified)?;
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(&cipher::AES_128, enc_key)?)?;
    let block: &[u8; cipher::AES_CBC_IV_LEN] = iv.try_into().map_err(|_| Unspecified)?;
    // One block more than the text, so that padding does not move it and leave a copy behind.
    let mut text = Vec::with_capacity(plaintext.len() + cipher::AES_CBC_IV_LEN);
    text.extend_from_slice(plaintext);
    key.less_safe_encrypt(&mut text, EncryptionContext::Iv128(block.into()))?;
    let tag = cbc_tag(mac_key, iv, aad, &text).to_vec();
    Ok((text, tag))
}

/// RFC 7518 §5.2.2.2: the tag is judged before anything is decrypted, so padding tells nobody anything.
fn cbc_open(
    cek: &[u8],
    iv: &[u8],
    aad: &[u8],
    ciphertext: &[u8],
    tag: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let (mac_key, enc_key) = cek.split_at_checked(CBC_HALF).ok_or(Unspecified)?;
    if !constant_time_eq(&cbc_tag(mac_key, iv, aad, ciphertext), tag) {
        return Err(Unspecified);
    }
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(&cipher::AES_128, enc_key)?)?;
    let block: &[u8; cipher::AES_CBC_IV_LEN] = iv.try_into().map_err(|_| Unspecified)?;
    let mut text = Zeroizing::new(ciphertext.to_vec());
    let length = key.decrypt(&mut text, DecryptionContext::Iv128(block.into()))?.len();
    text.truncate(length);
    Ok(text)
}

/// The first half of the HMAC over header, vector, ciphertext and the header's length in bits.
fn cbc_tag(mac_key: &[u8], iv: &[u8], aad: &[u8], ciphertext: &[u8]) -> [u8; TAG_BYTES] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, mac_key));
    let aad_bits = (aad.len() as u64) * 8;
    for part in [aad, iv, ciphertext, &aad_bits.to_be_bytes()] {
        context.update(part);
    }
    let mut tag = [0; TAG_BYTES];
    tag.copy_from_slice(&context.sign().as_ref()[..TAG_BYTES]);
    tag
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base64url_decode;

    fn octets(text: &str) -> Vec<u8> {
        base64url_decode(text).unwrap()
    }

    /// RFC 7516, Appendix A.1: the content part of the example, whose key is known.
    #[test]
    fn a256gcm_is_that_of_the_rfc_example() {
        let cek = [
            177, 161, 244, 128, 84, 143, 225, 115, 63, 180, 3, 255, 107, 154, 212, 246, 138, 7, 110, 91, 112,
            46, 34, 105, 47, 130, 203, 46, 122, 234, 64, 252,
        ];
        let aad = b"eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ";
        let plaintext = b"The true sign of intelligence is not knowledge but imagination.";
        let (ciphertext, tag) = Enc::A256Gcm.seal(&cek, &octets("48V1_ALb6US04U3b"), aad, plaintext).unwrap();
        let expected = "5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A";
        assert_eq!(ciphertext, octets(expected));
        assert_eq!(tag, octets("XFBoMYUZodetZdvTiFvSkQ"));
    }

    /// RFC 7516, Appendix A.2: the content part of the example, whose key is known.
    #[test]
    fn a128cbc_hs256_is_that_of_the_rfc_example() {
        let cek = [
            4, 211, 31, 197, 84, 157, 252, 254, 11, 100, 157, 250, 63, 170, 106, 206, 107, 124, 212, 45, 111,
            107, 9, 219, 200, 177, 0, 240, 143, 156, 44, 207,
        ];
        let aad = b"eyJhbGciOiJSU0ExXzUiLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0";
        let iv = octets("AxY8DCtDaGlsbGljb3RoZQ");
        let (ciphertext, tag) = Enc::A128CbcHs256.seal(&cek, &iv, aad, b"Live long and prosper.").unwrap();
        assert_eq!(ciphertext, octets("KDlTtXchhZTGufMYmOYGS4HffxPSUrfmqCHXaI9wOGY"));
        assert_eq!(tag, octets("9hH0vgRfYgPnAHOd8stkvw"));
        assert_eq!(
            *Enc::A128CbcHs256.open(&cek, &iv, aad, &ciphertext, &tag).unwrap(),
            b"Live long and prosper."
        );
    }

    /// RFC 7518, Appendix B.1.
    #[test]
    fn the_tag_of_a128cbc_hs256_is_that_of_the_test_case() {
        let cek: [u8; 32] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        let iv = 0x1af3_8c2d_c2b9_6ffd_d866_9409_2341_bc04_u128.to_be_bytes();
        let plaintext = b"A cipher system must not be required to be secret, and it must be able to fall into the hands of the enemy without inconvenience";
        let aad = b"The second principle of Auguste Kerckhoffs";
        let (_, tag) = Enc::A128CbcHs256.seal(&cek, &iv, aad, plaintext).unwrap();
        assert_eq!(tag, 0x652c_3fa3_6b0a_7c5b_3219_fab3_a30b_c1c4_u128.to_be_bytes());
    }

    /// The tag is right and the padding is not: only the sender can have done that, and it is refused all the same.
    #[test]
    fn padding_is_strict() {
        use aws_lc_rs::cipher::EncryptingKey;
        let (cek, iv) = ([7; 32], [9; 16]);
        let padded = |text: [u8; 16]| {
            let key =
                EncryptingKey::cbc(UnboundCipherKey::new(&cipher::AES_128, &cek[16..]).unwrap()).unwrap();
            let mut text = text.to_vec();
            key.less_safe_encrypt(&mut text, EncryptionContext::Iv128((&iv).into())).unwrap();
            let tag = cbc_tag(&cek[..16], &iv, b"", &text);
            Enc::A128CbcHs256.open(&cek, &iv, b"", &text, &tag)
        };
        let ending = |tail: &[u8]| {
            let mut text = [b'a'; 16];
            text[16 - tail.len()..].copy_from_slice(tail);
            text
        };
        assert_eq!(*padded(ending(&[1])).unwrap(), [b'a'; 15]);
        assert_eq!(*padded(ending(&[3, 3, 3])).unwrap(), [b'a'; 13]);
        assert_eq!(*padded([16; 16]).unwrap(), b"");
        for wrong in [&[0][..], &[17], &[255], &[2], &[3, 2, 3], &[2, 3, 3]] {
            assert_eq!(padded(ending(wrong)), Err(Error::NotDecrypted), "{wrong:?}");
        }
        let tag = cbc_tag(&cek[..16], &iv, b"", b"");
        assert_eq!(Enc::A128CbcHs256.open(&cek, &iv, b"", b"", &tag), Err(Error::NotDecrypted));
    }

    #[test]
    fn lengths_that_are_not_the_algorithms_are_refused() {
        for enc in Enc::ALL {
            let (cek, iv) = (vec![1; enc.key_bytes()], enc.fresh_iv());
            let (ciphertext, tag) = enc.seal(&cek, &iv, b"aad", b"text").unwrap();
            assert_eq!(*enc.open(&cek, &iv, b"aad", &ciphertext, &tag).unwrap(), b"text");
            let short = |bytes: &[u8]| bytes[..bytes.len() - 1].to_vec();
            let long = |bytes: &[u8]| [bytes, &[0]].concat();
            for change in [&short as &dyn Fn(&[u8]) -> Vec<u8>, &long, &|_: &[u8]| Vec::new()] {
                for refused in [
                    enc.open(&change(&cek), &iv, b"aad", &ciphertext, &tag),
                    enc.open(&cek, &change(&iv), b"aad", &ciphertext, &tag),
                    enc.open(&cek, &iv, b"aad", &change(&ciphertext), &tag),
                    enc.open(&cek, &iv, b"aad", &ciphertext, &change(&tag)),
                ] {
                    assert_eq!(refused, Err(Error::NotDecrypted), "{enc}");
                }
            }
        }
    }
}
