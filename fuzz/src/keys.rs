//! Keys that everybody knows, most from the RFCs, so that a session depends on its seed alone.

use std::sync::LazyLock;

use secevent::{JwkSet, SigningKey};

/// RFC 8037, Appendix A.1. Its signatures are deterministic.
pub(crate) static ED25519: LazyLock<SigningKey> = LazyLock::new(|| {
    key(r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"ed"}"#)
});

/// Made for this, and for nothing else.
pub(crate) static RSA: LazyLock<SigningKey> = LazyLock::new(|| key(include_str!("../keys/rsa.jwk")));

/// What a receiver has of both.
pub(crate) static PUBLIC: LazyLock<JwkSet> =
    LazyLock::new(|| JwkSet::new([&*ED25519, &*RSA].map(|key| key.verifying_key().clone()).to_vec()));

fn key(jwk: &str) -> SigningKey {
    SigningKey::from_jwk(jwk.as_bytes()).expect("it is a key")
}

/// RFC 7518, Appendix C (Bob); RFC 7748, section 6.1 (Bob); the RSA key without its `alg`.
#[cfg(feature = "jwe")]
pub(crate) static DECRYPTION: LazyLock<[secevent::jwe::DecryptionKey; 3]> = LazyLock::new(|| {
    let rsa = include_str!("../keys/rsa.jwk").replace(r#""alg": "RS256","#, "");
    let p256 = r#"{"kty":"EC","crv":"P-256","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
        "y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck","d":"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"}"#;
    let x25519 = r#"{"kty":"OKP","crv":"X25519","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08",
        "d":"XasIfmJKikt54X-Lg4AO5m87sSkmGLb9HC-LJ_-I4Os"}"#;
    [p256, x25519, &rsa]
        .map(|jwk| secevent::jwe::DecryptionKey::from_jwk(jwk.as_bytes()).expect("it is a key"))
});
