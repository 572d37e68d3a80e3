//! Which handler an event goes to.

use std::{collections::BTreeMap, pin::Pin, sync::Arc};

use rusqlite::Transaction;
use secevent::{Claims, Event, EventType, Payload};

use super::{Accepted, Outcome, is_about_the_stream};

type Answer = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;
type Apart = Arc<dyn Fn(Handed) -> Answer + Send + Sync>;
type Within = Arc<dyn Fn(&Transaction<'_>, Handed) -> Result<(), String> + Send + Sync>;

/// A SET as it is read back from the inbox.
#[derive(Clone, Debug)]
pub(super) struct Handed {
    pub(super) claims: Claims,
    pub(super) transmitter: String,
    pub(super) attempt: u32,
}

/// How an event is handled.
#[derive(Clone)]
pub(super) enum Handler {
    /// Then it is marked as handled.
    Apart(Apart),
    /// In the transaction that marks it as handled.
    Within(Within),
}

/// The handlers of a receiver, by event type.
#[derive(Default)]
pub(super) struct Handlers {
    typed: BTreeMap<&'static str, Handler>,
    other: Option<Handler>,
}

impl Handlers {
    pub(super) fn on<E, F, O>(&mut self, handler: impl Fn(Accepted<E>) -> F + Send + Sync + 'static)
    where
        E: Payload + Send + 'static,
        F: Future<Output = O> + Send + 'static,
        O: Outcome,
    {
        let apart = move |handed: Handed| -> Answer {
            match handed.typed::<E>() {
                Ok(event) => {
                    let answer = handler(event);
                    Box::pin(async move { answer.await.outcome() })
                }
                Err(why) => Box::pin(std::future::ready(Err(why))),
            }
        };
        self.typed.insert(E::URI, Handler::Apart(Arc::new(apart)));
    }

    pub(super) fn on_other<F, O>(&mut self, handler: impl Fn(Accepted<Event>) -> F + Send + Sync + 'static)
    where
        F: Future<Output = O> + Send + 'static,
        O: Outcome,
    {
        let apart = move |handed: Handed| -> Answer {
            let answer = handler(handed.any());
            Box::pin(async move { answer.await.outcome() })
        };
        self.other = Some(Handler::Apart(Arc::new(apart)));
    }

    pub(super) fn within<E: Payload, O: Outcome>(
        &mut self,
        handler: impl Fn(&Transaction<'_>, Accepted<E>) -> O + Send + Sync + 'static,
    ) {
        let within = move |tx: &Transaction<'_>, handed: Handed| handler(tx, handed.typed::<E>()?).outcome();
        self.typed.insert(E::URI, Handler::Within(Arc::new(within)));
    }

    /// The types that are understood; `None` when there is a handler for all others too.
    pub(super) fn understood(&self) -> Option<Vec<EventType>> {
        let typed = self.typed.keys().filter(|uri| !is_about_the_stream(uri));
        let typed: Vec<_> = typed.map(|uri| EventType::from_uri(*uri)).collect();
        Some(typed).filter(|typed| self.other.is_none() && !typed.is_empty())
    }

    /// The handler of a SET: that of the first of its events that has one, since several are names of one event
    /// (SSF-016). Events about the stream go to a handler of their own type only.
    pub(super) fn of(&self, claims: &Claims) -> Option<Handler> {
        let mut uris = claims.events().iter().map(Event::uri);
        let typed = uris.find_map(|uri| self.typed.get(uri));
        let other = || self.other.as_ref().filter(|_| !is_about_the_stream(claims.event().uri()));
        typed.or_else(other).cloned()
    }
}

impl Handed {
    fn typed<E: Payload>(self) -> Result<Accepted<E>, String> {
        let payload = self.claims.payload::<E>();
        let payload = payload.ok_or_else(|| format!("the payload is no {}", E::URI))?;
        Ok(Accepted::new(payload, self.claims, self.transmitter, self.attempt))
    }

    fn any(self) -> Accepted<Event> {
        Accepted::new(self.claims.event().clone(), self.claims, self.transmitter, self.attempt)
    }
}
