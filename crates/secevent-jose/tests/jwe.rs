//! Encryption: what a recipient must refuse, and that nothing it refuses tells why.

#![cfg(feature = "jwe")]
#![expect(clippy::unwrap_used, reason = "the helpers below are tests too")]
#![expect(clippy::needless_pass_by_value, reason = "a changed member reads best where it is changed")]

use std::sync::LazyLock;

use secevent_jose::json::{Map, Value, parse_object};
use secevent_jose::jwe::{
    Allowed, Compact, Crv, DecryptionKey, Enc, EncAlg, EncryptionKey, TOKEN_BYTES_MAX, encrypt,
};
use secevent_jose::{Alg, Error, Signer as _, SigningKey, base64url, base64url_decode};
use serde_json::json;

const TEXT: &[u8] = b"Live long and prosper.";

static RSA: LazyLock<DecryptionKey> = LazyLock::new(|| DecryptionKey::generate(EncAlg::RsaOaep256).unwrap());

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is not an object"),
    }
}

/// One key of each type that the algorithm works with.
fn keys(alg: EncAlg) -> Vec<DecryptionKey> {
    match alg {
        EncAlg::RsaOaep256 => vec![RSA.clone()],
        _ => Crv::ALL.map(|crv| DecryptionKey::generate_on(crv, alg).unwrap()).to_vec(),
    }
}

/// A small key for the algorithm.
fn key(alg: EncAlg) -> DecryptionKey {
    keys(alg).remove(0)
}

fn sealed(key: &DecryptionKey, alg: EncAlg, enc: Enc) -> String {
    encrypt(TEXT, key.encryption_key(), alg, enc, &Map::new()).unwrap()
}

fn open(token: &str, key: &DecryptionKey) -> Result<Vec<u8>, Error> {
    Ok(Compact::parse(token)?.decrypt(key, Allowed::ALL)?.to_vec())
}

fn header_of(token: &str) -> Map<String, Value> {
    parse_object(&base64url_decode(token.split('.').next().unwrap()).unwrap()).unwrap()
}

/// The token with a member of its header set or, for null, removed.
fn with_member(token: &str, name: &str, value: Value) -> String {
    let mut header = header_of(token);
    if value.is_null() {
        header.remove(name);
    } else {
        header.insert(name.into(), value);
    }
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", base64url(Value::Object(header).to_string().as_bytes()))
}

/// The token with one of its parts changed.
fn with_part(token: &str, position: usize, change: impl Fn(Vec<u8>) -> Vec<u8>) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts[position] = base64url(&change(base64url_decode(&parts[position]).unwrap()));
    parts.join(".")
}

fn malformed<T>(result: Result<T, Error>) -> bool {
    matches!(result, Err(Error::Malformed(_)))
}

// spec: BCP-002
#[test]
fn every_algorithm_and_key_type_goes_round() {
    for alg in EncAlg::ALL {
        for (key, enc) in keys(alg).into_iter().flat_map(|key| Enc::ALL.map(|enc| (key.clone(), enc))) {
            let published = EncryptionKey::from_jwk(&key.encryption_key().to_jwk()).unwrap();
            let kept = DecryptionKey::from_jwk(key.to_jwk().as_bytes()).unwrap();
            let token = encrypt(TEXT, &published, alg, enc, &Map::new()).unwrap();
            let jwe = Compact::parse(&token).unwrap();
            assert_eq!((jwe.header().alg(), jwe.enc()), (alg.name(), enc.name()));
            assert_eq!(jwe.header().kid(), Some(key.kid()));
            let only = Allowed::of(&[alg], &[enc]);
            assert_eq!(*jwe.decrypt(&key, only).unwrap(), TEXT, "{key:?} {enc}");
            assert_eq!(*jwe.decrypt(&kept, only).unwrap(), TEXT, "{kept:?} {enc}");
        }
    }
}

#[test]
fn any_length_goes_round() {
    let key = key(EncAlg::EcdhEs);
    for enc in Enc::ALL {
        for length in [0, 1, 15, 16, 17, 65_000] {
            let text = vec![b'a'; length];
            let token = encrypt(&text, key.encryption_key(), EncAlg::EcdhEs, enc, &Map::new()).unwrap();
            assert_eq!(open(&token, &key), Ok(text), "{enc} {length}");
        }
    }
}

#[test]
fn two_tokens_of_one_text_have_nothing_secret_in_common() {
    for alg in EncAlg::ALL {
        let key = key(alg);
        let tokens = [(); 2].map(|()| sealed(&key, alg, Enc::A128Gcm));
        let [one, other] = tokens.each_ref().map(|token| token.split('.').collect::<Vec<_>>());
        for part in 2..5 {
            assert_ne!(one[part], other[part], "{alg} part {part}");
        }
        assert!(one[1].is_empty() || one[1] != other[1], "{alg}");
        let epk = tokens.each_ref().map(|token| header_of(token).get("epk").cloned());
        assert!(epk[0].is_none() || epk[0] != epk[1], "{alg}");
    }
}

// spec: BCP-008
#[test]
fn a_token_altered_anywhere_does_not_decrypt_and_does_not_tell_where() {
    for alg in EncAlg::ALL {
        let key = key(alg);
        for enc in Enc::ALL {
            let token = sealed(&key, alg, enc);
            for part in 1..5 {
                let length = base64url_decode(token.split('.').nth(part).unwrap()).unwrap().len();
                for at in [0, length / 2, length.saturating_sub(1)].into_iter().filter(|at| *at < length) {
                    let altered = with_part(&token, part, |mut octets| {
                        octets[at] ^= 1;
                        octets
                    });
                    assert_eq!(open(&altered, &key), Err(Error::NotDecrypted), "{alg} {enc} {part} {at}");
                }
                if alg == EncAlg::EcdhEs && part == 1 {
                    continue;
                }
                for altered in [
                    with_part(&token, part, |octets| octets[..octets.len() - 1].to_vec()),
                    with_part(&token, part, |octets| [octets, vec![0]].concat()),
                    with_part(&token, part, |_| Vec::new()),
                    with_part(&token, part, |_| vec![0; 1024]),
                ] {
                    assert_eq!(open(&altered, &key), Err(Error::NotDecrypted), "{alg} {enc} {part}");
                }
            }
            let retyped = with_member(&token, "typ", json!("x"));
            assert_eq!(open(&retyped, &key), Err(Error::NotDecrypted), "{alg} {enc} header");
        }
    }
}

// spec: BCP-008
#[test]
fn another_key_of_the_same_kind_does_not_decrypt() {
    for alg in EncAlg::ALL {
        for key in keys(alg) {
            let token = sealed(&key, alg, Enc::A256Gcm);
            let crv = header_of(&token).get("epk").map(|epk| epk["crv"].clone());
            let other = match crv.and_then(|crv| Crv::ALL.into_iter().find(|known| crv == known.name())) {
                Some(crv) => DecryptionKey::generate_on(crv, alg),
                None => DecryptionKey::generate(alg),
            };
            assert_eq!(open(&token, &other.unwrap()), Err(Error::NotDecrypted), "{key:?}");
        }
    }
}

/// A content key of another length than `enc` has is as wrong as one that does not open at all.
#[test]
fn a_content_key_of_another_length_looks_like_a_wrong_one() {
    for alg in [EncAlg::RsaOaep256, EncAlg::EcdhEsA128Kw, EncAlg::EcdhEsA256Kw] {
        let key = key(alg);
        let token = with_member(&sealed(&key, alg, Enc::A128Gcm), "enc", json!("A256GCM"));
        assert_eq!(open(&token, &key), Err(Error::NotDecrypted), "{alg}");
    }
}

// spec: BCP-001
// spec: BCP-019
// spec: JWT-005
#[test]
fn only_what_the_recipient_lists_is_decrypted() {
    let key = key(EncAlg::EcdhEs);
    let token = sealed(&key, EncAlg::EcdhEs, Enc::A128Gcm);
    let refusal = |token: &str, algs: &[EncAlg], encs: &[Enc]| {
        Compact::parse(token).unwrap().decrypt(&key, Allowed::of(algs, encs)).unwrap_err().to_string()
    };
    assert_eq!(
        refusal(&token, &[EncAlg::RsaOaep256, EncAlg::EcdhEsA128Kw], &Enc::ALL),
        r#"alg "ECDH-ES" is not allowed here; allowed: RSA-OAEP-256, ECDH-ES+A128KW (BCP-001)"#
    );
    assert_eq!(
        refusal(&token, &EncAlg::ALL, &[Enc::A256Gcm]),
        r#"enc "A128GCM" is not allowed here; allowed: A256GCM (BCP-001)"#
    );
    for alg in ["dir", "RSA1_5", "RSA-OAEP", "A128KW", "PBES2-HS256+A128KW", "none", "", "ecdh-es"] {
        let token = with_member(&token, "alg", json!(alg));
        assert!(refusal(&token, &EncAlg::ALL, &Enc::ALL).starts_with("alg "), "{alg}");
    }
    for enc in ["A192GCM", "none", "", "a128gcm"] {
        let token = with_member(&token, "enc", json!(enc));
        assert!(refusal(&token, &EncAlg::ALL, &Enc::ALL).starts_with("enc "), "{enc}");
    }
}

// spec: BCP-003
// spec: BCP-020
#[test]
fn a_key_is_used_for_its_own_algorithm_only() {
    let unfit = |result: Result<String, Error>| matches!(result, Err(Error::KeyUnfit { .. }));
    for alg in EncAlg::ALL {
        let key = key(alg);
        for other in EncAlg::ALL.into_iter().filter(|other| *other != alg) {
            assert!(!key.fits(other));
            assert!(unfit(encrypt(TEXT, key.encryption_key(), other, Enc::A128Gcm, &Map::new())));
            let token = with_member(&sealed(&key, alg, Enc::A128Gcm), "alg", json!(other.name()));
            assert!(matches!(open(&token, &key), Err(Error::KeyUnfit { .. })), "{alg} {other}");
        }
    }
    assert!(matches!(DecryptionKey::generate_on(Crv::P256, EncAlg::RsaOaep256), Err(Error::KeyUnfit { .. })));
    // A key that declares none is for all of its type.
    let mut jwk = parse_object(key(EncAlg::EcdhEs).to_jwk().as_bytes()).unwrap();
    jwk.remove("alg");
    let free = DecryptionKey::from_jwk(Value::Object(jwk).to_string().as_bytes()).unwrap();
    assert_eq!(EncAlg::ALL.map(|alg| free.fits(alg)), [false, true, true, true]);
}

// spec: BCP-011
// spec: BCP-027
// spec: JWT-021
#[test]
fn compression_and_extensions_are_refused_before_anything_is_decrypted() {
    let token = sealed(&key(EncAlg::EcdhEs), EncAlg::EcdhEs, Enc::A128Gcm);
    for zip in [json!("DEF"), json!("none"), json!(""), json!(1)] {
        let refused = Compact::parse(&with_member(&token, "zip", zip.clone())).map(|_| ());
        assert_eq!(refused, Err(Error::ZipUnsupported(format!("{:?}", zip.to_string()))));
    }
    for crit in [json!(["exp"]), json!([]), json!("exp")] {
        let token = with_member(&token, "crit", crit);
        assert!(matches!(Compact::parse(&token), Err(Error::CritUnsupported(_))));
    }
}

// spec: BCP-021
// spec: JWT-002
#[test]
fn only_five_parts_are_a_jwe() {
    for token in ["", ".", "a", "a.b", "a.b.c.d", "a.b.c.d.e.f", " ", "......"] {
        assert!(malformed(Compact::parse(token)), "{token:?}");
    }
    let signed = secevent_jose::sign(None, TEXT, &SigningKey::generate(Alg::Es256).unwrap()).unwrap();
    assert!(Compact::parse(&signed).unwrap_err().to_string().contains("it is signed"));
    assert!(Compact::parse(r#"{"protected":"","ciphertext":""}"#).unwrap_err().to_string().contains("JSON"));
    let token = sealed(&key(EncAlg::EcdhEs), EncAlg::EcdhEs, Enc::A128Gcm);
    assert_eq!(secevent_jose::Compact::parse(&token), Err(Error::Encrypted));
}

// spec: BCP-026
// spec: JWT-023
#[test]
fn every_part_is_strict_base64url() {
    let token = sealed(&RSA, EncAlg::RsaOaep256, Enc::A128CbcHs256);
    let parts: Vec<&str> = token.split('.').collect();
    for position in 0..5 {
        for wrong in ["=", "\n", " ", "+", "/", "%", "é"] {
            let mut parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
            parts[position].push_str(wrong);
            assert!(malformed(Compact::parse(&parts.join("."))), "{position} {wrong:?}");
        }
    }
    assert!(malformed(Compact::parse(&format!(" {token}"))));
}

// spec: JWT-001
// spec: JWT-007
#[test]
fn a_header_that_is_not_a_strict_object_of_strings_is_refused() {
    let parse =
        |header: &str| Compact::parse(&format!("{}.a.a.a.a", base64url(header.as_bytes()))).map(|_| ());
    for header in ["[]", "", r#"{"alg":"ECDH-ES","enc":"A128GCM","enc":"A256GCM"}"#, "{"] {
        assert!(matches!(parse(header), Err(Error::Json(_))), "{header}");
    }
    for header in [
        "{}",
        r#"{"alg":"ECDH-ES"}"#,
        r#"{"enc":"A128GCM"}"#,
        r#"{"alg":"ECDH-ES","enc":["A128GCM"]}"#,
        r#"{"alg":"ECDH-ES","enc":"A128GCM","cty":1}"#,
    ] {
        assert!(malformed(parse(header)), "{header}");
    }
}

// spec: CHK-001
#[test]
fn a_token_over_the_limit_is_neither_parsed_nor_made() {
    let too_long = |error: Error| matches!(error, Error::TooLong { bytes, max: TOKEN_BYTES_MAX } if bytes > TOKEN_BYTES_MAX);
    assert!(too_long(Compact::parse(&"a".repeat(TOKEN_BYTES_MAX + 1)).unwrap_err()));
    assert!(malformed(Compact::parse(&"a".repeat(TOKEN_BYTES_MAX))));
    for length in [TOKEN_BYTES_MAX * 3 / 4, TOKEN_BYTES_MAX + 1] {
        let text = vec![b'a'; length];
        let key = key(EncAlg::EcdhEs);
        let made = encrypt(&text, key.encryption_key(), EncAlg::EcdhEs, Enc::A128Gcm, &Map::new());
        assert!(too_long(made.unwrap_err()));
    }
}

/// Both coordinates of the point off the curve are in range: an implementation that does not look would go on and
/// give away its key bit by bit.
// spec: BCP-009
#[test]
fn an_ephemeral_key_that_is_not_a_point_of_the_recipients_curve_is_refused() {
    for alg in [EncAlg::EcdhEs, EncAlg::EcdhEsA128Kw, EncAlg::EcdhEsA256Kw] {
        for key in keys(alg) {
            let token = sealed(&key, alg, Enc::A128Gcm);
            let epk = header_of(&token)["epk"].clone();
            let mut wrong = vec![
                Value::Null,
                json!("x"),
                json!({}),
                edit(&epk, "kty", json!("oct")),
                edit(&epk, "crv", json!("secp256k1")),
                edit(&epk, "crv", json!("Ed25519")),
                edit(&epk, "x", json!("AAAA")),
                edit(&epk, "x", Value::Null),
                edit(&epk, "x", json!(format!("{}=", epk["x"].as_str().unwrap()))),
                edit(&epk, "d", json!("AAAA")),
            ];
            if epk["kty"] == "EC" {
                let length = base64url_decode(epk["x"].as_str().unwrap()).unwrap().len();
                let number = |last: u8| json!(base64url(&[vec![0; length - 1], vec![last]].concat()));
                wrong.extend([
                    edit(&epk, "y", number(1)),
                    edit(&edit(&epk, "x", number(0)), "y", number(0)),
                    edit(&epk, "x", json!(base64url(&vec![0xff; length]))),
                    edit(&epk, "y", Value::Null),
                ]);
            }
            for other in Crv::ALL.into_iter().filter(|crv| epk["crv"] != crv.name()) {
                let other = DecryptionKey::generate_on(other, alg).unwrap();
                wrong.push(header_of(&sealed(&other, alg, Enc::A128Gcm))["epk"].clone());
            }
            for wrong in wrong {
                assert!(malformed(open(&with_member(&token, "epk", wrong.clone()), &key)), "{key:?} {wrong}");
            }
        }
    }
}

fn edit(jwk: &Value, name: &str, value: Value) -> Value {
    let mut jwk = object(jwk.clone());
    if value.is_null() {
        jwk.remove(name);
    } else {
        jwk.insert(name.into(), value);
    }
    jwk.into()
}

/// RFC 7748 §6.1: the agreed secret would be zero. It fails like any other, with a random content key.
// spec: BCP-009
#[test]
fn a_point_of_small_order_decrypts_nothing() {
    for alg in [EncAlg::EcdhEs, EncAlg::EcdhEsA128Kw] {
        let key = DecryptionKey::generate_on(Crv::X25519, alg).unwrap();
        let epk = json!({ "kty": "OKP", "crv": "X25519", "x": base64url(&[0; 32]) });
        let token = with_member(&sealed(&key, alg, Enc::A128Gcm), "epk", epk);
        assert_eq!(open(&token, &key), Err(Error::NotDecrypted), "{alg}");
    }
}

#[test]
fn with_direct_agreement_there_is_no_encrypted_key() {
    let key = key(EncAlg::EcdhEs);
    let token = sealed(&key, EncAlg::EcdhEs, Enc::A128Gcm);
    assert_eq!(token.split('.').nth(1), Some(""));
    assert!(malformed(open(&with_part(&token, 1, |_| vec![0; 24]), &key)));
}

#[test]
fn party_information_enters_the_key() {
    for alg in [EncAlg::EcdhEs, EncAlg::EcdhEsA256Kw] {
        let key = key(alg);
        let party = object(json!({ "apu": base64url(b"Alice"), "apv": base64url(b"Bob") }));
        let token = encrypt(TEXT, key.encryption_key(), alg, Enc::A128Gcm, &party).unwrap();
        assert_eq!(open(&token, &key).unwrap(), TEXT);
        for name in ["apu", "apv"] {
            assert!(malformed(open(&with_member(&token, name, json!("a b")), &key)));
            assert!(malformed(open(&with_member(&token, name, json!(1)), &key)));
            let party = object(json!({ name: "a b" }));
            assert!(malformed(encrypt(TEXT, key.encryption_key(), alg, Enc::A128Gcm, &party)));
        }
    }
}

#[test]
fn the_caller_adds_members_and_changes_none() {
    let key = key(EncAlg::EcdhEs);
    let with = |members| encrypt(TEXT, key.encryption_key(), EncAlg::EcdhEs, Enc::A128Gcm, &object(members));
    let token = with(json!({ "cty": "JWT", "iss": "https://idp.example" })).unwrap();
    let jwe = Compact::parse(&token).unwrap();
    assert_eq!(jwe.header().cty(), Some("JWT"));
    let header = header_of(&token);
    assert_eq!(header.keys().collect::<Vec<_>>(), ["alg", "enc", "kid", "cty", "iss", "epk"]);
    for name in ["alg", "enc", "kid", "epk", "zip", "crit"] {
        assert!(malformed(with(json!({ name: "x" }))), "{name}");
    }
    assert!(malformed(with(json!({ "typ": 1 }))));
}

#[test]
fn keys_that_are_not_for_encryption_are_refused() {
    let good = Value::Object(RSA.encryption_key().to_jwk());
    let ec = Value::Object(key(EncAlg::EcdhEs).encryption_key().to_jwk());
    let read = |jwk: &Value| EncryptionKey::from_jwk(&object(jwk.clone()));
    for (name, value) in [
        ("use", json!("sig")),
        ("use", json!("")),
        ("use", json!(1)),
        ("key_ops", json!(["verify"])),
        ("key_ops", json!("encrypt")),
        ("alg", json!("RS256")),
        ("alg", json!("RSA-OAEP")),
        ("kid", json!(1)),
        ("kty", json!("oct")),
        ("d", json!("AAAA")),
    ] {
        for jwk in [&good, &ec] {
            assert!(matches!(read(&edit(jwk, name, value.clone())), Err(Error::BadKey(_))), "{name} {value}");
        }
    }
    for (name, value) in
        [("use", Value::Null), ("key_ops", json!([])), ("key_ops", json!(["wrapKey"])), ("x5t", json!("a"))]
    {
        assert!(read(&edit(&good, name, value.clone())).is_ok(), "{name} {value}");
    }
    assert!(matches!(read(&edit(&good, "alg", json!("ECDH-ES"))), Err(Error::BadKey(_))));
    assert!(matches!(read(&edit(&ec, "alg", json!("RSA-OAEP-256"))), Err(Error::BadKey(_))));
    assert!(matches!(read(&edit(&ec, "y", ec["x"].clone())), Err(Error::BadKey(_))));
    let short = base64url(&[&[0xc1; 127][..], &[1]].concat());
    assert!(matches!(read(&edit(&good, "n", json!(short))), Err(Error::BadKey(_))));
    // A signing key is no decryption key, and the other way round.
    let signing = SigningKey::generate(Alg::Es256).unwrap();
    assert!(matches!(DecryptionKey::from_jwk(signing.to_jwk().as_bytes()), Err(Error::BadKey(_))));
    assert!(SigningKey::from_jwk(key(EncAlg::EcdhEs).to_jwk().as_bytes()).is_err());
    assert!(!signing.kid().is_empty());
}

#[test]
fn private_and_public_members_belong_together() {
    for crv in Crv::ALL {
        let [one, other] = [(); 2].map(|()| {
            let key = DecryptionKey::generate_on(crv, EncAlg::EcdhEs).unwrap();
            Value::Object(parse_object(key.to_jwk().as_bytes()).unwrap())
        });
        let length = base64url_decode(one["d"].as_str().unwrap()).unwrap().len();
        for d in [
            other["d"].clone(),
            json!(base64url(&vec![0; length])),
            json!("AAAA"),
            json!(base64url(&vec![0xff; length])),
        ] {
            let jwk = edit(&one, "d", d).to_string();
            assert!(matches!(DecryptionKey::from_jwk(jwk.as_bytes()), Err(Error::BadKey(_))), "{crv}");
        }
        let bare = edit(&edit(&one, "kid", Value::Null), "alg", Value::Null).to_string();
        let bare = DecryptionKey::from_jwk(bare.as_bytes()).unwrap();
        assert_eq!(bare.kid(), bare.encryption_key().thumbprint());
    }
    let mut rsa = parse_object(RSA.to_jwk().as_bytes()).unwrap();
    rsa.insert("p".into(), rsa["q"].clone());
    let rsa = Value::Object(rsa).to_string();
    assert!(matches!(DecryptionKey::from_jwk(rsa.as_bytes()), Err(Error::BadKey(_))));
}

// spec: BCP-016
#[test]
fn keys_show_no_secret() {
    for key in [RSA.clone(), key(EncAlg::EcdhEs)] {
        let secret = parse_object(key.to_jwk().as_bytes()).unwrap()["d"].as_str().unwrap().to_owned();
        let public = Value::Object(key.encryption_key().to_jwk()).to_string();
        for shown in [format!("{key:?}"), format!("{:?}", key.encryption_key()), public] {
            assert!(!shown.contains(&secret) && shown.contains(key.kid()), "{shown}");
        }
    }
}
