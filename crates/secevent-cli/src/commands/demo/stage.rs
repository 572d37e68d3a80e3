//! Who plays: the hub, its two receivers and the relying party, each on a socket of its own.

use std::{sync::Arc, time::Duration};

use secevent::{Alg, EventType, Profile, Set, VerifiedSet, event::logout};
use secevent_http::{
    client::{Client, Egress, JwksCache, discover},
    router::push_endpoint,
};
use secevent_hub::{
    Hub, ReceiverSettings, Settings, fresh_origin,
    receiver::{Intake, Kept, Sink, Verifier, Wanted, poll_loop, subscribe},
    store::SqliteStore,
};
use secevent_jose::json;
use secevent_ssf::stream::Secret;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

use super::{report::Heard, samples};
use crate::{clock, failure::Failure};

mod relying_party;

/// Everything that runs.
pub(super) struct Stage {
    pub(super) issuer: String,
    hub: Hub,
    client: Client,
    admin: String,
    arrivals: mpsc::Receiver<Arrival>,
    relying_party: String,
    stop_hub: Option<oneshot::Sender<()>>,
    stop_receivers: watch::Sender<bool>,
    served: tokio::task::JoinHandle<Result<(), String>>,
    /// Removed with everything in it at the end.
    _folder: TempDir,
}

/// A signal that a receiver has verified.
pub(super) struct Arrival {
    pub(super) event: String,
    pub(super) subject: String,
    pub(super) jti: String,
    pub(super) delivery: &'static str,
    pub(super) at: Instant,
}

/// The client id of the relying party.
const RELYING_PARTY: &str = "shop";

fn failed(what: &'static str) -> impl Fn(&dyn std::fmt::Display) -> Failure {
    move |error| Failure::could_not(format_args!("{what}: {error}"))
}

impl Stage {
    /// Starts everything, and waits until both streams exist.
    pub(super) async fn set() -> Result<Self, Failure> {
        let folder = tempfile::tempdir().map_err(|e| failed("a temporary folder")(&e))?;
        let (listener, issuer) = socket().await?;
        let admin = random();
        let (pushed_to, polling) = (random(), random());
        let mut settings = Settings::new(&issuer, clock::shared());
        settings.client = Client::new(Egress::loopback());
        settings.admin_token = Some(admin.clone());
        settings.receivers = vec![
            ReceiverSettings::new("pushed-to", &pushed_to, vec!["https://pushed-to.example".into()]),
            ReceiverSettings::new("polling", &polling, vec!["https://polling.example".into()]),
        ];
        let store = SqliteStore::open(&folder.path().join("hub.db"), fresh_origin);
        let store = store.map_err(|e| failed("the store")(&e))?;
        let hub = Hub::start(settings, Arc::new(store)).await.map_err(|e| failed("the hub")(&e))?;
        let (stop_hub, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn({
            let hub = hub.clone();
            async move { hub.serve(listener, Vec::new(), async { drop(stopped.await) }).await }
        });
        let (heard, arrivals) = mpsc::channel(64);
        let client = Client::new(Egress::loopback());
        let stop_receivers = watch::Sender::new(false);
        let (push_types, poll_types) = samples::halves();
        pushed_receiver(&client, &issuer, &pushed_to, push_types, heard.clone()).await?;
        polling_receiver(&client, &issuer, &polling, poll_types, heard, stop_receivers.subscribe()).await?;
        let relying_party = relying_party::serve(logout_verifier(&client, &issuer).await?).await?;
        let stop_hub = Some(stop_hub);
        Ok(Self {
            issuer,
            hub,
            client,
            admin,
            arrivals,
            relying_party,
            stop_hub,
            stop_receivers,
            served,
            _folder: folder,
        })
    }

    /// Hands an event to the hub and answers with its id.
    pub(super) async fn emit(&self, sample: &samples::Sample) -> Result<String, Failure> {
        let event = json!({
            "event": sample.name(), "subject": sample.subject, "claims": sample.event.payload(),
        });
        let url = format!("{}/v1/events", self.issuer);
        let answer = self.admin_call(self.client.post(&url).body(event.to_string()), 202).await?;
        Ok(answer["events"][0]["id"].as_str().unwrap_or_default().to_owned())
    }

    /// The next signal that a receiver has verified.
    pub(super) async fn arrival(&mut self) -> Result<Arrival, Failure> {
        self.arrivals.recv().await.ok_or_else(|| Failure::could_not("the receivers have ended"))
    }

    /// Waits until the hub knows that the event reached its stream; `false` when it was set aside.
    pub(super) async fn is_settled(&self, id: &str) -> Result<bool, Failure> {
        let url = format!("{}/v1/events/{id}", self.issuer);
        loop {
            let event = self.admin_call(self.client.get(&url), 200).await?;
            match event["streams"][0]["state"].as_str() {
                Some("pending") => tokio::time::sleep(Duration::from_millis(2)).await,
                state => return Ok(state == Some("settled")),
            }
        }
    }

    /// Posts a Logout Token to the relying party, signed with the key that the hub publishes.
    pub(super) async fn log_out(&self) -> Result<Heard, Failure> {
        let now = clock::millis().timestamp();
        let signer = self.hub.signer(Alg::Rs256).ok_or_else(|| Failure::could_not("the hub has no key"))?;
        let jti = random();
        let token = Set::issue(&self.issuer)
            .profile(Profile::LOGOUT)
            .to(RELYING_PARTY)
            .event(logout::BackchannelLogout::new())
            .claim("sub", "alice")
            .claim("sid", "session-1")
            .claim("exp", now.plus_secs(120).0)
            .at(now)
            .jti(&jti)
            .sign(&signer)
            .map_err(|e| failed("the Logout Token")(&e))?;
        let sent = Instant::now();
        let form = format!("logout_token={token}");
        let request = self.client.post(&self.relying_party).body(form);
        let request = request.header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let response = request.send().await.map_err(|e| failed("the relying party")(&e))?;
        // spec: BCL-059
        let well = matches!(response.status, 200 | 204);
        Ok(Heard {
            event: "logout:backchannel-logout".into(),
            subject: "alice, session-1".into(),
            delivery: "form",
            jti,
            ms: sent.elapsed().as_secs_f64() * 1000.0,
            verified: well,
            acked: well,
        })
    }

    /// Ends everything in order.
    pub(super) async fn strike(mut self) {
        self.stop_receivers.send_replace(true);
        drop(self.stop_hub.take());
        drop(self.served.await);
    }

    async fn admin_call(
        &self,
        request: secevent_http::client::Request<'_>,
        expected: u16,
    ) -> Result<Value, Failure> {
        let authorization = format!("Bearer {}", self.admin);
        let response = request.authorization(Some(&authorization)).send().await;
        let response = response.map_err(|e| failed("the hub")(&e))?;
        let body = json::parse(&response.body).unwrap_or_default();
        if response.status == expected {
            Ok(body)
        } else {
            Err(Failure::no(format_args!("the hub answered {}: {body}", response.status)))
        }
    }
}

async fn pushed_receiver(
    client: &Client,
    issuer: &str,
    token: &str,
    events: Vec<EventType>,
    heard: mpsc::Sender<Arrival>,
) -> Result<(), Failure> {
    let (listener, url) = socket().await?;
    let credential = Secret::new(format!("Bearer {}", random()));
    let wanted = Wanted {
        authorization: format!("Bearer {token}").into(),
        events: Some(events),
        push_to: Some((format!("{url}/events"), credential.clone())),
        ..Wanted::new(issuer)
    };
    let subscription =
        subscribe(client, &wanted, clock::shared()).await.map_err(|e| failed("the stream")(&e))?;
    let ear = Arc::new(Ear { delivery: "push", heard });
    let app = push_endpoint("/events", Intake::new(subscription.verifier, credential, ear));
    tokio::spawn(axum::serve(listener, app).into_future());
    Ok(())
}

async fn polling_receiver(
    client: &Client,
    issuer: &str,
    token: &str,
    events: Vec<EventType>,
    heard: mpsc::Sender<Arrival>,
    stop: watch::Receiver<bool>,
) -> Result<(), Failure> {
    let wanted = Wanted {
        authorization: format!("Bearer {token}").into(),
        events: Some(events),
        ..Wanted::new(issuer)
    };
    let subscription =
        subscribe(client, &wanted, clock::shared()).await.map_err(|e| failed("the stream")(&e))?;
    let ear = Arc::new(Ear { delivery: "poll", heard });
    tokio::spawn(async move { poll_loop(&subscription, ear, stop).await });
    Ok(())
}

async fn logout_verifier(client: &Client, issuer: &str) -> Result<Verifier, Failure> {
    let metadata = discover(client, issuer).await.map_err(|e| failed("discovery")(&e))?;
    let jwks = JwksCache::new(client.clone(), metadata.jwks_uri.unwrap_or_default());
    let policy = secevent::Policy::new(Profile::LOGOUT, issuer, RELYING_PARTY);
    Ok(Verifier::new(policy, jwks, clock::shared()))
}

/// Tells the demo of each signal that was verified.
struct Ear {
    delivery: &'static str,
    heard: mpsc::Sender<Arrival>,
}

impl Sink for Ear {
    async fn keep(&self, set: &VerifiedSet) -> Result<Kept, String> {
        let arrival = Arrival {
            event: set.event().event_type().name(),
            subject: set.subject().map(ToString::to_string).unwrap_or_default(),
            jti: set.jti().to_owned(),
            delivery: self.delivery,
            at: Instant::now(),
        };
        self.heard.send(arrival).await.map_err(|_| "the demo has ended".to_owned())?;
        Ok(Kept::New)
    }
}

async fn socket() -> Result<(TcpListener, String), Failure> {
    let cannot = failed("a socket on 127.0.0.1");
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|e| cannot(&e))?;
    let url = format!("http://{}", listener.local_addr().map_err(|e| cannot(&e))?);
    Ok((listener, url))
}

fn random() -> String {
    secevent_jose::base64url(&secevent_jose::random::<24>())
}
