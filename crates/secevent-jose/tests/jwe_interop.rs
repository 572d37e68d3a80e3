//! Encrypted tokens and keys go both ways between this crate and joserfc, an implementation in Python.

#![cfg(feature = "jwe")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use secevent_jose::base64url;
use secevent_jose::json::{Map, Value};
use secevent_jose::jwe::{Allowed, Compact, Crv, DecryptionKey, Enc, EncAlg, EncryptionKey, encrypt};
use serde_json::json;

const TEXT: &str = "Wer hat's gesagt? — joserfc.";

/// joserfc, started once.
struct Joserfc {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Joserfc {
    /// `None` where there is no Python with joserfc, which is said.
    fn start() -> Option<Self> {
        let Some(python) = testkit::python() else {
            println!("skipped: SECEVENT_PYTHON names no interpreter with joserfc");
            return None;
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jwe_interop.py");
        let mut child = Command::new(python)
            .args(["-W", "ignore"])
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let questions = child.stdin.take().expect("stdin is a pipe");
        let answers = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        Some(Self { child, questions, answers })
    }

    #[expect(clippy::needless_pass_by_value, reason = "a question reads best where it is asked")]
    fn ask(&mut self, question: Value) -> Value {
        writeln!(self.questions, "{question}").expect("Python listens");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("Python answers");
        let answer: Value = serde_json::from_str(&answer).expect("in JSON");
        assert_eq!(answer.get("error"), None, "{}", question["do"]);
        answer
    }
}

impl Drop for Joserfc {
    fn drop(&mut self) {
        // It is idle: nothing is lost, and a failing test does not wait for it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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
    let Some(mut joserfc) = Joserfc::start() else { return };
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
    let Some(mut joserfc) = Joserfc::start() else { return };
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
