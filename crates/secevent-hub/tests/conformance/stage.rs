//! A hub with a receiver for every way of getting in and every profile.

use std::time::Duration;

use secevent::Alg;
use secevent_hub::{ReceiverSettings, Settings};
use serde_json::{Value, json};
use testkit::fake_receiver::{Credential, FakeReceiver};

use crate::house::{ADMIN, House};

pub(crate) const PUSH: &str = "urn:ietf:rfc:8935";
pub(crate) const POLL: &str = "urn:ietf:rfc:8936";
const SECRET: &str = "only-for-this-test";
const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type/";

/// The use cases of CAEP Interop §3, and the one that was added after draft 01.
pub(crate) const USE_CASES: [&str; 4] =
    ["session-revoked", "credential-change", "device-compliance-change", "risk-level-change"];

/// How a receiver is served: which delivery, which credential, which profile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) push: bool,
    pub(crate) oauth: bool,
    /// CAEP Interop: RS256, the use cases asked for, delivery always named.
    pub(crate) interop: bool,
}

impl Case {
    /// All eight.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let bit = |n: u8, at: u8| n >> at & 1 == 1;
        (0..8).map(move |n| Self { push: bit(n, 0), oauth: bit(n, 1), interop: bit(n, 2) })
    }

    /// Those of one way of delivery.
    pub(crate) fn delivered_by(push: bool) -> impl Iterator<Item = Self> {
        Self::all().filter(move |case| case.push == push)
    }

    /// The name of its receiver, whichever the delivery.
    fn receiver(self) -> String {
        let credential = if self.oauth { "oauth" } else { "token" };
        format!("{credential}-{}", if self.interop { "interop" } else { "plain" })
    }

    pub(crate) fn alg(self) -> &'static str {
        if self.interop { "RS256" } else { "ES256" }
    }

    fn settings(self) -> ReceiverSettings {
        let id = self.receiver();
        let mut settings = ReceiverSettings::without_token(&id, vec![audience(&id)]);
        settings.alg = Alg::from_name(self.alg()).unwrap();
        if self.oauth {
            settings.secret = Some(SECRET.into());
        } else {
            settings.token = Some(format!("token of {id}").replace(' ', "-"));
        }
        settings
    }

    fn credential(self) -> Credential {
        let ReceiverSettings { id, token, .. } = self.settings();
        let secret = SECRET.into();
        token.map_or(Credential::Client { id, secret }, Credential::Token)
    }

    /// The delivery that a receiver asks for; nothing at all means poll.
    pub(crate) fn delivery(self, receiver: &FakeReceiver) -> Option<Value> {
        match (self.push, self.interop) {
            (true, _) => Some(json!({"method": PUSH, "endpoint_url": receiver.push_url(&self.receiver()),
                "authorization_header": "Bearer of-the-receiver"})),
            (false, true) => Some(json!({"method": POLL})),
            (false, false) => None,
        }
    }

    /// What a receiver says to get a stream.
    pub(crate) fn request(self, receiver: &FakeReceiver) -> Value {
        let mut request = json!({});
        if let Some(delivery) = self.delivery(receiver) {
            request["delivery"] = delivery;
        }
        if self.interop {
            request["events_requested"] = USE_CASES.map(uri).into();
        }
        request
    }
}

fn audience(id: &str) -> String {
    format!("https://{id}.example/aud")
}

pub(crate) fn uri(name: &str) -> String {
    format!("{CAEP}{name}")
}

/// Subjects in the formats of CAEP Interop §2.5.
pub(crate) fn subjects() -> [Value; 3] {
    [
        json!({"format": "email", "email": "alice@example.com"}),
        json!({"format": "iss_sub", "iss": "https://idp.example", "sub": "alice"}),
        json!({"format": "opaque", "id": "alice-1"}),
    ]
}

/// The hub.
pub(crate) struct Stage(pub(crate) House);

impl Stage {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(more: impl FnOnce(&mut Settings)) -> Self {
        let set = |settings: &mut Settings| {
            settings.receivers = Case::delivered_by(false).map(Case::settings).collect();
            settings.limits.poll_wait = Duration::from_secs(10);
            more(settings);
        };
        Self(House::start(set).await)
    }

    /// The receiver of a case.
    pub(crate) async fn receiver(&self, case: Case) -> FakeReceiver {
        let aud = audience(&case.receiver());
        FakeReceiver::start(&self.0.authority, &self.0.url, &aud, case.credential()).await
    }

    /// The receiver of a case, with a stream.
    pub(crate) async fn subscribed(&self, case: Case) -> (FakeReceiver, Value) {
        let receiver = self.receiver(case).await;
        let stream = create(&receiver, &case.request(&receiver)).await;
        (receiver, stream)
    }

    /// Hands an event in, as its producer does.
    pub(crate) async fn emit(&self, name: &str, subject: &Value, claims: &Value) {
        let event = json!({"event": format!("caep:{name}"), "subject": subject, "claims": claims});
        let answer = self.0.call("POST", "/v1/events", ADMIN, Some(event)).await;
        assert_eq!(answer["accepted"], 1, "{answer}");
    }

    /// `session-revoked` about somebody.
    pub(crate) async fn emit_about(&self, user: &str) {
        let subject = json!({"format": "email", "email": format!("{user}@example.com")});
        self.emit("session-revoked", &subject, &json!({"reason_admin": {"en": "a test"}})).await;
    }

    pub(crate) async fn stop(self) {
        self.0.stop().await;
    }
}

/// A stream that was created as is asked.
pub(crate) async fn create(receiver: &FakeReceiver, request: &Value) -> Value {
    receiver.call("POST", "configuration", request.clone()).await.expect(201).json()
}

pub(crate) async fn delete(receiver: &FakeReceiver, stream: &Value) {
    let deleted = receiver.call("DELETE", "configuration", of(stream)).await.expect(204);
    assert!(deleted.body.is_empty(), "{deleted:?}");
}

/// `stream_id`, and nothing else.
pub(crate) fn of(stream: &Value) -> Value {
    json!({"stream_id": stream["stream_id"]})
}

/// The user of the subject.
pub(crate) fn user(claims: &Value) -> String {
    claims["sub_id"]["email"].as_str().unwrap().split('@').next().unwrap().to_owned()
}
