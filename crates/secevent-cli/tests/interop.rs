//! Tokens and keys go both ways between the program and joserfc, an implementation in Python.
//!
//! Both names of Ed25519 are known to joserfc 1.8 (RFC 8037 and RFC 9864), so no algorithm is left out. Its keys
//! carry no `alg`, which shows that ours are read without one; an OKP key without it signs as `EdDSA` here, so
//! the name is added where `Ed25519` is wanted, and an RSA key's where it is not `RS256`.

mod common;

use common::{ALGS, AUD, Desk, ISS, NOW};
use serde_json::{Value, json};
use testkit::PythonPeer;

fn joserfc() -> Option<PythonPeer> {
    PythonPeer::start(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop.py"))
}

// spec: SET-037
#[test]
fn joserfc_verifies_what_the_program_signs() {
    let Some(mut joserfc) = joserfc() else { return };
    let desk = Desk::new();
    for alg in ALGS {
        desk.key(alg, alg);
        let token = desk.sign(alg, &["--txn", "1"]);
        let jwks: Value = serde_json::from_str(&desk.read(&format!("{alg}.jwks"))).unwrap();
        let said = joserfc.ask(json!({ "do": "verify", "alg": alg, "jwk": jwks["keys"][0], "token": token }));
        assert_eq!(said["header"]["alg"], alg);
        assert_eq!(said["header"]["typ"], "secevent+jwt");
        assert_eq!(said["header"]["kid"], jwks["keys"][0]["kid"]);
        let inspected = desk.run(&["inspect", "--json", &token]).yes().json();
        assert_eq!(said["claims"], inspected["claims"], "{alg}");
    }
}

// spec: BCP-008
#[test]
fn the_program_verifies_what_joserfc_signs() {
    let Some(mut joserfc) = joserfc() else { return };
    let desk = Desk::new();
    desk.key("k", "ES256");
    let ours = desk.sign("k", &[]);
    let claims = desk.run(&["inspect", "--json", &ours]).yes().json()["claims"].clone();
    for alg in ALGS {
        let keys = joserfc.ask(json!({ "do": "generate", "alg": alg }));
        let header = json!({ "typ": "secevent+jwt", "kid": keys["public"]["kid"] });
        let question =
            json!({ "do": "sign", "alg": alg, "jwk": keys["private"], "header": header, "claims": claims });
        let signed = joserfc.ask(question);
        let token = signed["token"].as_str().unwrap();
        desk.write("theirs.jwks", json!({ "keys": [keys["public"]] }).to_string());
        let verify =
            ["verify", "--jwks", "theirs.jwks", "--iss", ISS, "--aud", AUD, "--now", NOW, "--alg", alg];
        let said = desk.run(&[&verify[..], &["--json", token]].concat()).yes().json();
        assert_eq!(said["claims"], claims, "{alg}");
        // One bit of the payload turned.
        let middle = token.find('.').unwrap() + 8;
        let other = if token.as_bytes()[middle] == b'A' { "B" } else { "A" };
        let forged = format!("{}{other}{}", &token[..middle], &token[middle + 1..]);
        assert_eq!(desk.run(&[&verify[..], &[&forged]].concat()).out, "invalid_key\n", "{alg}");
    }
}

#[test]
fn the_program_signs_with_keys_that_joserfc_made() {
    let Some(mut joserfc) = joserfc() else { return };
    let desk = Desk::new();
    for alg in ALGS {
        let mut keys = joserfc.ask(json!({ "do": "generate", "alg": alg }));
        keys["private"]["alg"] = alg.into();
        desk.write("theirs.jwk", keys["private"].to_string());
        let token = desk.sign("theirs", &[]);
        let said = joserfc.ask(json!({ "do": "verify", "alg": alg, "jwk": keys["public"], "token": token }));
        assert_eq!(said["claims"]["iss"], ISS, "{alg}");
        assert_eq!(said["header"]["kid"], keys["public"]["kid"], "{alg}");
    }
}
