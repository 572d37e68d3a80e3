//! Verifying what a transmitter sends, with the keys it publishes.

use secevent::{Policy, Set, VerifiedSet};
use secevent_http::client::{ClientError, JwksCache};
use secevent_ssf::delivery::SetError;

use crate::Clock;

/// Verifies SETs of one transmitter: its issuer, our audience, the keys at its `jwks_uri`.
#[derive(Clone)]
pub struct Verifier {
    policy: Policy,
    jwks: std::sync::Arc<JwksCache>,
    clock: Clock,
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
    /// The transmitter's keys cannot be had now; the SET may come again.
    #[error("the transmitter's keys cannot be had: {0}")]
    Keys(#[from] ClientError),
}

impl Refusal {
    /// The words for the transmitter; `None` when it is not to blame and should send again.
    pub fn set_error(&self) -> Option<SetError> {
        match self {
            Self::Set(error) => Some(SetError::new(error.code(), error.to_string())),
            Self::Keys(_) => None,
        }
    }
}

impl Verifier {
    /// Verifies under this policy with keys from this cache.
    pub fn new(policy: Policy, jwks: JwksCache, clock: Clock) -> Self {
        Self { policy, jwks: std::sync::Arc::new(jwks), clock }
    }

    /// Verifies one SET; an unknown `kid` refreshes the keys at most once.
    ///
    /// # Errors
    /// [`Refusal`]
    // spec: PUSH-010, PUSH-011, PUSH-012, PUSH-013, POLL-022, CHK-005, CIOP-018
    pub async fn verify(&self, token: &str) -> Result<VerifiedSet, Refusal> {
        let set = Set::parse(token)?;
        let keys = self.jwks.keys_for(&set).await?;
        Ok(set.verify(keys.as_ref(), &self.policy, (self.clock)().timestamp())?)
    }
}
