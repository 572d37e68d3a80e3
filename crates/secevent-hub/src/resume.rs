//! A stream after a restart: what the disk has of it, held against the configuration of today.

use secevent::event::ssf::StreamStatus;
use secevent_ssf::{
    Entry, Seq,
    engine::{Backlog, Cursor},
    store::{Replay, Store, StoreError, StreamRecord},
    stream::Delivery,
};
use tracing::warn;

use crate::{
    Settings,
    hub::seconds,
    receivers::Receivers,
    stream::{Queue, Stream},
    transmitter::poll_url,
};

/// A stream after a restart.
pub(crate) fn resume(
    store: &dyn Store,
    mut record: StreamRecord,
    (cursor, head, replay): (&Cursor, Seq, Option<Replay>),
    (settings, receivers): (&Settings, &Receivers),
) -> Result<Stream, StoreError> {
    // SETs are signed under the issuer of today, so that is what a stream says, also after a move.
    record.config.iss.clone_from(&settings.issuer);
    record.config.min_verification_interval = seconds(settings.limits.min_verification_interval);
    record.config.inactivity_timeout = seconds(settings.limits.inactivity_timeout);
    if let Delivery::Poll { endpoint_url } = &mut record.config.delivery {
        *endpoint_url = Some(poll_url(&settings.issuer, &record.config.stream_id));
    }
    allow_what_is_configured(&mut record, receivers);
    let open = store.events(&cursor.open)?;
    let open = open.into_iter().map(|row| Entry { seq: row.seq, subject: row.event.subject });
    let mut backlog = Backlog::resume(cursor.high, open);
    if record.status == StreamStatus::Disabled {
        // What it had left was dropped; a crash may have come before the cursor that says so.
        backlog.skip_to(head);
    }
    // Nobody is told anything while the receiver is not configured; the disk keeps what there is to tell.
    let orphan = receivers.by_id(&record.receiver).is_none();
    let notice = record.notice.filter(|_| !orphan);
    let notices = notice.map_or_else(|| Ok(Vec::new()), |seq| store.events(&[seq]))?;
    for row in notices {
        backlog.tell(Entry { seq: row.seq, subject: row.event.subject });
    }
    let queue = Queue::new(&record, backlog, &settings.limits);
    let stream = Stream::new(record, queue, (settings.clock)());
    if let Some(replay) = replay.filter(|_| stream.record().status != StreamStatus::Disabled) {
        stream.work().begin_again(replay, &stream.record(), &settings.limits);
    }
    Ok(if orphan { stream.orphaned() } else { stream })
}

/// A stream gets no more than its receiver may have today. Without one it is held, in memory only: once the receiver
/// is back in the configuration, the stream is as it was.
fn allow_what_is_configured(record: &mut StreamRecord, receivers: &Receivers) {
    let (id, name) = (&record.config.stream_id, &record.receiver);
    let Some(receiver) = receivers.by_id(name) else {
        warn!(stream = %id, receiver = %name, "held: its receiver is not in the configuration");
        if record.status == StreamStatus::Enabled {
            record.status = StreamStatus::Paused;
            record.reason = Some("the receiver is not in the configuration".into());
        }
        return;
    };
    if record.config.aud != receiver.audience {
        let (agreed, configured) = (&record.config.aud, &receiver.audience);
        warn!(stream = %id, ?agreed, ?configured, "a stream keeps its audience; make a new one for another");
    }
    record.config.events_supported.retain(|event_type| receiver.may_have(event_type));
    record.config.events_delivered.retain(|event_type| receiver.may_have(event_type));
}
