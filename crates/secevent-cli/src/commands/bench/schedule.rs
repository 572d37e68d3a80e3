//! When the requests of a given rate are due.

use std::time::Duration;

/// So many requests at even distances from a beginning on.
#[derive(Clone, Copy)]
pub(super) struct Schedule {
    /// In microseconds since 1970.
    pub(super) began_us: u64,
    pub(super) requests_per_s: f64,
    pub(super) requests: u64,
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "requests of one run are few, and time goes forward"
)]
impl Schedule {
    pub(super) fn new(began_us: u64, requests_per_s: f64, time: Duration) -> Self {
        Self { began_us, requests_per_s, requests: (requests_per_s * time.as_secs_f64()).round() as u64 }
    }

    /// When a request should be sent; the first is number 0.
    pub(super) fn at(&self, request: u64) -> u64 {
        self.began_us + (request as f64 * 1e6 / self.requests_per_s).ceil() as u64
    }

    /// How many are due at a time.
    pub(super) fn due(&self, now_us: u64) -> u64 {
        let elapsed_us = now_us.saturating_sub(self.began_us);
        ((elapsed_us as f64 * self.requests_per_s / 1e6).floor() as u64 + 1).min(self.requests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_due_at_their_time_and_none_before() {
        for rate in [1.0, 3.0, 40.0, 7919.0, 250_000.0] {
            let schedule = Schedule::new(1_700_000_000_000_000, rate, Duration::from_millis(1500));
            for request in 0..schedule.requests {
                let at = schedule.at(request);
                assert!(schedule.due(at) > request, "{rate}: request {request} is due at its time");
                // A microsecond is the clock's own grain.
                assert!(
                    request == 0 || schedule.due(at - 2) <= request,
                    "{rate}: request {request} is not due before"
                );
            }
            assert_eq!(schedule.due(u64::MAX), schedule.requests);
        }
        assert_eq!(Schedule::new(0, 40.0, Duration::from_millis(500)).requests, 20);
    }
}
