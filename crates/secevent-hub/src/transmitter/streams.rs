//! Streams: made, found, verified, paused, removed.

use std::sync::Arc;

use secevent::{EventType, SubjectId, event::ssf};
use secevent_http::router::Problem;
use secevent_ssf::{
    engine::Backlog,
    store::{Batch, StreamRecord, Write},
    stream::{CreateStream, Delivery, StreamConfig},
};
use serde_json::Map;
use tracing::{info, warn};
use url::Url;

use crate::{
    AcceptError, Hub, NewSignal, ReceiverSettings,
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
        stream
            .filter(|stream| stream.record().receiver == receiver.id)
            .ok_or_else(|| Problem::not_found("stream"))
    }

    pub(crate) fn streams_of(&self, receiver: &ReceiverSettings) -> Vec<Arc<Stream>> {
        let mut streams = self.0.streams.all();
        streams.retain(|stream| stream.record().receiver == receiver.id);
        streams
    }

    // spec: SSF-072, SSF-073, SSF-074, SSF-096, SSF-099, SSF-100, SSF-102, SSF-103, SSF-106, CIOP-014, CIOP-015
    pub(crate) async fn create_stream(
        &self,
        receiver: &ReceiverSettings,
        request: CreateStream,
    ) -> Result<StreamConfig, Problem> {
        let _alone = self.0.stream_changes.lock().await;
        if self.streams_of(receiver).len() >= self.0.settings.limits.streams_per_receiver {
            let detail = "read the streams you have, and delete one or use it";
            return Err(Problem::new(409, "this receiver has all the streams it may have", detail));
        }
        let stream_id = hex(&secevent_jose::random::<16>());
        let delivery = self.delivery_for(&stream_id, request.delivery)?;
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
                min_verification_interval: self.verification_interval(),
                inactivity_timeout: None,
                description: request.description,
                other: Map::new(),
            },
            status: ssf::StreamStatus::Enabled,
            reason: None,
            created_at: self.now().timestamp(),
        };
        let config = record.config.clone();
        self.write(vec![Write::Stream(Box::new(record.clone()))]).await?;
        let backlog = Backlog::new(self.0.writer.head());
        let queue = Queue::new(&record, backlog, &self.0.settings.limits);
        let stream = self.0.streams.insert(Stream::new(record, queue));
        info!(stream = %config.stream_id, receiver = %receiver.id, method = config.delivery.method(), "stream created");
        self.work_on(stream);
        Ok(config)
    }

    /// The delivery of a new stream; poll when the receiver names none.
    // spec: SSF-024, SSF-029, SSF-102, SSF-107, POLL-062
    fn delivery_for(&self, stream_id: &str, asked: Option<Delivery>) -> Result<Delivery, Problem> {
        match asked {
            Some(push @ Delivery::Push { .. }) => {
                let unfit = |why: String| {
                    let detail = format!("/delivery/endpoint_url: {why}");
                    Problem::new(400, "the push endpoint cannot be used", detail)
                };
                let text = push.endpoint_url().unwrap_or_default();
                let url = self.client().egress().check_url(text).map_err(|error| unfit(error.to_string()))?;
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

    // spec: SSF-086, SSF-087, SSF-088, SSF-181, SSF-182, SSF-183, SSF-185, SSF-192
    pub(crate) async fn send_verification(
        &self,
        stream: &Stream,
        state: Option<String>,
    ) -> Result<(), Problem> {
        // Held until it is published: requests of one stream count one after the other.
        let mut verifications = stream.verifications.lock().await;
        if !verifications.may_ask(self.now(), self.0.settings.limits.min_verification_interval) {
            let detail = "leave `min_verification_interval` between two requests";
            let mut problem = Problem::new(429, "too many verification requests", detail);
            problem.retry_after_secs = self.verification_interval().and_then(|secs| u32::try_from(secs).ok());
            return Err(problem);
        }
        if verifications.is_full(stream) {
            let detail = "take the verification events that wait for you; then ask again";
            return Err(Problem::new(429, "too many verification events wait on this stream", detail));
        }
        let stream_id = stream.record().config.stream_id.clone();
        let event = state.into_iter().fold(ssf::Verification::new(), ssf::Verification::state);
        let signal = NewSignal {
            stream: Some(stream_id.clone()),
            ..NewSignal::new(event, SubjectId::opaque(stream_id))
        };
        match self.publish(signal).await {
            Ok(accepted) => {
                verifications.asked(self.now(), accepted.id);
                Ok(())
            }
            Err(AcceptError::NoStream { .. }) => Err(Problem::not_found("stream")),
            Err(AcceptError::Invalid { findings, .. }) => {
                let first = findings.first().map(ToString::to_string).unwrap_or_default();
                Err(Problem::new(400, "no verification event can say this", first))
            }
            Err(_) => Err(cannot_write()),
        }
    }

    /// Pauses a stream on the hub's own initiative, with a reason that its receiver can read.
    pub(crate) async fn pause(&self, stream: &Arc<Stream>, reason: String) {
        let _alone = self.0.stream_changes.lock().await;
        if stream.is_gone() || stream.record().status != ssf::StreamStatus::Enabled {
            return;
        }
        let id = &stream.record().config.stream_id;
        warn!(stream = %id, reason = %reason.escape_debug(), "the stream is paused");
        let record = with_status(stream, ssf::StreamStatus::Paused, Some(reason));
        self.set_status(stream, record);
        // The pause holds in memory whatever the disk says; a full one gets it with a later commit.
        stream.mark_record_dirty();
        self.0.writer.mark_dirty(stream.no);
        drop(self.commit(Batch::default()).await);
    }

    /// Pauses a stream for an operator: what comes is held in order.
    // spec: SSF-148
    pub(crate) async fn pause_stream(&self, stream: &Stream, reason: Option<String>) -> Result<(), Problem> {
        self.change_status(stream, ssf::StreamStatus::Paused, reason).await
    }

    /// Lets a paused stream go on at once.
    // spec: SSF-149
    pub(crate) async fn resume_stream(&self, stream: &Stream) -> Result<(), Problem> {
        if self.receiver_of(&stream.record()).is_none() {
            let detail = "put it back into the configuration and start again";
            return Err(Problem::new(409, "the receiver of this stream is not configured", detail));
        }
        self.change_status(stream, ssf::StreamStatus::Enabled, None).await
    }

    /// On disk first, then in memory.
    async fn change_status(
        &self,
        stream: &Stream,
        status: ssf::StreamStatus,
        reason: Option<String>,
    ) -> Result<(), Problem> {
        let _alone = self.0.stream_changes.lock().await;
        if stream.is_gone() {
            return Err(Problem::not_found("stream"));
        }
        if stream.record().status == ssf::StreamStatus::Disabled {
            let detail = "only its receiver enables it again";
            return Err(Problem::new(409, "the stream is disabled", detail));
        }
        let record = with_status(stream, status, reason);
        self.write(vec![Write::Stream(Box::new(record.clone()))]).await?;
        info!(stream = %record.config.stream_id, status = %record.status, "an operator changed the status");
        self.set_status(stream, record);
        Ok(())
    }

    fn set_status(&self, stream: &Stream, record: StreamRecord) {
        // Before the record, whose change wakes whoever delivers.
        stream.work().queue.hold(record.status != ssf::StreamStatus::Enabled);
        self.0.streams.replace_record(stream, record);
    }

    /// The log says once what hinders the writer; a receiver is told no details.
    async fn write(&self, writes: Vec<Write>) -> Result<(), Problem> {
        let written = self.commit(Batch { events: Vec::new(), writes }).await;
        written.map(drop).map_err(|_| cannot_write())
    }

    fn verification_interval(&self) -> Option<u64> {
        Some(self.0.settings.limits.min_verification_interval.as_secs()).filter(|secs| *secs > 0)
    }
}

fn with_status(stream: &Stream, status: ssf::StreamStatus, reason: Option<String>) -> StreamRecord {
    StreamRecord { status, reason, ..StreamRecord::clone(&stream.record()) }
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

fn cannot_write() -> Problem {
    Problem::unavailable("the hub cannot write now")
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
fn supported(receiver: &ReceiverSettings, requested: Option<&[EventType]>) -> Vec<EventType> {
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
fn delivered(supported: &[EventType], requested: Option<&[EventType]>) -> Vec<EventType> {
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
