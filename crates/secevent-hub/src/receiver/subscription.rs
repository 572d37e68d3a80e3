//! Having a stream at a transmitter: discovery, keys, an old stream adopted and made to fit, or a new one.

use std::{collections::BTreeSet, sync::Arc};

use secevent::{EventType, Policy, Profile};
use secevent_http::client::{
    Authorization, CallError, Client, DiscoverError, JwksCache, TransmitterClient, discover,
};
use secevent_ssf::{
    metadata::DefaultSubjects,
    stream::{Secret, StreamConfig},
};
use tracing::{info, warn};

use super::{
    Relaxed, Standing, Tolerance, Verifier, adoption,
    state::StateSeal,
    stream::{SUBJECT_MEMBERS, Stream},
};
use crate::Clock;

/// What is asked of a transmitter.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The issuer, which is also where discovery begins.
    pub issuer: String,
    /// How our requests say who we are.
    pub authorization: Authorization,
    /// The `aud` values that name us; what the stream says when empty.
    pub audience: Vec<String>,
    /// The events to ask for; all when absent.
    pub events: Option<Vec<EventType>>,
    /// Where to push to, and with which credential; poll when absent.
    pub push_to: Option<(String, Secret)>,
    /// Whether a stream that we already have there is used again.
    pub adopt: bool,
    /// What the transmitter is forgiven.
    pub tolerance: Tolerance,
    /// The members of complex subjects that are interpreted here; those that SSF 1.0 §3.3 names when absent.
    pub understood: Option<Vec<String>>,
}

impl Wanted {
    /// A poll stream with every event.
    pub fn new(issuer: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            authorization: Authorization::None,
            audience: Vec::new(),
            events: None,
            push_to: None,
            adopt: false,
            tolerance: Tolerance::STRICT,
            understood: None,
        }
    }
}

/// A stream at a transmitter, and what is needed to take its SETs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Subscription {
    /// Calls to the transmitter.
    pub transmitter: TransmitterClient,
    /// The stream.
    pub stream: StreamConfig,
    /// Verifies its SETs.
    pub verifier: Verifier,
    pub(crate) watched: Arc<Stream>,
}

impl Subscription {
    /// Asks for a verification event, and answers with the `state` that it will carry. The event comes like any other,
    /// in its own time; one with a `state` that was never asked for is refused.
    ///
    /// # Errors
    /// When the transmitter does not take the request; [`CallError::Status`] 429 means that it was asked just before.
    // spec: SSF-179, SSF-190, SSF-191
    pub async fn verify(&self) -> Result<String, CallError> {
        let state = self.watched.seal.mint(&self.stream.stream_id);
        self.transmitter.verify(&self.stream.stream_id, Some(&state)).await.map(|()| state)
    }

    /// How things stand with the transmitter.
    pub fn standing(&self) -> &Arc<Standing> {
        &self.watched.standing
    }
}

/// Why there is no stream.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The transmitter was not found.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// What the transmitter says of itself or of the stream cannot be accepted.
    #[error("{0}")]
    Unfit(String),
}

/// Discovers a transmitter and has a stream there.
///
/// # Errors
/// [`SubscribeError`]
pub async fn subscribe(
    client: &Client,
    wanted: &Wanted,
    clock: Clock,
) -> Result<Subscription, SubscribeError> {
    let standing = Arc::new(Standing::new(&wanted.issuer, &wanted.issuer, wanted.tolerance));
    subscribe_again(client, wanted, clock, standing, StateSeal::random()).await
}

/// The same for a transmitter that we may have had streams at before.
// spec: SSF-006, SSF-093, SSF-095, SSF-097, SSF-098, SSF-112, CIOP-018, CIOP-021
pub(crate) async fn subscribe_again(
    client: &Client,
    wanted: &Wanted,
    clock: Clock,
    standing: Arc<Standing>,
    seal: StateSeal,
) -> Result<Subscription, SubscribeError> {
    let metadata = discover(client, &wanted.issuer).await?;
    let no_keys = || SubscribeError::Unfit(format!("{} publishes no `jwks_uri` (SSF-033)", wanted.issuer));
    let jwks = JwksCache::new(client.clone(), metadata.jwks_uri.clone().ok_or_else(no_keys)?);
    let understood = |member: &String| {
        wanted.understood.as_ref().map_or_else(
            || SUBJECT_MEMBERS.contains(&member.as_str()),
            |understood| understood.contains(member),
        )
    };
    let mut not_understood: BTreeSet<_> = metadata.critical_subject_members.iter().cloned().collect();
    not_understood.retain(|member| !understood(member));
    let default_subjects = metadata.default_subjects;
    let transmitter = TransmitterClient::new(client.clone(), metadata, wanted.authorization.clone());
    let transmitter = if standing.relaxations.allows(Relaxed::LegacyDelivery) {
        let standing = Arc::clone(&standing);
        transmitter.allow_legacy_delivery(move || standing.relaxations.note(Relaxed::LegacyDelivery))
    } else {
        transmitter
    };
    let stream = adoption::stream(&transmitter, wanted, standing.id()).await?;
    let policy = policy(wanted, &stream)?;
    say(&standing, wanted, &stream, default_subjects);
    let watched = Stream { id: stream.stream_id.clone(), standing, seal, not_understood };
    let watched = Arc::new(watched);
    let verifier = Verifier::new(policy, jwks, clock).on_stream(Arc::clone(&watched));
    Ok(Subscription { transmitter, stream, verifier, watched })
}

/// What the SETs of a stream must be, unless the stream itself is not what was asked for.
fn policy(wanted: &Wanted, stream: &StreamConfig) -> Result<Policy, SubscribeError> {
    let unfit = |words: String| Err(SubscribeError::Unfit(words));
    if stream.iss != wanted.issuer {
        let (found, issuer) = (&stream.iss, &wanted.issuer);
        return unfit(format!("the stream's iss {found:?} is not the issuer {issuer:?} (SSF-097)"));
    }
    if wanted.push_to.is_none() && stream.delivery.endpoint_url().is_none() {
        return unfit("the transmitter names no URL to poll the stream at (SSF-103)".into());
    }
    let audience = if wanted.audience.is_empty() { &stream.aud } else { &wanted.audience };
    if !adoption::is_for(stream, &wanted.audience) {
        let (found, ours) = (&stream.aud, &wanted.audience);
        return unfit(format!(
            "the stream's aud {found:?} names none of {ours:?}; agree with the transmitter on `audience` (SSF-098)"
        ));
    }
    let mut aud = audience.iter();
    let Some(first) = aud.next() else { return unfit("the stream has no `aud`".into()) };
    Ok(aud.fold(Policy::new(Profile::SSF, &wanted.issuer, first), Policy::or_aud))
}

/// Says what was got, and what of it is less than was asked for.
// spec: SSF-045, SSF-082
fn say(
    standing: &Standing,
    wanted: &Wanted,
    stream: &StreamConfig,
    default_subjects: Option<DefaultSubjects>,
) {
    let (transmitter, id) = (standing.id(), stream.stream_id.escape_debug().to_string());
    info!(%transmitter, stream = %id, delivery = %stream.delivery.method(), "subscribed");
    let missing = wanted.events.iter().flatten().filter(|event| !stream.events_delivered.contains(event));
    let missing: Vec<_> = missing.take(NAMES_MAX).map(EventType::name).collect();
    if !missing.is_empty() {
        warn!(%transmitter, ?missing, "the transmitter will not deliver all that was asked for");
    }
    standing.subscribed(&stream.stream_id, &missing);
    if default_subjects == Some(DefaultSubjects::None) {
        warn!(%transmitter, "the transmitter sends nothing before subjects are added to the stream");
    }
}

/// A line of names.
const NAMES_MAX: usize = 20;
