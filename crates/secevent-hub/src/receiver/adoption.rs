//! Which stream to use: one that we have and that fits, made to fit exactly, or a new one (SSF 1.0 §8.1.1).

use std::collections::BTreeSet;

use secevent::EventType;
use secevent_http::client::{CallError, TransmitterClient};
use secevent_ssf::stream::{CreateStream, Delivery, StreamConfig, UpdateStream};
use tracing::{info, warn};

use super::{SubscribeError, Wanted};

/// The stream to receive on.
// spec: SSF-093, SSF-101, SSF-108, SSF-110
pub(super) async fn stream(
    transmitter: &TransmitterClient,
    wanted: &Wanted,
    name: &str,
) -> Result<StreamConfig, SubscribeError> {
    if wanted.adopt {
        let ours = transmitter.list_streams().await?;
        if let Some(found) = ours.into_iter().find(|stream| fits(stream, wanted)) {
            return mended(transmitter, found, wanted, name).await;
        }
    }
    match transmitter.create_stream(&request(wanted)).await {
        Err(CallError::Status { status: 409, .. }) if wanted.adopt => {
            let ours = transmitter.list_streams().await?;
            let taken = the_only_one(ours, wanted)?;
            mended(transmitter, taken, wanted, name).await
        }
        created => {
            let created = created?;
            if !is_for(&created, &wanted.audience) {
                // It is of no use to us, and one more would come with every try. Its `aud` is said by the caller.
                drop(transmitter.delete_stream(&created.stream_id).await);
            }
            Ok(created)
        }
    }
}

/// A transmitter that grants one stream has given it to us before, delivered in another way: it is changed. Of several
/// that do not fit none is touched, since others may be receiving on them.
// spec: SSF-101
fn the_only_one(ours: Vec<StreamConfig>, wanted: &Wanted) -> Result<StreamConfig, SubscribeError> {
    let count = ours.len();
    match <[StreamConfig; 1]>::try_from(ours) {
        Ok([one]) if is_for(&one, &wanted.audience) => Ok(one),
        _ => Err(SubscribeError::Unfit(format!(
            "the transmitter grants no further stream, and none of the {count} there are fits; delete one (SSF-100)"
        ))),
    }
}

/// Whether a stream is for us and delivered as we want it; events and credential can be changed.
fn fits(stream: &StreamConfig, wanted: &Wanted) -> bool {
    let delivered = match (&stream.delivery, &wanted.push_to) {
        (Delivery::Push { endpoint_url, .. }, Some((url, _))) => endpoint_url == url,
        (Delivery::Poll { .. }, None) => true,
        _ => false,
    };
    delivered && is_for(stream, &wanted.audience)
}

/// Whether a stream names one of these, or nobody has to be named.
// spec: SSF-098
pub(super) fn is_for(stream: &StreamConfig, audience: &[String]) -> bool {
    audience.is_empty() || stream.aud.iter().any(|aud| audience.contains(aud))
}

/// An adopted stream, changed where it is not what we want. One that cannot be changed is used as it is.
// spec: SSF-078, SSF-080, SSF-114, SSF-115, SSF-118, SSF-120, SSF-124
async fn mended(
    transmitter: &TransmitterClient,
    stream: StreamConfig,
    wanted: &Wanted,
    name: &str,
) -> Result<StreamConfig, SubscribeError> {
    let changes = CreateStream {
        events_requested: events_to_request(&stream, wanted),
        delivery: Some(delivery(wanted)).filter(|wanted| !is_delivered_by(&stream, wanted)),
        description: None,
    };
    if changes == CreateStream::default() {
        return Ok(stream);
    }
    let moved = changes.delivery.as_ref().is_some_and(|d| d.endpoint_url() != stream.delivery.endpoint_url());
    let update = UpdateStream { stream_id: stream.stream_id.clone(), changes, ..UpdateStream::default() };
    match transmitter.update_stream(&update).await {
        Ok(updated) => {
            info!(transmitter = %name, "changed the stream that was there");
            Ok(updated)
        }
        // Nothing would arrive on it.
        Err(error) if moved => Err(error.into()),
        Err(CallError::Status { status: 202, .. }) => Ok(stream),
        Err(error) => {
            warn!(transmitter = %name, %error, "the stream that was there could not be changed, and is used as it is");
            Ok(stream)
        }
    }
}

/// The events to ask for, where they are others than were asked for. Nothing asked for means everything, and what was
/// asked for cannot be unsaid by leaving it out, so everything is named then.
fn events_to_request(stream: &StreamConfig, wanted: &Wanted) -> Option<Vec<EventType>> {
    let before = stream.events_requested.as_ref();
    let events = match &wanted.events {
        Some(events) => events,
        None => before.map(|_| &stream.events_supported)?,
    };
    let set = |events: &[EventType]| events.iter().cloned().collect::<BTreeSet<_>>();
    let same = before.is_some_and(|before| set(before) == set(events));
    (!same && !events.is_empty()).then(|| events.clone())
}

fn is_delivered_by(stream: &StreamConfig, wanted: &Delivery) -> bool {
    match (&stream.delivery, wanted) {
        // Where to is the transmitter's to say.
        (Delivery::Poll { .. }, Delivery::Poll { .. }) => true,
        (there, wanted) => there == wanted,
    }
}

// spec: SSF-024, SSF-026, SSF-094, SSF-095
fn request(wanted: &Wanted) -> CreateStream {
    let events_requested = wanted.events.clone().filter(|events| !events.is_empty());
    CreateStream { events_requested, delivery: Some(delivery(wanted)), description: None }
}

fn delivery(wanted: &Wanted) -> Delivery {
    match &wanted.push_to {
        Some((url, secret)) => {
            Delivery::Push { endpoint_url: url.clone(), authorization_header: Some(secret.clone()) }
        }
        None => Delivery::Poll { endpoint_url: None },
    }
}
