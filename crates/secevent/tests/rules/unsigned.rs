//! Unsecured tokens: refused everywhere but where the caller names the channel that stands in for a signature.

use secevent::{
    Error, ErrorCode, Fault, Policy, Profile, Set, Timestamp,
    danger::{self, SecureChannel, UnsignedSet, accept_unsigned, issue_unsigned},
};
use secevent_jose::base64url;
use serde_json::{Value, json};

use super::{AUD, ISS, KEY, NOW, base, edited, errors, issue, signed};

fn channel() -> SecureChannel {
    SecureChannel::named("mutual TLS to tr.example.com")
}

/// A token of these header and claims, with nothing after the last period.
fn unsigned(header: &Value, claims: &Value) -> String {
    let [header, claims] = [header, claims].map(|part| base64url(part.to_string().as_bytes()));
    format!("{header}.{claims}.")
}

fn none(claims: &Value) -> String {
    unsigned(&json!({ "typ": "secevent+jwt", "alg": "none" }), claims)
}

fn accept(token: &str) -> Result<UnsignedSet, Error> {
    accept_unsigned(token, &channel(), &Policy::ssf(ISS, AUD), NOW)
}

// spec: SET-035, SET-036, SET-040, JWT-020
#[test]
fn an_unsigned_set_goes_round_over_a_named_channel() {
    let claims = issue(&Profile::SSF, &base(&Profile::SSF)).unwrap();
    let token = issue_unsigned(&claims, &Profile::SSF, &channel()).unwrap();
    assert!(token.ends_with('.') && token.split('.').count() == 3);
    let set = accept(&token).unwrap();
    assert_eq!((set.iss(), set.token(), set.channel()), (ISS, token.as_str(), &channel()));
    assert_eq!(set.claims(), &claims);
    let peeked = danger::peek(&token).unwrap().header;
    assert_eq!(Value::Object(peeked), json!({ "typ": "secevent+jwt", "alg": "none" }));
}

// spec: SET-044, BCP-005, CHK-003
#[test]
fn no_policy_takes_an_unsigned_set() {
    let token = none(&base(&Profile::SSF));
    for policy in
        [Policy::ssf(ISS, AUD), Policy::new(Profile::SET, ISS, AUD), danger::unchecked(Profile::SSF)]
    {
        let error = Set::parse(&token).unwrap().verify(KEY.verifying_key(), &policy, NOW).unwrap_err();
        assert_eq!((error.code(), errors(error.findings())), (ErrorCode::InvalidKey, vec!["CHK-003"]));
    }
}

// spec: SET-035, JWT-020
#[test]
fn the_unsecured_example_of_the_rfc_is_accepted() {
    let token = String::from_utf8(testkit::bytes("rfc8417-6.jwt")).unwrap();
    let aud = "https://scim.example.com/Feeds/98d52461fa5bbc879593b7754";
    let policy = Policy::new(Profile::SET, "https://scim.example.com", aud);
    let set = accept_unsigned(token.trim_end(), &channel(), &policy, Timestamp(1_458_496_404)).unwrap();
    assert_eq!(set.jti(), "4d3559ec67504aaba65d40b0363faad8");
}

// spec: JWT-020, BCP-021
#[test]
fn only_none_with_nothing_after_the_period_is_unsigned() {
    let claims = base(&Profile::SSF);
    let refused = |token: &str, code, id| {
        let error = accept(token).unwrap_err();
        assert_eq!(
            (error.fault(), error.code(), errors(error.findings())),
            (Fault::Peer, code, vec![id]),
            "{token}"
        );
    };
    refused(&signed("secevent+jwt", &claims), ErrorCode::InvalidRequest, "JWT-020");
    refused(&format!("{}AAAA", none(&claims)), ErrorCode::InvalidRequest, "JWT-020");
    for alg in ["None", "NONE", "nOnE", "none ", "", "HS256", "RS256"] {
        let token = unsigned(&json!({ "typ": "secevent+jwt", "alg": alg }), &claims);
        refused(&token, ErrorCode::InvalidRequest, "JWT-020");
    }
    refused(none(&claims).trim_end_matches('.'), ErrorCode::InvalidRequest, "JWT-001");
    refused(&format!("{}AAAA.AAAA.AAAA", none(&claims)), ErrorCode::InvalidRequest, "BCP-021");
}

// spec: SET-036, SSF-006, JWT-009, JWT-007, SET-004, SSF-001
#[test]
fn every_other_rule_is_kept() {
    let refused = |token: String| errors(accept(&token).unwrap_err().findings());
    let ssf = |at, value| none(&edited(&Profile::SSF, at, value));
    assert_eq!(refused(ssf("/iss", Some(json!("https://evil.example")))), ["SSF-006"]);
    assert_eq!(refused(ssf("/aud", Some(json!("https://other.example")))), ["JWT-009"]);
    assert_eq!(refused(ssf("/events", None)), ["SET-004"]);
    assert_eq!(refused(ssf("/iat", Some(json!(NOW.0 + 3600)))), ["JWT-014"]);
    assert_eq!(refused(ssf("/exp", Some(json!(NOW.0 + 3600)))), ["SSF-003"]);
    assert_eq!(refused(unsigned(&json!({ "alg": "none" }), &base(&Profile::SSF))), ["SSF-001"]);
    let twice = base(&Profile::SSF).to_string().replacen('{', r#"{"iss":"https://evil.example","#, 1);
    let header = base64url(br#"{"typ":"secevent+jwt","alg":"none"}"#);
    assert_eq!(refused(format!("{header}.{}.", base64url(twice.as_bytes()))), ["JWT-007"]);
}

// spec: SET-036, BCL-022, BCL-042, CIOP-026
#[test]
fn what_no_channel_can_stand_in_for_is_the_callers_fault() {
    let token = none(&base(&Profile::SSF));
    let misuse = |result: Result<UnsignedSet, Error>| {
        let error = result.unwrap_err();
        assert_eq!(error.fault(), Fault::Caller);
        errors(error.findings())
    };
    let policy = Policy::ssf(ISS, AUD);
    for name in ["", " ", "\n"] {
        let blank = SecureChannel::named(name);
        assert_eq!(misuse(accept_unsigned(&token, &blank, &policy, NOW)), ["SET-036"]);
        let claims = issue(&Profile::SSF, &base(&Profile::SSF)).unwrap();
        assert!(issue_unsigned(&claims, &Profile::SSF, &blank).is_err());
    }
    assert_eq!(
        misuse(accept_unsigned(&token, &channel(), &danger::unchecked(Profile::SSF), NOW)),
        ["SET-036"]
    );
    for (profile, id) in
        [(Profile::LOGOUT, "BCL-022"), (Profile::LOGOUT_2022, "BCL-022"), (Profile::CAEP_INTEROP, "CIOP-026")]
    {
        let token = none(&base(&profile));
        assert_eq!(misuse(accept_unsigned(&token, &channel(), &Policy::new(profile, ISS, AUD), NOW)), [id]);
        let claims = issue(&profile, &base(&profile)).unwrap();
        assert_eq!(errors(issue_unsigned(&claims, &profile, &channel()).unwrap_err().findings()), [id]);
    }
}

// spec: CHK-001
#[test]
fn a_token_longer_than_is_read_is_not_issued() {
    let claims = edited(&Profile::SSF, "/note", Some(json!("a".repeat(50_000))));
    let claims = issue(&Profile::SSF, &claims).unwrap();
    let error = issue_unsigned(&claims, &Profile::SSF, &channel()).unwrap_err();
    assert_eq!((error.fault(), errors(error.findings())), (Fault::Caller, vec!["CHK-001"]));
}
