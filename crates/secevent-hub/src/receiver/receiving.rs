//! A receiver at work: its transmitters, its push endpoints, its inbox.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{Router, extract::Request, routing::post};
use secevent::{EventType, VerifiedSet};
use secevent_http::client::Client;
use secevent_ssf::{store::StoreError, stream::Secret};
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};
use tracing::{info, warn};

use super::{
    Kept, Sink, Standing, TransmitterSettings,
    hand_over::ask,
    reception::{Endpoint, PushTo, Reception},
    state::StateSeal,
    transmitters::{Transmitters, warn_of_another_content},
};
use crate::{Clock, hub::DRAIN_MAX, store::Inbox};

/// A receiver at work. Dropping it ends it at once; [`stop`](Self::stop) ends it in order.
pub struct Receiving {
    pub(super) audience: Vec<String>,
    /// What a transmitter is asked for unless its settings say; everything when absent.
    pub(super) understood: Option<Vec<EventType>>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) clock: Clock,
    pub(super) client: Client,
    pub(super) news: Arc<Notify>,
    pub(super) stop: watch::Sender<bool>,
    pub(super) tasks: Mutex<JoinSet<()>>,
    pub(super) transmitters: Transmitters,
}

impl Receiving {
    /// A router with a push endpoint at `path`, to merge into the application. The stream is made, or taken up again,
    /// at once; `url` is where the transmitter reaches that path.
    // spec: SSF-025, CIOP-017
    pub fn push_endpoint(&self, path: &str, url: &str, from: TransmitterSettings) -> Router {
        let credential = self.inbox.derive(&format!("intake {}", from.id));
        let credential = Secret::new(format!("Bearer {}", secevent_jose::base64url(&credential)));
        let endpoint = Endpoint::new(credential);
        let push_to = PushTo { url: url.to_owned(), path: path.to_owned(), endpoint: endpoint.clone() };
        self.receive(from, Some(push_to));
        let answer = move |request: Request| async move { endpoint.answer(request).await };
        Router::new().route(path, post(answer))
    }

    /// Polls a transmitter from now on.
    // spec: CIOP-017
    pub fn poll(&self, from: TransmitterSettings) {
        self.receive(from, None);
    }

    /// How things stand with each transmitter.
    pub fn transmitters(&self) -> Vec<Arc<Standing>> {
        self.transmitters.all()
    }

    /// What was received and not handled yet, or set aside.
    pub fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// Hands a SET that was set aside over again; answers whether there was one of this number.
    ///
    /// # Errors
    /// When the inbox cannot be written.
    pub async fn again(&self, no: i64) -> Result<bool, StoreError> {
        let now = (self.clock)();
        let found = ask(&self.inbox, move |inbox| inbox.again(no, now)).await?;
        self.news.notify_one();
        Ok(found)
    }

    /// Stops: takes nothing new, acknowledges what was kept, and waits 10 s at most for a handler at work.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let ended = tokio::time::timeout(DRAIN_MAX, async { while tasks.join_next().await.is_some() {} });
        if ended.await.is_err() {
            warn!("a handler did not end in time; its SET is handed over again after the next start");
        }
    }

    fn receive(&self, mut settings: TransmitterSettings, push_to: Option<PushTo>) {
        if settings.audience.is_empty() {
            settings.audience.clone_from(&self.audience);
        }
        // spec: SSF-078
        settings.events = settings.events.or_else(|| self.understood.clone());
        let standing = Arc::new(Standing::new(&settings.id, &settings.issuer, settings.tolerance));
        let keeper = Keeper {
            inbox: Arc::clone(&self.inbox),
            clock: Arc::clone(&self.clock),
            news: Arc::clone(&self.news),
            transmitter: settings.id.clone(),
        };
        let reception = Reception {
            seal: StateSeal::new(self.inbox.derive(&format!("state {}", settings.id))),
            standing: Arc::clone(&standing),
            client: self.client.clone(),
            clock: Arc::clone(&self.clock),
            sink: Arc::new(keeper),
            set_bytes: secevent_jose::jws::TOKEN_BYTES_MAX,
            stop: self.stop.subscribe(),
            settings,
            push_to,
        };
        self.transmitters.add(standing);
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(reception.run());
    }
}

impl std::fmt::Debug for Receiving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiving").field("audience", &self.audience).finish_non_exhaustive()
    }
}

/// Keeps SETs in the inbox.
#[derive(Clone)]
struct Keeper {
    inbox: Arc<Inbox>,
    clock: Clock,
    news: Arc<Notify>,
    transmitter: String,
}

impl Sink for Keeper {
    // spec: PUSH-021, PUSH-037, PUSH-038, POLL-025, POLL-026, POLL-027, SET-069, CHK-015, CHK-016
    async fn keep(&self, set: &VerifiedSet) -> Result<Kept, String> {
        let (kept, now) = (set.clone(), (self.clock)());
        let transmitter = self.transmitter.clone();
        let before = ask(&self.inbox, move |inbox| inbox.keep(&transmitter, &kept, now)).await;
        let before = before.map_err(|error| {
            warn!(%error, "a SET cannot be kept");
            "the receiver cannot write now".to_owned()
        })?;
        if let Some(before) = before {
            warn_of_another_content(&self.transmitter, set, &before);
            return Ok(Kept::Repeat);
        }
        let event = set.event().event_type().name();
        let (event, jti) = (event.escape_debug(), set.jti().escape_debug());
        info!(transmitter = %self.transmitter, %event, %jti, "received");
        self.news.notify_one();
        Ok(Kept::New)
    }
}
