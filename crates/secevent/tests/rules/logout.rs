//! Logout Tokens (Back-Channel Logout 1.0).

use secevent::{Claims, ErrorCode, Event, Policy, Profile, Set, SigningKey, Timestamp};
use serde_json::{Value, json};

use super::{AUD, ISS, KEY, NOW, base, edited, errors, issue, refused_by_both, verify};

const LOGOUT: Profile = Profile::LOGOUT;

// spec: BCL-012, BCL-015, BCL-017, BCL-044, BCL-045
#[test]
fn a_logout_token_names_the_event_and_who_or_which_session() {
    let event = "http://schemas.openid.net/event/backchannel-logout";
    for (id, at, value) in [
        ("BCL-017", "/sub", None),
        ("BCL-012", "/sid", Some(json!(5))),
        ("BCL-015", "/events", Some(json!({ "https://a.example/e": {} }))),
        ("BCL-015", "/events", Some(json!({ event.replace("http:", "https:"): {} }))),
        ("SET-006", "/events", Some(json!({ event: "" }))),
        ("SET-006", "/events", Some(json!({ event: null }))),
    ] {
        refused_by_both(&LOGOUT, &edited(&LOGOUT, at, value), id);
    }
    let mut session = edited(&LOGOUT, "/sub", None);
    session["sid"] = json!("s1");
    assert_eq!(verify(&LOGOUT, &session).unwrap().text("sid"), Some("s1"));
    let both = edited(&LOGOUT, "/sid", Some(json!("s1")));
    assert_eq!(verify(&LOGOUT, &both).unwrap().text("sub"), Some("alice"));
}

// spec: BCL-022, BCL-040, BCL-041, BCL-042
#[test]
fn a_logout_token_is_signed_by_the_provider() {
    let input = |alg: &str| {
        let header = json!({ "typ": "logout+jwt", "alg": alg });
        let claims = base(&LOGOUT).to_string();
        secevent_jose::signing_input(header.as_object().unwrap(), claims.as_bytes())
    };
    let policy = Policy::new(LOGOUT, ISS, AUD);
    for alg in ["none", "HS256", "RS256"] {
        let unsigned = format!("{}.", input(alg));
        let error = Set::parse(&unsigned).unwrap().verify(KEY.verifying_key(), &policy, NOW).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidKey, "{alg}");
    }
    let stranger = SigningKey::generate(secevent::Alg::Rs256).unwrap();
    let token = issue(&LOGOUT, &base(&LOGOUT)).unwrap().sign(LOGOUT, &stranger).unwrap();
    let error = Set::parse(&token).unwrap().verify(KEY.verifying_key(), &policy, NOW).unwrap_err();
    assert_eq!(errors(error.findings()), ["CHK-006"]);
}

// spec: BCL-028
#[test]
fn an_issuer_is_advised_to_keep_it_short() {
    let warned = |exp: i64| {
        let mut check = secevent::Check::new(secevent::Role::Issuer);
        let claims = edited(&LOGOUT, "/exp", Some(json!(exp))).to_string();
        let claims = secevent_jose::json::Document::parse(claims.into_bytes()).unwrap();
        secevent::Claims::read(claims, &LOGOUT, &mut check).unwrap();
        check.findings().iter().any(|finding| finding.id == "BCL-028")
    };
    assert!(!warned(1_767_225_720) && warned(1_767_225_721));
}

/// The token of the announcement of 2016, before `exp` was required.
// spec: BCL-020, BCL-021, BCL-027, SET-069, JWT-022
#[test]
fn the_token_of_the_announcement_goes_round_without_loss() {
    const OLD: Profile = Profile::LOGOUT_2022;
    let vector = testkit::bytes("bcl-2.json");
    let Value::Object(members) = serde_json::from_slice(&vector).unwrap() else { unreachable!() };
    let claims = Claims::to_issue(members.clone(), &OLD).unwrap();
    let token = claims.sign(OLD, &*KEY).unwrap();
    let policy = Policy::new(OLD, "https://server.example.com", "s6BhdRkqt3");
    let set = Set::parse(&token).unwrap();
    let set = set.verify(KEY.verifying_key(), &policy, Timestamp(1_471_566_200)).unwrap();
    assert_eq!(set.members(), &members);
    assert!(set.members().keys().eq(members.keys()), "in the same order");
    assert_eq!((set.token(), set.text("sid")), (&*token, Some("08a5019c-17e1-4977-8f42-65a12843ea02")));
    assert!(matches!(set.event(), Event::BackchannelLogout(_)));
    // Issued again from what was read, the claims are the same to the byte.
    let again = Claims::to_issue(set.members().clone(), &OLD).unwrap();
    assert_eq!(again.json(), set.json());
}
