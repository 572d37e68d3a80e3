//! Keys that come and go, as those see it who verify with them.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use secevent::{JwkSet, Policy, Set};
use secevent_hub::Settings;
use secevent_ssf::engine::Millis;
use serde_json::{Value, json};

use crate::{
    home::{ACME, ACME_AUD, ADMIN, Home, Running, eventually, now},
    http_call::call,
    push_receiver::PushReceiver,
};

pub(crate) const DAY: u64 = 24 * 3600;

/// A clock that a test moves on.
#[derive(Clone, Default)]
pub(crate) struct Clock(Arc<AtomicU64>);

impl Clock {
    fn now(&self) -> Millis {
        now().plus(self.0.load(Ordering::SeqCst))
    }

    pub(crate) fn forward(&self, secs: u64) {
        self.0.fetch_add(secs * 1000, Ordering::SeqCst);
    }

    fn settings(&self, home: &Home) -> Settings {
        let clock = self.clone();
        let mut settings = home.settings();
        settings.clock = Arc::new(move || clock.now());
        settings
    }

    pub(crate) async fn start(&self, home: &Home) -> Running {
        start(home, self.settings(home)).await
    }
}

async fn start(home: &Home, settings: Settings) -> Running {
    home.start_with(settings, Arc::new(home.store().await), |_| axum::Router::new()).await
}

/// A receiver that fetches the keys again when those it has are as old as they may be, and never before.
#[derive(Default)]
struct Strict {
    keys: Option<(JwkSet, Millis)>,
}

impl Strict {
    /// Verifies a SET with the keys it has, and answers with the `kid`.
    async fn verify(&mut self, hub: &Running, clock: &Clock, set: &str) -> String {
        let fresh = |(_, until): &(JwkSet, Millis)| clock.now() < *until;
        if !self.keys.as_ref().is_some_and(fresh) {
            let (keys, max_age) = published(hub).await;
            self.keys = Some((keys, clock.now().plus(max_age * 1000)));
        }
        let (keys, _) = self.keys.as_ref().unwrap();
        let set = Set::parse(set).unwrap();
        let kid = set.key_hint().kid.unwrap().to_owned();
        set.verify(keys, &Policy::ssf(hub.hub.issuer(), ACME_AUD), clock.now().timestamp()).unwrap();
        kid
    }
}

/// The JWK Set, and for how many seconds it may be kept. There is nothing private in it.
async fn published(hub: &Running) -> (JwkSet, u64) {
    let answer = call("GET", &format!("{}/jwks.json", hub.url), &[], "").await.expect(200);
    let max_age = answer.header("cache-control").strip_prefix("public, max-age=").unwrap().parse().unwrap();
    for key in answer.json()["keys"].as_array().unwrap() {
        let private = ["d", "p", "q", "dp", "dq", "qi", "k"];
        assert!(private.iter().all(|name| key.get(name).is_none()), "{key}");
    }
    (JwkSet::parse(&answer.body).unwrap(), max_age)
}

async fn published_kids(hub: &Running) -> BTreeSet<String> {
    published(hub).await.0.keys().iter().map(|key| key.kid().unwrap().to_owned()).collect()
}

/// `(kid, state)` of the keys of ES256, in the order in which they sign.
fn states(answer: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let keys = answer["keys"].as_array().unwrap().iter().filter(|key| key["alg"] == "ES256");
    keys.map(|key| (text(&key["kid"]), text(&key["state"]))).collect()
}

async fn listed(hub: &Running) -> Vec<(String, String)> {
    states(&hub.get("/v1/keys", ADMIN).await.expect(200).json())
}

async fn rotate(hub: &Running, request: &Value) -> Value {
    hub.post("/v1/keys/rotate", ADMIN, request).await.expect(200).json()
}

/// What waits for a stream: `(jti, set)`.
async fn poll(hub: &Running, stream: &str, ack: &[String]) -> Vec<(String, String)> {
    let request = json!({"returnImmediately": true, "ack": ack});
    let answer = hub.poll(stream, ACME, &request).await.expect(200).json();
    let sets = answer["sets"].as_object().unwrap().iter();
    sets.map(|(jti, set)| (jti.clone(), set.as_str().unwrap().to_owned())).collect()
}

// spec: SSF-019, SSF-033
#[tokio::test(flavor = "multi_thread")]
async fn who_keeps_the_keys_as_long_as_they_may_be_kept_verifies_every_signal() {
    let (home, clock) = (Home::new(), Clock::default());
    let mut hub = clock.start(&home).await;
    let stream = hub.create_poll(ACME).await;
    let mut receivers: Vec<_> = (0..5).map(|_| Strict::default()).collect();
    let first = listed(&hub).await[0].0.clone();
    let rotated = rotate(&hub, &json!({"alg": "ES256"})).await;
    let [(_, current), (second, next)] = &states(&rotated)[..] else { panic!("{rotated}") };
    assert_eq!((current.as_str(), next.as_str()), ("current", "next"));
    assert_eq!(rotate(&hub, &json!({"alg": "ES256"})).await, rotated, "asking again is answered alike");
    assert!(!rotated.to_string().contains("\"d\""));

    let mut signed_with = Vec::new();
    let mut ack = Vec::new();
    for minute in 0..20 {
        if minute == 4 {
            hub.stop().await;
            hub = clock.start(&home).await;
        }
        hub.emit(&format!("{minute}@x.example")).await;
        let sets = poll(&hub, &stream, &ack).await;
        assert_eq!(sets.len(), 1);
        for (at, receiver) in receivers.iter_mut().enumerate() {
            // Each began at another minute, so that their keys age differently.
            if at <= minute {
                let kid = receiver.verify(&hub, &clock, &sets[0].1).await;
                signed_with.push(kid);
            }
        }
        ack = vec![sets[0].0.clone()];
        clock.forward(60);
    }
    signed_with.dedup();
    assert_eq!(signed_with, [first.as_str(), second], "the second took over by itself, also over a restart");

    assert!(published_kids(&hub).await.contains(&first), "what it signed may still be on its way");
    poll(&hub, &stream, &ack).await;
    clock.forward(8 * DAY);
    assert!(!published_kids(&hub).await.contains(&first));
    assert_eq!(listed(&hub).await[0], (first, "retired".into()));
    eventually("its private half is gone", async || {
        let keys = hub.get("/v1/keys", ADMIN).await.json();
        keys["keys"]
            .as_array()
            .unwrap()
            .iter()
            .any(|key| key["state"] == "retired" && !key["until"].is_null())
    })
    .await;
    hub.stop().await;
    assert_eq!(
        clock.start(&home).await.hub.signer(secevent::Alg::Es256).map(|key| kid(&key)),
        Some(second.clone())
    );
}

fn kid(key: &secevent::SigningKey) -> String {
    secevent::Signer::kid(key).to_owned()
}

// spec: SSF-033, SSF-010
#[tokio::test(flavor = "multi_thread")]
async fn a_compromised_key_leaves_at_once_and_what_it_signed_is_signed_anew() {
    let (home, clock) = (Home::new(), Clock::default());
    let hub = clock.start(&home).await;
    let receiver = PushReceiver::start([]).await;
    receiver.answer(503);
    let stream = hub.create_poll(ACME).await;
    hub.create_push(ACME, &receiver.url(), "Bearer r").await;
    hub.emit("1@x.example").await;
    let before = poll(&hub, &stream, &[]).await;
    let mut strict = Strict::default();
    let old = strict.verify(&hub, &clock, &before[0].1).await;
    assert_eq!(receiver.came(1).await[0].jti(), before[0].0);

    let rotated = rotate(&hub, &json!({"alg": "ES256", "now": true})).await;
    let [(withdrawn, retired), (new, current)] = &states(&rotated)[..] else { panic!("{rotated}") };
    assert_eq!((withdrawn, retired.as_str(), current.as_str()), (&old, "retired", "current"));
    let kids = published_kids(&hub).await;
    assert!(!kids.contains(&old) && kids.contains(new));
    receiver.answer(202);
    let after = poll(&hub, &stream, &[]).await;
    assert_eq!(after[0].0, before[0].0, "the same name");
    assert_eq!(&Strict::default().verify(&hub, &clock, &after[0].1).await, new);
    // A receiver's keys are minutes old at most, and the new ones do not know what the old key signed.
    clock.forward(300);
    strict.verify(&hub, &clock, &after[0].1).await;
    let keys = strict.keys.unwrap().0;
    assert!(keys.find(secevent::Alg::Es256, Some(&old)).is_err());
    clock.forward(60);
    hub.emit("2@x.example").await;
    let pushed = receiver.came(3).await;
    let last = pushed.iter().rfind(|pushed| pushed.jti() == before[0].0).unwrap();
    assert_eq!(Set::parse(&last.set).unwrap().key_hint().kid, Some(new.as_str()), "repeats are signed anew");
    hub.stop().await;
    let hub = clock.start(&home).await;
    assert!(!published_kids(&hub).await.contains(&old), "also after a restart");
    hub.stop().await;
}

/// Who took a SET just before its key left, and looks at it just after, is no reason to set it aside.
// spec: POLL-034
#[tokio::test(flavor = "multi_thread")]
async fn what_a_compromised_key_signed_is_offered_again_to_who_refuses_it() {
    let (home, clock) = (Home::new(), Clock::default());
    let hub = clock.start(&home).await;
    let stream = hub.create_poll(ACME).await;
    hub.emit("1@x.example").await;
    let (jti, _) = poll(&hub, &stream, &[]).await.remove(0);
    rotate(&hub, &json!({"now": true})).await;
    let refuse = async |err: &str| {
        let errors = json!({&jti: {"err": err, "description": "unknown kid"}});
        let request = json!({"returnImmediately": true, "setErrs": errors});
        hub.poll(&stream, ACME, &request).await.expect(200).json()["sets"].as_object().unwrap().clone()
    };
    let again = refuse("invalid_key").await;
    Strict::default().verify(&hub, &clock, again[&jti].as_str().unwrap()).await;
    let letters = async || hub.get(&format!("/v1/streams/{stream}/dead-letters"), ADMIN).await.json();
    assert_eq!(letters().await["dead_letters"], json!([]));
    clock.forward(600);
    assert!(refuse("invalid_key").await.is_empty(), "by then it knows the keys");
    assert_eq!(letters().await["dead_letters"].as_array().unwrap().len(), 1);
    hub.stop().await;
}

// spec: SSF-033
#[tokio::test(flavor = "multi_thread")]
async fn on_schedule_keys_rotate_by_themselves() {
    let (home, clock) = (Home::new(), Clock::default());
    let mut settings = clock.settings(&home);
    settings.rotate_keys_every = Some(Duration::from_secs(90 * DAY));
    let hub = start(&home, settings).await;
    let stream = hub.create_poll(ACME).await;
    let first = listed(&hub).await[0].0.clone();
    clock.forward(90 * DAY - 600);
    eventually("the next key is published", async || published_kids(&hub).await.len() == 4).await;
    let [(_, _), (second, next)] = &listed(&hub).await[..] else { panic!("two keys of ES256") };
    assert_eq!(next, "next");
    for wanted in [&first, second] {
        hub.emit("a@x.example").await;
        let sets = poll(&hub, &stream, &[]).await;
        assert_eq!(&Strict::default().verify(&hub, &clock, &sets.last().unwrap().1).await, wanted);
        clock.forward(600);
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_is_for_the_admin_and_says_what_it_cannot_do() {
    let home = Home::new();
    let hub = home.start().await;
    for (method, path) in [("GET", "/v1/keys"), ("POST", "/v1/keys/rotate")] {
        assert_eq!(hub.send(method, path, ACME, "").await.status, 401, "{path}");
    }
    let all = hub.send("POST", "/v1/keys/rotate", ADMIN, "").await.expect(200).json();
    let algs: BTreeSet<_> =
        all["keys"].as_array().unwrap().iter().map(|key| key["alg"].to_string()).collect();
    assert_eq!(algs.len(), 2, "all that sign: {all}");
    for (body, status) in [
        (r#"{"alg": "none"}"#, 400),
        (r#"{"alg": 5}"#, 400),
        (r#"{"now": "yes"}"#, 400),
        (r#"{"kid": "a"}"#, 400),
        (r#"{"alg": "ES256", "alg": "RS256"}"#, 400),
        ("[]", 400),
        (r#"{"alg": "PS512"}"#, 404),
    ] {
        assert_eq!(hub.send("POST", "/v1/keys/rotate", ADMIN, body).await.status, status, "{body}");
    }
    hub.stop().await;
}

/// Every commit of a rotation is all or nothing, and what is emitted meanwhile is signed by a key that is known.
#[tokio::test(flavor = "multi_thread")]
async fn rotations_under_load_lose_nothing() {
    let (home, clock) = (Home::new(), Clock::default());
    let hub = Arc::new(clock.start(&home).await);
    let receiver = PushReceiver::start([]).await;
    hub.create_push(ACME, &receiver.url(), "Bearer r").await;
    let producer = tokio::spawn({
        let hub = Arc::clone(&hub);
        async move {
            for n in 0..60 {
                hub.emit(&format!("{n}@x.example")).await;
            }
        }
    });
    for n in 0..6 {
        rotate(&hub, &json!({"now": n % 2 == 0})).await;
        clock.forward(601);
    }
    producer.await.unwrap();
    receiver.came(60).await;
    assert_eq!(receiver.taken().iter().collect::<BTreeSet<_>>().len(), 60);
    Arc::into_inner(hub).unwrap().stop().await;
}
