//! The transmitters of a configuration: a task each that subscribes, and starts over when something breaks.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use axum::{
    Router,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
    routing::post,
};
use secevent::{EventType, VerifiedSet};
use secevent_http::{
    client::{Authorization, CallError},
    router::{Problem, push_endpoint},
};
use secevent_ssf::{
    engine::backoff,
    store::{Batch, Received, Write},
    stream::Secret,
};
use tower::ServiceExt;
use tracing::{info, warn};

use super::{Intake, Sink, Wanted, poll_loop, subscribe};
use crate::{Hub, hub::stopped};

/// A transmitter that the hub receives from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TransmitterSettings {
    /// Its name here.
    pub id: String,
    /// Its issuer URL.
    pub issuer: String,
    /// The `aud` values that name this hub.
    pub audience: Vec<String>,
    /// Whether it pushes to us; we poll otherwise.
    pub push: bool,
    /// How our requests say who we are.
    pub authorization: Authorization,
    /// What to ask for; everything when absent.
    pub events: Option<Vec<EventType>>,
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
        }
    }
}

/// Keeps SETs in the hub's store, under the transmitter they came from.
#[derive(Debug)]
struct Kept {
    hub: Hub,
    transmitter: String,
}

impl Sink for Kept {
    // spec: PUSH-037, SET-069, POLL-026, CHK-015, CHK-016
    async fn keep(&self, set: VerifiedSet) -> Result<(), String> {
        let received = Received {
            no: 0,
            transmitter: self.transmitter.clone(),
            iss: set.iss().to_owned(),
            jti: set.jti().to_owned(),
            set: set.token().to_owned(),
            at: self.hub.now().timestamp(),
        };
        let (event, jti) = (set.event().event_type().name(), received.jti.clone());
        let batch = Batch { events: Vec::new(), writes: vec![Write::Received(received)] };
        // What hinders the writer is in the log; a transmitter is told no details.
        self.hub.commit(batch).await.map_err(|_| "the hub cannot write now".to_owned())?;
        let (event, jti) = (event.escape_debug(), jti.escape_debug());
        info!(transmitter = %self.transmitter, %event, %jti, "received");
        Ok(())
    }
}

/// The push endpoints of the transmitters that have subscribed by now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Endpoints(Arc<RwLock<BTreeMap<String, Router>>>);

impl Hub {
    /// Subscribes to these transmitters, and answers with the router of their push endpoints.
    pub fn receive_from(&self, transmitters: Vec<TransmitterSettings>) -> Router {
        let endpoints = Endpoints::default();
        for settings in transmitters {
            let endpoints = endpoints.clone();
            self.spawn(|hub| keep_subscribed(hub, settings, endpoints));
        }
        let path = self.paths().below("/receive/{transmitter}");
        Router::new().route(&path, post(dispatch)).with_state(endpoints)
    }
}

async fn dispatch(
    State(endpoints): State<Endpoints>,
    Path(transmitter): Path<String>,
    request: Request,
) -> Response {
    let endpoint = endpoints.0.read().unwrap_or_else(PoisonError::into_inner).get(&transmitter).cloned();
    match endpoint {
        Some(endpoint) => endpoint.oneshot(request).await.into_response(),
        // Unknown here, or not subscribed yet: without its credential nobody learns which.
        None => Problem::unauthorized_by(request.headers()).into_response(),
    }
}

async fn keep_subscribed(hub: Hub, settings: TransmitterSettings, endpoints: Endpoints) {
    let mut stopping = hub.0.stopping.subscribe();
    let mut failures = 0;
    while !hub.is_stopping() {
        match receive(&hub, &settings, &endpoints).await {
            Ok(()) => failures = 0,
            Err(why) => {
                failures += 1;
                warn!(transmitter = %settings.id, %why, "not receiving; trying again");
            }
        }
        let jitter = u32::from_be_bytes(secevent_jose::random::<4>());
        let pause = Duration::from_millis(backoff(failures, jitter).clamp(500, 60_000));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stopped(&mut stopping) => {}
        }
    }
}

/// Subscribes and receives until something breaks or the hub stops.
async fn receive(hub: &Hub, settings: &TransmitterSettings, endpoints: &Endpoints) -> Result<(), String> {
    let path = format!("/receive/{}", settings.id);
    let credential = hub.intake_credential(&settings.id);
    let wanted = Wanted {
        authorization: settings.authorization.clone(),
        audience: settings.audience.clone(),
        events: settings.events.clone(),
        push_to: settings.push.then(|| (hub.url(&path), credential.clone())),
        adopt: true,
        ..Wanted::new(&settings.issuer)
    };
    let mut stop = hub.0.stopping.subscribe();
    let subscription = tokio::select! {
        subscription = subscribe(hub.client(), &wanted, hub.0.settings.clock.clone()) => {
            subscription.map_err(|error| error.to_string())?
        }
        () = stopped(&mut stop) => return Ok(()),
    };
    let stream = subscription.stream.stream_id.clone();
    info!(transmitter = %settings.id, stream = %stream.escape_debug(), "subscribed");
    let sink = Arc::new(Kept { hub: hub.clone(), transmitter: settings.id.clone() });
    if settings.push {
        let intake = Intake::new(subscription.verifier.clone(), credential, Arc::clone(&sink))
            .set_bytes_max(hub.0.settings.limits.set_bytes);
        let router = push_endpoint(&hub.paths().below(&path), intake);
        endpoints.0.write().unwrap_or_else(PoisonError::into_inner).insert(settings.id.clone(), router);
    }
    match subscription.transmitter.verify(&stream, None).await {
        // Asked for just before this start; the SETs come all the same.
        Ok(()) | Err(CallError::Status { status: 429, .. }) => {}
        Err(error) => return Err(error.to_string()),
    }
    if settings.push {
        stopped(&mut stop).await;
        return Ok(());
    }
    poll_loop(&subscription, sink, stop).await.map_err(|error| error.to_string())
}

impl Hub {
    /// What a transmitter sends as `Authorization` when it pushes: derived, so that it survives a restart.
    fn intake_credential(&self, transmitter: &str) -> Secret {
        let name = self.0.jti.derive(&format!("intake {transmitter}"));
        Secret::new(format!("Bearer {}", secevent_jose::base64url(&name)))
    }
}
