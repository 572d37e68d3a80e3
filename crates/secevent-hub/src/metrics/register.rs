//! Making metrics, each in its registry.

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
