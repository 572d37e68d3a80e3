//! What a receiver must refuse, and the little it must accept.

#![expect(clippy::unwrap_used, reason = "the helpers below are tests too")]

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use secevent_jose::json::{Map, Value, parse_object};
use secevent_jose::{
    Alg, AlgSet, Compact, Error, JwkSet, Signer, SigningKey, VerifyingKey, attach, base64url,
    base64url_decode, sign, signing_input,
};
use serde_json::json;

const PAYLOAD: &[u8] = br#"{"jti":"1"}"#;

static RSA: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Alg::Rs256).unwrap());
static EC: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Alg::Es256).unwrap());

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is not an object"),
    }
}

/// RSA algorithms share one key: generating six would be most of the time of this file.
fn key(alg: Alg) -> SigningKey {
    if alg >= Alg::Es256 {
        return SigningKey::generate(alg).unwrap();
    }
    let mut jwk = parse_object(RSA.to_jwk().as_bytes()).unwrap();
    jwk.insert("alg".into(), alg.name().into());
    SigningKey::from_jwk(Value::Object(jwk).to_string().as_bytes()).unwrap()
}

/// The key without its `alg` member, so that only its type decides what it fits.
fn undeclared(key: &SigningKey) -> VerifyingKey {
    let mut jwk = key.verifying_key().to_jwk();
    jwk.remove("alg");
    VerifyingKey::from_jwk(&jwk).unwrap()
}

/// A token whose header is exactly this text, really signed with the EC key.
fn with_header(header: &str) -> String {
    let input = format!("{}.{}", base64url(header.as_bytes()), base64url(PAYLOAD));
    let signature = EC.sign(input.as_bytes()).unwrap();
    attach(input, &signature)
}

fn verify(token: &str) -> Result<Vec<u8>, Error> {
    let jws = Compact::parse(token)?;
    jws.verify(EC.verifying_key(), AlgSet::ALL).map(<[u8]>::to_vec)
}

fn malformed(token: &str) -> bool {
    matches!(Compact::parse(token), Err(Error::Malformed(_)))
}

// spec: BCP-002
// spec: BCP-008
#[test]
fn every_algorithm_verifies_its_own_signature_and_no_other() {
    for alg in Alg::ALL {
        let key = key(alg);
        let token = sign(Some("secevent+jwt"), PAYLOAD, &key).unwrap();
        let jws = Compact::parse(&token).unwrap();
        assert_eq!(jws.alg(), Ok(alg));
        assert_eq!(jws.header().typ(), Some("secevent+jwt"));
        assert_eq!(jws.header().kid(), Some(key.verifying_key().thumbprint().as_str()));
        assert_eq!(
            jws.header().members().iter().map(|(name, _)| name).collect::<Vec<_>>(),
            ["typ", "alg", "kid"]
        );
        assert_eq!(jws.verify(key.verifying_key(), AlgSet::of(&[alg])), Ok(PAYLOAD), "{alg}");

        let published = VerifyingKey::from_jwk(&key.verifying_key().to_jwk()).unwrap();
        assert_eq!(jws.verify(&published, AlgSet::of(&[alg])), Ok(PAYLOAD), "{alg}");

        let other = SigningKey::generate(alg).unwrap();
        assert_eq!(jws.verify(other.verifying_key(), AlgSet::ALL), Err(Error::BadSignature), "{alg}");

        let parts: Vec<_> = token.split('.').collect();
        let payload = format!("{}.{}.{}", parts[0], base64url(br#"{"jti":"2"}"#), parts[2]);
        let mut signature = base64url_decode(parts[2]).unwrap();
        signature[10] ^= 1;
        let signature = format!("{}.{}.{}", parts[0], parts[1], base64url(&signature));
        let unsigned = format!("{}.{}.", parts[0], parts[1]);
        for tampered in [payload, signature, unsigned] {
            let jws = Compact::parse(&tampered).unwrap();
            assert_eq!(jws.verify(key.verifying_key(), AlgSet::ALL), Err(Error::BadSignature), "{alg}");
        }
    }
}

// spec: JWT-022
#[test]
fn the_signature_is_checked_over_the_header_as_received() {
    let token = with_header("{\"kid\":\"1\", \"alg\" : \"ES256\"}\n");
    assert_eq!(verify(&token), Ok(PAYLOAD.to_vec()));
    assert_eq!(Compact::parse(&token).unwrap().into_parts().1, PAYLOAD);
}

// spec: BCP-001
// spec: BCP-005
// spec: JWT-005
// spec: JWT-020
#[test]
fn an_alg_outside_the_allow_list_is_refused_by_name() {
    for name in ["none", "None", "nOnE", "NONE", "", "HS256", "es256", "ES256 ", "ES256K", "RSA-OAEP", "dir"]
    {
        for token in [with_header(&json!({ "alg": name }).to_string()), {
            let input = signing_input(&object(json!({ "alg": name })), PAYLOAD);
            attach(input, b"")
        }] {
            let jws = Compact::parse(&token).unwrap();
            assert_eq!((jws.header().alg(), jws.payload_unverified()), (name, PAYLOAD));
            assert!(matches!(jws.alg(), Err(Error::AlgNotAllowed { .. })), "{name}");
            assert!(matches!(verify(&token), Err(Error::AlgNotAllowed { .. })), "{name}");
        }
    }
    let token = sign(None, PAYLOAD, &*EC).unwrap();
    let jws = Compact::parse(&token).unwrap();
    let error = jws.verify(EC.verifying_key(), AlgSet::of(&[Alg::Rs256]));
    assert_eq!(
        error.unwrap_err().to_string(),
        r#"alg "ES256" is not allowed here; allowed: RS256 (BCP-001)"#
    );
}

// spec: BCP-001
// spec: BCP-002
#[test]
fn an_hmac_keyed_with_the_public_key_is_refused() {
    let jwk = RSA.verifying_key().to_jwk();
    let pem =
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", jwk["n"].as_str().unwrap());
    let modulus = base64url_decode(jwk["n"].as_str().unwrap()).unwrap();
    let text = Value::Object(jwk).to_string().into_bytes();
    for secret in [pem.clone().into_bytes(), format!(" {pem}").into_bytes(), modulus, text] {
        for name in ["HS256", "RS256"] {
            let input = signing_input(&object(json!({ "alg": name })), PAYLOAD);
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), input.as_bytes());
            let token = attach(input, tag.as_ref());
            let result =
                Compact::parse(&token).unwrap().verify(&undeclared(&RSA), AlgSet::ALL).map(<[u8]>::to_vec);
            match name {
                "HS256" => assert!(matches!(result, Err(Error::AlgNotAllowed { .. }))),
                _ => assert_eq!(result, Err(Error::BadSignature)),
            }
        }
    }
}

// spec: BCP-003
// spec: BCP-020
#[test]
fn a_key_of_another_type_curve_or_declared_alg_is_refused() {
    let fits = |key: &VerifyingKey| AlgSet::ALL.iter().filter(|alg| key.fits(*alg)).collect::<Vec<_>>();
    for alg in Alg::ALL {
        let key = key(alg);
        let eddsa = [Alg::EdDsa, Alg::Ed25519];
        let own = if eddsa.contains(&alg) { eddsa.to_vec() } else { vec![alg] };
        assert_eq!(fits(key.verifying_key()), own);
        let by_type = if alg < Alg::Es256 { Alg::ALL[..6].to_vec() } else { own };
        assert_eq!(fits(&undeclared(&key)), by_type);

        for other in AlgSet::ALL.iter().filter(|other| !key.verifying_key().fits(*other)) {
            let token = attach(signing_input(&object(json!({ "alg": other })), PAYLOAD), &[0; 64]);
            let error = Compact::parse(&token).unwrap().verify(key.verifying_key(), AlgSet::ALL).unwrap_err();
            assert!(matches!(error, Error::KeyUnfit { .. }), "{alg} {other} {error}");
        }
    }
}

// spec: BCP-020
#[test]
fn a_key_for_encryption_or_signing_only_does_not_verify() {
    for (member, value) in [("use", json!("enc")), ("key_ops", json!(["sign"])), ("key_ops", json!([]))] {
        let mut jwk = EC.verifying_key().to_jwk();
        jwk.insert(member.into(), value);
        assert!(!VerifyingKey::from_jwk(&jwk).unwrap().fits(Alg::Es256));
        let mut jwk = parse_object(EC.to_jwk().as_bytes()).unwrap();
        jwk.insert("use".into(), "enc".into());
        assert!(matches!(
            SigningKey::from_jwk(Value::Object(jwk).to_string().as_bytes()),
            Err(Error::BadKey(_))
        ));
    }
}

/// A token signed with a key it brings along is not signed by the issuer.
// spec: BCP-013
// spec: BCP-016
#[test]
fn keys_in_the_header_are_never_used() {
    let attacker = SigningKey::generate(Alg::Es256).unwrap();
    let jwk = attacker.verifying_key().to_jwk();
    for (name, value) in [
        ("jwk", Value::Object(jwk)),
        ("jku", json!("https://attacker.example/jwks")),
        ("x5u", json!("https://attacker.example/cert")),
        ("x5c", json!(["MIIB"])),
    ] {
        let input = signing_input(&object(json!({ "alg": "ES256", name: value })), PAYLOAD);
        let signature = attacker.sign(input.as_bytes()).unwrap();
        assert_eq!(verify(&attach(input, &signature)), Err(Error::BadSignature));
    }
}

// spec: JWT-001
// spec: JWT-023
// spec: BCP-026
#[test]
fn only_strict_base64url_is_a_part() {
    let token = sign(None, PAYLOAD, &*EC).unwrap();
    let parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    for (i, part) in parts.iter().enumerate() {
        let stray = if part.ends_with('Q') { "R" } else { "_" };
        let mut wrong = vec![
            format!("{part}="),
            format!("{part}=="),
            format!("{part}\n"),
            format!(" {part}"),
            part.replacen(&part[4..5], "+", 1),
            part.replacen(&part[4..5], "/", 1),
            part.replacen(&part[4..5], "%", 1),
            part.replacen(&part[4..5], "é", 1),
        ];
        if part.len() % 4 != 0 {
            wrong.push(format!("{}{stray}", &part[..part.len() - 1]));
        }
        for wrong in wrong {
            let mut parts = parts.clone();
            parts[i] = wrong;
            assert!(malformed(&parts.join(".")), "{}", parts.join("."));
        }
    }
    assert!(malformed(&format!("{token}\n")));
}

// spec: BCP-021
// spec: JWT-002
#[test]
fn only_three_parts_are_a_jws() {
    for token in ["", ".", "a", "a.b", "a.b.c.d", "a.b.c.d.e.f", " ", "....."] {
        assert!(malformed(token), "{token:?}");
    }
    assert_eq!(Compact::parse("a.b.c.d.e"), Err(Error::Encrypted));
    let token = sign(None, PAYLOAD, &*EC).unwrap();
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let flattened = json!({ "protected": header, "payload": payload, "signature": signature }).to_string();
    assert!(Compact::parse(&flattened).unwrap_err().to_string().contains("compact serialisation"));
}

// spec: JWT-001
// spec: JWT-007
#[test]
fn a_header_that_is_not_a_strict_object_is_refused() {
    for header in ["{}", r#"{"ALG":"ES256"}"#, r#"{"alg":null}"#, r#"{"alg":["ES256"]}"#] {
        assert!(malformed(&with_header(header)), "{header}");
    }
    for name in ["typ", "cty", "kid"] {
        for value in [json!(null), json!(1), json!(["a"]), json!({})] {
            assert!(malformed(&with_header(&json!({ "alg": "ES256", name: value }).to_string())), "{name}");
        }
    }
    for header in [
        r#"{"alg":"ES256","alg":"ES256"}"#,
        r#"{"alg":"ES256","kid":"1","\u006bid":"2"}"#,
        r#"{"alg":"ES256","x":{"y":1,"y":2}}"#,
    ] {
        assert!(
            matches!(Compact::parse(&with_header(header)), Err(Error::Json(e)) if e.is_duplicate()),
            "{header}"
        );
    }
    for header in ["", "[]", "\"ES256\"", "{", r#"{"alg":"ES256"}x"#, "\u{feff}{\"alg\":\"ES256\"}"] {
        assert!(matches!(Compact::parse(&with_header(header)), Err(Error::Json(_))), "{header}");
    }
}

// spec: JWT-021
#[test]
fn crit_is_refused_whatever_it_lists() {
    for header in [
        r#"{"alg":"ES256","crit":["x"],"x":1}"#,
        r#"{"alg":"ES256","crit":["b64"],"b64":false}"#,
        r#"{"alg":"ES256","crit":["alg"]}"#,
        r#"{"alg":"ES256","crit":[]}"#,
        r#"{"alg":"ES256","crit":null}"#,
    ] {
        assert!(matches!(verify(&with_header(header)), Err(Error::CritUnsupported(_))), "{header}");
    }
}

#[test]
fn a_token_over_the_limit_is_neither_parsed_nor_made() {
    let max = secevent_jose::jws::TOKEN_BYTES_MAX;
    let too_long = |result: Error| matches!(result, Error::TooLong { bytes, max: limit } if bytes > limit && limit == max);
    assert!(too_long(Compact::parse(&"a".repeat(max + 1)).unwrap_err()));
    assert!(malformed(&"a".repeat(max)));
    assert!(too_long(sign(None, &vec![b'a'; max], &*EC).unwrap_err()));
}

// spec: BCP-008
#[test]
fn ecdsa_signatures_have_one_form() {
    let message = b"message";
    for alg in [Alg::Es256, Alg::Es384, Alg::Es512] {
        let key = SigningKey::generate(alg).unwrap();
        let good = key.sign(message).unwrap();
        let half = good.len() / 2;
        assert_eq!(half, [32, 48, 66][alg as usize - Alg::Es256 as usize]);
        let (r, s) = good.split_at(half);
        let (zero, order) = (vec![0; half], vec![0xff; half]);
        for wrong in [
            [&zero, s].concat(),
            [r, &zero].concat(),
            [zero.as_slice(), &zero].concat(),
            [order.as_slice(), s].concat(),
            [r, &order].concat(),
            [s, r].concat(),
            good[1..].to_vec(),
            [&good[..], &[0]].concat(),
            [&[0], &good[..]].concat(),
            [&[0], r, &[0], s].concat(),
            Vec::new(),
        ] {
            assert_eq!(key.verifying_key().verify(alg, message, &wrong), Err(Error::BadSignature), "{alg}");
        }
        assert_eq!(key.verifying_key().verify(alg, message, &good), Ok(()));
    }
}

// spec: BCP-008
#[test]
fn an_ecdsa_signature_in_der_is_refused() {
    let jwk = parse_object(EC.to_jwk().as_bytes()).unwrap();
    let [d, x, y] = ["d", "x", "y"].map(|name| base64url_decode(jwk[name].as_str().unwrap()).unwrap());
    let point = [&[4], &x[..], &y[..]].concat();
    let same_key =
        EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_ASN1_SIGNING, &d, &point).unwrap();
    let der = same_key.sign(&SystemRandom::new(), b"message").unwrap();
    let result = EC.verifying_key().verify(Alg::Es256, b"message", der.as_ref());
    assert_eq!(result, Err(Error::BadSignature));
}

// spec: BCP-008
#[test]
fn rsa_and_ed25519_signatures_have_one_length() {
    for alg in [Alg::Rs256, Alg::Ps384, Alg::Ed25519] {
        let key = key(alg);
        let good = key.sign(b"message").unwrap();
        for wrong in
            [good[1..].to_vec(), [&good[..], &[0]].concat(), [&[0], &good[..]].concat(), vec![0; good.len()]]
        {
            assert_eq!(key.verifying_key().verify(alg, b"message", &wrong), Err(Error::BadSignature));
        }
    }
}

// spec: BCP-009
// spec: BCP-010
#[test]
fn unusable_members_of_a_set_are_skipped_and_listed() {
    let good = EC.verifying_key().to_jwk();
    let changed = |base: &SigningKey, name: &str, value: Value| {
        let mut jwk = base.verifying_key().to_jwk();
        jwk.insert(name.into(), value);
        Value::Object(jwk)
    };
    let ones = |bytes: usize| json!(base64url(&vec![0xff; bytes]));
    let even = json!(base64url(&[vec![0xff; 255], vec![0xfe]].concat()));
    let private = |key: &SigningKey| serde_json::from_str::<Value>(&key.to_jwk()).unwrap();
    let wrong = [
        (json!({ "kty": "oct", "k": "AAAA" }), "private member k"),
        (json!({ "kty": "oct" }), "kty \"oct\""),
        (json!({ "kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA" }), "kty \"AKP\""),
        (json!({ "kid": "no type" }), "kty is missing"),
        (json!("key"), "not a JSON object"),
        (private(&EC), "private member d"),
        (private(&RSA), "private member d"),
        (changed(&EC, "alg", json!("none")), "alg \"none\""),
        (changed(&EC, "alg", json!("ES384")), "alg ES384"),
        (changed(&EC, "alg", json!("RSA-OAEP")), "alg \"RSA-OAEP\""),
        (changed(&EC, "kid", json!(1)), "kid is not a string"),
        (changed(&EC, "crv", json!("secp256k1")), "crv \"secp256k1\""),
        (changed(&EC, "crv", json!("P-384")), "x has 32 bytes, must have 48"),
        (changed(&EC, "x", ones(32)), "not a point of P-256"),
        (changed(&EC, "y", json!(base64url(&[0; 33]))), "y has 33 bytes"),
        (changed(&EC, "x", json!("A=")), "x is not base64url"),
        (json!({ "kty": "OKP", "crv": "X25519", "x": base64url(&[9; 32]) }), "crv \"X25519\""),
        (json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url(&[9; 31]) }), "x has 31 bytes"),
        (changed(&RSA, "e", json!("AQ")), "e must be odd"),
        (changed(&RSA, "e", json!("AA")), "e must be odd"),
        (changed(&RSA, "e", json!("")), "e must be odd"),
        (changed(&RSA, "e", json!("Ag")), "e must be odd"),
        (changed(&RSA, "e", ones(5)), "at most 33 bits"),
        (changed(&RSA, "n", ones(64)), "n has 512 bits"),
        (changed(&RSA, "n", json!(base64url(&[vec![0x7f], vec![0xff; 255]].concat()))), "n has 2047 bits"),
        (changed(&RSA, "n", ones(1025)), "n has 8200 bits"),
        (changed(&RSA, "n", even), "n is even"),
    ];
    let mut members = vec![Value::Object(good)];
    members.extend(wrong.iter().map(|(jwk, _)| jwk.clone()));
    let set = JwkSet::parse(json!({ "keys": members, "more": 1 }).to_string().as_bytes()).unwrap();
    assert_eq!(set.keys().len(), 1);
    assert_eq!(set.skipped().len(), wrong.len());
    for (said, (_, reason)) in set.skipped().iter().zip(wrong) {
        assert!(said.contains(reason), "{said} / {reason}");
    }
}

#[test]
fn a_set_that_is_not_one_or_is_too_large_is_refused() {
    let many = |count: usize| json!({ "keys": vec![json!({}); count] }).to_string();
    for body in ["{}", r#"{"keys":{}}"#, r#"{"keys":null}"#, &many(101)] {
        assert!(matches!(JwkSet::parse(body.as_bytes()), Err(Error::Malformed(_))), "{body}");
    }
    for body in ["", "<html></html>", "[]", r#"{"keys":[],"keys":[]}"#, r#"{"keys":[{"kid":"a","kid":"b"}]}"#]
    {
        assert!(matches!(JwkSet::parse(body.as_bytes()), Err(Error::Json(_))), "{body}");
    }
    assert_eq!(JwkSet::parse(many(100).as_bytes()).unwrap().skipped().len(), 100);
    assert!(matches!(JwkSet::parse(&vec![b' '; 256 * 1024 + 1]), Err(Error::TooLong { .. })));
}

// spec: BCP-003
// spec: BCP-016
#[test]
fn a_key_is_found_by_kid_and_fit_and_never_guessed() {
    let named = |kid: &str| EC.clone().with_kid(kid).verifying_key().clone();
    let rsa = RSA.clone().with_kid("a").verifying_key().clone();
    let not_found = |kid: Option<&str>| Error::KeyNotFound { kid: kid.map(str::to_owned) };

    let set = JwkSet::new(vec![rsa.clone(), named("a"), named("b")]);
    assert_eq!(set.find(Alg::Es256, Some("a")).unwrap().alg(), Some(Alg::Es256));
    assert_eq!(set.find(Alg::Rs256, Some("a")).unwrap().alg(), Some(Alg::Rs256));
    assert_eq!(set.find(Alg::Rs256, None).unwrap().kid(), Some("a"));
    assert_eq!(set.find(Alg::Es256, None).unwrap_err(), Error::AmbiguousKey);
    assert_eq!(set.find(Alg::Rs256, Some("b")).unwrap_err(), not_found(Some("b")));
    assert_eq!(set.find(Alg::Es384, None).unwrap_err(), not_found(None));
    let huge = "k".repeat(1_000_000);
    for kid in ["A", "", "a\0", "../../a", "' OR 1=1 --", huge.as_str()] {
        let error = set.find(Alg::Es256, Some(kid)).unwrap_err();
        assert_eq!(error, not_found(Some(kid)));
        assert!(error.to_string().len() < 200);
    }

    let twice = JwkSet::new(vec![named("a"), key(Alg::Es256).with_kid("a").verifying_key().clone()]);
    assert_eq!(twice.find(Alg::Es256, Some("a")).unwrap_err(), Error::AmbiguousKey);
    assert_eq!(JwkSet::default().find(Alg::Es256, None).unwrap_err(), not_found(None));

    let mut nameless = EC.verifying_key().to_jwk();
    nameless.remove("kid");
    let set = JwkSet::new(vec![VerifyingKey::from_jwk(&nameless).unwrap()]);
    assert!(set.find(Alg::Es256, None).is_ok());
    assert_eq!(set.find(Alg::Es256, Some("a")).unwrap_err(), not_found(Some("a")));
}

#[test]
fn private_keys_round_trip_and_inconsistent_ones_are_refused() {
    for alg in Alg::ALL {
        let key = key(alg);
        let text = key.to_jwk();
        let again = SigningKey::from_jwk(text.as_bytes()).unwrap();
        assert_eq!(again.to_jwk(), text);
        assert_eq!((again.alg(), again.kid()), (alg, key.kid()));
        let jwk = parse_object(text.as_bytes()).unwrap();
        assert_eq!(jwk.keys().take(4).collect::<Vec<_>>(), ["kty", "use", "alg", "kid"]);
        assert!(!format!("{key:?}").contains(jwk["d"].as_str().unwrap()));

        let other = parse_object(SigningKey::generate(alg).unwrap().to_jwk().as_bytes()).unwrap();
        for name in ["x", "y", "n", "d", "p", "dp", "qi"].into_iter().filter(|name| jwk.contains_key(*name)) {
            let mut mixed = jwk.clone();
            mixed.insert(name.into(), other[name].clone());
            let error = SigningKey::from_jwk(Value::Object(mixed).to_string().as_bytes()).unwrap_err();
            assert!(matches!(error, Error::BadKey(_)), "{alg} {name} {error}");
        }
    }
}

#[test]
fn a_private_key_without_alg_or_kid_has_the_implied_ones() {
    for (alg, implied) in [
        (Alg::Ps512, Alg::Rs256),
        (Alg::Es256, Alg::Es256),
        (Alg::Es512, Alg::Es512),
        (Alg::Ed25519, Alg::EdDsa),
    ] {
        let key = key(alg).with_kid("name");
        let mut jwk = parse_object(key.to_jwk().as_bytes()).unwrap();
        for name in ["alg", "kid", "use"] {
            jwk.remove(name);
        }
        let bare = SigningKey::from_jwk(Value::Object(jwk).to_string().as_bytes()).unwrap();
        assert_eq!(bare.alg(), implied);
        assert_eq!(bare.kid(), key.verifying_key().thumbprint());
        assert_eq!(bare.verifying_key().kid(), Some(bare.kid()));
    }
    let mut jwk = parse_object(EC.to_jwk().as_bytes()).unwrap();
    jwk.insert("alg".into(), "ES384".into());
    assert!(matches!(
        SigningKey::from_jwk(Value::Object(jwk).to_string().as_bytes()),
        Err(Error::KeyUnfit { .. })
    ));
}

/// Some issuers write the modulus as a signed number; it is the same key.
#[test]
fn leading_zero_bytes_of_a_modulus_do_not_count() {
    let mut jwk = RSA.verifying_key().to_jwk();
    let n = base64url_decode(jwk["n"].as_str().unwrap()).unwrap();
    jwk.insert("n".into(), base64url(&[&[0], &n[..]].concat()).into());
    let key = VerifyingKey::from_jwk(&jwk).unwrap();
    let token = sign(None, PAYLOAD, &*RSA).unwrap();
    assert_eq!(Compact::parse(&token).unwrap().verify(&key, AlgSet::ALL), Ok(PAYLOAD));
}

#[test]
fn a_published_set_is_read_back_and_holds_no_secret() {
    let set = JwkSet::new([&*RSA, &*EC].map(|key| key.verifying_key().clone()).to_vec());
    let text = set.to_json();
    let again = JwkSet::parse(text.as_bytes()).unwrap();
    assert_eq!(again.to_json(), text);
    assert_eq!(again.skipped(), [""; 0]);
    for key in serde_json::from_str::<Value>(&text).unwrap()["keys"].as_array().unwrap() {
        assert!(["d", "p", "q", "dp", "dq", "qi", "k"].iter().all(|name| key.get(*name).is_none()));
    }
}
