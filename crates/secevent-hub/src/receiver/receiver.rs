//! A receiver for anybody's application: handlers by event type, behind an inbox that loses nothing.

use std::sync::{Arc, Mutex};

use rusqlite::Transaction;
use secevent::{Event, Payload};
use secevent_http::client::{Client, Egress};
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};

use super::{
    Accepted, Outcome, Receiving, hand_over::HandOver, handlers::Handlers, transmitters::Transmitters,
};
use crate::{Clock, store::Inbox};

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

    /// Handles events that have no handler of their own type, also of types that nobody knows. Without it, transmitters
    /// are asked for the events that have a handler only.
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
        let understood = handlers.understood();
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
        Receiving { audience, understood, inbox, clock, client, news, stop, tasks, transmitters }
    }
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiver").field("audience", &self.audience).finish_non_exhaustive()
    }
}
