//! Receiving from one transmitter: subscribe, watch, poll or be pushed to, and start over when something breaks.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use axum::{Router, extract::Request, response::Response};
use secevent_http::{
    client::Client,
    router::{Problem, push_endpoint},
};
use secevent_ssf::{engine::backoff, stream::Secret};
use tokio::{sync::watch, time::Instant};
use tower::ServiceExt;
use tracing::{info, warn};

use super::{
    Intake, Sink, Standing, Subscription, TransmitterSettings, Wanted, heartbeat::watch_over,
    intake::is_authorized, poll_loop, state::StateSeal, subscription::subscribe_again,
};
use crate::{Clock, hub::stopped};

/// What receiving from one transmitter takes.
pub(crate) struct Reception<S> {
    pub(crate) settings: TransmitterSettings,
    pub(crate) standing: Arc<Standing>,
    pub(crate) client: Client,
    pub(crate) clock: Clock,
    pub(crate) sink: Arc<S>,
    /// Where it pushes to, from outside; polled when absent.
    pub(crate) push_to: Option<PushTo>,
    pub(crate) seal: StateSeal,
    pub(crate) set_bytes: usize,
    pub(crate) stop: watch::Receiver<bool>,
}

/// A place to be pushed to.
pub(crate) struct PushTo {
    /// From outside.
    pub(crate) url: String,
    /// Within the application.
    pub(crate) path: String,
    pub(crate) endpoint: Endpoint,
}

/// A push endpoint that is open while there is a stream.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    credential: Secret,
    router: Arc<RwLock<Option<Router>>>,
}

impl Endpoint {
    /// One that is not open yet.
    pub(crate) fn new(credential: Secret) -> Self {
        Self { credential, router: Arc::default() }
    }

    fn set(&self, router: Option<Router>) {
        *self.router.write().unwrap_or_else(PoisonError::into_inner) = router;
    }

    /// Answers a push.
    // spec: PUSH-029, PUSH-030
    pub(crate) async fn answer(&self, request: Request) -> Result<Response, Problem> {
        let router = self.router.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(router) = router else {
            // Whoever has the credential comes again; nobody else learns that there is a door.
            return Err(if is_authorized(request.headers(), &self.credential) {
                Problem::unavailable("the receiver is starting or ending")
            } else {
                Problem::unauthorized_by(request.headers())
            });
        };
        match router.oneshot(request).await {
            Ok(response) => Ok(response),
            Err(never) => match never {},
        }
    }
}

/// A stream that lasted so long was a success: what ends it is a first trouble.
const SUCCESS: Duration = Duration::from_mins(1);

/// Between two subscriptions, however well the first ended.
const PAUSE_MIN_MS: u64 = 500;

/// Events wait at the other side meanwhile.
const PAUSE_MAX_MS: u64 = 60_000;

impl<S: Sink> Reception<S> {
    /// Receives until it is told to stop.
    // spec: SSF-204
    pub(crate) async fn run(mut self) {
        let mut failures = 0_u32;
        while !*self.stop.borrow() {
            let begun = Instant::now();
            match self.receive().await {
                Ok(()) => {
                    failures = 0;
                    self.standing.unsubscribed(None);
                }
                Err(why) => {
                    failures = if begun.elapsed() > SUCCESS { 1 } else { failures.saturating_add(1) };
                    warn!(transmitter = %self.standing.id(), %why, "not receiving; trying again");
                    self.standing.unsubscribed(Some(&why));
                }
            }
            let jitter = u32::from_be_bytes(secevent_jose::random::<4>());
            let pause = Duration::from_millis(backoff(failures, jitter).clamp(PAUSE_MIN_MS, PAUSE_MAX_MS));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stopped(&mut self.stop) => {}
            }
        }
    }

    /// Receives until something breaks, the metadata is to be read again, or it is time to stop.
    async fn receive(&mut self) -> Result<(), String> {
        let wanted = self.wanted();
        let (standing, seal) = (Arc::clone(&self.standing), self.seal.clone());
        let mut stop = self.stop.clone();
        let subscribing = subscribe_again(&self.client, &wanted, Arc::clone(&self.clock), standing, seal);
        let subscription = tokio::select! {
            subscription = subscribing => subscription.map_err(|error| error.to_string())?,
            () = stopped(&mut stop) => return Ok(()),
        };
        if let Some(PushTo { path, endpoint, .. }) = &self.push_to {
            let (verifier, credential) = (subscription.verifier.clone(), endpoint.credential.clone());
            let intake = Intake::new(verifier, credential, Arc::clone(&self.sink));
            endpoint.set(Some(push_endpoint(path, intake.set_bytes_max(self.set_bytes))));
            return tokio::select! {
                ended = watch_over(&subscription, &self.settings.watch) => ended.map_err(|e| e.to_string()),
                () = stopped(&mut stop) => Ok(()),
            };
        }
        self.poll(&subscription, stop).await
    }

    /// Polls and watches; whichever ends first ends both, and what was kept is acknowledged before.
    async fn poll(&self, subscription: &Subscription, mut stop: watch::Receiver<bool>) -> Result<(), String> {
        let (halt, halted) = watch::channel(false);
        let polling = poll_loop(subscription, Arc::clone(&self.sink), halted);
        tokio::pin!(polling);
        let ended = tokio::select! {
            polled = &mut polling => return polled.map_err(|error| error.to_string()),
            ended = watch_over(subscription, &self.settings.watch) => ended,
            () = stopped(&mut stop) => Ok(()),
        };
        halt.send_replace(true);
        let polled = polling.await;
        ended.and(polled).map_err(|error| error.to_string())
    }

    fn wanted(&self) -> Wanted {
        let settings = &self.settings;
        Wanted {
            authorization: settings.authorization.clone(),
            audience: settings.audience.clone(),
            events: settings.events.clone(),
            push_to: self.push_to.as_ref().map(|push| (push.url.clone(), push.endpoint.credential.clone())),
            adopt: true,
            tolerance: settings.tolerance,
            understood: settings.understood.clone(),
            ..Wanted::new(&settings.issuer)
        }
    }
}

impl<S> Drop for Reception<S> {
    fn drop(&mut self) {
        if let Some(push_to) = &self.push_to {
            push_to.endpoint.set(None);
        }
        info!(transmitter = %self.standing.id(), "no longer receiving");
    }
}
