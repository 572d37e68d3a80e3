//! What comes on a stream: verification events and those of the use cases.

use serde_json::{Value, json};
use testkit::fake_receiver::SeenSet;

use crate::stage::{Case, Stage, delete, of, subjects, uri};

const VERIFICATION: &str = "https://schemas.openid.net/secevent/ssf/event-type/verification";

// spec: CIOP-011, CIOP-016, CIOP-024, CIOP-026, CIOP-028, SSFC-003, SSFC-004, SSFC-005
#[tokio::test(flavor = "multi_thread")]
async fn a_verification_brings_an_event_with_the_state_that_was_given() {
    let stage = Stage::start().await;
    for case in Case::all() {
        let (receiver, stream) = stage.subscribed(case).await;
        for state in [Some("state / of \"some\" kind"), None] {
            let mut said = of(&stream);
            if let Some(state) = state {
                said["state"] = state.into();
            }
            receiver.call("POST", "verification", said).await.expect(204);
            let seen = receiver.next(&stream).await;
            let about = json!({"format": "opaque", "id": stream["stream_id"]});
            assert_eq!((seen.alg.as_str(), &seen.claims["sub_id"]), (case.alg(), &about), "{case:?}");
            let (uri, payload) = seen.event();
            assert_eq!((uri, payload["state"].as_str()), (VERIFICATION, state));
        }
        delete(&receiver, &stream).await;
    }
    stage.stop().await;
}

/// Payloads with all values that matter to a receiver.
pub(crate) fn payloads() -> Vec<(&'static str, Value)> {
    let credential_types = [
        "password",
        "pin",
        "x509",
        "fido2-platform",
        "fido2-roaming",
        "fido-u2f",
        "verifiable-credential",
        "phone-voice",
        "phone-sms",
        "app",
    ];
    let credential = |change, kind| {
        (
            "credential-change",
            json!({"credential_type": kind, "change_type": change, "friendly_name": "mine"}),
        )
    };
    let compliance =
        |from, to| ("device-compliance-change", json!({"previous_status": from, "current_status": to}));
    let mut all = vec![("session-revoked", json!({"initiating_entity": "policy"}))];
    all.extend(["create", "revoke", "update", "delete"].map(|change| credential(change, "password")));
    all.extend(credential_types.map(|kind| credential("update", kind)));
    all.extend([compliance("compliant", "not-compliant"), compliance("not-compliant", "compliant")]);
    for (_, payload) in &mut all {
        payload["event_timestamp"] = 1_767_225_600.into();
        payload["reason_admin"] = json!({"en": "a rule of the house", "de": "eine Hausregel"});
    }
    all
}

/// SSFC-006, as far as a payload has these members.
fn is_as_caep_has_it(payload: &Value) {
    assert!(payload["event_timestamp"].is_u64(), "{payload}");
    let entity = &payload["initiating_entity"];
    assert!(entity.is_null() || ["admin", "user", "policy", "system"].iter().any(|known| entity == known));
    let reason = payload["reason_admin"].as_object().unwrap();
    assert!(!reason.is_empty() && reason.values().all(Value::is_string), "{payload}");
}

fn comes_whole(case: Case, seen: &SeenSet, name: &str, subject: &Value, payload: &Value) {
    assert_eq!(seen.alg, case.alg(), "{case:?}");
    assert_eq!((seen.event(), &seen.claims["sub_id"]), ((uri(name).as_str(), payload), subject), "{case:?}");
    assert!(seen.claims["txn"].is_string(), "{}", seen.claims);
    is_as_caep_has_it(seen.event().1);
}

// spec: CIOP-005, CIOP-024, CIOP-026, CIOP-027, CIOP-028, CIOP-041, CIOP-042, CIOP-045, CIOP-046, CIOP-048, CIOP-049
// spec: SSFC-005, SSFC-006
#[tokio::test(flavor = "multi_thread")]
async fn the_use_cases_are_delivered_in_every_format_and_with_every_value() {
    let stage = Stage::start().await;
    let (payloads, subjects) = (payloads(), subjects());
    for case in Case::all() {
        let (receiver, stream) = stage.subscribed(case).await;
        let subjects = subjects.iter().cycle();
        for ((name, payload), subject) in payloads.iter().zip(subjects) {
            stage.emit(name, subject, payload).await;
            let seen = receiver.next(&stream).await;
            comes_whole(case, &seen, name, subject, payload);
        }
        delete(&receiver, &stream).await;
    }
    stage.stop().await;
}

// spec: CIOP-020, CIOP-025
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_for_every_subject_although_none_was_added() {
    let stage = Stage::start().await;
    let [email, iss_sub, opaque] = subjects();
    let complex = json!({"format": "complex", "user": email, "device": iss_sub, "tenant": opaque});
    for case in Case::all().filter(|case| case.interop) {
        let (receiver, stream) = stage.subscribed(case).await;
        for subject in [&opaque, &complex] {
            stage.emit("session-revoked", subject, &json!({"reason_admin": {"en": "all"}})).await;
            assert_eq!(receiver.next(&stream).await.claims["sub_id"], *subject);
        }
        delete(&receiver, &stream).await;
    }
    stage.stop().await;
}
