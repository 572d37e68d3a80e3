//! Poll delivery (RFC 8936).

use std::time::Duration;

use serde_json::{Map, Value, json};
use testkit::fake_receiver::FakeReceiver;
use tokio::time::{Instant, sleep};

use crate::{
    house::ADMIN,
    stage::{Case, Stage, delete, user},
};

/// A stream and where it is polled.
struct Polled {
    receiver: FakeReceiver,
    stream: Value,
}

impl Polled {
    async fn new(stage: &Stage, case: Case) -> Self {
        let (receiver, stream) = stage.subscribed(case).await;
        Self { receiver, stream }
    }

    /// The whole answer.
    async fn ask(&self, said: Value) -> Value {
        let url = self.stream["delivery"]["endpoint_url"].as_str().unwrap();
        self.receiver.call("POST", url, said).await.expect(200).json()
    }

    /// The SETs that are there now, acknowledging these.
    async fn now(&self, more: Value) -> Map<String, Value> {
        let mut said = json!({"returnImmediately": true});
        said.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.ask(said).await["sets"].as_object().unwrap().clone()
    }

    async fn users(&self, sets: &Map<String, Value>) -> Vec<String> {
        let mut users = Vec::new();
        for (jti, set) in sets {
            let seen = self.receiver.verify(set.as_str().unwrap()).await;
            assert_eq!(seen.claims["jti"], **jti);
            users.push(user(&seen.claims));
        }
        users
    }

    async fn status(&self, status: &str) {
        let said = json!({"stream_id": self.stream["stream_id"], "status": status});
        self.receiver.call("POST", "status", said).await.expect(200);
    }
}

// spec: CIOP-014, CIOP-016, SSFC-011
#[tokio::test(flavor = "multi_thread")]
async fn sets_are_counted_out_and_what_is_acknowledged_does_not_come_again() {
    let stage = Stage::start().await;
    for case in Case::delivered_by(false) {
        let polled = Polled::new(&stage, case).await;
        for name in ["alice", "bob", "carol"] {
            stage.emit_about(name).await;
        }
        let none = polled.ask(json!({"maxEvents": 0, "returnImmediately": true})).await;
        assert_eq!(none, json!({"sets": {}, "moreAvailable": true}), "{case:?}");
        let one = polled.ask(json!({"maxEvents": 1, "returnImmediately": true})).await;
        assert_eq!(one["moreAvailable"], true);
        assert_eq!(polled.users(one["sets"].as_object().unwrap()).await, ["alice"]);

        let unknown = json!({"ack": ["no-such-jti", ""], "setErrs": {"nor-this": {"err": "invalid_request",
            "description": "never seen"}}});
        let all = polled.now(unknown).await;
        assert_eq!(polled.users(&all).await, ["alice", "bob", "carol"], "an unknown jti is ignored");
        let jtis: Vec<_> = all.keys().collect();
        let errors =
            json!({"ack": [jtis[0]], "setErrs": {jtis[1]: {"err": "invalid_key", "description": "?"}}});
        let rest = polled.now(errors.clone()).await;
        assert_eq!(polled.users(&rest).await, ["carol"]);
        assert_eq!(polled.now(errors).await, rest, "said twice, it counts once");
        let id = polled.stream["stream_id"].as_str().unwrap();
        let letters = stage.0.call("GET", &format!("/v1/streams/{id}/dead-letters"), ADMIN, None).await;
        assert_eq!(letters["dead_letters"].as_array().unwrap().len(), 1, "{letters}");
        assert!(polled.now(json!({"ack": [jtis[2]]})).await.is_empty());
        delete(&polled.receiver, &polled.stream).await;
    }
    stage.stop().await;
}

// spec: CIOP-014
#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_waits_for_an_event_and_a_short_one_does_not() {
    const LATER: Duration = Duration::from_millis(300);
    let stage = Stage::start().await;
    for case in Case::delivered_by(false) {
        let polled = Polled::new(&stage, case).await;
        let since = Instant::now();
        assert!(polled.now(json!({})).await.is_empty());
        assert!(since.elapsed() < LATER * 15, "{case:?}: {:?}", since.elapsed());
        let since = Instant::now();
        let emit = async {
            sleep(LATER).await;
            stage.emit_about("alice").await;
        };
        let (answer, ()) = tokio::join!(polled.ask(json!({})), emit);
        assert_eq!(polled.users(answer["sets"].as_object().unwrap()).await, ["alice"]);
        assert!((LATER..LATER * 15).contains(&since.elapsed()), "{case:?}: {:?}", since.elapsed());
        delete(&polled.receiver, &polled.stream).await;
    }
    stage.stop().await;
}

// spec: SSFC-011, CIOP-050
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_not_enabled_is_polled_in_peace() {
    let stage = Stage::start().await;
    for case in Case::delivered_by(false) {
        let polled = Polled::new(&stage, case).await;
        stage.emit_about("alice").await;
        polled.status("paused").await;
        stage.emit_about("bob").await;
        assert!(polled.now(json!({})).await.is_empty(), "{case:?}");
        polled.status("enabled").await;
        let kept = polled.now(json!({})).await;
        assert_eq!(polled.users(&kept).await, ["alice", "bob"], "a pause keeps");
        polled.status("disabled").await;
        stage.emit_about("carol").await;
        assert!(polled.now(json!({"ack": ["no-such-jti"]})).await.is_empty());
        polled.status("enabled").await;
        assert!(polled.now(json!({})).await.is_empty(), "what is disabled drops");
        delete(&polled.receiver, &polled.stream).await;
    }
    stage.stop().await;
}
