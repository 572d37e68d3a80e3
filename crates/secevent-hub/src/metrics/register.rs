//! Making metrics, each in its registry, and the buckets of those that have some.

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use super::histogram::Histogram;

/// A number that only grows; `_total` is added to its name.
pub(super) fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter {
    let counter = Counter::default();
    registry.register(name, help, counter.clone());
    counter
}

/// One counter for each value of a label, there from the beginning: a rate needs the zero before the first.
pub(super) fn counters<const N: usize>(
    registry: &mut Registry,
    name: &str,
    help: &str,
    label: &'static str,
    values: [&'static str; N],
) -> [Counter; N] {
    let family = Family::<[(&str, &str); 1], Counter>::default();
    registry.register(name, help, family.clone());
    values.map(|value| family.get_or_create_owned(&[(label, value)]))
}

/// A number of now.
pub(super) fn gauge(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    registry.register(name, help, gauge.clone());
    gauge
}

/// How long something takes; `_seconds` is added to its name.
pub(super) fn histogram(
    registry: &mut Registry,
    name: &str,
    help: &str,
    bounds: &'static [f64],
) -> Histogram {
    let histogram = Histogram::of_seconds(bounds);
    registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
    histogram
}

/// How many there are of something.
pub(super) fn sizes(registry: &mut Registry, name: &str, help: &str, bounds: &'static [f64]) -> Histogram {
    let histogram = Histogram::of_numbers(bounds);
    registry.register(name, help, histogram.clone());
    histogram
}

/// A sync takes 0.2 ms on a good disk, 10 ms on a spinning one, and a second on one that is in trouble.
pub(super) const COMMIT_SECS: [f64; 12] =
    [0.000_25, 0.000_5, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.25, 1.0, 4.0];

/// Up to what one commit takes.
pub(super) const COMMIT_EVENTS: [f64; 8] = [0.0, 1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0];

/// Ed25519 takes 10 µs, RS256 with 2,048 bits 250 µs, with 4,096 bits two milliseconds.
pub(super) const SIGN_SECS: [f64; 9] =
    [0.000_01, 0.000_02, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.004, 0.016];

/// Milliseconds when all is well; a minute when a receiver was away for one.
pub(super) const DELAY_SECS: [f64; 13] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0, 3600.0];
