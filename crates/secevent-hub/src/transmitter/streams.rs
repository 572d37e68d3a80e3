//! Streams: made, found, removed.

use std::sync::Arc;

use secevent::{EventType, event::ssf::StreamStatus};
use secevent_http::router::Problem;
use secevent_ssf::{
    engine::Backlog,
    store::{Batch, Party, StreamRecord, Write},
    stream::{CreateStream, Delivery, StreamConfig},
};
use serde_json::Map;
use tracing::{info, warn};
use url::Url;

use crate::{
    Hub, ReceiverSettings,
    hub::seconds,
    stream::{Queue, Stream},
    transmitter::poll_url,
};

impl Hub {
    /// A stream of this receiver; one of somebody else is not found either (SSF-068).
    // spec: SSF-065, SSF-068, SSF-113
    pub(crate) fn stream_of(
        &self,
        receiver: &ReceiverSettings,
        stream_id: &str,
    ) -> Result<Arc<Stream>, Problem> {
        let stream = self.0.streams.by_id(stream_id);
        let stream = stream.filter(|stream| stream.record().receiver == receiver.id);
        let stream = stream.ok_or_else(|| Problem::not_found("stream"))?;
        stream.touch(self.now());
        Ok(stream)
    }

    pub(crate) fn streams_of(&self, receiver: &ReceiverSettings) -> Vec<Arc<Stream>> {
        self.0.streams.of(&receiver.id)
    }

    // spec: SSF-072, SSF-073, SSF-074, SSF-096, SSF-099, SSF-100, SSF-102, SSF-103, SSF-106, CIOP-014, CIOP-015
    pub(crate) async fn create_stream(
        &self,
        receiver: &ReceiverSettings,
        request: CreateStream,
    ) -> Result<StreamConfig, Problem> {
        let stream_id = hex(&secevent_jose::random::<16>());
        // Before the lock: a name may take seconds to look up, and others want to change their streams.
        let delivery = self.delivery_for(&stream_id, request.delivery).await?;
        let _alone = self.0.stream_changes.lock().await;
        if self.streams_of(receiver).len() >= self.0.settings.limits.streams_per_receiver {
            let detail = "read the streams you have, and delete one or use it";
            return Err(Problem::new(409, "this receiver has all the streams it may have", detail));
        }
        let limits = &self.0.settings.limits;
        let (no, audience) = self.0.streams.numbers_for(&receiver.audience);
        let supported = supported(receiver, request.events_requested.as_deref());
        let record = StreamRecord {
            no,
            audience,
            receiver: receiver.id.clone(),
            config: StreamConfig {
                stream_id,
                iss: self.issuer().to_owned(),
                aud: receiver.audience.clone(),
                events_delivered: delivered(&supported, request.events_requested.as_deref()),
                events_supported: supported,
                events_requested: request.events_requested,
                delivery,
                min_verification_interval: seconds(limits.min_verification_interval),
                inactivity_timeout: seconds(limits.inactivity_timeout),
                description: request.description,
                other: Map::new(),
            },
            status: StreamStatus::Enabled,
            reason: None,
            status_by: Party::Receiver,
            notice: None,
            default_subjects: self.0.settings.default_subjects,
            created_at: self.now().timestamp(),
        };
        let config = shown(&record);
        self.write(vec![Write::Stream(Box::new(record.clone()))]).await?;
        let backlog = Backlog::new(self.0.writer.head());
        let queue = Queue::new(&record, backlog, limits);
        let stream = self.0.streams.insert(Stream::new(record, queue, self.now()));
        info!(stream = %config.stream_id, receiver = %receiver.id, method = config.delivery.method(), "stream created");
        self.work_on(&stream);
        Ok(config)
    }

    /// The delivery that a receiver asks for; poll when it names none.
    // spec: SSF-024, SSF-029, SSF-102, SSF-107, POLL-062
    pub(super) async fn delivery_for(
        &self,
        stream_id: &str,
        asked: Option<Delivery>,
    ) -> Result<Delivery, Problem> {
        match asked {
            Some(push @ Delivery::Push { .. }) => {
                let unfit = |why: String| {
                    let detail = format!("/delivery/endpoint_url: {why}");
                    Problem::new(400, "the push endpoint cannot be used", detail)
                };
                let text = push.endpoint_url().unwrap_or_default();
                let url = self.client().egress().check_url(text).map_err(|error| unfit(error.to_string()))?;
                self.client().check_address(&url).await.map_err(|error| unfit(error.to_string()))?;
                if is_at(&url, self.issuer()) {
                    return Err(unfit("it is this hub's own address; name the receiver's (SSF-107)".into()));
                }
                Ok(push)
            }
            _ => Ok(Delivery::Poll { endpoint_url: Some(poll_url(self.issuer(), stream_id)) }),
        }
    }

    // spec: SSF-139, SSF-142
    pub(crate) async fn delete_stream(&self, stream: &Stream) -> Result<(), Problem> {
        let _alone = self.0.stream_changes.lock().await;
        if stream.is_gone() {
            return Err(Problem::not_found("stream"));
        }
        self.write(vec![Write::DropStream(stream.no)]).await?;
        self.0.streams.remove(stream);
        info!(stream = %stream.record().config.stream_id, "stream deleted");
        Ok(())
    }

    /// The log says once what hinders the writer; a receiver is told no details.
    pub(super) async fn write(&self, writes: Vec<Write>) -> Result<(), Problem> {
        let written = self.commit(Batch { events: Vec::new(), writes }).await;
        written.map(drop).map_err(|_| cannot_write())
    }
}

/// Runs a change to its end, also when the client that asked for it goes away in the middle: what is on disk must be
/// in memory too.
pub(crate) async fn to_its_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    tokio::spawn(change).await.unwrap_or_else(|error| {
        warn!(%error, "a change of a stream broke off");
        Err(Problem::unavailable("the hub cannot do this now"))
    })
}

pub(super) fn cannot_write() -> Problem {
    Problem::unavailable("the hub cannot write now")
}

/// The configuration as its receiver sees it: a credential that was given once is not shown again.
// spec: PUSH-060
pub(super) fn shown(record: &StreamRecord) -> StreamConfig {
    let mut config = record.config.clone();
    if let Delivery::Push { authorization_header, .. } = &mut config.delivery {
        *authorization_header = None;
    }
    config
}

/// Whether a URL leads to the host and port of the issuer: a hub that pushes to itself would call its own API.
fn is_at(url: &Url, issuer: &str) -> bool {
    let place = |url: &Url| {
        let host = url.host_str().map(|host| host.trim_end_matches('.').to_owned());
        (host, url.port_or_known_default())
    };
    Url::parse(issuer).is_ok_and(|issuer| place(&issuer) == place(url))
}

/// What this receiver may have: of the catalogue, and of what it names itself, since a producer may hand in any event.
pub(super) fn supported(receiver: &ReceiverSettings, requested: Option<&[EventType]>) -> Vec<EventType> {
    let mut supported: Vec<_> = EventType::catalogue().collect();
    for event_type in requested.unwrap_or_default() {
        if !supported.contains(event_type) {
            supported.push(event_type.clone());
        }
    }
    supported.retain(|event_type| receiver.may_have(event_type));
    supported
}

/// What is supported and requested; everything supported when nothing is named (SSF-084).
// spec: SSF-079, SSF-081, SSF-083, SSF-084
pub(super) fn delivered(supported: &[EventType], requested: Option<&[EventType]>) -> Vec<EventType> {
    let wanted = |event_type: &&EventType| requested.is_none_or(|requested| requested.contains(event_type));
    supported.iter().filter(wanted).cloned().collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}
