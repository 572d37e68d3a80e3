//! Verifying what a transmitter sends, with the keys it publishes.

use std::sync::Arc;

use secevent::{ErrorCode, Policy, Set, VerifiedSet};
use secevent_http::{
    client::{ClientError, JwksCache},
    router::{Problem, Refused},
};
use secevent_ssf::delivery::SetError;
use tracing::{field::Empty, info, instrument, warn};

use super::{
    Kept, Sink,
    stream::{Fate, Stream},
    tolerance::relaxed_profile,
};
use crate::{Clock, follow};

/// Verifies SETs of one transmitter: its issuer, our audience, the keys at its `jwks_uri`, and what is known of the
/// stream they come on.
#[derive(Clone)]
pub struct Verifier {
    policy: Policy,
    jwks: Arc<JwksCache>,
    clock: Clock,
    stream: Option<Arc<Stream>>,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// Why a SET was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It breaks a rule; the transmitter is told.
    #[error(transparent)]
    Set(#[from] secevent::Error),
    /// It is a good SET and does not fit the stream; the transmitter is told.
    #[error("{}", .0.description)]
    Stream(SetError),
    /// The transmitter's keys cannot be had now; the SET may come again.
    #[error("the transmitter's keys cannot be had: {0}")]
    Keys(#[from] ClientError),
    /// It cannot be kept now; it may come again.
    #[error("{0}")]
    NotNow(String),
}

impl Refusal {
    /// The words for the transmitter; `None` when it is not to blame and should send again.
    pub fn set_error(&self) -> Option<SetError> {
        match self {
            Self::Set(error) => Some(SetError::new(error.code(), error.to_string())),
            Self::Stream(error) => Some(error.clone()),
            Self::Keys(_) | Self::NotNow(_) => None,
        }
    }
}

impl From<Refusal> for Refused {
    // spec: PUSH-022, PUSH-024, PUSH-029, SSF-188
    fn from(refusal: Refusal) -> Self {
        match refusal.set_error() {
            Some(error) => Self::Set(error),
            None => Problem::unavailable(refusal.to_string()).into(),
        }
    }
}

impl Verifier {
    /// Verifies under this policy with keys from this cache.
    pub fn new(policy: Policy, jwks: JwksCache, clock: Clock) -> Self {
        Self { policy, jwks: Arc::new(jwks), clock, stream: None }
    }

    /// The same for the SETs of one stream.
    pub(crate) fn on_stream(self, stream: Arc<Stream>) -> Self {
        Self { stream: Some(stream), ..self }
    }

    pub(crate) fn stream(&self) -> Option<&Arc<Stream>> {
        self.stream.as_ref()
    }

    /// Verifies one SET; an unknown `kid` refreshes the keys at most once.
    ///
    /// # Errors
    /// [`Refusal`]
    // spec: PUSH-010, PUSH-011, PUSH-012, PUSH-013, POLL-022, CHK-005, CIOP-018
    pub async fn verify(&self, token: &str) -> Result<VerifiedSet, Refusal> {
        let set = Set::parse(token)?;
        let keys = self.jwks.keys_for(&set).await.inspect_err(|_| self.key_trouble())?;
        let now = (self.clock)().timestamp();
        let refused = match set.verify(keys.as_ref(), &self.policy, now) {
            Ok(set) => return Ok(set),
            Err(refused) => refused,
        };
        let Some(stream) = &self.stream else { return Err(refused.into()) };
        if refused.code() == ErrorCode::InvalidKey {
            self.key_trouble();
        }
        let relaxations = &stream.standing.relaxations;
        let rules = relaxations.rules_for(token, &refused);
        if rules.is_empty() {
            return Err(refused.into());
        }
        let policy = self.policy.clone().under(relaxed_profile(&rules));
        let set = Set::parse(token)?.verify(keys.as_ref(), &policy, now)?;
        for rule in rules {
            relaxations.note(rule);
        }
        Ok(set)
    }

    /// The issuer may have moved its keys.
    fn key_trouble(&self) {
        if let Some(stream) = &self.stream {
            stream.standing.unknown_key();
        }
    }

    /// Takes one SET, however it came: verified, judged by what is known of its stream, kept. `named` is the `jti` that
    /// the transmitter gave beside it, if it did.
    // spec: PUSH-019, PUSH-020, PUSH-037, PUSH-038, POLL-026, POLL-028, CHK-015, CHK-016
    #[instrument(name = "receive", level = "debug", skip_all, fields(txn = Empty, transmitter = Empty))]
    pub(crate) async fn take(
        &self,
        token: &str,
        named: Option<&str>,
        sink: &impl Sink,
    ) -> Result<(), Refusal> {
        if let Some(stream) = &self.stream {
            follow::notes("transmitter", stream.standing.id());
        }
        let outcome = self.try_take(token, named, sink).await;
        if let Some(stream) = &self.stream {
            stream.standing.tally.count(&outcome);
        }
        if let (Err(refusal), Some(stream)) = (&outcome, &self.stream) {
            let words = refusal.to_string().escape_debug().to_string();
            warn!(transmitter = %stream.standing.id(), error = %words, "did not take a SET");
            stream.standing.error(&words);
        }
        outcome
    }

    async fn try_take(&self, token: &str, named: Option<&str>, sink: &impl Sink) -> Result<(), Refusal> {
        let set = self.verify(token).await?;
        set.txn().into_iter().for_each(follow::is_of);
        // spec: POLL-042
        if named.is_some_and(|named| named != set.jti()) {
            let words = "the member name is not the `jti` of its SET (POLL-042)";
            return Err(Refusal::Stream(SetError::new(ErrorCode::InvalidRequest, words)));
        }
        let Some(stream) = &self.stream else {
            return sink.keep(&set).await.map(drop).map_err(Refusal::NotNow);
        };
        let kept = match stream.judge(&set).map_err(Refusal::Stream)? {
            Fate::Keep => sink.keep(&set).await.map_err(Refusal::NotNow)?,
            Fate::Discard(why) => {
                let jti = set.jti().escape_debug();
                info!(transmitter = %stream.standing.id(), %jti, %why, "acknowledged and not acted on");
                Kept::Repeat
            }
        };
        stream.took(&set, kept, (self.clock)().timestamp());
        Ok(())
    }
}
