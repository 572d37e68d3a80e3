//! Keys in PEM armour.

use secevent_jose::{Alg, Error, Signer as _, SigningKey, VerifyingKey};

use super::jwks::{public, signing};

/// A private or a public key, never both, and the same one however it is laid out.
pub fn pem(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let private = SigningKey::from_pem(text, None).inspect_err(show);
    let published = VerifyingKey::from_pem(text, None).inspect_err(show);
    assert!(private.is_err() || published.is_err(), "a key has one half");
    if let Ok(key) = &private {
        signing(key);
        let fits = |alg| SigningKey::from_pem(text, Some(alg)).map(|key| key.alg());
        fits_or_is_unfit(key.verifying_key(), fits);
        let laid_out = SigningKey::from_pem(&laid_out_anew(text), None).expect("white space means nothing");
        assert_eq!(laid_out.verifying_key().to_jwk(), key.verifying_key().to_jwk());
    }
    if let Ok(key) = &published {
        public(key);
        let fits = |alg| VerifyingKey::from_pem(text, Some(alg)).map(|key| key.alg().unwrap_or(alg));
        fits_or_is_unfit(key, fits);
        let laid_out = VerifyingKey::from_pem(&laid_out_anew(text), None).expect("white space means nothing");
        assert_eq!(laid_out.to_jwk(), key.to_jwk());
    }
    if private.is_err() && published.is_err() {
        for alg in Alg::ALL {
            let read = (SigningKey::from_pem(text, Some(alg)), VerifyingKey::from_pem(text, Some(alg)));
            assert!(matches!(read, (Err(_), Err(_))), "an algorithm makes no key of what is none");
        }
    }
}

/// A key can be asked for the algorithms of its type, and for those only; its type does not depend on what is asked.
fn fits_or_is_unfit(key: &VerifyingKey, read: impl Fn(Alg) -> Result<Alg, Error>) {
    let implied = key.alg().expect("a key in PEM is for one algorithm");
    for alg in Alg::ALL {
        match read(alg) {
            Ok(asked) => assert!(asked == alg && family(asked) == family(implied), "{asked} {implied}"),
            Err(error) => {
                assert!(matches!(error, Error::KeyUnfit { .. }), "{error}");
                assert_ne!(family(alg), family(implied), "{error}");
            }
        }
    }
}

/// Algorithms that one key can be asked for.
fn family(alg: Alg) -> &'static str {
    match alg.name() {
        "EdDSA" | "Ed25519" => "Ed25519",
        name if name.starts_with("ES") => name,
        _ => "RSA",
    }
}

/// With the base64 in one line, and lines around it.
fn laid_out_anew(text: &str) -> String {
    let lines: Vec<&str> = text.trim_ascii().split("-----").collect();
    let [_, begin, body, end, _] = lines[..] else { return text.to_owned() };
    let body: String = body.chars().filter(|char| !char.is_ascii_whitespace()).collect();
    format!("\r\n\t-----{begin}-----\r\n{body} \n-----{end}-----\n\n")
}

/// An error says why in a few words, whatever the text was.
fn show(error: &Error) {
    let words = error.to_string();
    assert!(!words.is_empty() && words.len() < 1000, "{words}");
}
