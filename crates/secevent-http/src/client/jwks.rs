//! The keys of an issuer, fetched when needed and not more often (RFC 7517, SSF 1.0 §7.1).

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::header::{ACCEPT, CACHE_CONTROL};
use secevent::{Alg, JwkSet, UnverifiedSet};
use secevent_jose::Error as JoseError;
use tokio::time::Instant;

use super::{Client, ClientError, Response};

/// The keys behind one `jwks_uri`. Keep one cache per issuer, and take the URI from that issuer's metadata alone.
///
/// * However many ask, one fetch is under way at a time.
/// * A set is fresh for its `max-age`, at least 5 minutes and at most a day.
/// * A key that is not in it is looked for again at most once in 30 seconds, whatever tokens claim.
/// * While the issuer cannot be reached, the last set serves for a day beyond its freshness, then none.
/// * A good fetch replaces the set: a key that was withdrawn does not come back.
// spec: SSF-019, SSF-060, BCP-003
#[derive(Debug)]
pub struct JwksCache {
    client: Client,
    jwks_uri: String,
    kept: Mutex<Option<Kept>>,
    fetching: tokio::sync::Mutex<Attempts>,
}

#[derive(Clone, Debug)]
struct Kept {
    set: Arc<JwkSet>,
    fetched: Instant,
    fresh_for: Duration,
}

/// What was tried, so that failing issuers and invented key ids cost no more than working ones.
#[derive(Debug, Default)]
struct Attempts {
    failed: Option<(Instant, ClientError)>,
    searched: Option<Instant>,
}

impl JwksCache {
    /// A cache that is empty until it is asked.
    pub fn new(client: Client, jwks_uri: impl Into<String>) -> Self {
        let attempts = tokio::sync::Mutex::default();
        Self { client, jwks_uri: jwks_uri.into(), kept: Mutex::new(None), fetching: attempts }
    }

    /// The keys as they are known now; fetched if they are not fresh.
    pub async fn get(&self) -> Result<Arc<JwkSet>, ClientError> {
        if let Some(kept) = self.kept().clone().filter(Kept::is_fresh) {
            return Ok(kept.set);
        }
        let mut attempts = self.fetching.lock().await;
        // Somebody else may have fetched while this task waited for the lock.
        if let Some(kept) = self.kept().clone().filter(Kept::is_fresh) {
            return Ok(kept.set);
        }
        let failure = match &attempts.failed {
            Some((at, error)) if at.elapsed() < COOL_DOWN => error.clone(),
            _ => match self.fetch(&mut attempts).await {
                Ok(set) => return Ok(set),
                Err(error) => error,
            },
        };
        let kept = self.kept().clone();
        kept.filter(Kept::is_usable).map(|kept| kept.set).ok_or(failure)
    }

    /// The keys to verify this token with; fetched again if the key it names is not among them.
    ///
    /// Nothing of the token is believed: its header is a hint which key to look for.
    pub async fn keys_for(&self, token: &UnverifiedSet<'_>) -> Result<Arc<JwkSet>, ClientError> {
        let hint = token.key_hint();
        self.keys_with(hint.alg, hint.kid).await
    }

    /// The same for any token whose header names this algorithm and key.
    pub async fn keys_with(&self, alg: &str, kid: Option<&str>) -> Result<Arc<JwkSet>, ClientError> {
        let set = self.get().await?;
        if !is_missing(&set, alg, kid) {
            return Ok(set);
        }
        let mut attempts = self.fetching.lock().await;
        let newest = self.kept().as_ref().map_or(set, |kept| Arc::clone(&kept.set));
        let searched_lately = attempts.searched.is_some_and(|at| at.elapsed() < SEARCH_EVERY);
        if searched_lately || !is_missing(&newest, alg, kid) {
            return Ok(newest);
        }
        attempts.searched = Some(Instant::now());
        Ok(self.fetch(&mut attempts).await.unwrap_or(newest))
    }

    async fn fetch(&self, attempts: &mut Attempts) -> Result<Arc<JwkSet>, ClientError> {
        match self.download().await {
            Ok(kept) => {
                let set = Arc::clone(&kept.set);
                for reason in set.skipped() {
                    tracing::warn!(jwks_uri = self.jwks_uri, reason, "a published key is not used");
                }
                attempts.failed = None;
                *self.kept() = Some(kept);
                Ok(set)
            }
            Err(error) => {
                tracing::warn!(jwks_uri = self.jwks_uri, %error, "the keys were not fetched");
                attempts.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn download(&self) -> Result<Kept, ClientError> {
        let request = self.client.get(&self.jwks_uri).header(ACCEPT, "application/json");
        let answer = request.deadline(DEADLINE).body_max(BODY_BYTES_MAX).send().await?;
        let badly = |reason| ClientError::Protocol { host: answer.host().to_owned(), reason };
        if answer.status != 200 {
            return Err(badly(format!("status {} for its keys", answer.status)));
        }
        let set = JwkSet::parse(answer.whole()?).map_err(|error| badly(error.to_string()))?;
        Ok(Kept { set: Arc::new(set), fetched: Instant::now(), fresh_for: fresh_for(&answer) })
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn is_fresh(&self) -> bool {
        self.fetched.elapsed() < self.fresh_for
    }

    fn is_usable(&self) -> bool {
        self.fetched.elapsed() < self.fresh_for + STALE_MAX
    }
}

/// Whether another fetch could help: the token names an algorithm we know and a key that is not there.
fn is_missing(set: &JwkSet, alg: &str, kid: Option<&str>) -> bool {
    Alg::from_name(alg).is_some_and(|alg| matches!(set.find(alg, kid), Err(JoseError::KeyNotFound { .. })))
}

fn fresh_for(answer: &Response) -> Duration {
    let field = answer.header(CACHE_CONTROL).unwrap_or_default();
    let max_age = field.split(',').find_map(|directive| {
        let (name, secs) = directive.split_once('=')?;
        let secs = secs.trim().trim_matches('"').parse().ok()?;
        name.trim().eq_ignore_ascii_case("max-age").then(|| Duration::from_secs(secs))
    });
    max_age.unwrap_or_default().clamp(FRESH_MIN, FRESH_MAX)
}

/// Keys are fetched while a token waits.
const DEADLINE: Duration = Duration::from_secs(5);
/// What the parser takes.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// No issuer rotates faster, and an unknown key is looked for at once anyhow.
const FRESH_MIN: Duration = Duration::from_mins(5);
/// The longest that a withdrawn key is believed.
const FRESH_MAX: Duration = Duration::from_hours(24);
/// The longest that an issuer may be out of reach.
const STALE_MAX: Duration = Duration::from_hours(24);
/// Tokens with invented key ids cause no more traffic than this.
const SEARCH_EVERY: Duration = Duration::from_secs(30);
/// An issuer that fails is left alone for a moment, and those who ask meanwhile get the same error at once.
const COOL_DOWN: Duration = Duration::from_secs(2);
