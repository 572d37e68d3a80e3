//! Following events with a collector: spans as OTLP over HTTP, in JSON (docs/decisions/0013-otlp.md).
//!
//! A trace is a `txn`: its id is a hash of it, so that everything that happens to one event is one trace, in every hub on
//! its way, and no header has to travel along. What has no `txn` belongs to the trace of the span around it.

mod export;
mod json;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use secevent_hub::config::OtlpSettings;
use tokio::sync::mpsc;
use tracing::{
    Level, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    layer::Context,
    registry::{LookupSpan, SpanRef},
};

use crate::clock;
use export::Export;

/// Spans that wait to be sent. A hub that is fully at work makes some thousands a second, which go every second; what
/// finds no place is dropped and counted: no event ever waits for a collector.
const SPANS_MAX: usize = 16_384;

/// Words of a producer are followed no further than this.
const VALUE_CHARS_MAX: usize = 256;

/// A span that has ended.
struct Ended {
    name: &'static str,
    trace: [u8; 16],
    id: [u8; 8],
    parent: Option<[u8; 8]>,
    began: u64,
    until: u64,
    fields: Fields,
}

type Fields = Vec<(&'static str, Value)>;

enum Value {
    Text(String),
    Number(u64),
    Truth(bool),
}

/// What a span that is open knows.
struct Open {
    id: [u8; 8],
    began: u64,
    fields: Fields,
}

/// Collects spans.
pub(crate) struct Spans {
    /// Traces below this are followed.
    below: u128,
    queue: mpsc::Sender<Ended>,
    dropped: Arc<AtomicU64>,
}

/// The spans that are followed: those of the hub.
pub(crate) fn ours() -> Targets {
    Targets::new().with_target("secevent_hub", Level::DEBUG).with_default(LevelFilter::OFF)
}

/// Collects from now on, and sends what is collected until the program ends.
pub(crate) fn start(settings: OtlpSettings) -> (Spans, Export) {
    let (queue, spans) = mpsc::channel(SPANS_MAX);
    let dropped = Arc::new(AtomicU64::new(0));
    let collector = Spans { below: part_of_traces(settings.sample), queue, dropped: Arc::clone(&dropped) };
    (collector, Export::start(settings, spans, dropped))
}

/// How many of the 2^64 beginnings of a trace id are followed.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part from 0 to 1 of 2^64 fits"
)]
fn part_of_traces(sample: f64) -> u128 {
    (sample * 2_f64.powi(64)) as u128
}

impl Spans {
    /// Every hub that an event comes by decides alike, since the id of its trace does.
    fn is_followed(&self, trace: &[u8; 16]) -> bool {
        let beginning = trace.iter().take(8).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        beginning < self.below
    }
}

impl<S: Subscriber + for<'lookup> LookupSpan<'lookup>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut open = Open { id: secevent_jose::random(), began: clock::nanos(), fields: Vec::new() };
        attributes.record(&mut open);
        span.extensions_mut().insert(open);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(open) = span.extensions_mut().get_mut::<Open>() {
            values.record(open);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let (trace, parent) = trace_of(&span);
        let Some(Open { id, began, fields }) = span.extensions_mut().remove::<Open>() else { return };
        if !self.is_followed(&trace) {
            return;
        }
        let ended = Ended { name: span.name(), trace, id, parent, began, until: clock::nanos(), fields };
        if self.queue.try_send(ended).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The trace of a span: of its own `txn`, else of the nearest around it that has one, else of the outermost. Within that
/// trace the span around it is its parent.
fn trace_of<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> ([u8; 16], Option<[u8; 8]>) {
    let mut parent = None;
    let mut outermost = [0; 8];
    for (nth, around) in span.scope().enumerate() {
        let extensions = around.extensions();
        let Some(open) = extensions.get::<Open>() else { break };
        if nth == 1 {
            parent = Some(open.id);
        }
        outermost = open.id;
        let txn = open.fields.iter().find_map(|(name, value)| match value {
            Value::Text(txn) if *name == "txn" => Some(txn),
            _ => None,
        });
        if let Some(txn) = txn {
            return (beginning_of(txn.as_bytes()), parent);
        }
    }
    (beginning_of(&outermost), parent)
}

fn beginning_of(name: &[u8]) -> [u8; 16] {
    let mut trace = [0; 16];
    trace.copy_from_slice(&secevent_jose::sha256(name)[..16]);
    trace
}

impl Visit for Open {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let text: String = format!("{value:?}").chars().take(VALUE_CHARS_MAX).collect();
        self.fields.push((field.name(), Value::Text(text)));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let text = value.chars().take(VALUE_CHARS_MAX).collect();
        self.fields.push((field.name(), Value::Text(text)));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.fields.push((field.name(), Value::Number(value)));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.fields.push((field.name(), Value::Truth(value)));
    }
}
