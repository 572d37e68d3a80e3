//! Push delivery (RFC 8935), to an endpoint that does not always behave.

use std::time::Duration;

use serde_json::json;
use testkit::fake_receiver::{FakeReceiver, Misbehaviour, Pushed};
use tokio::time::{sleep, timeout};

use crate::{
    home::eventually,
    house::ADMIN,
    stage::{Case, PUSH, Stage, create, delete, user},
};

/// Waits until this many pushes came.
async fn pushed(receiver: &FakeReceiver, name: &str, count: usize) -> Vec<Pushed> {
    let came = async {
        while receiver.pushed(name).len() < count {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(15), came).await.expect("the pushes come");
    receiver.pushed(name)
}

// spec: SSFC-007, CIOP-001, CIOP-014
#[tokio::test(flavor = "multi_thread")]
async fn a_push_has_the_headers_that_were_agreed_and_no_others_that_matter() {
    let stage = Stage::start().await;
    for case in Case::delivered_by(true) {
        let receiver = stage.receiver(case).await;
        for (name, authorization) in
            [("none", None), ("bearer", Some("Bearer of-mine")), ("own", Some("Weird =words, and more"))]
        {
            let mut delivery = json!({"method": PUSH, "endpoint_url": receiver.push_url(name)});
            if let Some(authorization) = authorization {
                delivery["authorization_header"] = authorization.into();
            }
            let stream = create(&receiver, &json!({"delivery": delivery})).await;
            stage.emit_about("alice").await;
            assert_eq!(user(&receiver.next(&stream).await.claims), "alice");
            let [push] = &receiver.pushed(name)[..] else { panic!("it was pushed once") };
            let header = |name: &str| push.headers.get(name).map(|value| value.to_str().unwrap());
            assert_eq!(header("authorization"), authorization, "{case:?}");
            assert_eq!(header("content-type"), Some("application/secevent+jwt"));
            assert_eq!(header("accept"), Some("application/json"));
            assert_eq!(header("content-length"), Some(push.token.len().to_string().as_str()));
            delete(&receiver, &stream).await;
        }
    }
    stage.stop().await;
}

// spec: CIOP-016, SSFC-009
#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_is_not_answered_well_comes_again_as_it_was() {
    let stage = Stage::start_with(|settings| settings.limits.push_timeout = Duration::from_millis(500)).await;
    let case = Case { push: true, oauth: false, interop: true };
    let temporary = [Misbehaviour::Status(503), Misbehaviour::Status(429), Misbehaviour::Silence];
    // Codes that speak of the stream, not of the SET: what is set up wrong can be mended.
    let of_the_stream = ["invalid_key", "invalid_issuer", "invalid_audience"].map(Misbehaviour::Refuse);
    for bad in temporary.into_iter().chain(of_the_stream) {
        let (receiver, stream) = stage.subscribed(case).await;
        receiver.misbehave([bad]);
        stage.emit_about("alice").await;
        let seen = receiver.next(&stream).await;
        let name = stream["delivery"]["endpoint_url"].as_str().unwrap().rsplit('/').next().unwrap();
        let both = pushed(&receiver, name, 2).await;
        let first = receiver.verify(&both[0].token).await;
        assert_eq!(first.claims["jti"], seen.claims["jti"], "{bad:?}");
        delete(&receiver, &stream).await;
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_is_answered_late_is_not_repeated() {
    let stage = Stage::start().await;
    let receiver = stage.receiver(Case { push: true, oauth: false, interop: true }).await;
    let delivery = json!({"method": PUSH, "endpoint_url": receiver.push_url("late")});
    create(&receiver, &json!({"delivery": delivery})).await;
    receiver.misbehave([Misbehaviour::Late(Duration::from_secs(2))]);
    for name in ["alice", "bob"] {
        stage.emit_about(name).await;
    }
    pushed(&receiver, "late", 2).await;
    sleep(Duration::from_millis(2_500)).await;
    assert_eq!(receiver.pushed("late").len(), 2);
    stage.stop().await;
}

// spec: SSFC-009
#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_is_refused_is_set_aside_and_holds_nothing_up() {
    let stage = Stage::start().await;
    for case in Case::delivered_by(true) {
        let (receiver, stream) = stage.subscribed(case).await;
        receiver.misbehave([Misbehaviour::Refuse("invalid_request")]);
        for name in ["alice", "bob"] {
            stage.emit_about(name).await;
        }
        receiver.next(&stream).await;
        let path = format!("/v1/streams/{}/dead-letters", stream["stream_id"].as_str().unwrap());
        let letters = async || {
            stage.0.call("GET", &path, ADMIN, None).await["dead_letters"].as_array().unwrap().clone()
        };
        eventually("it is set aside", async || !letters().await.is_empty()).await;
        let [letter] = &letters().await[..] else { panic!("one is set aside") };
        let reason = letter["reason"].as_str().unwrap();
        assert!(reason.contains("invalid_request") && reason.contains("by command"), "{case:?}: {reason}");
        delete(&receiver, &stream).await;
    }
    stage.stop().await;
}
