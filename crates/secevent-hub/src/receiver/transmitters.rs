//! The transmitters of a hub: what it receives from them is listed at `/v1/received`.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use axum::{
    Router,
    extract::{Path, Request, State},
    response::Response,
    routing::post,
};
use secevent::{EventType, VerifiedSet, danger};
use secevent_http::{client::Authorization, router::Problem};
use secevent_ssf::{
    store::{Batch, Received, Write},
    stream::Secret,
};
use tracing::{info, warn};

use super::{
    Kept, Sink, Standing, Tolerance, Watch,
    reception::{Endpoint, PushTo, Reception},
    state::StateSeal,
};
use crate::Hub;

/// A transmitter that is received from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TransmitterSettings {
    /// Its name here.
    pub id: String,
    /// Its issuer URL.
    pub issuer: String,
    /// The `aud` values that name this receiver.
    pub audience: Vec<String>,
    /// Whether it pushes to us; we poll otherwise.
    pub push: bool,
    /// How our requests say who we are.
    pub authorization: Authorization,
    /// What to ask for; everything when absent.
    pub events: Option<Vec<EventType>>,
    /// What it is forgiven; nothing unless said.
    pub tolerance: Tolerance,
    /// How closely its stream is watched.
    pub watch: Watch,
    /// The members of complex subjects that are interpreted here; those that SSF 1.0 §3.3 names when absent.
    pub understood: Option<Vec<String>>,
}

impl TransmitterSettings {
    /// A transmitter that is polled for everything.
    pub fn new(id: impl Into<String>, issuer: impl Into<String>, audience: Vec<String>) -> Self {
        Self {
            id: id.into(),
            issuer: issuer.into(),
            audience,
            push: false,
            authorization: Authorization::None,
            events: None,
            tolerance: Tolerance::STRICT,
            watch: Watch::default(),
            understood: None,
        }
    }
}

/// Keeps SETs in the hub's store, under the transmitter they came from.
#[derive(Debug)]
struct Listed {
    hub: Hub,
    transmitter: String,
}

impl Sink for Listed {
    // spec: PUSH-037, SET-069, POLL-026, CHK-015, CHK-016
    async fn keep(&self, set: &VerifiedSet) -> Result<Kept, String> {
        let (iss, jti) = (set.iss().to_owned(), set.jti().to_owned());
        // What hinders the store is in the log; a transmitter is told no details.
        let unable = |_| "the hub cannot write now".to_owned();
        let named = (iss.clone(), jti.clone());
        let before = self.hub.read_store(move |store| store.received_as(&named.0, &named.1)).await;
        if let Some(before) = before.map_err(unable)? {
            warn_of_another_content(&self.transmitter, set, &before.set);
            return Ok(Kept::Repeat);
        }
        let transmitter = self.transmitter.clone();
        let (set_text, at) = (set.token().to_owned(), self.hub.now().timestamp());
        let received = Received { no: 0, transmitter, iss, jti, set: set_text, at };
        let batch = Batch { events: Vec::new(), writes: vec![Write::Received(received)] };
        self.hub.commit(batch).await.map_err(unable)?;
        let event = set.event().event_type().name();
        let (event, jti) = (event.escape_debug(), set.jti().escape_debug());
        info!(transmitter = %self.transmitter, %event, %jti, "received");
        Ok(Kept::New)
    }
}

/// The first SET of a name stays; a second one that says something else is a fault, or worse, of its issuer.
pub(crate) fn warn_of_another_content(transmitter: &str, set: &VerifiedSet, before: &str) {
    let same = danger::peek(before).is_ok_and(|before| before.claims == *set.members());
    if !same {
        let jti = set.jti().escape_debug();
        warn!(%transmitter, %jti, "a SET came again under the same `jti` with other claims; the first one stays");
    }
}

/// How things stand with each transmitter of a hub, in the order of the configuration.
#[derive(Debug, Default)]
pub(crate) struct Transmitters(RwLock<Vec<Arc<Standing>>>);

impl Transmitters {
    pub(super) fn add(&self, standing: Arc<Standing>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(standing);
    }

    pub(super) fn all(&self) -> Vec<Arc<Standing>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

type Endpoints = Arc<BTreeMap<String, Endpoint>>;

impl Hub {
    /// Subscribes to these transmitters, and answers with the router of their push endpoints.
    pub fn receive_from(&self, transmitters: Vec<TransmitterSettings>) -> Router {
        let mut endpoints = BTreeMap::new();
        for settings in transmitters {
            let endpoint = Endpoint::new(self.intake_credential(&settings.id));
            endpoints.insert(settings.id.clone(), endpoint.clone());
            self.receive(settings, endpoint);
        }
        let path = self.paths().below("/receive/{transmitter}");
        Router::new().route(&path, post(dispatch)).with_state(Arc::new(endpoints))
    }

    /// How things stand with each transmitter that is received from.
    pub fn transmitters(&self) -> Vec<Arc<Standing>> {
        self.0.transmitters.all()
    }

    fn receive(&self, settings: TransmitterSettings, endpoint: Endpoint) {
        let standing = Arc::new(Standing::new(&settings.id, &settings.issuer, settings.tolerance));
        self.0.transmitters.add(Arc::clone(&standing));
        let path = format!("/receive/{}", settings.id);
        let push_to =
            settings.push.then(|| PushTo { url: self.url(&path), path: self.paths().below(&path), endpoint });
        let reception = Reception {
            sink: Arc::new(Listed { hub: self.clone(), transmitter: settings.id.clone() }),
            seal: StateSeal::new(self.0.jti.derive(&format!("state {}", settings.id))),
            client: self.client().clone(),
            clock: Arc::clone(&self.0.settings.clock),
            set_bytes: self.0.settings.limits.set_bytes,
            stop: self.0.stopping.subscribe(),
            settings,
            standing,
            push_to,
        };
        self.spawn(|_| reception.run());
    }

    /// What a transmitter sends as `Authorization` when it pushes: derived, so that it survives a restart.
    fn intake_credential(&self, transmitter: &str) -> Secret {
        let name = self.0.jti.derive(&format!("intake {transmitter}"));
        Secret::new(format!("Bearer {}", secevent_jose::base64url(&name)))
    }
}

async fn dispatch(
    State(endpoints): State<Endpoints>,
    Path(transmitter): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    match endpoints.get(&transmitter) {
        Some(endpoint) => endpoint.answer(request).await,
        // Unknown here: without a credential nobody learns that.
        None => Err(Problem::unauthorized_by(request.headers())),
    }
}
