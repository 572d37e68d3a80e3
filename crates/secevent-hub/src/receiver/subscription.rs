//! Finding a transmitter and having a stream there: discovery, keys, an old stream adopted or a new one made.

use secevent::{EventType, Policy, Profile};
use secevent_http::client::{
    Authorization, CallError, Client, DiscoverError, JwksCache, TransmitterClient, discover,
};
use secevent_ssf::stream::{CreateStream, Delivery, POLL, PUSH, Secret, StreamConfig};

use super::Verifier;
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
        }
    }

    fn method(&self) -> &'static str {
        if self.push_to.is_some() { PUSH } else { POLL }
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
// spec: SSF-006, SSF-082, SSF-093, SSF-095, SSF-097, SSF-098, SSF-101, CIOP-018, CIOP-021
pub async fn subscribe(
    client: &Client,
    wanted: &Wanted,
    clock: Clock,
) -> Result<Subscription, SubscribeError> {
    let metadata = discover(client, &wanted.issuer).await?;
    let no_keys = || SubscribeError::Unfit(format!("{} publishes no `jwks_uri` (SSF-033)", wanted.issuer));
    let jwks = JwksCache::new(client.clone(), metadata.jwks_uri.clone().ok_or_else(no_keys)?);
    let transmitter = TransmitterClient::new(client.clone(), metadata, wanted.authorization.clone());
    let stream = match adoptable(&transmitter, wanted).await? {
        Some(stream) => stream,
        None => transmitter.create_stream(&request(wanted)).await?,
    };
    if stream.iss != wanted.issuer {
        let found =
            format!("the stream's iss {:?} is not the issuer {:?} (SSF-097)", stream.iss, wanted.issuer);
        return Err(SubscribeError::Unfit(found));
    }
    let audience = if wanted.audience.is_empty() { &stream.aud } else { &wanted.audience };
    let mut aud = audience.iter();
    let first = aud.next().ok_or_else(|| SubscribeError::Unfit("the stream has no `aud`".into()))?;
    let policy = Policy::new(Profile::SSF, &wanted.issuer, first);
    let policy = aud.fold(policy, secevent::Policy::or_aud);
    Ok(Subscription { transmitter, stream, verifier: Verifier::new(policy, jwks, clock) })
}

/// A stream that we have there already and that is delivered as we want it.
async fn adoptable(
    transmitter: &TransmitterClient,
    wanted: &Wanted,
) -> Result<Option<StreamConfig>, SubscribeError> {
    if !wanted.adopt {
        return Ok(None);
    }
    let ours = |stream: &StreamConfig| match (&stream.delivery, &wanted.push_to) {
        (Delivery::Push { endpoint_url, .. }, Some((url, _))) => endpoint_url == url,
        (delivery, None) => delivery.method() == wanted.method(),
        _ => false,
    };
    Ok(transmitter.list_streams().await?.into_iter().find(ours))
}

fn request(wanted: &Wanted) -> CreateStream {
    let delivery = match &wanted.push_to {
        Some((url, secret)) => {
            Delivery::Push { endpoint_url: url.clone(), authorization_header: Some(secret.clone()) }
        }
        None => Delivery::Poll { endpoint_url: None },
    };
    let mut request = CreateStream::default();
    request.events_requested.clone_from(&wanted.events);
    request.delivery = Some(delivery);
    request
}
