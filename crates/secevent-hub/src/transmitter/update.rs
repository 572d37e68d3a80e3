//! Changing the configuration of a stream (SSF 1.0 §8.1.1.3, §8.1.1.4).

use std::sync::Arc;

use secevent_http::router::{Problem, UpdateMethod};
use secevent_ssf::{
    store::{StreamRecord, Write},
    stream::{CreateStream, Delivery, StreamConfig, UpdateStream},
};
use tracing::info;

use super::streams::{delivered, shown, supported};
use crate::{Hub, ReceiverSettings, stream::Stream};

impl Hub {
    // spec: SSF-075, SSF-116, SSF-117, SSF-123, SSF-130, SSF-135
    pub(crate) async fn update_stream(
        &self,
        receiver: &ReceiverSettings,
        stream: &Arc<Stream>,
        update: UpdateStream,
        method: UpdateMethod,
    ) -> Result<StreamConfig, Problem> {
        // Before the lock: a name may take seconds to look up, and others want to change their streams.
        update.check_echoed(&stream.record().config)?;
        let delivery = match (update.changes.delivery.clone(), method) {
            (None, UpdateMethod::Patch) => None,
            (asked, _) => Some(self.delivery_for(&update.stream_id, asked).await?),
        };
        let _alone = self.0.stream_changes.lock().await;
        if stream.is_gone() {
            return Err(Problem::not_found("stream"));
        }
        let record = stream.record();
        update.check_echoed(&record.config)?;
        let changes = match method {
            UpdateMethod::Patch => merged(update.changes, &record.config),
            UpdateMethod::Put => update.changes,
        };
        let mut next = StreamRecord::clone(&record);
        let config = &mut next.config;
        if let Some(delivery) = delivery {
            config.delivery = with_known_credential(delivery, &record.config.delivery);
        }
        config.events_supported = supported(receiver, changes.events_requested.as_deref());
        config.events_delivered = delivered(&config.events_supported, changes.events_requested.as_deref());
        config.events_requested = changes.events_requested;
        config.description = changes.description;
        let answer = shown(&next);
        self.write(vec![Write::Stream(Box::new(next.clone()))]).await?;
        info!(stream = %answer.stream_id, receiver = %receiver.id, "stream changed");
        self.deliver_anew(stream, next);
        Ok(answer)
    }

    /// What waits goes the new way from now on; what is on its way the old one is sent again.
    // spec: SSF-127
    fn deliver_anew(&self, stream: &Arc<Stream>, record: StreamRecord) {
        let moved = stream.record().config.delivery != record.config.delivery;
        if moved {
            stream.work().deliver_as(&record, &self.0.settings.limits);
        }
        self.0.streams.replace_record(stream, record);
        if moved {
            self.work_on(stream);
        }
    }
}

/// What is absent stays as it is.
// spec: SSF-117, SSF-126
fn merged(changes: CreateStream, current: &StreamConfig) -> CreateStream {
    let mut merged = changes;
    merged.events_requested = merged.events_requested.or_else(|| current.events_requested.clone());
    merged.description = merged.description.or_else(|| current.description.clone());
    merged
}

/// A credential is not shown again, so whoever sends back what was read leaves it out: for the same endpoint it stays.
fn with_known_credential(asked: Delivery, current: &Delivery) -> Delivery {
    match (&asked, current) {
        (
            Delivery::Push { endpoint_url, authorization_header: None },
            Delivery::Push { endpoint_url: known, .. },
        ) if endpoint_url == known => current.clone(),
        _ => asked,
    }
}
