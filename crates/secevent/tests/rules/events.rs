//! Payloads: the catalogue of the vectors against that of the crate, and the rules no table can tell.

use secevent::{
    Check, Event, EventType, Level, Profile, Role, SubjectId, Timestamp,
    event::{LanguageMap, NumericDate, caep, risc},
};
use secevent_jose::json::Document;
use serde_json::{Map, Value, json};

use super::{edited, errors, issue, refused_by_both, refused_by_issuer, verify};

/// A definition of `event-catalogue.json`: its URI and its members.
fn catalogue() -> Vec<(String, Map<String, Value>)> {
    let all: Value = serde_json::from_slice(&testkit::bytes("event-catalogue.json")).unwrap();
    let events = all["events"].as_object().unwrap();
    events.iter().map(|(uri, event)| (uri.clone(), event["claims"].as_object().unwrap().clone())).collect()
}

fn good(member: &Value) -> Value {
    let text = |values: &Value| values.as_array().map(|values| values[0].clone());
    match member["type"].as_str().unwrap() {
        "string" => {
            text(&member["enum"]).or_else(|| text(&member["enum_open"])).unwrap_or_else(|| json!("200"))
        }
        "array of string" => json!(["one", "two"]),
        seconds if seconds.starts_with("number") => json!(1_615_304_991.643),
        _ => json!({ "en": "text" }),
    }
}

fn read_event(uri: &str, payload: &Map<String, Value>, check: &mut Check) -> Option<Event> {
    let document = Document::parse(Value::Object(payload.clone()).to_string().into_bytes()).unwrap();
    Event::read(uri, document.root().as_object().unwrap(), check)
}

/// Reads a payload; the event, and the places of what is wrong.
fn read(uri: &str, payload: &Map<String, Value>) -> (Option<Event>, Vec<String>) {
    let mut check = Check::new(Role::Receiver);
    let event = read_event(uri, payload, &mut check);
    let errors = check.findings().iter().filter(|finding| finding.level == Level::Error);
    (event, errors.map(|finding| finding.at.clone()).collect())
}

// spec: SCIM-001, SCIM-002, SCIM-003, CIOP-005
#[test]
fn the_catalogue_has_every_event_and_deprecates_one() {
    let uris: Vec<_> = catalogue().into_iter().map(|(uri, _)| uri).collect();
    for uri in &uris {
        let event_type = EventType::from_uri(uri.as_str());
        assert!(event_type.is_known() && event_type.spec().is_some(), "{uri}");
        assert_eq!(EventType::from_name(&event_type.name()), Ok(event_type));
    }
    assert_eq!(EventType::catalogue().count(), uris.len() - 1);
}

// spec: CAEP-001, CAEP-005, CAEP-008, CAEP-009, CAEP-018, CAEP-024, CAEP-033, CAEP-040, CIOP-044, CIOP-047
// spec: RISC-005, RISC-011, RISC-017, SSF-017, SSF-018, SET-014, SUB-042, RISC-034
#[test]
fn payloads_are_read_and_written_without_loss() {
    for (uri, members) in catalogue() {
        let mut payload: Map<_, _> =
            members.iter().map(|(name, member)| (name.clone(), good(member))).collect();
        payload.insert("subject".to_owned(), json!({ "format": "opaque", "id": "legacy" }));
        payload.insert("iss".to_owned(), json!(["unrelated", 1.5]));
        let (event, wrong) = read(&uri, &payload);
        assert_eq!(wrong, [""; 0], "{uri}");
        assert_eq!(event.unwrap().payload(), payload, "{uri}");
    }
}

// spec: CAEP-015, CAEP-019, CAEP-020, CAEP-023, CAEP-029, CAEP-036, RISC-016, SCIM-022, SCIM-049, SSF-197
#[test]
fn required_members_are_required() {
    for (uri, members) in catalogue() {
        let required = members.iter().filter(|(_, member)| member["level"] == "REQUIRED");
        let mut required: Vec<_> = required.map(|(name, _)| format!("/{name}")).collect();
        let (event, mut wrong) = read(&uri, &Map::new());
        required.sort();
        wrong.sort();
        assert_eq!((event.is_none(), &wrong), (!required.is_empty(), &required), "{uri}");
    }
}

// spec: CAEP-003, CAEP-005, CAEP-020, CAEP-021, CAEP-027, CAEP-029, CAEP-033, CAEP-037, SSF-145, CHK-013
#[test]
fn members_have_their_type_and_closed_lists_their_values() {
    for (uri, members) in catalogue() {
        let whole: Map<_, _> = members.iter().map(|(name, member)| (name.clone(), good(member))).collect();
        for (name, member) in &members {
            let upper = || good(member).as_str().map(str::to_ascii_uppercase);
            let other = |text: String| {
                if good(member) == text { text.to_ascii_lowercase().into() } else { Value::from(text) }
            };
            let wrong = [Some(json!(true)), Some(Value::Null)];
            let outside = member.get("enum").and_then(|_| upper().map(other));
            for value in wrong.into_iter().chain([outside]).flatten() {
                let mut payload = whole.clone();
                payload.insert(name.clone(), value);
                let (event, at) = read(&uri, &payload);
                assert_eq!((event, at), (None, vec![format!("/{name}")]), "{uri} {payload:?}");
            }
            if member.get("enum_open").is_some() {
                let mut payload = whole.clone();
                payload.insert(name.clone(), json!("agreed-by-both"));
                assert_eq!(read(&uri, &payload).0.unwrap().payload(), payload, "{uri}");
            }
        }
    }
}

fn about(uri: &str, payload: Value, subject: &SubjectId) -> Value {
    let mut claims = edited(&Profile::SSF, "/events", Some([(uri, payload)].into_iter().collect()));
    claims["sub_id"] = serde_json::to_value(subject).unwrap();
    claims
}

// spec: RISC-008, RISC-013, RISC-014, SCIM-006, SSF-183, SSF-198
#[test]
fn some_events_are_about_some_subjects_only() {
    let [email, phone, opaque, scim] = [
        SubjectId::email("a@b.example"),
        SubjectId::phone_number("+12065550100"),
        SubjectId::opaque("f67e"),
        SubjectId::scim("/Users/1"),
    ];
    for (name, payload, id, allowed) in [
        ("risc:identifier-changed", json!({ "new-value": "c@b.example" }), "RISC-008", vec![&email, &phone]),
        ("risc:identifier-recycled", json!({}), "RISC-008", vec![&email, &phone]),
        ("ssf:verification", json!({}), "SSF-183", vec![&opaque]),
        ("ssf:stream-updated", json!({ "status": "paused" }), "SSF-183", vec![&opaque]),
        ("scim:prov:delete", json!({}), "SCIM-006", vec![&scim]),
        ("scim:misc:asyncresp", json!({ "method": "PUT", "status": "200" }), "SCIM-006", vec![&scim]),
    ] {
        let uri = EventType::from_name(name).unwrap();
        for subject in [&email, &phone, &opaque, &scim] {
            let claims = about(uri.uri(), payload.clone(), subject);
            if allowed.contains(&subject) {
                assert!(
                    issue(&Profile::SSF, &claims).is_ok() && verify(&Profile::SSF, &claims).is_ok(),
                    "{claims}"
                );
            } else {
                refused_by_both(&Profile::SSF, &claims, id);
            }
        }
    }
}

// spec: RISC-021, RISC-022
#[test]
fn a_deprecated_event_is_taken_but_not_issued() {
    let uri = "https://schemas.openid.net/secevent/risc/event-type/sessions-revoked";
    refused_by_issuer(&Profile::SSF, &about(uri, json!({}), &SubjectId::opaque("1")), "RISC-022");
}

// spec: CAEP-025, CAEP-026, CAEP-039
#[test]
fn a_previous_level_calls_for_a_direction() {
    let event = || caep::AssuranceLevelChange::new("NIST-AAL", "nist-aal2");
    let warned = |event: caep::AssuranceLevelChange| {
        let mut check = Check::new(Role::Issuer);
        let read =
            read_event(Event::from(event.clone()).uri(), &Event::from(event.clone()).payload(), &mut check);
        assert_eq!(read, Some(event.into()));
        errors(check.findings()).is_empty() && check.findings().iter().any(|finding| finding.id == "CAEP-026")
    };
    assert_eq!(event().previous_level, None);
    assert!(!warned(event()));
    assert!(warned(event().previous_level("nist-aal1")));
    assert!(!warned(event().previous_level("nist-aal1").change_direction(caep::ChangeDirection::Increase)));
}

// spec: CAEP-005, CAEP-007
#[test]
fn reasons_are_texts_by_language() {
    let texts = LanguageMap::new("en", "hello").and("es-410", "hola").and("de", "hallo");
    for (range, text) in [("de-CH-1996", "hallo"), ("ES-410", "hola"), ("en-GB", "hello"), ("fr", "hello")] {
        assert_eq!(texts.lookup(range), text, "{range}");
    }
    let uri = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
    for tag in ["", "not a tag", "abcdefghi", "en--gb"] {
        let claims = about(uri, json!({ "reason_admin": { tag: "text" } }), &SubjectId::opaque("1"));
        refused_by_issuer(&Profile::SSF, &claims, "CAEP-005");
    }
    for wrong in [json!({}), json!("text"), json!({ "en": 1 }), json!([])] {
        let claims = about(uri, json!({ "reason_user": wrong }), &SubjectId::opaque("1"));
        refused_by_both(&Profile::SSF, &claims, "CAEP-005");
    }
}

// spec: CAEP-006, CAEP-008
#[test]
fn milliseconds_are_warned_of() {
    let warned = |at| {
        let event = caep::SessionRevoked::new().event_timestamp(NumericDate::from(Timestamp(at)));
        let mut check = Check::new(Role::Receiver);
        assert!(
            read_event(Event::from(event.clone()).uri(), &Event::from(event).payload(), &mut check).is_some()
        );
        check.findings().iter().any(|finding| finding.at == "/event_timestamp")
    };
    assert!(warned(1_767_225_600_000) && !warned(1_767_225_600));
}

// spec: RISC-018
#[test]
fn risc_leaves_the_type_of_reasons_open() {
    let uri = "https://schemas.openid.net/secevent/risc/event-type/credential-compromise";
    for reason in [json!("plain"), json!({ "en": "plain" })] {
        let payload = json!({ "credential_type": "password", "reason_admin": reason });
        let claims = about(uri, payload.clone(), &SubjectId::opaque("1"));
        assert_eq!(Value::Object(verify(&Profile::SSF, &claims).unwrap().event().payload()), payload);
    }
    assert!(
        risc::CredentialCompromise::new("password").reason_admin(("en", "leaked")).reason_admin.is_some()
    );
}

// spec: RISC-025, RISC-026, RISC-027, RISC-028
#[test]
fn opt_out_follows_the_figure() {
    use risc::OptOut::{OptIn, OptOut, OptOutInitiated};
    let events = [
        Event::from(risc::OptIn::new()),
        risc::OptOutInitiated::new().into(),
        risc::OptOutCancelled::new().into(),
        risc::OptOutEffective::new().into(),
        risc::AccountPurged::new().into(),
    ];
    for (state, next) in [
        (OptIn, [None, Some(OptOutInitiated), None, None, None]),
        (OptOutInitiated, [None, None, Some(OptIn), Some(OptOut), None]),
        (OptOut, [Some(OptIn), None, None, None, None]),
    ] {
        assert_eq!(events.each_ref().map(|event| state.next(event).ok()), next, "{state:?}");
    }
    assert_eq!([OptIn, OptOutInitiated, OptOut].map(risc::OptOut::is_sent_events), [true, true, false]);
    let error = OptIn.next(&events[3]).unwrap_err();
    assert_eq!(error.to_string(), "risc:opt-out-effective is not possible in the state OptIn (RISC-028)");
}

// spec: SCIM-018, SCIM-019, SCIM-021, SCIM-022, SCIM-031, SCIM-050
#[test]
fn scim_payloads_are_full_or_notice() {
    let (data, attributes) = (json!({ "id": "1" }), json!(["userName"]));
    let scim = |name: &str, payload: Value| {
        let uri = format!("urn:ietf:params:scim:event:{name}");
        about(&uri, payload, &SubjectId::scim("/Users/1"))
    };
    for name in ["create", "patch", "put"] {
        let (full, notice) = (format!("prov:{name}:full"), format!("prov:{name}:notice"));
        let both = json!({ "data": data, "attributes": attributes });
        refused_by_both(&Profile::SCIM, &scim(&full, both.clone()), "SCIM-021");
        refused_by_both(&Profile::SCIM, &scim(&notice, both), "SCIM-021");
        refused_by_both(&Profile::SCIM, &scim(&full, json!({ "attributes": attributes })), "SCIM-022");
        refused_by_both(&Profile::SCIM, &scim(&notice, json!({ "data": data })), "SCIM-022");
    }
    refused_by_issuer(&Profile::SCIM, &scim("prov:delete", json!({ "data": data })), "SCIM-031");
    let failed = |response: Value| {
        scim("misc:asyncresp", json!({ "method": "PUT", "status": "400", "response": response }))
    };
    refused_by_both(&Profile::SCIM, &failed(json!("why")), "SCIM-050");
    assert!(verify(&Profile::SCIM, &failed(json!({ "status": "400" }))).is_ok());
    let mut silent = scim("misc:asyncresp", json!({ "method": "PUT", "status": "500" }));
    refused_by_both(&Profile::SCIM, &silent, "SCIM-050");
    silent["events"]["urn:ietf:params:scim:event:misc:asyncresp"]["status"] = json!("204");
    assert!(verify(&Profile::SCIM, &silent).is_ok());
}

// spec: SCIM-016, SCIM-048
#[test]
fn the_answer_to_an_asynchronous_request_has_its_txn() {
    let event = json!({ "urn:ietf:params:scim:event:misc:asyncresp": { "method": "PUT", "status": "200" } });
    let mut claims = edited(&Profile::SCIM, "/events", Some(event));
    assert!(issue(&Profile::SCIM, &claims).is_ok());
    claims.as_object_mut().unwrap().remove("txn");
    refused_by_both(&Profile::SCIM, &claims, "SCIM-048");
}

// spec: CIOP-023, CIOP-025, CIOP-042, CIOP-046, CIOP-048
#[test]
fn interop_wants_reasons_and_three_formats() {
    let caep = "https://schemas.openid.net/secevent/caep/event-type";
    for (id, name, mut payload) in [
        ("CIOP-042", "session-revoked", json!({})),
        ("CIOP-046", "credential-change", json!({ "credential_type": "pin", "change_type": "update" })),
        (
            "CIOP-048",
            "device-compliance-change",
            json!({ "previous_status": "compliant", "current_status": "compliant" }),
        ),
    ] {
        let claims = |payload: &Value| {
            about(&format!("{caep}/{name}"), payload.clone(), &SubjectId::email("a@b.example"))
        };
        for reason in [json!(null), json!("text"), json!({})] {
            payload["reason_admin"] = reason;
            refused_by_both(&Profile::CAEP_INTEROP, &claims(&payload), id);
        }
        payload.as_object_mut().unwrap().remove("reason_admin");
        refused_by_both(&Profile::CAEP_INTEROP, &claims(&payload), id);
        payload["reason_admin"] = json!({ "en": "why" });
        assert!(verify(&Profile::CAEP_INTEROP, &claims(&payload)).is_ok());
    }
    // Other formats are outside of the profile, which refuses nobody.
    let uri = format!("{caep}/session-revoked");
    let payload = json!({ "reason_admin": { "en": "why" } });
    let subject = SubjectId::complex([("user", SubjectId::email("a@b.example"))]);
    assert!(verify(&Profile::CAEP_INTEROP, &about(&uri, payload, &subject)).is_ok());
}
