//! What holds for every token, subject and payload, not for chosen ones only.

#![expect(clippy::unwrap_used, reason = "the helpers are tests too")]

use std::sync::LazyLock;

use proptest::{prelude::*, sample::Index};
use secevent::{
    Alg, Check, Claims, Event, Matching, Policy, Profile, Role, Set, SigningKey, SubjectId, Timestamp,
    check_subject, danger, event::caep, explain,
};
use secevent_jose::json::Document;
use serde_json::{Map, Value, json};

const ISS: &str = "https://tr.example.com";
const AUD: &str = "https://rx.example.com";
const NOW: Timestamp = Timestamp(1_767_225_660);

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Alg::Ed25519).unwrap());

/// JSON of few names and values, so that equal ones meet. Floats are eighths, which every parser reads exactly.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-16..16_i8).prop_map(|eighths| json!(f64::from(eighths) / 8.0)),
        Just(json!(-0.0)),
        "[ab]?".prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("format|[a-c]|.{0,4}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_object() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec(("[a-c]|.{0,4}", any_json()), 0..4)
        .prop_map(|members| members.into_iter().collect())
}

/// A subject that may be issued.
fn simple_subject() -> impl Strategy<Value = SubjectId> {
    prop_oneof![
        "[ab]".prop_map(SubjectId::opaque),
        ".+".prop_map(SubjectId::opaque),
        "[ab]@[ab]\\.example".prop_map(SubjectId::email),
        ("[ab]", "[ab]").prop_map(|(iss, sub)| SubjectId::iss_sub(iss, sub)),
        any::<[u8; 16]>().prop_map(|ip| SubjectId::ip_addresses([ip.into()])),
    ]
}

fn subject() -> impl Strategy<Value = SubjectId> {
    let member = ("user|device|tenant", simple_subject());
    prop_oneof![
        simple_subject(),
        prop::collection::vec(simple_subject(), 1..4).prop_map(SubjectId::aliases),
        prop::collection::vec(member, 1..4).prop_map(SubjectId::complex),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let uri = "https://[a-z]{1,8}\\.example/[a-z]{1,8}";
    prop_oneof![
        (uri, any_object()).prop_map(|(uri, payload)| Event::Other { uri, payload }),
        (any::<i32>(), "[a-z]{2}", ".*").prop_map(|(at, tag, text)| {
            let event = caep::SessionRevoked::new().event_timestamp(Timestamp(at.into()));
            event.reason_admin((tag.as_str(), text.as_str())).into()
        }),
    ]
}

/// The object and all below it with the members in reverse order.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .rev()
            .map(|(name, value)| (name.clone(), reversed(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(reversed).collect(),
        scalar => scalar.clone(),
    }
}

/// Every place of a document, as JSON Pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    let members = value.as_object().into_iter().flatten();
    let members = members.map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value));
    let items = value.as_array().into_iter().flatten().enumerate();
    for (name, value) in members.chain(items.map(|(i, value)| (i.to_string(), value))) {
        places(value, &format!("{at}/{name}"), found);
    }
}

/// The claims of a vector with one value replaced by another.
fn damaged_claims() -> impl Strategy<Value = Value> {
    static WHOLE: LazyLock<Vec<Value>> = LazyLock::new(|| {
        let vectors = testkit::vectors();
        let sets = vectors.iter().filter(|vector| ["set", "logout-token"].contains(&vector.kind.as_str()));
        sets.filter_map(|vector| serde_json::from_slice(&vector.bytes()).ok()).collect()
    });
    (any::<Index>(), any::<Index>(), any_json()).prop_map(|(which, place, value)| {
        let mut claims = which.get(&WHOLE).clone();
        let mut found = Vec::new();
        places(&claims, "", &mut found);
        *claims.pointer_mut(place.get::<String>(&found)).unwrap() = value;
        claims
    })
}

fn verify_with(token: &str, profile: Profile) -> Result<secevent::VerifiedSet, secevent::Error> {
    Set::parse(token)?.verify(KEY.verifying_key(), &Policy::new(profile, ISS, AUD), NOW)
}

fn document(value: &Value) -> Document {
    Document::parse(value.to_string().into_bytes()).unwrap()
}

proptest! {
    // spec: SET-013, SET-069, JWT-008, JWT-022, BCP-012, SSF-017
    #[test]
    fn what_is_signed_is_what_is_verified(
        subject in subject(),
        event in event(),
        jti in ".+",
        txn in ".*",
        toe in any::<i64>(),
        more in prop::collection::vec(("x-.{0,4}", any_json()), 0..3),
    ) {
        let draft = Set::issue(ISS).to(AUD).about(subject).event(event).jti(jti).txn(txn).toe(Timestamp(toe)).at(NOW);
        let draft = more.into_iter().fold(draft, |draft, (name, value)| draft.claim(name, value));
        let token = draft.sign(&*KEY).unwrap();
        let set = verify_with(&token, Profile::SSF).unwrap();
        prop_assert_eq!(set.claims(), &draft.claims().unwrap());
    }

    // spec: SUB-061, SUB-066
    #[test]
    fn one_canonical_text_for_each_subject(one in any_object(), other in any_object()) {
        let subject = |mut members: Map<_, _>| {
            members.insert("format".to_owned(), json!("agreed"));
            serde_json::from_value::<SubjectId>(members.into()).unwrap()
        };
        let (one, other) = (subject(one), subject(other));
        prop_assert_eq!(one == other, one.canonical() == other.canonical());
        let shuffled: SubjectId = serde_json::from_value(reversed(&one.members().clone().into())).unwrap();
        prop_assert_eq!(&shuffled, &one);
        prop_assert_eq!(shuffled.canonical(), one.canonical());
        prop_assert!(one.matches(&shuffled, Matching::Literal));
    }

    // spec: SUB-062, SUB-065, SUB-068
    #[test]
    fn matching_is_symmetric_and_shared_members_only_narrow_it(one in subject(), other in subject()) {
        for matching in [Matching::Literal, Matching::SharedMember] {
            prop_assert_eq!(one.matches(&other, matching), other.matches(&one, matching));
            prop_assert!(one.matches(&one, matching));
        }
        prop_assert!(one.matches(&other, Matching::Literal) || !one.matches(&other, Matching::SharedMember));
    }

    // spec: JWT-001, BCP-026
    #[test]
    fn no_text_is_a_token_by_accident(text in "\\PC*|[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}") {
        prop_assert!(verify_with(&text, Profile::SET).is_err());
        let _ = danger::peek(&text);
    }

    // spec: JWT-022, JWT-023, CHK-006
    #[test]
    fn a_token_with_one_character_changed_is_refused(at in any::<Index>(), with in "[A-Za-z0-9_.=-]|\\PC") {
        static TOKEN: LazyLock<String> = LazyLock::new(|| {
            let draft = Set::issue(ISS).to(AUD).about(SubjectId::opaque("1")).event(caep::SessionRevoked::new());
            draft.at(NOW).sign(&*KEY).unwrap()
        });
        let at = at.index(TOKEN.len());
        let changed = format!("{}{with}{}", &TOKEN[..at], &TOKEN[at + 1..]);
        prop_assert_eq!(verify_with(&changed, Profile::SSF).is_ok(), changed == *TOKEN);
    }

    // spec: SUB-076
    #[test]
    fn what_may_be_issued_is_accepted_and_nothing_panics(claims in damaged_claims()) {
        let token = secevent_jose::sign(None, claims.to_string().as_bytes(), &*KEY).unwrap();
        for profile in Profile::ALL {
            let policy = danger::unchecked(profile);
            let _ = Set::parse(&token).unwrap().verify(KEY.verifying_key(), &policy, NOW);
            let _ = explain::inspect(&token, &profile);
            let Value::Object(members) = &claims else { continue };
            if let Ok(issued) = Claims::to_issue(members.clone(), &profile) {
                let mut check = Check::new(Role::Receiver);
                prop_assert_eq!(Claims::read(document(&claims), &profile, &mut check), Some(issued));
            }
        }
    }

    #[test]
    fn no_subject_panics(subject in any_json()) {
        for role in [Role::Issuer, Role::Receiver] {
            check_subject(document(&subject).root(), &mut Check::new(role));
        }
        if let Ok(subject) = serde_json::from_value::<SubjectId>(subject) {
            let _ = (subject.to_string(), subject.canonical(), subject.part("a"));
        }
    }
}
