//! Nested tokens: signed, then encrypted; and what comes out of an encrypted one before it is believed.

use std::sync::LazyLock;

use secevent::{
    Alg, Decrypted, Error, ErrorCode, Fault, Policy, Profile, Recipient, Set, Signer as _, SigningKey,
    SubjectId, VerifiedSet,
    event::caep,
    jwe::{self, Allowed, DecryptionKey, Enc, EncAlg},
};
use secevent_jose::{base64url, base64url_decode, json, jws::attach};
use serde_json::{Map, Value, json};

use super::{AUD, ISS, KEY, NOW, base, errors, issue, signed};

const ALG: EncAlg = EncAlg::EcdhEsA128Kw;
const ENC: Enc = Enc::A128CbcHs256;
const ALLOWED: Allowed = Allowed::of(&[ALG], &[ENC]);

static TO: LazyLock<DecryptionKey> = LazyLock::new(|| DecryptionKey::generate(ALG).unwrap());

fn recipient() -> Recipient<'static> {
    Recipient::new(TO.encryption_key(), ALG, ENC)
}

/// Encrypts whatever it is given, with these members in the header, as a careless issuer does.
fn sealed(content: &str, members: Value) -> String {
    let Value::Object(members) = members else { panic!("{members} is not an object") };
    jwe::encrypt(content.as_bytes(), TO.encryption_key(), ALG, ENC, &members).unwrap()
}

fn decrypt(token: &str) -> Result<Decrypted, Error> {
    Set::decrypt(token, &TO, ALLOWED)
}

fn verify_under(profile: Profile, token: &str) -> Result<VerifiedSet, Error> {
    decrypt(token)?.parse()?.verify(KEY.verifying_key(), &Policy::new(profile, ISS, AUD), NOW)
}

fn verify(token: &str) -> Result<VerifiedSet, Error> {
    verify_under(Profile::SSF, token)
}

fn refusal(result: Result<impl std::fmt::Debug, Error>) -> (ErrorCode, Vec<&'static str>) {
    let error = result.unwrap_err();
    assert_eq!(error.fault(), Fault::Peer);
    (error.code(), errors(error.findings()))
}

fn header_of(token: &str) -> Map<String, Value> {
    json::parse_object(&base64url_decode(token.split('.').next().unwrap()).unwrap()).unwrap()
}

// spec: SET-035, SET-038, SET-039, SET-041, SET-042, SET-043, JWT-003, BCP-008
#[test]
fn a_set_is_signed_first_and_then_encrypted() {
    let draft = Set::issue(ISS)
        .to(AUD)
        .about(SubjectId::email("alice@example.com"))
        .event(caep::SessionRevoked::new())
        .at(NOW);
    let token = draft.sign_and_encrypt(&*KEY, &recipient()).unwrap();
    let outer = header_of(&token);
    assert_eq!(outer["cty"], "JWT");
    assert_eq!(outer["kid"], TO.kid());
    assert!(!outer.contains_key("typ") && !outer.contains_key("iss"));
    assert!(!token.contains(&base64url(b"alice")[..6]));

    let inner = jwe::Compact::parse(&token).unwrap().decrypt(&TO, ALLOWED).unwrap();
    let inner = std::str::from_utf8(&inner).unwrap();
    assert_eq!(header_of(inner)["typ"], "secevent+jwt");
    let set = verify(&token).unwrap();
    assert_eq!(set.iss(), ISS);
    // The evidence is the signed token, which anybody can verify.
    assert_eq!(set.token(), inner);
    assert!(Set::parse(inner).unwrap().verify(KEY.verifying_key(), &Policy::ssf(ISS, AUD), NOW).is_ok());
}

// spec: BCL-023, BCL-024, BCL-025, BCL-038
#[test]
fn a_logout_token_is_encrypted_with_its_issuer_in_the_header() {
    let claims = issue(&Profile::LOGOUT, &base(&Profile::LOGOUT)).unwrap();
    let token = claims.sign_and_encrypt(Profile::LOGOUT, &*KEY, &recipient().shows_iss()).unwrap();
    assert_eq!(header_of(&token)["iss"], ISS);
    assert_eq!(verify_under(Profile::LOGOUT, &token).unwrap().text("sub"), Some("alice"));
}

// spec: BCL-039, BCP-021
#[test]
fn signed_and_encrypted_tokens_are_not_taken_for_each_other() {
    let plain = signed("secevent+jwt", &base(&Profile::SSF));
    assert_eq!(refusal(decrypt(&plain)), (ErrorCode::InvalidRequest, vec!["BCP-021"]));
    let token = recipient().encrypt(&plain).unwrap();
    let error = Set::parse(&token).unwrap_err();
    assert!(error.to_string().contains("JWE") && error.to_string().contains("`Set::decrypt`"), "{error}");
    assert_eq!(refusal(Set::parse(&token)), (ErrorCode::InvalidRequest, vec!["BCP-021"]));
}

// spec: BCP-005, BCP-008, SET-037, SET-044
#[test]
fn an_unsigned_token_is_not_believed_for_being_encrypted() {
    for alg in ["none", "None", "HS256", ""] {
        let header = json!({ "typ": "secevent+jwt", "alg": alg }).to_string();
        let input = format!(
            "{}.{}",
            base64url(header.as_bytes()),
            base64url(base(&Profile::SSF).to_string().as_bytes())
        );
        let unsigned = attach(input, b"");
        let decrypted = decrypt(&sealed(&unsigned, json!({ "cty": "JWT" }))).unwrap();
        assert_eq!(refusal(decrypted.parse()), (ErrorCode::InvalidKey, vec!["SET-037"]), "{alg}");
        let refused = recipient().encrypt(&unsigned).unwrap_err();
        assert_eq!(refused.fault(), Fault::Caller);
    }
}

// spec: SET-041, JWT-003
#[test]
fn what_is_encrypted_has_to_be_a_signed_token() {
    let claims = base(&Profile::SSF);
    let inner = signed("secevent+jwt", &claims);
    for cty in [json!({}), json!({ "cty": "json" }), json!({ "cty": "secevent+jwt" }), json!({ "cty": "" })] {
        assert_eq!(refusal(decrypt(&sealed(&inner, cty))), (ErrorCode::InvalidRequest, vec!["SET-041"]));
    }
    for cty in ["JWT", "jwt", "application/JWT"] {
        assert!(verify(&sealed(&inner, json!({ "cty": cty }))).is_ok(), "{cty}");
    }
    for content in [claims.to_string(), String::new(), "a.b".into(), format!("{inner} "), format!("{inner}.")]
    {
        assert!(verify(&sealed(&content, json!({ "cty": "JWT" }))).is_err(), "{content}");
    }
    let bytes = jwe::encrypt(b"\xff.\xff.\xff", TO.encryption_key(), ALG, ENC, &header_with("cty", "JWT"));
    assert_eq!(refusal(decrypt(&bytes.unwrap())), (ErrorCode::InvalidRequest, vec!["JWT-003"]));
    // Twice encrypted, or nested once more under the signature: nobody needs it, so nobody gets it.
    let twice = sealed(&recipient().encrypt(&inner).unwrap(), json!({ "cty": "JWT" }));
    assert_eq!(refusal(decrypt(&twice).unwrap().parse()), (ErrorCode::InvalidRequest, vec!["BCP-021"]));
    assert_eq!(recipient().encrypt(&twice).unwrap_err().fault(), Fault::Caller);
}

fn header_with(name: &str, value: &str) -> Map<String, Value> {
    [(name.to_owned(), value.into())].into_iter().collect()
}

// spec: BCP-008, SET-037
#[test]
fn the_signature_inside_is_verified() {
    let other = SigningKey::generate(Alg::Rs256).unwrap().with_kid(KEY.kid());
    let forged =
        secevent_jose::sign(Some("secevent+jwt"), base(&Profile::SSF).to_string().as_bytes(), &other);
    let token = recipient().encrypt(&forged.unwrap()).unwrap();
    assert_eq!(refusal(verify(&token)), (ErrorCode::InvalidKey, vec!["CHK-006"]));
}

// spec: SET-043
#[test]
fn the_type_is_that_of_the_token_inside() {
    let wrong = signed("logout+jwt", &base(&Profile::SSF));
    let token = sealed(&wrong, json!({ "cty": "JWT", "typ": "secevent+jwt" }));
    assert!(errors(verify(&token).unwrap_err().findings()).contains(&"SSF-001"));
}

// spec: JWT-019, BCL-024
#[test]
fn claims_repeated_in_the_header_have_to_be_the_same() {
    let mut claims = base(&Profile::SET);
    claims["sub"] = json!("alice");
    claims["aud"] = json!([AUD, "https://other.example"]);
    claims["typ"] = json!("Logout");
    let inner = signed("secevent+jwt", &claims);
    let verdict = |members: Value| {
        let mut header = json!({ "cty": "JWT" });
        header.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        verify_under(Profile::SET, &sealed(&inner, header))
    };
    for same in [
        json!({ "iss": ISS }),
        json!({ "iss": ISS, "sub": "alice", "aud": [AUD, "https://other.example"], "jti": "1" }),
        json!({ "unknown": 1, "typ": "JWT" }),
    ] {
        assert!(verdict(same.clone()).is_ok(), "{same}");
    }
    for (other, code) in [
        (json!({ "iss": "https://evil.example" }), ErrorCode::InvalidIssuer),
        (json!({ "iss": null }), ErrorCode::InvalidIssuer),
        (json!({ "aud": AUD }), ErrorCode::InvalidAudience),
        (json!({ "sub": "bob" }), ErrorCode::InvalidRequest),
        (json!({ "jti": "2" }), ErrorCode::InvalidRequest),
    ] {
        assert_eq!(refusal(verdict(other.clone())), (code, vec!["JWT-019"]), "{other}");
    }
    // A registered one that is no claim at all is as different as can be.
    let token =
        sealed(&signed("secevent+jwt", &base(&Profile::SET)), json!({ "cty": "JWT", "sub": "alice" }));
    assert_eq!(refusal(verify_under(Profile::SET, &token)), (ErrorCode::InvalidRequest, vec!["JWT-019"]));
}

// spec: BCP-001, BCP-011, BCP-019, PUSH-035
#[test]
fn a_refused_encryption_has_the_code_of_its_fault() {
    let inner = signed("secevent+jwt", &base(&Profile::SSF));
    let token = recipient().encrypt(&inner).unwrap();
    let other = DecryptionKey::generate(ALG).unwrap();
    assert_eq!(refusal(Set::decrypt(&token, &other, ALLOWED)), (ErrorCode::InvalidKey, vec!["BCP-008"]));
    for allowed in [Allowed::of(&[EncAlg::EcdhEs], &[ENC]), Allowed::of(&[ALG], &[Enc::A256Gcm])] {
        assert_eq!(refusal(Set::decrypt(&token, &TO, allowed)), (ErrorCode::InvalidKey, vec!["BCP-001"]));
    }
    let unfit = DecryptionKey::generate(EncAlg::EcdhEs).unwrap();
    assert_eq!(refusal(Set::decrypt(&token, &unfit, ALLOWED)), (ErrorCode::InvalidKey, vec!["BCP-020"]));
    for (name, id) in [("zip", "BCP-011"), ("crit", "JWT-021")] {
        let mut header = header_of(&token);
        header.insert(name.into(), json!("DEF"));
        let (_, rest) = token.split_once('.').unwrap();
        let token = format!("{}.{rest}", base64url(Value::Object(header).to_string().as_bytes()));
        assert_eq!(refusal(decrypt(&token)), (ErrorCode::InvalidRequest, vec![id]));
    }
    let error = Recipient::new(unfit.encryption_key(), ALG, ENC).encrypt(&inner).unwrap_err();
    assert_eq!((error.fault(), errors(error.findings())), (Fault::Caller, vec!["SET-042"]));
}

// spec: BCP-016
#[test]
fn a_decrypted_token_is_not_shown() {
    let decrypted =
        decrypt(&recipient().encrypt(&signed("secevent+jwt", &base(&Profile::SSF))).unwrap()).unwrap();
    let shown = format!("{decrypted:?}");
    assert!(shown.starts_with("Decrypted") && !shown.contains("eyJ"), "{shown}");
}
