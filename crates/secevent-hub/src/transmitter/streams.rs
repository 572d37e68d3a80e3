//! Streams: made, found, verified, paused, removed.

use std::sync::Arc;

use secevent::{EventType, SubjectId, event::ssf};
use secevent_http::router::Problem;
use secevent_ssf::{
    engine::Backlog,
    store::{Batch, StoreError, StreamRecord, Write},
    stream::{CreateStream, Delivery, StreamConfig},
};
use serde_json::Map;
use tracing::info;

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
                let url = push.endpoint_url().unwrap_or_default();
                self.client().egress().check_url(url).map_err(|error| {
                    Problem::new(
                        400,
                        "the push endpoint cannot be used",
                        format!("/delivery/endpoint_url: {error}"),
                    )
                })?;
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
        if !stream.may_verify(self.now(), self.0.settings.limits.min_verification_interval) {
            let detail = "leave `min_verification_interval` between two requests";
            let mut problem = Problem::new(429, "too many verification requests", detail);
            problem.retry_after_secs = self.verification_interval().and_then(|secs| u32::try_from(secs).ok());
            return Err(problem);
        }
        let stream_id = stream.record().config.stream_id.clone();
        let event = state.into_iter().fold(ssf::Verification::new(), ssf::Verification::state);
        let signal = NewSignal {
            stream: Some(stream_id.clone()),
            ..NewSignal::new(event, SubjectId::opaque(stream_id))
        };
        match self.publish(signal).await {
            Ok(_) => Ok(()),
            Err(AcceptError::NoStream { .. }) => Err(Problem::not_found("stream")),
            Err(error) => Err(Problem::unavailable(error.to_string())),
        }
    }

    /// Pauses a stream on the hub's own initiative, with a reason that its receiver can read.
    pub(crate) async fn pause(&self, stream: &Arc<Stream>, reason: String) {
        let _alone = self.0.stream_changes.lock().await;
        if stream.is_gone() || stream.record().status != ssf::StreamStatus::Enabled {
            return;
        }
        stream.work().queue.hold(true);
        let record = StreamRecord {
            status: ssf::StreamStatus::Paused,
            reason: Some(reason),
            ..StreamRecord::clone(&stream.record())
        };
        stream.replace_record(record.clone());
        // A store that failed ends the process elsewhere; the pause holds in memory either way.
        drop(self.commit(Batch { events: Vec::new(), writes: vec![Write::Stream(Box::new(record))] }).await);
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), Problem> {
        match self.commit(Batch { events: Vec::new(), writes }).await {
            Ok(_) => Ok(()),
            Err(StoreError::Full(why) | StoreError::Failed(why)) => Err(Problem::unavailable(why)),
            Err(_) => Err(Problem::unavailable("the store cannot be written")),
        }
    }

    fn verification_interval(&self) -> Option<u64> {
        Some(self.0.settings.limits.min_verification_interval.as_secs()).filter(|secs| *secs > 0)
    }
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
