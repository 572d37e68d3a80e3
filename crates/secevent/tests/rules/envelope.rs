//! The claims beside `events`.

use secevent::Profile;
use serde_json::{Value, json};

use super::{base, edited, errors, issue, refused_by_both, refused_by_issuer, verify};

#[test]
fn a_set_without_fault_passes_under_every_profile() {
    for profile in &Profile::ALL {
        assert!(issue(profile, &base(profile)).unwrap().members().len() > 5);
        assert_eq!(verify(profile, &base(profile)).unwrap().warnings(), [], "{}", profile.name);
    }
}

// spec: SET-016, SET-018, SET-019, SET-004, SET-056, SSF-004, SUB-041, SUB-043, BCL-014, SCIM-004
#[test]
fn required_claims_are_required() {
    let everywhere = [("iss", "SET-016"), ("iat", "SET-018"), ("jti", "SET-019"), ("events", "SET-004")];
    for profile in &Profile::ALL {
        for (claim, id) in everywhere.iter().chain(profile.required) {
            refused_by_both(profile, &edited(profile, &format!("/{claim}"), None), id);
        }
    }
    assert_eq!(Profile::LOGOUT.required.len(), 2);
    assert!(verify(&Profile::LOGOUT_2022, &edited(&Profile::LOGOUT, "/exp", None)).is_ok());
}

// spec: SSF-002, SSF-003, SET-052, SUB-032, BCL-019, BCL-046, SCIM-005, CHK-008
#[test]
fn forbidden_claims_are_forbidden() {
    let mut seen = 0;
    for profile in &Profile::ALL {
        for (claim, id) in profile.forbidden {
            let value = if *claim == "exp" { json!(1_767_225_700) } else { json!("x") };
            refused_by_both(profile, &edited(profile, &format!("/{claim}"), Some(value)), id);
            seen += 1;
        }
    }
    assert_eq!(seen, 7);
}

// spec: SET-004, SET-005, SET-006, SET-007, SET-015, SET-016, SET-018, SET-019, SET-022, SET-025, SET-026
// spec: JWT-010, JWT-011, JWT-012, JWT-016, SUB-002, SUB-030, BCL-012, BCL-015, CHK-007, CHK-009
#[test]
fn claims_have_their_type() {
    let any: [(&str, &str, Value); 23] = [
        ("SET-016", "/iss", json!(5)),
        ("SET-016", "/iss", json!("")),
        ("SET-016", "/iss", json!(["https://tr.example.com"])),
        ("SET-018", "/iat", json!("1767225600")),
        ("SET-018", "/iat", Value::Null),
        ("SET-019", "/jti", json!(1)),
        ("SET-019", "/jti", json!("")),
        ("SET-022", "/sub", json!({ "format": "opaque", "id": "1" })),
        ("SET-025", "/txn", json!(1)),
        ("SET-026", "/toe", json!("now")),
        ("JWT-011", "/exp", json!("later")),
        ("JWT-012", "/nbf", json!(true)),
        ("JWT-010", "/aud", json!({})),
        ("JWT-010", "/aud", json!(["https://rx.example.com", 5])),
        ("JWT-010", "/aud", Value::Null),
        ("SET-004", "/events", json!({})),
        ("SET-004", "/events", json!(["https://a.example/e"])),
        ("SET-004", "/events", json!("https://a.example/e")),
        ("SET-005", "/events", json!({ "session-revoked": {} })),
        ("SET-005", "/events", json!({ "https://a.example/not encoded": {} })),
        ("SET-006", "/events", json!({ "https://a.example/e": null })),
        ("SET-006", "/events", json!({ "https://a.example/e": true })),
        ("SET-006", "/events", json!({ "https://a.example/e": [] })),
    ];
    for (id, at, value) in any {
        refused_by_both(&Profile::SET, &edited(&Profile::SET, at, Some(value)), id);
    }
    for (id, value) in [
        ("SUB-001", json!("alice@example.com")),
        ("SUB-002", json!({ "email": "alice@example.com" })),
        ("SUB-002", json!({ "format": 1 })),
        ("SUB-013", json!({ "format": "email", "email": "alice" })),
    ] {
        refused_by_both(&Profile::SSF, &edited(&Profile::SSF, "/sub_id", Some(value)), id);
    }
}

// spec: JWT-016
#[test]
fn times_may_have_fractions() {
    let claims = edited(&Profile::SSF, "/toe", Some(json!(1_767_225_599.75)));
    let set = verify(&Profile::SSF, &claims).unwrap();
    assert_eq!(set.toe(), Some(secevent::Timestamp(1_767_225_599)));
    assert_eq!(set.members()["toe"], 1_767_225_599.75);
}

// spec: SET-009, SSF-015, SSF-016, SCIM-014, CIOP-028, CHK-012
#[test]
fn profiles_say_how_many_events_there_may_be() {
    let two = json!({ "https://a.example/e": {}, "https://a.example/f": {} });
    let two = |profile| edited(profile, "/events", Some(two.clone()));
    assert_eq!(verify(&Profile::SET, &two(&Profile::SET)).unwrap().events().len(), 2);
    assert!(issue(&Profile::SET, &two(&Profile::SET)).is_ok());
    refused_by_issuer(&Profile::SSF, &two(&Profile::SSF), "SSF-016");
    refused_by_both(&Profile::CAEP_INTEROP, &two(&Profile::CAEP_INTEROP), "CIOP-028");
}

// spec: SET-013, SSF-017, SSF-018, JWT-008, BCL-020, BCL-021, SET-069
#[test]
fn what_is_not_understood_is_kept_and_ignored() {
    for profile in &Profile::ALL {
        let mut claims = base(profile);
        claims["https://a.example/claim"] = json!({ "b": [1, 2.5, null, { "a": "ü" }] });
        claims["events"].as_object_mut().unwrap().values_mut().next().unwrap()["unknown"] =
            json!({ "kept": true });
        let set = verify(profile, &claims).unwrap();
        assert_eq!(Value::Object(set.members().clone()), claims, "{}", profile.name);
        assert_eq!(Value::Object(set.event().payload()), claims["events"][set.event().uri()]);
        assert_eq!(issue(profile, &claims).unwrap(), *set.claims(), "{}", profile.name);
    }
}

// spec: SUB-032, SUB-034, SUB-035
#[test]
fn a_subject_is_read_from_one_claim_alone() {
    let claims = edited(&Profile::SET, "/sub", Some(json!("somebody else")));
    let set = verify(&Profile::SET, &claims).unwrap();
    assert!(set.subject().unwrap().is("email", "alice@example.com"));
    assert_eq!(set.text("sub"), Some("somebody else"));
    // A `sub_id` that is not understood leaves `sub`, where the profile does not rest on `sub_id`.
    let mut claims = edited(&Profile::SET, "/sub_id", Some(json!("alice")));
    claims["sub"] = json!("alice");
    let set = verify(&Profile::SET, &claims).unwrap();
    assert_eq!((set.subject(), set.text("sub")), (None, Some("alice")));
}

// spec: SET-021, SSF-012, JWT-009
#[test]
fn advice_is_a_warning() {
    let claims = edited(&Profile::SSF, "/txn", None);
    assert_eq!(verify(&Profile::SSF, &claims).unwrap().warnings()[0].id, "SSF-012");
    assert!(issue(&Profile::SSF, &edited(&Profile::SSF, "/aud", None)).is_ok());
    // An empty audience is more than advice: nobody could accept it.
    assert!(issue(&Profile::SSF, &edited(&Profile::SSF, "/aud", Some(json!([])))).is_err());
}

#[test]
fn everything_wrong_is_told_at_once() {
    let mut claims = base(&Profile::SSF);
    for (claim, value) in [("jti", json!(1)), ("sub", json!("x")), ("sub_id", json!({ "format": "email" }))] {
        claims[claim] = value;
    }
    let error = issue(&Profile::SSF, &claims).unwrap_err();
    assert_eq!(errors(error.findings()), ["SET-019", "SSF-002", "SUB-013"]);
    assert_eq!(error.findings()[2].at, "/sub_id/email");
    assert_eq!(error.to_string(), "/jti: it is the number 1; give a non-empty string (SET-019) (and 2 more)");
}

// spec: CHK-001
#[test]
fn a_hundred_findings_are_enough() {
    let events: serde_json::Map<_, _> = (0..5_000).map(|i| (format!("not a uri {i}"), json!(null))).collect();
    let claims = json!({ "events": events, "x": "y".repeat(1000) });
    let findings = secevent::explain::judge_claims(claims.to_string().as_bytes(), &Profile::SSF);
    assert!((100..110).contains(&findings.len()), "{}", findings.len());
    let aliases: Vec<_> = (0..1_500).map(|i| json!({ "format": "opaque", "id": format!("{i}") })).collect();
    let mut check = secevent::Check::new(secevent::Role::Receiver);
    let subject = json!({ "format": "aliases", "identifiers": aliases }).to_string();
    secevent::check_subject(
        secevent_jose::json::Document::parse(subject.into_bytes()).unwrap().root(),
        &mut check,
    );
    assert_eq!(check.findings(), []);
}
