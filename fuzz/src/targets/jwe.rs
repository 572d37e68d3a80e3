//! Encrypted tokens, and the keys they are encrypted to.

use secevent::{
    Set,
    jwe::{Allowed, Compact, DecryptionKey, Enc, EncAlg, EncryptionKey, encrypt},
};
use secevent_jose::{
    Error,
    json::{self, Map},
};

use crate::keys::DECRYPTION;

/// An encrypted token, a key, or, whatever it is, a text to encrypt.
pub fn jwe(data: &[u8]) {
    decrypt(data);
    key(data);
    encrypt_and_decrypt(data);
}

/// Nothing decrypts that was not encrypted by somebody who meant it.
fn decrypt(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for key in &*DECRYPTION {
        let nested = Set::decrypt(text, key, Allowed::ALL);
        let Ok(token) = Compact::parse(text) else {
            assert!(nested.is_err(), "what is no token does not decrypt");
            continue;
        };
        let _ = (token.header().alg(), token.enc(), token.header().kid(), format!("{token:?}"));
        let decrypted = token.decrypt(key, Allowed::ALL);
        assert!(nested.is_err() || decrypted.is_ok());
        if decrypted.is_ok() {
            assert!(crate::corpus::files("jwe").iter().any(|known| known == data), "a forgery decrypts");
        }
        assert!(token.decrypt(key, Allowed::of(&[], &Enc::ALL)).is_err());
        assert!(token.decrypt(key, Allowed::of(&EncAlg::ALL, &[])).is_err());
        if let Ok(nested) = nested {
            let _ = nested.parse();
        }
    }
}

fn key(data: &[u8]) {
    let Ok(members) = json::parse_object(data) else { return };
    if let Ok(key) = EncryptionKey::from_jwk(&members) {
        public(&key);
    }
    if let Ok(key) = DecryptionKey::from_jwk(data) {
        let again =
            DecryptionKey::from_jwk(key.to_jwk().as_bytes()).expect("what was exported is taken again");
        assert_eq!(again.kid(), key.kid());
        public(key.encryption_key());
        go_round(b"text", &key);
    }
}

fn public(key: &EncryptionKey) {
    let jwk = key.to_jwk();
    assert!(!jwk.contains_key("d"), "nothing private is published");
    let again = EncryptionKey::from_jwk(&jwk).expect("a key that was taken is taken again");
    assert_eq!((again.kid(), again.thumbprint()), (key.kid(), key.thumbprint()));
}

/// The first byte chooses among key, algorithm and content encryption.
fn encrypt_and_decrypt(data: &[u8]) {
    let choice = data.first().map_or(0, |byte| usize::from(*byte));
    // RSA takes a millisecond and little of our own code.
    if choice.is_multiple_of(8) {
        go_round(data, &DECRYPTION[choice / 8 % DECRYPTION.len()]);
    }
}

fn go_round(text: &[u8], key: &DecryptionKey) {
    for alg in EncAlg::ALL.into_iter().filter(|alg| key.fits(*alg)) {
        for enc in Enc::ALL {
            let token = match encrypt(text, key.encryption_key(), alg, enc, &Map::new()) {
                Ok(token) => token,
                Err(Error::TooLong { .. }) => continue,
                Err(error) => panic!("only length keeps a text from being encrypted: {error}"),
            };
            let read = Compact::parse(&token).expect("what was encrypted can be read");
            let decrypted = read.decrypt(key, Allowed::of(&[alg], &[enc])).expect("and decrypted");
            assert_eq!(*decrypted, text);
        }
    }
}
