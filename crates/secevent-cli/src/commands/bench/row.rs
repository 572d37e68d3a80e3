//! One row of the table: what was measured, under what load, at what price.

use std::collections::BTreeMap;

use secevent::Alg;
use serde::Serialize;

use super::latency::Summary;

/// One measurement. What a scenario does not tell, or the system does not, is absent.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Row {
    pub(super) scenario: &'static str,
    /// What is special about it.
    pub(super) note: String,
    pub(super) alg: String,
    /// Streams that each event goes to.
    pub(super) fanout: u32,
    /// Requests a second that were asked for; absent, as fast as possible.
    pub(super) rate: Option<f64>,
    pub(super) events: u64,
    /// Distinct SETs that arrived and were verified.
    pub(super) sets: u64,
    pub(super) secs: f64,
    pub(super) sets_per_s: f64,
    /// In milliseconds, from the time that an event should have been sent.
    pub(super) latency: Option<Summary>,
    /// In milliseconds, from the time that a request should have been sent to its 202.
    pub(super) accepted: Option<Summary>,
    /// Of the hub, for each SET.
    pub(super) cpu_us: Option<f64>,
    pub(super) bytes: Option<f64>,
    pub(super) commits: Option<f64>,
    /// Of the hub, in bytes.
    pub(super) memory: Option<u64>,
    pub(super) memory_peak: Option<u64>,
    pub(super) lost: u64,
    pub(super) repeated: u64,
    pub(super) invalid: u64,
    /// Processor time over the least that is possible.
    pub(super) ratio: Option<f64>,
    /// What only this scenario has, each with its unit in the name.
    pub(super) figures: BTreeMap<&'static str, f64>,
}

impl Row {
    pub(super) fn new(scenario: &'static str, alg: Alg, fanout: u32) -> Self {
        Self { scenario, alg: alg.to_string(), fanout, ..Self::default() }
    }

    pub(super) fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// Whether the run counts: nothing was lost, and everything verifies.
    pub(super) const fn is_valid(&self) -> bool {
        self.lost == 0 && self.invalid == 0
    }
}
