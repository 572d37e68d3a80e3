//! The life of a stream through the management API.

use serde_json::{Value, json};
use testkit::fake_receiver::FakeReceiver;

use crate::stage::{Case, Stage, USE_CASES, create, delete, of, subjects, uri};

/// What a stream configuration must have.
fn is_a_stream(receiver: &FakeReceiver, case: Case, stream: &Value) {
    assert!(stream["stream_id"].as_str().is_some_and(|id| !id.is_empty()), "{stream}");
    assert_eq!((&stream["iss"], &stream["aud"]), (&json!(receiver.issuer), &json!(receiver.audience)));
    for name in ["events_supported", "events_delivered"] {
        assert!(stream[name].as_array().is_some_and(|events| !events.is_empty()), "{name} in {stream}");
    }
    let delivery = &stream["delivery"];
    assert_eq!(delivery["method"], if case.push { crate::stage::PUSH } else { crate::stage::POLL });
    let url = delivery["endpoint_url"].as_str().unwrap();
    assert!(url.starts_with("https://"), "{url}");
    assert_eq!(delivery.get("authorization_header"), None, "a credential is not shown again");
}

async fn read(receiver: &FakeReceiver, stream: &Value) -> Value {
    receiver.call("GET", "configuration", of(stream)).await.expect(200).json()
}

// spec: CIOP-009, CIOP-010, CIOP-013, CIOP-014, CIOP-015, CIOP-016, CIOP-021, CIOP-031, CIOP-033, CIOP-039, CIOP-050
// spec: SSFC-001, SSFC-003
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_made_read_changed_and_deleted() {
    let stage = Stage::start().await;
    for case in Case::all() {
        let receiver = stage.receiver(case).await;
        let list = async || receiver.call("GET", "configuration", json!({})).await.expect(200).json();
        assert_eq!(list().await, json!([]), "{case:?}");
        let made = create(&receiver, &case.request(&receiver)).await;
        is_a_stream(&receiver, case, &made);
        if case.interop {
            assert_eq!(
                made["events_delivered"],
                json!(USE_CASES.map(uri)),
                "what is supported and requested"
            );
        }
        assert_eq!(read(&receiver, &made).await, made);
        assert_eq!(list().await, json!([made]));

        let mut patch = of(&made);
        patch["events_requested"] = json!([uri("session-revoked")]);
        patch["description"] = "patched".into();
        let patched = receiver.call("PATCH", "configuration", patch).await.expect(200).json();
        is_a_stream(&receiver, case, &patched);
        assert_eq!(patched["events_delivered"], json!([uri("session-revoked")]));
        assert_eq!((&patched["description"], &patched["delivery"]), (&json!("patched"), &made["delivery"]));
        assert_eq!(read(&receiver, &made).await, patched);

        let mut put = json!({"stream_id": made["stream_id"], "iss": made["iss"], "aud": made["aud"],
            "events_requested": [uri("credential-change")]});
        if let Some(delivery) = case.delivery(&receiver) {
            put["delivery"] = delivery;
        }
        let replaced = receiver.call("PUT", "configuration", put).await.expect(200).json();
        is_a_stream(&receiver, case, &replaced);
        assert_eq!(replaced["events_delivered"], json!([uri("credential-change")]));
        assert_eq!(replaced.get("description"), None, "what a replacement leaves out is gone");

        delete(&receiver, &made).await;
        for (method, endpoint) in [
            ("GET", "configuration"),
            ("PATCH", "configuration"),
            ("PUT", "configuration"),
            ("DELETE", "configuration"),
            ("GET", "status"),
            ("POST", "verification"),
        ] {
            receiver.call(method, endpoint, of(&made)).await.expect(404);
        }
        assert_eq!(list().await, json!([]));
    }
    stage.stop().await;
}

// spec: CIOP-010, CIOP-016, CIOP-050, SSFC-003
#[tokio::test(flavor = "multi_thread")]
async fn a_status_is_read_and_set_to_all_three_values() {
    let stage = Stage::start().await;
    for case in Case::all() {
        let (receiver, stream) = stage.subscribed(case).await;
        let id = &stream["stream_id"];
        let status = async || receiver.call("GET", "status", of(&stream)).await.expect(200).json();
        assert_eq!(status().await, json!({"stream_id": id, "status": "enabled"}), "{case:?}");
        for value in ["paused", "disabled", "enabled"] {
            let wanted = json!({"stream_id": id, "status": value, "reason": "a test"});
            let set = receiver.call("POST", "status", wanted.clone()).await.expect(200).json();
            assert_eq!((set, status().await), (wanted.clone(), wanted));
        }
        for wrong in ["", "Enabled", "stopped"] {
            receiver.call("POST", "status", json!({"stream_id": id, "status": wrong})).await.expect(400);
        }
        delete(&receiver, &stream).await;
    }
    stage.stop().await;
}

// spec: CIOP-013, CIOP-025, SSFC-003
#[tokio::test(flavor = "multi_thread")]
async fn subjects_are_added_and_removed() {
    let stage = Stage::start().await;
    let [email, iss_sub, opaque] = subjects();
    let complex = json!({"format": "complex", "user": email, "tenant": opaque});
    for case in Case::all() {
        let (receiver, stream) = stage.subscribed(case).await;
        for subject in [&email, &iss_sub, &opaque, &complex] {
            let mut said = of(&stream);
            said["subject"] = subject.clone();
            receiver.call("POST", "remove_subject", said.clone()).await.expect(204);
            said["verified"] = true.into();
            receiver.call("POST", "add_subject", said).await.expect(200);
        }
        let mut said = of(&stream);
        receiver.call("POST", "add_subject", said.clone()).await.expect(400);
        said["subject"] = json!({"format": "email"});
        receiver.call("POST", "add_subject", said).await.expect(400);
        delete(&receiver, &stream).await;
    }
    stage.stop().await;
}
