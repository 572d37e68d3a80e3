//! How long things took: a histogram from microseconds to an hour, three digits exact.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// The longest that is told apart.
const HOUR_US: u64 = 3600 * 1_000_000;

/// Times in microseconds.
pub(super) struct Latencies(Histogram<u64>);

/// What is said of them, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Summary {
    pub(super) count: u64,
    pub(super) mean: f64,
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
    pub(super) p999: f64,
    pub(super) max: f64,
}

impl Latencies {
    pub(super) fn new() -> Self {
        Self(Histogram::new_with_max(HOUR_US, 3).expect("these bounds are possible"))
    }

    pub(super) fn record(&mut self, us: u64) {
        self.0.saturating_record(us.max(1));
    }

    pub(super) fn summary(&self) -> Option<Summary> {
        #[expect(clippy::cast_precision_loss, reason = "an hour in microseconds fits")]
        let ms = |us: u64| us as f64 / 1000.0;
        let at = |quantile| ms(self.0.value_at_quantile(quantile));
        (!self.0.is_empty()).then(|| Summary {
            count: self.0.len(),
            mean: self.0.mean() / 1000.0,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: ms(self.0.max()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_what_was_recorded() {
        let mut latencies = Latencies::new();
        assert_eq!(latencies.summary(), None);
        (1..=1000).for_each(|ms| latencies.record(ms * 1000));
        let summary = latencies.summary().unwrap();
        assert_eq!(summary.count, 1000);
        for (found, wanted) in
            [(summary.p50, 500.0), (summary.p99, 990.0), (summary.p999, 999.0), (summary.max, 1000.0)]
        {
            assert!((found - wanted).abs() <= wanted / 1000.0, "{found} for {wanted}");
        }
        latencies.record(u64::MAX);
        assert!(latencies.summary().unwrap().max > 3_599_000.0, "more than an hour is an hour");
    }
}
