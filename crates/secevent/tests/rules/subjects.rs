//! Subject identifiers, as an issuer writes them and as a receiver takes them.

use std::net::IpAddr;

use secevent::{Check, Matching, Profile, Role, SubjectId, check_subject};
use secevent_jose::json::Document;
use serde_json::{Value, json};

use super::{edited, refused_by_issuer};

fn document(value: &Value) -> Document {
    Document::parse(value.to_string().into_bytes()).unwrap()
}

/// The errors of a subject as requirement and place.
fn errors(role: Role, subject: &Value) -> Vec<(&'static str, String)> {
    let mut check = Check::new(role);
    check_subject(document(subject).root(), &mut check);
    let errors = check.findings().iter().filter(|finding| finding.level >= secevent::Level::Lenient);
    errors.map(|finding| (finding.id, finding.at.clone())).collect()
}

fn every_format() -> Vec<SubjectId> {
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    let email = || SubjectId::email("alice@example.com");
    vec![
        SubjectId::account("acct:alice@example.com"),
        email(),
        SubjectId::iss_sub("https://idp.example", "alice"),
        SubjectId::opaque("11112222333344445555"),
        SubjectId::phone_number("+12065550100"),
        SubjectId::did("did:example:123456/did/url/path"),
        SubjectId::uri("urn:uuid:4e851e98-83c4-4743-a5da-150ecb53042f"),
        SubjectId::aliases([email(), SubjectId::email("alice@example.org")]),
        SubjectId::jwt_id("https://idp.example", "B70BA622-9515-4353-A866-823539EECBC8"),
        SubjectId::saml_assertion_id("https://idp.example", "_8e8dc5f69a98cc4c1ff3427e5ce34606fd672f91e6"),
        SubjectId::ip_addresses([ip("10.29.37.75"), ip("2001:db8::1")]),
        SubjectId::scim("/Users/44f6142df96bd6ab61e7521d9"),
        SubjectId::complex([("user", email()), ("robot", SubjectId::opaque("r2"))]),
    ]
}

// spec: SUB-012, SUB-013, SUB-015, SUB-016, SUB-017, SUB-018, SUB-019, SUB-020, SUB-022, SUB-024, SUB-025
// spec: SUB-026, SUB-028, SUB-048, SUB-049, SUB-050
#[test]
fn constructors_make_what_an_issuer_may_send() {
    for subject in every_format() {
        let json = serde_json::to_value(&subject).unwrap();
        assert_eq!(errors(Role::Issuer, &json), [], "{json}");
        assert_eq!(SubjectId::from_json(&json).unwrap(), subject);
    }
}

// spec: SUB-002, SUB-003, SUB-011, SUB-015, SUB-016, SUB-020, SUB-024, SUB-025, SUB-026, SUB-028
#[test]
fn required_members_are_neither_absent_nor_empty_nor_of_another_type() {
    for subject in every_format().into_iter().filter(|subject| subject.format() != "complex") {
        for member in subject.members().keys() {
            for broken in
                [None, Some(Value::Null), Some(json!("")), Some(json!(5)), Some(json!([])), Some(json!({}))]
            {
                let mut members = subject.members().clone();
                match broken {
                    Some(value) => members.insert(member.clone(), value),
                    None => members.remove(member),
                };
                for role in [Role::Issuer, Role::Receiver] {
                    let errors = errors(role, &Value::Object(members.clone()));
                    assert_eq!(errors.len(), 1, "{member} of {members:?}: {errors:?}");
                }
            }
        }
    }
}

// spec: SUB-012, SUB-013, SUB-015, SUB-017, SUB-018, SUB-019, SUB-020, SUB-021, SUB-026, SUB-028
// spec: SUB-048, SUB-052, SCIM-007
#[test]
fn values_follow_the_rule_of_their_format() {
    let email = json!({ "format": "email", "email": "a@b.example" });
    let aliases = json!({ "format": "aliases", "identifiers": [email] });
    for (subject, id, at) in [
        (json!({ "format": "account", "uri": "alice@example.com" }), "SUB-012", "/uri"),
        (json!({ "format": "email", "email": "Alice <a@b.example>" }), "SUB-013", "/email"),
        (json!({ "format": "email", "email": "mailto:a@b.example" }), "SUB-013", "/email"),
        (json!({ "format": "iss_sub", "iss": "1: 2", "sub": "x" }), "SUB-015", "/iss"),
        (json!({ "format": "phone_number", "phone_number": "12065550100" }), "SUB-017", "/phone_number"),
        (json!({ "format": "did", "url": "urn:example:1" }), "SUB-018", "/url"),
        (json!({ "format": "uri", "uri": "/relative" }), "SUB-019", "/uri"),
        (json!({ "format": "aliases", "identifiers": email }), "SUB-020", "/identifiers"),
        (json!({ "format": "aliases", "identifiers": [email, "x"] }), "SUB-001", "/identifiers/1"),
        (json!({ "format": "aliases", "identifiers": [aliases] }), "SUB-021", "/identifiers/0"),
        (json!({ "format": "ip-addresses", "ip-addresses": ["host"] }), "SUB-026", "/ip-addresses/0"),
        (json!({ "format": "scim", "uri": "https://a.example/Users/1" }), "SUB-028", "/uri"),
        (json!({ "format": "scim", "uri": "/Users/../Groups/1" }), "SUB-028", "/uri"),
        (json!({ "format": "complex" }), "SUB-048", ""),
        (json!({ "format": "complex", "user": "alice" }), "SUB-001", "/user"),
        (json!({ "format": "complex", "user": { "format": "complex", "user": email } }), "SUB-052", "/user"),
        (json!({ "format": "complex", "user": { "format": "opaque" } }), "SUB-016", "/user/id"),
        (json!([email]), "SUB-001", ""),
        (json!({ "format": "" }), "SUB-002", ""),
    ] {
        for role in [Role::Issuer, Role::Receiver] {
            assert_eq!(errors(role, &subject), [(id, at.to_owned())], "{subject}");
        }
    }
}

// spec: SUB-003, SUB-076, RISC-030
#[test]
fn undescribed_members_are_not_issued_but_taken() {
    for subject in every_format() {
        let mut members = subject.members().clone();
        // In a complex subject a name is a subject; in a SCIM one any unique attribute may stand.
        if matches!(subject.format(), "complex" | "scim") {
            continue;
        }
        members.insert("subject_type".to_owned(), json!(subject.format()));
        refused_by_issuer(&Profile::SSF, &edited(&Profile::SSF, "/sub_id", Some(members.into())), "SUB-003");
    }
}

// spec: SUB-010, SUB-029, SUB-055, SUB-074, SCIM-008, SCIM-009, SCIM-010, SCIM-012
#[test]
fn agreed_formats_and_attributes_are_kept_whole() {
    for subject in [
        json!({ "format": "https://a.example/robot", "serial": 5, "nested": { "a": [1] } }),
        json!({ "format": "phone", "phone": "+1 206 555 0100" }),
        json!({ "format": "Email", "email": "not judged" }),
        json!({ "format": "scim", "uri": "/Users/1", "id": "1", "externalId": "e", "userName": "alice" }),
    ] {
        assert_eq!(errors(Role::Issuer, &subject), [], "{subject}");
        assert_eq!(serde_json::to_value(SubjectId::from_json(&subject).unwrap()).unwrap(), subject);
    }
    let odd = SubjectId::from_json(&json!({ "format": "Email", "email": "a@b.example" })).unwrap();
    assert!(!odd.matches(&SubjectId::email("a@b.example"), Matching::Literal));
}

// spec: SUB-023
#[test]
fn listing_one_identifier_twice_is_warned_of() {
    let twice = SubjectId::aliases([SubjectId::opaque("1"), SubjectId::opaque("1")]);
    let mut check = Check::new(Role::Issuer);
    check_subject(document(&serde_json::to_value(twice).unwrap()).root(), &mut check);
    assert_eq!(check.findings()[0].id, "SUB-023");
    assert!(!check.refused());
}

// spec: SUB-027, SUB-066, SUB-070
#[test]
fn matching_compares_values_not_text_and_normalises_nothing() {
    let parse = |text: &str| serde_json::from_str::<SubjectId>(text).unwrap();
    let one = parse(r#"{"format":"iss_sub","iss":"https://a.example","sub":"\u0061"}"#);
    let same = parse(r#"{ "sub": "a", "iss": "https://a.example", "format": "iss_sub" }"#);
    assert!(one.matches(&same, Matching::Literal));
    assert_eq!(one.canonical(), same.canonical());
    let slash = SubjectId::iss_sub("https://a.example/", "a");
    assert!(!one.matches(&slash, Matching::Literal));
    let ip = |text: &str| parse(&format!(r#"{{"format":"ip-addresses","ip-addresses":["{text}"]}}"#));
    assert!(!ip("2001:db8::1").matches(&ip("2001:0db8::1"), Matching::Literal));
}
