//! Following one event by its `txn`: spans of level debug on its whole way.
//!
//! | span | what it covers |
//! |---|---|
//! | `accept` | from judged to durable |
//! | `commit` | the commit it is part of, shared with others |
//! | `deliver` | one attempt to push it, answer included |
//! | `poll`, `offer` | a poll, and in it each SET that it is answered with |
//! | `ack` | the moment a poll acknowledges it |
//! | `receive` | the same in the role of a receiver: verified, judged, kept |
//!
//! While nobody follows, which is the default, they cost a comparison each.

use secevent_ssf::{LoggedEvent, Seq, store::NewEvent};
use tracing::{Level, Span, debug, debug_span};

use crate::{Hub, stream::Stream};

/// Whether spans of this level are wanted by anybody.
pub(crate) fn is_followed() -> bool {
    tracing::enabled!(Level::DEBUG)
}

/// A span for each of some events, of which each has a `txn` of its own.
pub(crate) fn each(events: &[NewEvent], span: impl Fn(&LoggedEvent) -> Span) -> Vec<Span> {
    if is_followed() { events.iter().map(|event| span(&event.event)).collect() } else { Vec::new() }
}

/// The span at work is about an event of this `txn`; a peer may have chosen its words.
pub(crate) fn is_of(txn: &str) {
    if is_followed() {
        notes("txn", &txn.escape_debug().to_string());
    }
}

/// Something that the span at work learns late, in our own words.
pub(crate) fn notes(field: &str, value: &str) {
    if is_followed() {
        Span::current().record(field, value);
    }
}

impl Hub {
    /// A poll acknowledged these; the `txn` is known of those that are in memory.
    pub(crate) fn follow_acks(&self, stream: &Stream, acked: &[Seq]) {
        if !is_followed() {
            return;
        }
        for seq in acked {
            let Some(event) = self.0.recent.event(*seq) else { continue };
            let txn = event.event.txn.escape_debug();
            debug_span!("ack", %txn, stream = %stream.record().config.stream_id, event = seq.0)
                .in_scope(|| debug!("acknowledged"));
        }
    }
}
