//! Accepting events: judge, decide who gets them, write, and only then say yes.

use secevent::{Check, Event, EventType, Finding, Payload, Role, SubjectId, Template, Timestamp, event::ssf};
use secevent_ssf::{
    Entry, LoggedEvent, Seq, SubjectKey,
    store::{Batch, IdempotentAnswer, NewEvent, StoreError, Write},
};
use serde_json::{Map, Value};

use tokio::sync::{Mutex, MutexGuard};
use tracing::{debug, debug_span, field::Empty};

use crate::{Hub, Settings, follow};

/// An event as a producer hands it in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewSignal {
    /// What happened.
    pub event_type: EventType,
    /// To whom.
    pub subject: SubjectId,
    /// The payload.
    pub claims: Map<String, Value>,
    /// What ties it to others of the same cause; minted when absent.
    pub txn: Option<String>,
    /// When it happened.
    pub toe: Option<Timestamp>,
    /// Only for this stream, by its id; for all that subscribed when absent.
    pub stream: Option<String>,
}

impl NewSignal {
    /// An event about a subject.
    pub fn new(event: impl Into<Event>, subject: SubjectId) -> Self {
        let event = event.into();
        let (event_type, claims) = (event.event_type(), event.payload());
        Self { event_type, subject, claims, txn: None, toe: None, stream: None }
    }
}

/// An event that will be delivered whatever happens to the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accepted {
    /// Its place in the log.
    pub id: Seq,
    /// How many streams get it.
    pub streams: u64,
}

/// Why events were not accepted. Nothing of the batch was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// An event breaks a rule.
    #[error("event {index}: {}", findings.first().map(ToString::to_string).unwrap_or_default())]
    Invalid {
        /// Which of the batch, from 0.
        index: usize,
        /// What is wrong with it.
        findings: Vec<Finding>,
    },
    /// The stream it is meant for does not exist.
    #[error("event {index}: there is no stream {stream:?}")]
    NoStream {
        /// Which of the batch, from 0.
        index: usize,
        /// The stream it named.
        stream: String,
    },
    /// The same `Idempotency-Key` came with another body.
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
    /// The store cannot take it now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The `Idempotency-Key` of a request and the hash of its body.
#[derive(Clone, Debug)]
pub(crate) struct Idempotency {
    pub(crate) key: String,
    pub(crate) body: [u8; 32],
}

/// Requests of one key go one after the other: the second finds the answer of the first. Keys share a few locks,
/// which bounds their number; the price of a collision is one commit's time.
#[derive(Debug)]
pub(crate) struct IdempotencyLocks([Mutex<()>; 256]);

impl Default for IdempotencyLocks {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl IdempotencyLocks {
    async fn lock(&self, key: &str) -> MutexGuard<'_, ()> {
        let [first, ..] = secevent_jose::sha256(key.as_bytes());
        self.0[usize::from(first)].lock().await
    }
}

impl Hub {
    /// Accepts an event. When this returns it is on disk with its destinations.
    ///
    /// # Errors
    /// [`AcceptError`]; nothing was accepted then.
    pub async fn publish(&self, signal: NewSignal) -> Result<Accepted, AcceptError> {
        let accepted = self.accept(vec![signal], None).await?;
        accepted.into_iter().next().ok_or_else(|| StoreError::Failed("an event vanished".into()).into())
    }

    /// Accepts a batch, all or nothing. A repeat under the same idempotency key gets the same answer.
    pub(crate) async fn accept(
        &self,
        signals: Vec<NewSignal>,
        idempotency: Option<Idempotency>,
    ) -> Result<Vec<Accepted>, AcceptError> {
        let answer = self.try_accept(signals, idempotency).await;
        answer.inspect_err(|why| self.0.metrics.refused(why))
    }

    async fn try_accept(
        &self,
        signals: Vec<NewSignal>,
        idempotency: Option<Idempotency>,
    ) -> Result<Vec<Accepted>, AcceptError> {
        let _alone = match &idempotency {
            Some(Idempotency { key, .. }) => Some(self.0.idempotency.lock(key).await),
            None => None,
        };
        if let Some(kept) = self.kept_answer(idempotency.as_ref()).await? {
            return Ok(kept);
        }
        let now = self.now().timestamp();
        let events: Vec<_> = signals
            .into_iter()
            .enumerate()
            .map(|(index, signal)| self.judge(index, signal, now))
            .collect::<Result<_, _>>()?;
        let streams: Vec<_> = events.iter().map(|event| event.streams.len() as u64).collect();
        let answer = idempotency.map(|Idempotency { key, body }| {
            Write::Answer(IdempotentAnswer { key, body, first: Seq(0), streams: streams.clone(), at: now })
        });
        let spans = follow::each(
            &events,
            |event| debug_span!("accept", txn = %event.txn.escape_debug(), event = Empty),
        );
        let first = self.commit(Batch { events, writes: answer.into_iter().collect() }).await?;
        for (span, seq) in spans.iter().zip(first.0..) {
            span.record("event", seq).in_scope(|| debug!("accepted"));
        }
        self.0.metrics.accepted(streams.len());
        Ok(counted(first, &streams))
    }

    async fn kept_answer(&self, asked: Option<&Idempotency>) -> Result<Option<Vec<Accepted>>, AcceptError> {
        let Some(Idempotency { key, body }) = asked.cloned() else { return Ok(None) };
        match self.read_store(move |store| store.answer(&key)).await? {
            Some(kept) if kept.body == body => Ok(Some(counted(kept.first, &kept.streams))),
            Some(_) => Err(AcceptError::KeyReused),
            None => Ok(None),
        }
    }

    /// Judges an event as its SET will be judged, and finds its streams.
    fn judge(&self, index: usize, signal: NewSignal, now: Timestamp) -> Result<NewEvent, AcceptError> {
        let txn = signal.txn.unwrap_or_else(|| secevent_jose::base64url(&secevent_jose::random::<12>()));
        let NewSignal { event_type, subject, claims, .. } = signal;
        let event = LoggedEvent::new(now, event_type, subject, claims, txn).happened(signal.toe);
        match event.template(self.issuer()) {
            Err(error) => return Err(AcceptError::Invalid { index, findings: error.findings().to_vec() }),
            Ok(template) => self.check_length(index, template)?,
        }
        let destinations = || self.0.streams.destinations(&event.event_type, &event.subject, now);
        let streams = match signal.stream {
            None => destinations(),
            Some(stream) => match self.0.streams.by_id(&stream) {
                // What a stream is told of itself needs no subscription (SSF-185, SSF-202).
                Some(stream) if is_framework(&event.event_type) => {
                    let keeps = stream.record().status != ssf::StreamStatus::Disabled;
                    keeps.then_some(stream.no).into_iter().collect()
                }
                Some(stream) => destinations().into_iter().filter(|no| *no == stream.no).collect(),
                None => return Err(AcceptError::NoStream { index, stream }),
            },
        };
        Ok(NewEvent { subject: SubjectKey::of(&event.subject), event, streams })
    }

    /// Puts into the log what a stream is told of its new status, addressed to no stream: it goes before all else, by
    /// the record of the stream.
    // spec: SSF-182, SSF-197, SSF-198, SSF-199
    pub(crate) async fn log_notice(
        &self,
        stream_id: &str,
        status: ssf::StreamStatus,
        reason: Option<String>,
    ) -> Result<Entry, AcceptError> {
        let event = reason.into_iter().fold(ssf::StreamUpdated::new(status), ssf::StreamUpdated::reason);
        let signal = NewSignal::new(event, SubjectId::opaque(stream_id));
        let notice = NewEvent { streams: Vec::new(), ..self.judge(0, signal, self.now().timestamp())? };
        let subject = notice.subject;
        let seq = self.commit(Batch { events: vec![notice], writes: Vec::new() }).await?;
        Ok(Entry { seq, subject })
    }
}

impl Hub {
    /// A SET that no receiver would read is refused here, before it stands in every stream's way.
    // spec: CHK-001
    fn check_length(&self, index: usize, template: &Template) -> Result<(), AcceptError> {
        /// Header with `kid`, and the signature of a 4096-bit RSA key, which is the longest.
        const AROUND_CLAIMS: usize = 1024;
        let max = self.0.settings.limits.set_bytes.min(secevent_jose::jws::TOKEN_BYTES_MAX);
        let bytes = (template.bytes() + self.0.address_bytes).div_ceil(3) * 4 + AROUND_CLAIMS;
        if bytes <= max {
            return Ok(());
        }
        let mut check = Check::new(Role::Issuer);
        let mend = format!("say less: a SET has at most {max}");
        check.error("CHK-001", format!("as a SET it has up to {bytes} bytes"), mend);
        Err(AcceptError::Invalid { index, findings: check.into_findings() })
    }
}

/// How many bytes `jti` and the longest `aud` of this hub have in the claims of a SET.
pub(crate) fn address_bytes(settings: &Settings) -> usize {
    /// `,"aud":` and a minted `jti` with its quotation marks.
    const AROUND_AUDIENCE: usize = 31;
    let length = |aud: &[String]| serde_json::to_string(aud).map_or(0, |json| json.len());
    let longest = settings.receivers.iter().map(|receiver| length(&receiver.audience)).max();
    longest.unwrap_or_default() + AROUND_AUDIENCE
}

/// What a stream is told of itself, whatever it asked for.
// spec: SSF-185, SSF-202, SUB-073
pub(crate) fn is_framework(event_type: &EventType) -> bool {
    [ssf::Verification::URI, ssf::StreamUpdated::URI].contains(&event_type.uri())
}

fn counted(first: Seq, streams: &[u64]) -> Vec<Accepted> {
    (first.0..).zip(streams).map(|(id, streams)| Accepted { id: Seq(id), streams: *streams }).collect()
}
