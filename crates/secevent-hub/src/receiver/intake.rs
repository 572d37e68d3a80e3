//! Push intake: who is sending, is the SET good, keep it, say so.

use std::{future::Future, sync::Arc};

use http::{HeaderMap, header::AUTHORIZATION};
use secevent::VerifiedSet;
use secevent_http::router::{Problem, PushIntake, Refused};
use secevent_ssf::{delivery::push, stream::Secret};

use super::{Relaxed, Verifier, tolerance::is_some_jwt};

/// Keeps SETs that were verified. When `keep` returns `Ok` the receiver is responsible for the SET.
pub trait Sink: Send + Sync + 'static {
    /// Keeps one SET. One that is there already, by issuer and `jti`, is no error, and nothing comes of it a second
    /// time (PUSH-037, POLL-028).
    ///
    /// # Errors
    /// When it cannot be kept now, in words for the transmitter; the SET comes again.
    fn keep(&self, set: &VerifiedSet) -> impl Future<Output = Result<Kept, String>> + Send;
}

/// How a SET was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a SET was there or it was not")]
pub enum Kept {
    /// It was not there.
    New,
    /// It was there.
    Repeat,
}

/// A push endpoint for one transmitter.
#[derive(Debug)]
pub struct Intake<S> {
    verifier: Verifier,
    credential: Secret,
    sink: Arc<S>,
    set_bytes: usize,
}

impl<S> Clone for Intake<S> {
    fn clone(&self) -> Self {
        let Self { verifier, credential, sink, set_bytes } = self;
        Self {
            verifier: verifier.clone(),
            credential: credential.clone(),
            sink: Arc::clone(sink),
            set_bytes: *set_bytes,
        }
    }
}

impl<S: Sink> Intake<S> {
    /// An endpoint that takes SETs with this `Authorization` value and keeps them in `sink`.
    pub const fn new(verifier: Verifier, credential: Secret, sink: Arc<S>) -> Self {
        Self { verifier, credential, sink, set_bytes: secevent_jose::jws::TOKEN_BYTES_MAX }
    }

    /// Takes SETs up to this length only.
    pub fn set_bytes_max(self, set_bytes: usize) -> Self {
        Self { set_bytes, ..self }
    }
}

impl<S: Sink> PushIntake for Intake<S> {
    fn set_bytes_max(&self) -> usize {
        self.set_bytes
    }

    // spec: PUSH-014, PUSH-030, PUSH-056
    fn authenticate(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let known = is_authorized(headers, &self.credential);
        if known { Ok(()) } else { Err(Problem::unauthorized_by(headers).into()) }
    }

    // spec: PUSH-008
    fn takes(&self, content_type: &str) -> bool {
        let relaxed =
            || self.verifier.stream().is_some_and(|s| s.standing.relaxations.allow(Relaxed::MediaType));
        push::is_content_type(content_type) || (is_some_jwt(content_type) && relaxed())
    }

    // spec: PUSH-019, PUSH-020, PUSH-037, PUSH-038
    async fn accept(&self, set: String) -> Result<(), Refused> {
        Ok(self.verifier.take(set.trim(), None, self.sink.as_ref()).await?)
    }
}

/// Whether a request has this credential, and no other.
pub(super) fn is_authorized(headers: &HeaderMap, credential: &Secret) -> bool {
    let mut given = headers.get_all(AUTHORIZATION).iter().map(http::HeaderValue::as_bytes);
    let (first, alone) = (given.next().unwrap_or_default(), given.next().is_none());
    let known = secevent_jose::constant_time_eq(first, credential.expose().as_bytes());
    known && alone
}
