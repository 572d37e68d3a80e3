//! A store that fails at any call, one after the other: nothing that was answered is lost, and the hub says so itself
//! when it must end.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use secevent_hub::Hub;
use secevent_ssf::{Seq, engine::Millis, store::Store};
use serde_json::{Value, json};

use crate::{
    faulty::{Fault, Faulty},
    home::{ACME, ADMIN, Home, Running, event, eventually},
    http_call::call,
    push_receiver::{PushReceiver, Reply},
};

/// The story of one hub over a store that fails, and what it promised.
struct Stage {
    hub: Running,
    store: Arc<Faulty>,
    receiver: PushReceiver,
    push: Option<String>,
    poll: Option<String>,
    /// Answered with 202, each for both streams: about whom, and the id.
    accepted: Vec<(String, String)>,
    polled: BTreeSet<String>,
}

impl Stage {
    /// Asks until the answer has this status; a store that is full may make that take a while. `None` when the hub
    /// cannot any more.
    async fn ask(&self, method: &str, path: &str, token: &str, body: &Value, wanted: u16) -> Option<Value> {
        let (bearer, body) = (format!("Bearer {token}"), body.to_string());
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", body.as_str()),
        ];
        let headers = &headers[..if path == "/v1/events" { 3 } else { 2 }];
        for _ in 0..300 {
            let answer = call(method, &format!("{}{path}", self.hub.url), headers, body.as_str()).await;
            if answer.status == wanted {
                return Some(serde_json::from_slice(&answer.body).unwrap_or_default());
            }
            assert_eq!(answer.status, 503, "{method} {path}: {answer:?}");
            assert!(path != "/v1/events" || !answer.header("retry-after").is_empty(), "{answer:?}");
            assert!(self.store.has_failed(), "refused without a reason: {answer:?}");
            if self.store.must_end() {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{method} {path} is not answered with {wanted} although there is room again");
    }

    async fn create(&self, delivery: &Value) -> Option<String> {
        let answer = self.ask("POST", "/ssf/streams", ACME, delivery, 201).await?;
        Some(answer["stream_id"].as_str().unwrap().to_owned())
    }

    async fn emit(&mut self, user: &str) {
        let Some(answer) = self.ask("POST", "/v1/events", ADMIN, &event(user), 202).await else { return };
        assert!(self.push.is_some() && self.poll.is_some(), "a hub that failed takes no events");
        assert_eq!(answer["events"][0]["streams"], 2);
        self.accepted.push((user.to_owned(), answer["events"][0]["id"].as_str().unwrap().to_owned()));
    }

    /// Takes what there is, and says so.
    async fn take(&mut self) {
        let Some(stream) = &self.poll else { return };
        let path = format!("/ssf/poll/{stream}");
        let mut ack = Vec::new();
        loop {
            let request = json!({"ack": ack, "returnImmediately": true});
            let Some(answer) = self.ask("POST", &path, ACME, &request, 200).await else { return };
            let sets = answer["sets"].as_object().unwrap();
            if sets.is_empty() {
                return;
            }
            ack = sets.keys().cloned().collect();
            self.polled.extend(sets.values().map(|set| user_in(set.as_str().unwrap())));
        }
    }

    async fn operate(&self, verb: &str) {
        if let Some(stream) = &self.push {
            self.ask("POST", &format!("/v1/streams/{stream}/{verb}"), ADMIN, &json!({}), 200).await;
        }
    }

    async fn play(&mut self) {
        let delivery = json!({"method": "urn:ietf:rfc:8935", "endpoint_url": self.receiver.url()});
        self.push = self.create(&json!({"delivery": delivery})).await;
        self.poll = self.create(&json!({})).await;
        for user in ["1@x.example", "2@x.example", "3@x.example"] {
            self.emit(user).await;
        }
        self.take().await;
        self.operate("pause").await;
        self.emit("4@x.example").await;
        self.operate("resume").await;
        self.ask("POST", "/v1/keys/rotate", ADMIN, &json!({"alg": "ES256", "now": true}), 200).await;
        self.emit("5@x.example").await;
        self.take().await;
        self.ask("GET", "/v1/received", ADMIN, &json!({}), 200).await;
        if !self.store.must_end() {
            let arrived = async || taken(&self.receiver).len() >= 4 || self.store.must_end();
            eventually("all but one were taken", arrived).await;
        }
    }
}

fn taken(receiver: &PushReceiver) -> BTreeSet<String> {
    let pushed = receiver.pushed().into_iter();
    pushed.filter(|pushed| pushed.status == 202).map(|pushed| user_in(&pushed.set)).collect()
}

fn user_in(set: &str) -> String {
    let claims = secevent::danger::peek(set).unwrap().claims;
    let subject = claims["sub_id"].as_object().unwrap();
    subject.get("email").or_else(|| subject.get("id")).unwrap().as_str().unwrap().to_owned()
}

/// Lives through the story while the n-th call fails; `false` when the story ended before.
async fn survives(home: Home, fault: Fault, nth: usize) -> bool {
    let told = format!("{fault:?} at call {nth}");
    let store = Faulty::new(home.store().await, fault, nth);
    let refused = Reply::status(400).body(&json!({"err": "invalid_request"}));
    let receiver = PushReceiver::start([Reply::status(202), refused]).await;
    let hub = loop {
        match Hub::start(home.settings(), store.clone()).await {
            Ok(hub) => break home.serve(hub, |_| axum::Router::new()),
            Err(error) if fault == Fault::Full => assert!(error.to_string().contains("full"), "{error}"),
            Err(_) => return true,
        }
    };
    let (accepted, polled) = (Vec::new(), BTreeSet::new());
    let mut stage = Stage { hub, store, receiver, push: None, poll: None, accepted, polled };
    stage.play().await;
    let Stage { hub, store, receiver, push, poll, accepted, mut polled } = stage;
    if store.must_end() {
        let said = tokio::time::timeout(Duration::from_secs(5), hub.hub.failed()).await;
        assert!(said.is_ok_and(|why| why.contains("input/output error")), "{told}: the hub does not say so");
    } else if fault == Fault::Full {
        let said = tokio::time::timeout(Duration::ZERO, hub.hub.failed()).await;
        assert!(said.is_err(), "{told}: {said:?}");
    }
    hub.stop().await;
    let (failed, complaints) = (store.has_failed(), store.complaints());
    assert!(complaints.is_empty(), "{told}: {complaints:?}");
    drop(store);

    let hub = home.start().await;
    if let (Some(push), Some(poll)) = (push, poll) {
        hub.send("POST", &format!("/v1/streams/{push}/resume"), ADMIN, "").await.expect(200);
        let mut ack = Vec::new();
        loop {
            let (sets, _) = hub.polled(&poll, json!({"ack": ack})).await;
            ack = sets.iter().map(|(jti, _)| jti.clone()).collect();
            polled.extend(sets.into_iter().map(|(_, user)| user));
            if ack.is_empty() {
                break;
            }
        }
        let lost: Vec<_> = accepted.iter().filter(|(user, _)| !polled.contains(user)).collect();
        assert!(lost.is_empty(), "{told}: accepted and never polled: {lost:?}");
        let letters = format!("/v1/streams/{push}/dead-letters");
        eventually(&format!("{told}: {accepted:?} are pushed, or set aside"), async || {
            let letters = hub.get(&letters, ADMIN).await.expect(200).json();
            let letters = letters["dead_letters"].as_array().unwrap();
            let set_aside = |id: &str| letters.iter().any(|letter| letter["id"] == id);
            let taken = taken(&receiver);
            accepted.iter().all(|(user, id)| taken.contains(user) || set_aside(id))
        })
        .await;
    }
    hub.stop().await;
    failed
}

/// Fails every call of the story, one after the other, a few at a time.
async fn sweep(fault: Fault) {
    /// The store waits for the disk most of the time.
    const AT_ONCE: usize = 8;
    let template = Home::new();
    template.start().await.stop().await;
    for first in (0..).step_by(AT_ONCE) {
        let mut lives = tokio::task::JoinSet::new();
        for nth in first..first + AT_ONCE {
            lives.spawn(survives(template.copy(), fault, nth));
        }
        let failed = lives.join_all().await;
        if failed.iter().all(|failed| !failed) {
            assert!(first >= 24, "the story has only {first} calls");
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_at_any_call_ends_the_hub_and_loses_nothing() {
    sweep(Fault::Failed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_when_it_has_written_ends_the_hub_and_loses_nothing() {
    sweep(Fault::FailedTooLate).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_full_at_any_call_refuses_and_goes_on() {
    sweep(Fault::Full).await;
}

/// A crash between the two would leave no trace of what was dropped.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_dropped_as_too_old_is_written_down_before_it_is_forgotten() {
    let home = Home::new();
    let hub = home.start().await;
    let poll = hub.create_poll(ACME).await;
    for user in ["1@x.example", "2@x.example", "3@x.example"] {
        hub.emit(user).await;
    }
    hub.stop().await;

    let store = Faulty::watched(home.store().await);
    let mut settings = home.settings();
    let week_ms = u64::try_from(settings.limits.retention.as_millis()).unwrap();
    settings.clock = Arc::new(move || Millis(crate::home::now().0 + week_ms + 60_000));
    let hub = home.start_with(settings, store.clone(), |_| axum::Router::new()).await;
    eventually("all but the last are forgotten", async || {
        store.inner.events(&[Seq(1), Seq(2)]).unwrap().is_empty()
    })
    .await;
    assert_eq!(store.complaints(), Vec::<String>::new());
    let letters = hub.get(&format!("/v1/streams/{poll}/dead-letters"), ADMIN).await.expect(200).json();
    assert!(letters.to_string().contains("3 events up to this one"), "{letters}");
    hub.stop().await;
}
