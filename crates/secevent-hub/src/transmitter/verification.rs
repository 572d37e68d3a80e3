//! Verification (SSF 1.0 §8.1.4): a receiver asks whether the stream works.

use secevent::{SubjectId, event::ssf};
use secevent_http::router::Problem;

use super::streams::cannot_write;
use crate::{AcceptError, Hub, NewSignal, hub::seconds, stream::Stream};

impl Hub {
    /// Sends a verification event; it goes behind what waits already.
    // spec: SSF-086, SSF-087, SSF-088, SSF-181, SSF-182, SSF-183, SSF-185, SSF-192, SSF-196
    pub(crate) async fn send_verification(
        &self,
        stream: &Stream,
        state: Option<String>,
    ) -> Result<(), Problem> {
        if stream.record().status == ssf::StreamStatus::Disabled {
            let detail = "enable it, then ask again (SSF-196)";
            return Err(Problem::new(400, "the stream is disabled", detail));
        }
        // Held until it is published: requests of one stream count one after the other.
        let mut verifications = stream.verifications.lock().await;
        let interval = self.0.settings.limits.min_verification_interval;
        if !verifications.may_ask(self.now(), interval) {
            let detail = "leave `min_verification_interval` between two requests";
            let mut problem = Problem::new(429, "too many verification requests", detail);
            problem.retry_after_secs = seconds(interval).and_then(|secs| u32::try_from(secs).ok());
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
}
