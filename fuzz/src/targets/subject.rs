//! Subject identifiers: judged, kept whole, indexed and matched.

use secevent::{Check, Matching, Role, SubjectId, check_subject};
use secevent_jose::json::Document;
use secevent_ssf::SubjectKey;
use serde_json::Value;

use super::{alike, has_float, refused};

/// How many subjects of one array are compared with one another.
const COMPARED_MAX: usize = 6;

/// One subject, or an array of them.
pub fn subject(data: &[u8]) {
    let Ok(document) = Document::parse(data.to_vec()) else { return };
    let findings = |role| {
        let mut check = Check::new(role);
        check_subject(document.root(), &mut check);
        check.into_findings()
    };
    let (issuer, receiver) = (findings(Role::Issuer), findings(Role::Receiver));
    assert!(!refused(&receiver) || refused(&issuer), "an issuer is stricter");

    let value = document.root().to_value();
    let read = SubjectId::from_json(&value);
    assert_eq!(read.is_ok(), !refused(&receiver), "{read:?} {receiver:?}");
    let several = value.as_array().cloned().unwrap_or_else(|| vec![value]);
    let subjects: Vec<SubjectId> = several
        .iter()
        .take(COMPARED_MAX)
        .filter_map(|value| serde_json::from_value(value.clone()).ok())
        .collect();
    for one in &subjects {
        alone(one);
        for other in &subjects {
            together(one, other);
        }
    }
}

fn alone(subject: &SubjectId) {
    let value = serde_json::to_value(subject).expect("a subject is JSON");
    let read: SubjectId = serde_json::from_value(value.clone()).expect("what was written can be read");
    assert_eq!(&read, subject);
    let _ = (subject.format(), subject.to_string(), subject.part("user"), subject.is("email", "a"));
    let canonical = subject.canonical();
    let again: Value = serde_json::from_str(&canonical).expect("the canonical text is JSON");
    assert!(alike(&again, &value), "{canonical}");
    let again: SubjectId = serde_json::from_value(again).expect("and a subject");
    if !has_float(&value) {
        assert_eq!((&again, again.canonical()), (subject, canonical));
        assert_eq!(SubjectKey::of(&again), SubjectKey::of(subject));
    }
}

fn together(one: &SubjectId, other: &SubjectId) {
    assert_eq!(one == other, one.canonical() == other.canonical(), "one text for each identity");
    let [literal, shared] = [Matching::Literal, Matching::SharedMember].map(|matching| {
        let matches = one.matches(other, matching);
        assert_eq!(matches, other.matches(one, matching), "matching is symmetric");
        matches
    });
    assert!(literal || !shared, "shared members only narrow");
    // A complex subject without members shares none, not even with itself.
    assert!(one != other || literal);
}
