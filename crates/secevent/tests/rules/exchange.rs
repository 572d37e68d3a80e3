//! Header, key, addressing and time: what makes a token one for this receiver, now.

use secevent::{
    Alg, AlgSet, ErrorCode, Fault, JwkSet, Policy, Profile, Set, Signer, SigningKey, SubjectId, Timestamp,
    event::caep,
};
use serde_json::{Value, json};

use super::{AUD, ISS, KEY, NOW, base, edited, errors, signed, verify, verify_at};

// spec: SSF-006, JWT-018, CHK-004, BCL-043
#[test]
fn the_issuer_is_compared_exactly() {
    for iss in
        ["https://tr.example.com/", "https://TR.example.com", "http://tr.example.com", "tr.example.com", ""]
    {
        let error = verify_at(&Policy::ssf(iss, AUD), &base(&Profile::SSF), NOW).unwrap_err();
        assert_eq!((error.code(), errors(error.findings())), (ErrorCode::InvalidIssuer, vec!["SSF-006"]));
        assert!(!error.retry());
    }
    // Composed and decomposed letters differ, whatever they look like.
    let claims = edited(&Profile::SSF, "/iss", Some(json!("https://tr.example.com/\u{e9}")));
    assert!(verify_at(&Policy::ssf("https://tr.example.com/e\u{301}", AUD), &claims, NOW).is_err());
    assert!(verify_at(&Policy::ssf("https://tr.example.com/\u{e9}", AUD), &claims, NOW).is_ok());
}

// spec: JWT-009, JWT-010, JWT-018, SSF-007, SSF-008, BCP-015, CHK-010, BCL-043
#[test]
fn the_audience_has_to_name_this_receiver() {
    let aud = |value| edited(&Profile::SSF, "/aud", value);
    for good in [json!(AUD), json!([AUD]), json!(["https://other.example", AUD])] {
        assert!(verify(&Profile::SSF, &aud(Some(good))).is_ok());
    }
    let bad = [
        json!("https://other.example"),
        json!([]),
        json!(["https://rx.example.com/"]),
        json!("HTTPS://rx.example.com"),
    ];
    for bad in bad.into_iter().map(Some).chain([None]) {
        let error = verify(&Profile::SSF, &aud(bad)).unwrap_err();
        assert_eq!((error.code(), errors(error.findings())), (ErrorCode::InvalidAudience, vec!["JWT-009"]));
    }
    let policy = Policy::ssf(ISS, "https://first.example").or_aud(AUD);
    assert!(verify_at(&policy, &base(&Profile::SSF), NOW).is_ok());
}

// spec: JWT-011, JWT-012, JWT-013, JWT-014, SET-024, CHK-011, BCL-043
#[test]
fn time_is_judged_at_its_edges() {
    let now = NOW.0;
    for (claim, at, leeway, accepted) in [
        ("exp", now, 0, false),
        ("exp", now + 1, 0, true),
        ("exp", now - 60, 60, false),
        ("exp", now - 59, 60, true),
        ("nbf", now, 0, true),
        ("nbf", now + 1, 0, false),
        ("nbf", now + 60, 60, true),
        ("nbf", now + 61, 60, false),
        ("iat", now + 60, 60, true),
        ("iat", now + 61, 60, false),
        ("iat", i64::MAX, 60, false),
        ("iat", 0, 60, true),
        ("exp", i64::MIN, 60, false),
    ] {
        let claims = edited(&Profile::SET, &format!("/{claim}"), Some(json!(at)));
        let policy = Policy::new(Profile::SET, ISS, AUD).leeway_secs(leeway);
        let result = verify_at(&policy, &claims, NOW);
        assert_eq!(result.is_ok(), accepted, "{claim} {at} with leeway {leeway}: {result:?}");
    }
    let huge = edited(&Profile::SET, "/iat", Some(json!(1e300)));
    assert!(verify(&Profile::SET, &huge).is_err());
    assert!(
        verify_at(&Policy::new(Profile::SET, ISS, AUD), &base(&Profile::SET), Timestamp(i64::MAX)).is_ok()
    );
}

// spec: BCP-013, BCP-019, BCP-020, CHK-005, CHK-006, SSF-019, JWT-005
#[test]
fn the_key_is_one_of_the_issuer() {
    let token = signed("secevent+jwt", &base(&Profile::SSF));
    let policy = Policy::ssf(ISS, AUD);
    let verify = |keys: &JwkSet, policy: &Policy| Set::parse(&token)?.verify(keys, policy, NOW);
    let other = |kid: &str| SigningKey::generate(Alg::Rs256).unwrap().with_kid(kid).verifying_key().clone();
    for (keys, id) in [(vec![], "CHK-005"), (vec![other("k2")], "CHK-005"), (vec![other("k")], "CHK-006")] {
        let error = verify(&JwkSet::new(keys), &policy).unwrap_err();
        assert_eq!((error.code(), errors(error.findings())), (ErrorCode::InvalidKey, vec![id]));
        assert!(error.retry(), "keys may be published later");
    }
    let published = JwkSet::new(vec![KEY.verifying_key().clone()]);
    assert!(verify(&published, &policy).is_ok());
    let narrow = policy.algs(AlgSet::of(&[Alg::Es256]));
    let error = verify(&published, &narrow).unwrap_err();
    assert_eq!((error.code(), errors(error.findings())), (ErrorCode::InvalidKey, vec!["CHK-003"]));
}

// spec: SSF-001, SET-030, SET-031, SET-032, SET-033, SET-034, BCP-017, BCP-023, BCL-025, BCL-026, CHK-002
#[test]
fn the_type_of_the_token_is_that_of_the_profile() {
    let types = ["secevent+jwt", "application/SecEvent+JWT", "logout+jwt", "JWT", "at+jwt", ""];
    for (profile, accepted) in [
        (Profile::SET, &types[..2]),
        (Profile::SSF, &types[..2]),
        (Profile::SCIM, &types[..2]),
        (Profile::LOGOUT, &types[2..4]),
    ] {
        for typ in types {
            let token = signed(typ, &base(&profile));
            let policy = Policy::new(profile, ISS, AUD);
            let result = Set::parse(&token).unwrap().verify(KEY.verifying_key(), &policy, NOW);
            assert_eq!(result.is_ok(), accepted.contains(&typ), "{} {typ:?}: {result:?}", profile.name);
        }
        let untyped = secevent_jose::sign(None, base(&profile).to_string().as_bytes(), &*KEY).unwrap();
        let policy = Policy::new(profile, ISS, AUD);
        let result = Set::parse(&untyped).unwrap().verify(KEY.verifying_key(), &policy, NOW);
        assert_eq!(result.is_ok(), profile.name != "ssf", "{}: {result:?}", profile.name);
    }
}

// spec: SET-052, SET-055, SET-056, BCP-018, BCL-027, BCL-069
#[test]
fn one_kind_of_token_is_never_taken_for_another() {
    let mut id_token = base(&Profile::LOGOUT);
    id_token.as_object_mut().unwrap().remove("events");
    let kinds = [base(&Profile::SSF), base(&Profile::LOGOUT), id_token];
    let accepted = |profile: Profile, claims: &Value| verify(&profile, claims).is_ok();
    assert_eq!([0, 1, 2].map(|kind| accepted(Profile::SSF, &kinds[kind])), [true, false, false]);
    assert_eq!([0, 1, 2].map(|kind| accepted(Profile::LOGOUT, &kinds[kind])), [false, true, false]);
}

// spec: JWT-003, JWT-004, JWT-006, JWT-007, BCP-012, SET-008
#[test]
fn a_payload_is_one_strict_object_and_no_token() {
    let verify = |header: Value, payload: &[u8]| {
        let input = secevent_jose::signing_input(header.as_object().unwrap(), payload);
        let signature = KEY.sign(input.as_bytes()).unwrap();
        let token = secevent_jose::attach(input, &signature);
        let result = Set::parse(&token).unwrap().verify(KEY.verifying_key(), &Policy::ssf(ISS, AUD), NOW);
        result.map_err(|error| errors(error.findings())[0])
    };
    let header = json!({ "typ": "secevent+jwt", "alg": "RS256" });
    let claims = base(&Profile::SSF).to_string();
    assert!(verify(header.clone(), claims.as_bytes()).is_ok());
    let twice = claims.replacen('{', r#"{"jti":"2","#, 1);
    assert_eq!(verify(header.clone(), twice.as_bytes()).unwrap_err(), "JWT-007");
    for payload in [b"[]".as_slice(), b"", b"\xff", b"{}{}", b"e30.e30.", b"\"{}\""] {
        assert_eq!(verify(header.clone(), payload).unwrap_err(), "JWT-004");
    }
    for cty in ["JWT", "jwt", "application/jwt"] {
        let header = json!({ "typ": "secevent+jwt", "alg": "RS256", "cty": cty });
        assert_eq!(verify(header, claims.as_bytes()).unwrap_err(), "JWT-003");
    }
}

fn draft() -> secevent::Draft {
    Set::issue(ISS).to(AUD).about(SubjectId::opaque("1")).event(caep::SessionRevoked::new()).at(NOW)
}

// spec: SET-032, SET-037, SSF-001, JWT-015, SET-018
#[test]
fn a_draft_becomes_a_token_that_verifies() {
    let tokens = [draft(), draft()].map(|draft| draft.sign(&*KEY).unwrap());
    let sets = tokens.each_ref().map(|token| {
        Set::parse(token).unwrap().verify(KEY.verifying_key(), &Policy::ssf(ISS, AUD), NOW).unwrap()
    });
    assert_ne!(sets[0].jti(), sets[1].jti());
    assert_eq!((sets[0].iat(), sets[0].aud(), sets[0].token()), (NOW, vec![AUD], tokens[0].as_str()));
    let header = secevent::danger::peek(&tokens[0]).unwrap().header;
    assert_eq!(Value::Object(header), json!({ "typ": "secevent+jwt", "alg": "RS256", "kid": "k" }));
    let timeless = Set::issue(ISS).about(SubjectId::opaque("1")).event(caep::SessionRevoked::new());
    assert_eq!(errors(timeless.claims().unwrap_err().findings()), ["SET-018"]);
}

// spec: CIOP-026, BCP-001, CHK-001
#[test]
fn what_no_receiver_would_take_is_not_signed() {
    let interop = draft().profile(Profile::CAEP_INTEROP).about(SubjectId::email("a@b.example"));
    let interop = interop.event(caep::SessionRevoked::new().reason_admin(("en", "risk")));
    assert!(interop.sign(&*KEY).is_ok());
    let key = SigningKey::generate(Alg::Es256).unwrap();
    let error = interop.sign(&key).unwrap_err();
    assert_eq!((error.fault(), errors(error.findings())), (Fault::Caller, vec!["CHK-003"]));
    let error = draft().claim("filler", "x".repeat(70_000)).sign(&*KEY).unwrap_err();
    assert_eq!((error.fault(), errors(error.findings())), (Fault::Caller, vec!["CHK-001"]));
}
