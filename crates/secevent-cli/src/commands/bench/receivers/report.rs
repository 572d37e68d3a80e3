//! After a run: every SET is verified with the keys that the hub publishes, on all cores, and counted.

use std::{
    collections::{BTreeSet, HashMap},
    thread,
};

use secevent::{JwkSet, Policy, Set, Timestamp, VerifiedSet};

use super::{
    super::{
        latency::Latencies,
        protocol::{Question, Report, read_txn},
    },
    kept::KeptSet,
};
use crate::clock;

/// Verifies and counts.
pub(in super::super) fn report(question: &Question, sets: &[KeptSet]) -> Result<Report, String> {
    let keys = JwkSet::parse(question.jwks.as_bytes()).map_err(|error| error.to_string())?;
    let judge = Judge::new(question, &keys);
    let counted = |set: &&KeptSet| set.stream >= question.from;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let verdicts = thread::scope(|scope| {
        let share = sets.len().div_ceil(cores).max(1);
        let work = sets.chunks(share).map(|share| {
            let judge = &judge;
            scope.spawn(move || share.iter().filter(counted).map(|set| judge.judge(set)).collect::<Vec<_>>())
        });
        let work: Vec<_> = work.collect();
        work.into_iter().flat_map(|work| work.join().expect("a judge does not panic")).collect::<Vec<_>>()
    });
    Ok(count(question, sets.iter().filter(counted).zip(verdicts)))
}

/// What one SET is.
enum Verdict {
    /// The event of this number, which should have been sent at this time.
    Event(u64, u64),
    Other,
    Invalid(String),
}

struct Judge<'a> {
    keys: &'a JwkSet,
    policies: HashMap<u32, Policy>,
    shared: Policy,
    now: Timestamp,
}

impl<'a> Judge<'a> {
    fn new(question: &Question, keys: &'a JwkSet) -> Self {
        let policy = |aud: &String| Policy::ssf(&question.issuer, aud);
        let shared = policy(&question.audiences.first().cloned().unwrap_or_default());
        let own = if question.audiences.len() > 1 { question.audiences.as_slice() } else { &[] };
        let policies = (0..).zip(own.iter().map(policy)).collect();
        Self { keys, policies, shared, now: clock::millis().timestamp() }
    }

    fn judge(&self, set: &KeptSet) -> Verdict {
        let policy = self.policies.get(&set.stream).unwrap_or(&self.shared);
        match self.verify(&set.token, policy) {
            Ok(set) => {
                let event = set.claims().txn().and_then(read_txn);
                event.map_or(Verdict::Other, |(no, intended)| Verdict::Event(no, intended))
            }
            Err(why) => Verdict::Invalid(why),
        }
    }

    fn verify(&self, token: &[u8], policy: &Policy) -> Result<VerifiedSet, String> {
        let token = str::from_utf8(token).map_err(|error| error.to_string())?;
        let set = Set::parse(token).map_err(|error| error.to_string())?;
        set.verify(self.keys, policy, self.now).map_err(|error| error.to_string())
    }
}

fn count<'a>(question: &Question, sets: impl Iterator<Item = (&'a KeptSet, Verdict)>) -> Report {
    let refused: BTreeSet<_> = question.refused.iter().collect();
    let ours = question.first..question.first + question.events;
    let mut seen: HashMap<u32, Vec<bool>> = HashMap::new();
    let mut latencies = Latencies::new();
    let mut report = Report { first_at: u64::MAX, ..Report::default() };
    let events = usize::try_from(question.events).unwrap_or(usize::MAX);
    for (set, verdict) in sets {
        report.set_bytes = report.set_bytes.max(set.token.len());
        let (no, intended) = match verdict {
            Verdict::Event(no, intended) if ours.contains(&no) => (no, intended),
            // What was not handed in in this run cannot be judged by it.
            Verdict::Event(..) | Verdict::Other => {
                report.other += 1;
                continue;
            }
            Verdict::Invalid(why) => {
                report.invalid += 1;
                report.first_invalid.get_or_insert(why);
                continue;
            }
        };
        if refused.contains(&no) {
            continue;
        }
        let of_stream = seen.entry(set.stream).or_insert_with(|| vec![false; events]);
        let place = usize::try_from(no - ours.start).ok().and_then(|no| of_stream.get_mut(no));
        if place.is_some_and(|seen| std::mem::replace(seen, true)) {
            report.repeated += 1;
            continue;
        }
        report.distinct += 1;
        report.first_at = report.first_at.min(set.at);
        report.last_at = report.last_at.max(set.at);
        latencies.record(set.at.saturating_sub(intended));
    }
    report.latency = latencies.summary();
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(events: u64) -> Question {
        let none = String::new();
        let (issuer, jwks) = (none.clone(), none.clone());
        Question { issuer, jwks, audiences: vec![none], from: 0, first: 10, events, refused: vec![12] }
    }

    #[test]
    fn each_event_counts_once_for_each_stream() {
        let set = |stream, at| KeptSet { stream, at, token: b"abc".as_slice().into() };
        let sets = [set(0, 1500), set(0, 9000), set(1, 2000), set(0, 1), set(0, 2), set(0, 3), set(0, 4)];
        let verdicts = [
            Verdict::Event(10, 500),
            Verdict::Event(10, 500),
            Verdict::Event(10, 500),
            Verdict::Event(12, 0),
            Verdict::Event(13, 0),
            Verdict::Other,
            Verdict::Invalid("no key".to_owned()),
        ];
        let report = count(&question(3), sets.iter().zip(verdicts));
        assert_eq!((report.distinct, report.repeated), (2, 1));
        assert_eq!(
            (report.other, report.invalid),
            (2, 1),
            "an event that was not handed in is something else"
        );
        assert_eq!(report.first_invalid.as_deref(), Some("no key"));
        assert_eq!((report.first_at, report.last_at), (1500, 2000));
        let latency = report.latency.unwrap();
        assert_eq!((latency.count, latency.max), (2, 1.5), "a repeat is not late, it is a repeat");
    }
}
