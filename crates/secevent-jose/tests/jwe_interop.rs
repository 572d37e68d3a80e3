//! Encrypted tokens and keys go both ways between this crate and joserfc, an implementation in Python.

#![cfg(feature = "jwe")]

use secevent_jose::base64url;
use secevent_jose::json::{Map, Value};
use secevent_jose::jwe::{Allowed, Compact, Crv, DecryptionKey, Enc, EncAlg, EncryptionKey, encrypt};
use serde_json::json;
use testkit::PythonPeer;

const TEXT: &str = "Wer hat's gesagt? — joserfc.";

fn joserfc() -> Option<PythonPeer> {
    PythonPeer::start(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/jwe_interop.py"))
}

/// Every algorithm with every type of key that it works with; `None` is RSA.
fn combinations() -> Vec<(EncAlg, Option<Crv>)> {
    let agreements = [EncAlg::EcdhEs, EncAlg::EcdhEsA128Kw, EncAlg::EcdhEsA256Kw];
    let on_curves = agreements.into_iter().flat_map(|alg| Crv::ALL.map(|crv| (alg, Some(crv))));
    std::iter::once((EncAlg::RsaOaep256, None)).chain(on_curves).collect()
}

/// Further members of the header: none, and where a key is agreed on also those that enter its derivation.
fn headers(crv: Option<Crv>) -> Vec<Value> {
    let parties = json!({ "cty": "JWT", "apu": base64url(b"Alice"), "apv": base64url(b"Bob") });
    [json!({}), parties].into_iter().take(if crv.is_some() { 2 } else { 1 }).collect()
}

fn members(value: &Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

// spec: SET-039
#[test]
fn joserfc_decrypts_what_is_encrypted_here() {
    let Some(mut joserfc) = joserfc() else { return };
    for (alg, crv) in combinations() {
        let key = match crv {
            Some(crv) => DecryptionKey::generate_on(crv, alg),
            None => DecryptionKey::generate(alg),
        };
        let key = key.expect("a key");
        let jwk: Value = serde_json::from_str(&key.to_jwk()).expect("JSON");
        for (enc, more) in
            Enc::ALL.into_iter().flat_map(|enc| headers(crv).into_iter().map(move |more| (enc, more)))
        {
            let token = encrypt(TEXT.as_bytes(), key.encryption_key(), alg, enc, &members(&more));
            let algs = [alg.name(), enc.name()];
            let said = joserfc
                .ask(json!({ "do": "decrypt", "jwk": jwk, "token": token.expect("made"), "algs": algs }));
            assert_eq!(said["text"], TEXT, "{alg} {crv:?} {enc}");
            assert_eq!(said["header"]["kid"], key.kid());
        }
    }
}

// spec: SET-039
#[test]
fn what_joserfc_encrypts_is_decrypted_here() {
    let Some(mut joserfc) = joserfc() else { return };
    for (alg, crv) in combinations() {
        let made = joserfc.ask(json!({ "do": "generate", "crv": crv.map_or("RSA", Crv::name) }));
        let theirs =
            DecryptionKey::from_jwk(made["private"].to_string().as_bytes()).expect("their private key");
        let public = EncryptionKey::from_jwk(&members(&made["public"])).expect("their public key");
        assert_eq!(theirs.encryption_key().thumbprint(), public.thumbprint());
        for enc in Enc::ALL {
            let allowed = Allowed::of(&[alg], &[enc]);
            for more in headers(crv) {
                let mut header = members(&json!({ "alg": alg.name(), "enc": enc.name() }));
                header.extend(members(&more));
                let said = joserfc
                    .ask(json!({ "do": "encrypt", "jwk": made["public"], "header": header, "text": TEXT }));
                let token = said["token"].as_str().expect("a token");
                let jwe = Compact::parse(token).expect("readable");
                let text = jwe.decrypt(&theirs, allowed);
                assert_eq!(text.as_deref().map(Vec::as_slice), Ok(TEXT.as_bytes()), "{alg} {crv:?} {enc}");
            }
        }
    }
}
