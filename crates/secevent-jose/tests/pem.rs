//! PEM as OpenSSL writes it, and everything near it that must be refused. `keys/make.sh` made the keys.

#![expect(clippy::unwrap_used, reason = "the helpers below are tests too")]

use std::{fs, path::Path};

use proptest::prelude::{any, proptest};
use secevent_jose::{Alg, AlgSet, Compact, Error, Signer as _, SigningKey, VerifyingKey, sign};

/// A throw-away key.
fn pem(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/keys/{name}.pem"))).unwrap()
}

fn signing_error(text: &str) -> String {
    SigningKey::from_pem(text, None).unwrap_err().to_string()
}

fn verifying_error(text: &str) -> String {
    VerifyingKey::from_pem(text, None).unwrap_err().to_string()
}

/// Private, public, the algorithm that they imply, and all they can be asked for.
const GOOD: [(&str, &str, Alg, &[Alg]); 9] = [
    ("rsa", "rsa-public", Alg::Rs256, RSA),
    ("rsa-pkcs1", "rsa-public-pkcs1", Alg::Rs256, RSA),
    ("p256", "p256-public", Alg::Es256, &[Alg::Es256]),
    ("p256-sec1", "p256-public", Alg::Es256, &[Alg::Es256]),
    ("p384", "p384-public", Alg::Es384, &[Alg::Es384]),
    ("p384-sec1", "p384-public", Alg::Es384, &[Alg::Es384]),
    ("p521", "p521-public", Alg::Es512, &[Alg::Es512]),
    ("p521-sec1", "p521-public", Alg::Es512, &[Alg::Es512]),
    ("ed25519", "ed25519-public", Alg::EdDsa, &[Alg::EdDsa, Alg::Ed25519]),
];
const RSA: &[Alg] = &[Alg::Rs256, Alg::Rs384, Alg::Rs512, Alg::Ps256, Alg::Ps384, Alg::Ps512];

// spec: BCP-003
#[test]
fn both_halves_are_read_for_one_algorithm_and_named_by_their_thumbprint() {
    for (private, public, implied, all) in GOOD {
        let (private_pem, public_pem) = (pem(private), pem(public));
        assert_eq!(SigningKey::from_pem(&private_pem, None).unwrap().alg(), implied, "{private}");
        assert_eq!(VerifyingKey::from_pem(&public_pem, None).unwrap().alg(), Some(implied), "{public}");
        for alg in Alg::ALL {
            let pair = (
                SigningKey::from_pem(&private_pem, Some(alg)),
                VerifyingKey::from_pem(&public_pem, Some(alg)),
            );
            let (Ok(key), Ok(published)) = pair else {
                assert!(
                    matches!(pair, (Err(Error::KeyUnfit { .. }), Err(Error::KeyUnfit { .. }))),
                    "{private}"
                );
                assert!(!all.contains(&alg), "{private} {alg}");
                continue;
            };
            assert!(all.contains(&alg), "{private} {alg}");
            assert_eq!(published.to_jwk(), key.verifying_key().to_jwk(), "{private} {alg}");
            assert_eq!(key.kid(), published.thumbprint(), "{private}");
            let token = sign(None, b"{}", &key).unwrap();
            let jws = Compact::parse(&token).unwrap();
            assert_eq!(jws.verify(&published, AlgSet::of(&[alg])), Ok(b"{}".as_slice()), "{private} {alg}");
        }
    }
}

#[test]
fn a_jwk_of_a_key_from_pem_is_the_same_key() {
    for (private, ..) in GOOD {
        let key = SigningKey::from_pem(&pem(private), None).unwrap();
        let again = SigningKey::from_jwk(key.to_jwk().as_bytes()).unwrap();
        assert_eq!(again.to_jwk(), key.to_jwk(), "{private}");
    }
}

#[test]
fn white_space_around_and_within_means_nothing() {
    let text = pem("p256");
    let kid = SigningKey::from_pem(&text, None).unwrap().kid().to_owned();
    for same in [
        format!("\r\n \t{text}\n\n"),
        text.replace('\n', "\r\n"),
        text.replace('\n', "\n    "),
        text.replace('\n', ""),
        text.trim_end().to_owned(),
    ] {
        assert_eq!(SigningKey::from_pem(&same, None).unwrap().kid(), kid, "{same:?}");
    }
}

#[test]
fn a_file_that_is_no_key_to_sign_with_says_what_to_do() {
    const REFUSED: [(&str, &str); 15] = [
        ("refused-encrypted", "encrypted with a passphrase; decrypt it first: openssl pkey"),
        ("refused-encrypted-pkcs1", "encrypted with a passphrase; decrypt it first: openssl pkey"),
        ("refused-parameters-first", "more than one PEM block, the first being \"EC PARAMETERS\""),
        ("refused-explicit-curve", "P-256, P-384 or P-521 by the name of the curve"),
        ("refused-explicit-curve-sec1", "P-256, P-384 or P-521 by the name of the curve"),
        ("refused-secp256k1", "P-256, P-384 or P-521 by the name of the curve"),
        ("refused-x25519", "it is not RSA, Ed25519, or EC"),
        ("refused-rsa-pss", "it is not RSA, Ed25519, or EC"),
        ("refused-rsa1024", "not an RSA key of 2048 to 8192 bits"),
        ("refused-certificate", "a certificate is not taken for a key"),
        ("rsa-public", "it is a public key, which cannot sign"),
        ("rsa-public-pkcs1", "it is a public key, which cannot sign"),
        ("p256-public", "it is a public key, which cannot sign"),
        ("ed25519-public", "it is a public key, which cannot sign"),
        ("refused-compressed-public", "it is a public key, which cannot sign"),
    ];
    for (name, words) in REFUSED {
        let error = signing_error(&pem(name));
        assert!(error.contains(words), "{name}: {error}");
    }
}

// spec: BCP-009
#[test]
fn a_file_that_is_no_key_to_verify_with_says_what_to_do() {
    const REFUSED: [(&str, &str); 9] = [
        ("refused-certificate", "take the key out: openssl x509 -in FILE -noout -pubkey"),
        ("refused-compressed-public", "not a point of P-256 in uncompressed form"),
        ("refused-rsa1024-public", "n has 1024 bits"),
        ("refused-rsa-pss-public", "it is not RSA, Ed25519, or EC"),
        ("rsa", "it is a private key; its public half: openssl pkey -in FILE -pubout"),
        ("rsa-pkcs1", "it is a private key; its public half"),
        ("p256-sec1", "it is a private key; its public half"),
        ("ed25519", "it is a private key; its public half"),
        ("refused-encrypted", "encrypted with a passphrase"),
    ];
    for (name, words) in REFUSED {
        let error = verifying_error(&pem(name));
        assert!(error.contains(words), "{name}: {error}");
    }
}

/// What one reader skips, another may read: a text is one key or none.
#[test]
fn nothing_may_stand_around_the_armour() {
    let text = pem("ed25519");
    let end = "-----END PRIVATE KEY-----";
    for (changed, words) in [
        (format!("Bag Attributes\n{text}"), "nothing may stand before it"),
        (format!("\u{feff}{text}"), "nothing may stand before it"),
        (format!("\u{a0}{text}"), "nothing may stand before it"),
        (format!("secret\n{}", pem("ed25519-public")), "nothing may stand before it"),
        (format!("{text}."), "and nothing after it"),
        (format!("{text}{text}"), "more than one PEM block"),
        (format!("{text}{}", pem("p256-public")), "more than one PEM block"),
        (text.replace(end, ""), "and nothing after it"),
        (text.replace(end, "-----END RSA PRIVATE KEY-----"), "and nothing after it"),
        (text.replace(end, "-----END PUBLIC KEY-----"), "and nothing after it"),
        (text.replace("PRIVATE KEY", "HMAC SECRET"), "PEM of \"HMAC SECRET\" is not a key"),
        (text.replace("PRIVATE KEY", ""), "PEM of \"\" is not a key"),
        (text.replace("PRIVATE KEY", "CERTIFICATE"), "a certificate is not taken"),
        (text.replace("-----\nMC", "-----\nX-Name: x\n\nMC"), "base64 and nothing else"),
        (text.trim_end().replace('\n', "\\n"), "base64 and nothing else"),
        (text.replace("MC4", "MC-"), "base64 and nothing else"),
        (text.replace("-----BEGIN", "-----begin"), "begins with -----BEGIN"),
        ("-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----".to_owned(), "DER element"),
        ("-----BEGIN PRIVATE KEY".to_owned(), "cut short"),
        ("-----BEGIN ".to_owned(), "begins with -----BEGIN"),
        (String::new(), "begins with -----BEGIN"),
        ("secret".to_owned(), "begins with -----BEGIN"),
        (r#"{"kty":"oct","k":"c2VjcmV0"}"#.to_owned(), "begins with -----BEGIN"),
    ] {
        for error in [signing_error(&changed), verifying_error(&changed)] {
            assert!(error.contains(words), "{words}: {error} {changed:?}");
        }
    }
    let long = format!("{}{text}", " ".repeat(16 * 1024));
    assert!(matches!(SigningKey::from_pem(&long, None), Err(Error::TooLong { max: 16_384, .. })));
}

/// A label that is not that of the structure is a mistake or an attack.
#[test]
fn label_and_content_must_agree() {
    let labels = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "PUBLIC KEY", "RSA PUBLIC KEY"];
    for name in ["rsa", "rsa-pkcs1", "rsa-public", "rsa-public-pkcs1", "p256", "p256-sec1", "p256-public"] {
        let text = pem(name);
        let own = text[11..].split_once("-----").unwrap().0;
        for label in labels.into_iter().filter(|label| *label != own) {
            let changed = text.replace(&format!(" {own}-"), &format!(" {label}-"));
            assert_ne!(changed, text);
            assert!(SigningKey::from_pem(&changed, None).is_err(), "{name} as {label}");
            assert!(VerifyingKey::from_pem(&changed, None).is_err(), "{name} as {label}");
        }
    }
}

/// The structure within, changed by hand.
mod der {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;

    fn changed(name: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
        let text = pem(name);
        let lines: Vec<_> = text.lines().collect();
        let (begin, end) = (lines[0], lines[lines.len() - 1]);
        let mut der = STANDARD.decode(lines[1..lines.len() - 1].concat()).unwrap();
        change(&mut der);
        format!("{begin}\n{}\n{end}\n", STANDARD.encode(der))
    }

    fn is_refused(text: &str) -> bool {
        SigningKey::from_pem(text, None).is_err() && VerifyingKey::from_pem(text, None).is_err()
    }

    #[test]
    fn nothing_may_follow_the_key_or_be_missing_from_it() {
        for (private, public, ..) in GOOD {
            for name in [private, public] {
                assert!(is_refused(&changed(name, |der| der.push(0))), "{name}");
                assert!(is_refused(&changed(name, |der| der.truncate(der.len() - 1))), "{name}");
            }
        }
    }

    #[test]
    fn public_and_private_numbers_must_belong_together() {
        for name in ["rsa", "rsa-pkcs1", "p256", "p256-sec1", "p384", "p521-sec1"] {
            let last = changed(name, |der| *der.last_mut().unwrap() ^= 1);
            assert!(is_refused(&last), "{name}");
        }
    }

    #[test]
    fn a_point_off_its_curve_is_refused() {
        for name in ["p256-public", "p384-public", "p521-public"] {
            let error = verifying_error(&changed(name, |der| *der.last_mut().unwrap() ^= 1));
            assert!(error.contains("not a point"), "{name}: {error}");
        }
    }

    proptest! {
        /// No byte can be changed so that reading it panics, and what is still read is a key that works.
        #[test]
        fn any_change_is_read_or_refused(which in 0..GOOD.len(), at: usize, byte in any::<u8>()) {
            let (private, public, ..) = GOOD[which];
            let poke = |der: &mut Vec<u8>| {
                let at = at % der.len();
                der[at] = byte;
            };
            if let Ok(key) = SigningKey::from_pem(&changed(private, poke), None) {
                let token = sign(None, b"{}", &key).unwrap();
                let jws = Compact::parse(&token).unwrap();
                assert!(jws.verify(key.verifying_key(), AlgSet::ALL).is_ok());
            }
            let _ = VerifyingKey::from_pem(&changed(public, poke), None);
        }

        #[test]
        fn any_text_is_read_or_refused(body: String, label in "[A-Z ]{0,12}") {
            for text in [body.clone(), format!("-----BEGIN {label}-----{body}-----END {label}-----")] {
                assert!(is_refused(&text));
            }
        }
    }
}
