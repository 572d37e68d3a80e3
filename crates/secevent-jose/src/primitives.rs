//! The few primitives that callers need besides signatures, so that only this crate names `aws-lc-rs`.

use aws_lc_rs::{constant_time, digest, hmac, rand};

/// Whether two secrets are equal, in a time that depends on their lengths only.
///
/// For bearer tokens and the like. Where the length is itself a secret, compare digests.
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// `N` bytes from the operating system's generator.
///
/// # Panics
///
/// When the operating system has no randomness to give; nothing that follows could be secure.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// SHA-256 of the data.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, data).as_ref());
    bytes
}

/// HMAC-SHA-256 of the data (RFC 2104): what only a holder of the key can make, or check.
///
/// For values that come back to whoever made them. Tokens for others are signed.
pub fn hmac_sha256(key: &[u8], data: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data).as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primitives_answer_as_their_names_say() {
        assert!(constant_time_eq(b"secret", b"secret"));
        assert!(!constant_time_eq(b"secret", b"secreT"));
        assert!(!constant_time_eq(b"secret", b"secret "));
        assert_ne!(random::<16>(), random::<16>());
        assert_eq!(crate::base64url(&sha256(b"abc")), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
        // RFC 4231 §4.3.
        let mac = hmac_sha256(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(crate::base64url(&mac), "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM");
    }
}
