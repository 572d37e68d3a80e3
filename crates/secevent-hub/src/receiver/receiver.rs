//! A receiver for anybody's application: handlers by event type, behind an inbox that loses nothing.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{Router, extract::Request, routing::post};
use rusqlite::Transaction;
use secevent::{Event, Payload, VerifiedSet};
use secevent_http::client::{Client, Egress};
use secevent_ssf::{store::StoreError, stream::Secret};
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};
use tracing::{info, warn};

use super::{
    Accepted, Kept, Outcome, Sink, Standing, TransmitterSettings,
    hand_over::{HandOver, ask},
    handlers::Handlers,
    reception::{Endpoint, PushTo, Reception},
    state::StateSeal,
    transmitters::{Transmitters, warn_of_another_content},
};
use crate::{Clock, hub::DRAIN_MAX, store::Inbox};

/// A receiver of Shared Signals that is being set up; [`start`](Self::start) sets it to work.
///
/// ```no_run
/// use secevent::event::caep;
/// use secevent_hub::{receiver::{Accepted, Receiver, TransmitterSettings}, store::Inbox};
///
/// # fn end_sessions(_: Option<&secevent::SubjectId>) -> Result<(), std::io::Error> { Ok(()) }
/// # async fn run(clock: secevent_hub::Clock) -> Result<(), Box<dyn std::error::Error>> {
/// let receiver = Receiver::new("https://sp.example/caep", Inbox::open("inbox.db")?, clock)
///     .on(|e: Accepted<caep::SessionRevoked>| async move { end_sessions(e.subject()) })
///     .on_other(|e| async move { println!("{} about {:?}", e.payload.uri(), e.subject()) })
///     .start();
/// let idp = TransmitterSettings::new("idp", "https://idp.example", Vec::new());
/// let app: axum::Router = receiver.push_endpoint("/events", "https://sp.example/events", idp);
/// # Ok(()) }
/// ```
///
/// A SET is verified, written to the inbox, and answered; handlers run after that, from what was written. Each SET is
/// handed over once for its `(iss, jti)`, in the order of arrival, unless the process dies inside the handler: then once
/// more. A handler that writes its effect through the transaction of [`on_in_transaction`](Self::on_in_transaction) has
/// that effect exactly once. A handler that fails is called again after growing pauses, while others go on; after
/// [`attempts`](Self::attempts) the SET is set aside, which [`Receiving::inbox`] shows.
pub struct Receiver {
    audience: Vec<String>,
    inbox: Arc<Inbox>,
    clock: Clock,
    client: Client,
    handlers: Handlers,
    attempts_max: u32,
}

/// Over about six hours: a deployment that broke a handler is mended within a working day.
const ATTEMPTS_MAX: u32 = 10;

impl Receiver {
    /// A receiver that SETs name by this `aud`. It reads the present from the clock alone.
    pub fn new(audience: impl Into<String>, inbox: Inbox, clock: Clock) -> Self {
        Self {
            audience: vec![audience.into()],
            inbox: Arc::new(inbox),
            clock,
            client: Client::new(Egress::strict()),
            handlers: Handlers::default(),
            attempts_max: ATTEMPTS_MAX,
        }
    }

    /// Connects by this client; by default only to public addresses over https.
    pub fn client(self, client: Client) -> Self {
        Self { client, ..self }
    }

    /// Another `aud` that names it.
    pub fn or_aud(mut self, aud: impl Into<String>) -> Self {
        self.audience.push(aud.into());
        self
    }

    /// Hands a SET over at most so often, 10 times unless said, before it is set aside.
    pub fn attempts(self, max: u32) -> Self {
        Self { attempts_max: max.max(1), ..self }
    }

    /// Handles events of one type. A second handler of a type takes the place of the first.
    pub fn on<E, F, O>(mut self, handler: impl Fn(Accepted<E>) -> F + Send + Sync + 'static) -> Self
    where
        E: Payload + Send + 'static,
        F: Future<Output = O> + Send + 'static,
        O: Outcome,
    {
        self.handlers.on(handler);
        self
    }

    /// Handles events that have no handler of their own type, also of types that nobody knows.
    pub fn on_other<F, O>(mut self, handler: impl Fn(Accepted<Event>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = O> + Send + 'static,
        O: Outcome,
    {
        self.handlers.on_other(handler);
        self
    }

    /// Handles events of one type within the transaction that marks them as handled: whatever the handler writes to
    /// the file of the inbox is there exactly once. It runs on a thread of its own and holds up the inbox meanwhile, so
    /// it should only write.
    pub fn on_in_transaction<E: Payload + 'static, O: Outcome>(
        mut self,
        handler: impl Fn(&Transaction<'_>, Accepted<E>) -> O + Send + Sync + 'static,
    ) -> Self {
        self.handlers.within(handler);
        self
    }

    /// Sets it to work: what waits in the inbox is handed over, also from before. Within a tokio runtime.
    pub fn start(self) -> Receiving {
        let Self { audience, inbox, clock, client, handlers, attempts_max } = self;
        let (stop, news) = (watch::Sender::new(false), Arc::new(Notify::new()));
        let hand_over = HandOver {
            inbox: Arc::clone(&inbox),
            handlers,
            clock: Arc::clone(&clock),
            attempts_max,
            news: Arc::clone(&news),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(hand_over.run(stop.subscribe()));
        let (tasks, transmitters) = (Mutex::new(tasks), Transmitters::default());
        Receiving { audience, inbox, clock, client, news, stop, tasks, transmitters }
    }
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiver").field("audience", &self.audience).finish_non_exhaustive()
    }
}

/// A receiver at work. Dropping it ends it at once; [`stop`](Self::stop) ends it in order.
pub struct Receiving {
    audience: Vec<String>,
    inbox: Arc<Inbox>,
    clock: Clock,
    client: Client,
    news: Arc<Notify>,
    stop: watch::Sender<bool>,
    tasks: Mutex<JoinSet<()>>,
    transmitters: Transmitters,
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
