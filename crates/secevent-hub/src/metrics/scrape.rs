//! What is read off the streams, the transmitters and the store when somebody asks for the metrics.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    fmt,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use prometheus_client::{
    encoding::{
        EncodeLabelSet,
        text::{encode_eof, encode_registry},
    },
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use secevent::event::ssf::StreamStatus;
use secevent_ssf::{
    Seq,
    engine::Millis,
    store::{StoreError, StreamRecord},
    stream::Delivery,
};

use super::{in_millis, register::gauge};
use crate::{
    Hub,
    receiver::Standing,
    stream::{Queue, Stream},
};

/// Streams with labels of their own: as many lines as a person can tell apart. The others are one line together, so
/// that what is measured does not grow with the number of receivers.
const STREAMS_NAMED_MAX: usize = 20;

/// The name of all the others; no stream is called so.
const OTHER: &str = "other";

/// What a stream looks like now.
struct Look {
    record: Arc<StreamRecord>,
    oldest: Option<Seq>,
    unsettled: usize,
    is_behind: bool,
    in_flight: usize,
    polls: usize,
    breaker_open: bool,
}

impl Look {
    /// Holds the lock of the stream no longer than it takes to read some numbers.
    fn at(stream: &Stream, head: Seq) -> Self {
        let record = stream.record();
        let work = stream.work();
        let backlog = work.queue.backlog();
        let (open, waiting) = backlog.len();
        let (in_flight, polls, breaker_open) = match &work.queue {
            Queue::Push(lane) => (lane.in_flight(), 0, lane.is_broken()),
            Queue::Poll(queue) => (0, queue.polls(), false),
        };
        Self {
            oldest: backlog.oldest().filter(|seq| *seq <= head),
            unsettled: open + waiting,
            is_behind: backlog.is_behind(),
            record,
            in_flight,
            polls,
            breaker_open,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStream {
    stream: String,
    receiver: String,
}

type Labels<const N: usize> = [(&'static str, String); N];

impl Hub {
    /// Every metric, as `OpenMetrics` text.
    pub(crate) async fn metrics_text(&self) -> Result<String, StoreError> {
        let head = self.0.writer.head();
        let mut looks: Vec<_> = self.0.streams.all().iter().map(|stream| Look::at(stream, head)).collect();
        looks.sort_by_key(|look| (look.oldest.unwrap_or(Seq(u64::MAX)), Reverse(look.unsettled)));
        let (named, others) = looks.split_at(looks.len().min(STREAMS_NAMED_MAX));
        // A place further on in the log is younger: the first of the others is the oldest of them.
        let oldest = named.iter().chain(others.first()).filter_map(|look| look.oldest);
        let ages = self.ages(oldest.collect()).await?;
        let store = Arc::clone(&self.0.store);
        let usage = self.read_store(move |_| store.usage()).await?;

        let mut now = Registry::with_prefix("secevent");
        streams(&mut now, named, others, &ages);
        totals(&mut now, &looks);
        let transmitters = self.transmitters();
        received(&mut now, &transmitters);
        gauge(&mut now, "store_full", "Whether the store has no room and events are refused")
            .set(i64::from(self.0.writer.is_full()));
        gauge(&mut now, "log_head", "The last place of the log").set(signed(head.0));
        let used = Gauge::<i64>::default();
        used.set(signed(usage.used_bytes));
        now.register_with_unit("store", "What the store takes on disk", Unit::Bytes, used);
        let mut text = String::new();
        let written = encode_registry(&mut text, &self.0.metrics.registry)
            .and_then(|()| encode_registry(&mut text, &now))
            .and_then(|()| encode_eof(&mut text));
        written.map_err(|fmt::Error| StoreError::Failed("metrics cannot be written".into()))?;
        Ok(text)
    }

    /// How old these events are, in seconds: by memory, and those that are long ago by one reading of the log.
    async fn ages(&self, mut seqs: Vec<Seq>) -> Result<BTreeMap<Seq, f64>, StoreError> {
        seqs.sort_unstable();
        seqs.dedup();
        let mut times: BTreeMap<_, _> =
            seqs.iter().filter_map(|seq| Some((*seq, self.0.metrics.accepted_at.of(*seq)?))).collect();
        seqs.retain(|seq| !times.contains_key(seq));
        if !seqs.is_empty() {
            let rows = match self.read_store(move |store| store.events(&seqs)).await {
                // On a full disk the log may be unreadable: that is when the rest is needed most.
                Err(StoreError::Full(_)) => Vec::new(),
                rows => rows?,
            };
            times.extend(rows.into_iter().map(|row| (row.seq, in_millis(row.event.event.iat))));
        }
        let now = self.now();
        let age = |at: Millis| Duration::from_millis(now.0.saturating_sub(at.0)).as_secs_f64();
        Ok(times.into_iter().map(|(seq, at)| (seq, age(at))).collect())
    }
}

/// A line for each stream that has one, and one for all the others: of the ages the highest, of numbers the sum.
fn streams(registry: &mut Registry, named: &[Look], others: &[Look], ages: &BTreeMap<Seq, f64>) {
    let age = Family::<OfStream, Gauge<f64, AtomicU64>>::default();
    let help = "How long the oldest event that is not settled has waited";
    registry.register_with_unit("stream_oldest_unsettled_age", help, Unit::Seconds, age.clone());
    let mut numbers = |name: &str, help: &str| {
        let family = Family::<OfStream, Gauge>::default();
        registry.register(name, help, family.clone());
        family
    };
    let unsettled = numbers("stream_unsettled_events", "Events in memory that are not settled");
    let in_flight = numbers("stream_in_flight", "SETs on their way, at most the window");
    let broken = numbers("stream_breaker_open", "Whether the receiver fails and is only probed");
    let rest =
        (!others.is_empty()).then(|| (OfStream { stream: OTHER.into(), receiver: OTHER.into() }, others));
    let own = named.iter().map(|look| {
        let (stream, receiver) = (look.record.config.stream_id.clone(), look.record.receiver.clone());
        (OfStream { stream, receiver }, std::slice::from_ref(look))
    });
    for (labels, looks) in own.chain(rest) {
        let oldest = looks.first().and_then(|look| look.oldest);
        // What cannot be read now has no line, rather than a wrong one.
        if let Some(secs) = oldest.map_or(Some(0.0), |seq| ages.get(&seq).copied()) {
            age.get_or_create(&labels).set(secs);
        }
        let sum = |number: fn(&Look) -> usize| sum(looks, number);
        unsettled.get_or_create(&labels).set(sum(|look| look.unsettled));
        in_flight.get_or_create(&labels).set(sum(|look| look.in_flight));
        broken.get_or_create(&labels).set(sum(|look| usize::from(look.breaker_open)));
    }
}

fn totals(registry: &mut Registry, looks: &[Look]) {
    let count = Family::<Labels<2>, Gauge>::default();
    registry.register("streams", "Streams by how they are delivered and their status", count.clone());
    for delivery in ["push", "poll"] {
        for status in [StreamStatus::Enabled, StreamStatus::Paused, StreamStatus::Disabled] {
            let is_one = |look: &&Look| {
                let pushed = matches!(look.record.config.delivery, Delivery::Push { .. });
                look.record.status == status && pushed == (delivery == "push")
            };
            let labels = [("delivery", delivery.to_owned()), ("status", status.to_string())];
            count.get_or_create(&labels).set(signed(looks.iter().filter(is_one).count() as u64));
        }
    }
    gauge(registry, "streams_behind", "Streams that are so far behind that they read the log")
        .set(sum(looks, |look| usize::from(look.is_behind)));
    gauge(registry, "polls", "Polls that are being answered, most of them parked")
        .set(sum(looks, |look| look.polls));
}

fn received(registry: &mut Registry, transmitters: &[Arc<Standing>]) {
    let sets = Family::<Labels<2>, Counter>::default();
    registry.register("received_sets", "SETs that came from a transmitter", sets.clone());
    let subscribed = Family::<Labels<1>, Gauge>::default();
    registry.register(
        "transmitter_subscribed",
        "Whether there is a stream at a transmitter",
        subscribed.clone(),
    );
    for standing in transmitters {
        let transmitter = ("transmitter", standing.id().to_owned());
        for (outcome, count) in standing.tally.counts() {
            let labels = [transmitter.clone(), ("outcome", outcome.to_owned())];
            sets.get_or_create(&labels).inc_by(count);
        }
        subscribed.get_or_create(&[transmitter]).set(i64::from(standing.is_subscribed()));
    }
}

fn sum(looks: &[Look], number: fn(&Look) -> usize) -> i64 {
    signed(looks.iter().map(number).sum::<usize>() as u64)
}

/// As gauges hold it.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
