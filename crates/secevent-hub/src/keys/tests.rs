use std::collections::{BTreeMap, BTreeSet};

use secevent_ssf::store::KeyState::{self, Current, Next, Previous, Retired};

use super::{
    ring::{LEAD_SECS, RETIRED_SECS, TooMany},
    *,
};

const ALG: Alg = Alg::Es256;
const KEPT: i64 = 1_000_000;
const DAY: i64 = 24 * 3600;

/// A ring to which changes are made as the hub makes them.
struct Bench {
    ring: Ring,
    made: usize,
}

impl Bench {
    fn new() -> Self {
        Self::keeping(KEPT)
    }

    fn keeping(kept_secs: i64) -> Self {
        Self { ring: Ring::new(Vec::new(), kept_secs), made: 0 }
    }

    fn make(&mut self, changes: impl IntoIterator<Item = Change>, now: i64) {
        for change in changes {
            match change {
                Change::Make(alg, signs_from) => {
                    self.made += 1;
                    let (kid, created_at) = (format!("k{}", self.made), Timestamp(now));
                    let withdrawn_at = None;
                    self.ring.keys.push(KeyTimes { kid, alg, created_at, signs_from, withdrawn_at });
                }
                Change::SignFrom(kid, at) => self.key(&kid).signs_from = at,
                Change::Withdraw(kid, at) => self.key(&kid).withdrawn_at = Some(at),
                Change::Forget(kid) => self.ring.keys.retain(|key| key.kid != kid),
            }
        }
    }

    fn key(&mut self, kid: &str) -> &mut KeyTimes {
        self.ring.keys.iter_mut().find(|key| key.kid == kid).unwrap()
    }

    fn due(&mut self, rotate_secs: Option<i64>, now: i64) {
        let changes = self.ring.due(&[ALG], rotate_secs, Timestamp(now));
        self.make(changes, now);
    }

    fn rotate(&mut self, now: i64) -> Result<(), TooMany> {
        let change = self.ring.rotate(ALG, Timestamp(now))?;
        self.make(change, now);
        Ok(())
    }

    fn rotate_now(&mut self, now: i64) {
        let changes = self.ring.rotate_now(ALG, Timestamp(now));
        self.make(changes, now);
    }

    fn states(&self, now: i64) -> Vec<(&str, KeyState)> {
        let state = |key: &KeyTimes| self.ring.span(key, Timestamp(now)).state;
        self.ring.keys.iter().map(|key| (key.kid.as_str(), state(key))).collect()
    }

    fn signs(&self, now: i64) -> &str {
        &self.ring.current(ALG, Timestamp(now)).unwrap().kid
    }

    fn published(&self, now: i64) -> BTreeSet<String> {
        self.ring.published(Timestamp(now)).map(|key| key.kid.clone()).collect()
    }
}

// spec: SSF-019, SSF-033
#[test]
fn a_rotation_over_time() {
    let mut keys = Bench::new();
    keys.due(None, 0);
    keys.rotate(100).unwrap();
    keys.rotate(101).unwrap();
    let takes_over = 100 + LEAD_SECS;
    let leaves = takes_over + KEPT;
    for (now, first, second) in [
        (100, Current, Next),
        (takes_over - 1, Current, Next),
        (takes_over, Previous, Current),
        (leaves - 1, Previous, Current),
        (leaves, Retired, Current),
        (i64::MAX, Retired, Current),
    ] {
        assert_eq!(keys.states(now), [("k1", first), ("k2", second)], "at {now}");
        keys.due(None, now.min(leaves - 1));
    }
    let span = |keys: &Bench, at: usize, now| keys.ring.span(&keys.ring.keys[at], Timestamp(now));
    let next = Span { state: Next, since: Timestamp(100), until: Some(Timestamp(takes_over)) };
    assert_eq!(span(&keys, 1, 200), next);
    assert_eq!(span(&keys, 0, 200).until, Some(Timestamp(takes_over)), "the current one knows its end");
    assert_eq!(span(&keys, 0, takes_over).until, Some(Timestamp(leaves)));

    // Retired keys lose their private half, and are forgotten in the end.
    keys.due(None, leaves);
    assert_eq!(keys.ring.keys[0].withdrawn_at, Some(Timestamp(leaves)));
    assert_eq!(keys.states(0)[0], ("k1", Retired), "also for a clock that goes back");
    keys.due(None, leaves + RETIRED_SECS - 1);
    assert_eq!(keys.ring.keys.len(), 2);
    keys.due(None, leaves + RETIRED_SECS);
    assert_eq!(keys.states(leaves + RETIRED_SECS), [("k2", Current)]);
}

#[test]
fn a_compromised_key_leaves_at_once() {
    let mut keys = Bench::new();
    keys.due(None, 0);
    keys.rotate_now(50);
    assert_eq!(keys.states(50), [("k1", Retired), ("k2", Current)], "without a next key a new one signs");
    keys.rotate(60).unwrap();
    keys.rotate_now(70);
    assert_eq!(
        keys.states(70),
        [("k1", Retired), ("k2", Retired), ("k3", Current)],
        "the next one takes over early"
    );
    keys.rotate_now(70);
    keys.rotate_now(70);
    assert_eq!(keys.signs(70), "k5", "however often in one second");
    assert_eq!(keys.published(70).len(), 1);
    // What the withdrawn one took over from stays for the SETs that it signed itself.
    keys.rotate(100).unwrap();
    let later = 100 + LEAD_SECS + 10;
    keys.rotate_now(later);
    assert_eq!(keys.published(later), BTreeSet::from(["k5".into(), "k7".into()]));
    assert_eq!(keys.signs(later), "k7");
    assert!(!keys.published(100 + LEAD_SECS + KEPT).contains("k5"), "counted from when it stopped itself");
}

#[test]
fn as_many_keys_as_receivers_take_and_no_more() {
    let mut keys = Bench::new();
    keys.due(None, 0);
    let mut now = 0;
    while keys.published(now).len() < PUBLISHED_MAX {
        now += LEAD_SECS;
        keys.rotate(now).unwrap();
    }
    now += LEAD_SECS;
    let refused = keys.rotate(now).unwrap_err();
    let first_leaves = 2 * LEAD_SECS + KEPT;
    assert_eq!(refused, TooMany { alg: ALG, until: Some(Timestamp(first_leaves)) });
    keys.due(Some(1), now);
    assert_eq!(keys.published(now).len(), PUBLISHED_MAX, "a schedule waits too");
    keys.rotate_now(now);
    assert_eq!(keys.published(now).len(), PUBLISHED_MAX, "a compromised key is replaced in any case");
    keys.rotate(first_leaves).unwrap();
}

/// A receiver that keeps what it fetched for the lifetime that we name, and a cache between that does the same,
/// meet no key they do not know, whenever they fetch; and a key leaves only when nothing waits any more.
// spec: SSF-019
#[test]
fn whoever_keeps_the_set_for_its_lifetime_meets_no_unknown_key() {
    const STEP: i64 = 37;
    const KEPT: i64 = 5_000;
    let mut keys = Bench::keeping(KEPT);
    let mut sets: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
    let mut signed = Vec::new();
    for now in (0..40_000).step_by(usize::try_from(STEP).unwrap()) {
        keys.due(Some(4_000), now);
        if now % 9_000 < STEP {
            keys.rotate(now).unwrap();
        }
        sets.insert(now, keys.published(now));
        signed.push((now, keys.signs(now).to_owned()));
    }
    assert!(keys.made > 8, "{} keys", keys.made);
    for (now, kid) in &signed {
        let oldest_kept = now - LEAD_SECS;
        for (fetched, set) in sets.range(oldest_kept..).take_while(|(at, _)| **at < now + KEPT) {
            assert!(*fetched < STEP || set.contains(kid), "signed at {now}, fetched at {fetched}");
        }
    }
}

#[test]
fn on_schedule_the_next_key_is_there_before_its_time() {
    let every = 90 * DAY;
    let mut keys = Bench::new();
    keys.due(Some(every), 0);
    keys.due(Some(every), every - LEAD_SECS - 1);
    assert_eq!(keys.states(0), [("k1", Current)]);
    keys.due(Some(every), every - LEAD_SECS);
    keys.due(Some(every), every - LEAD_SECS + 5);
    assert_eq!(keys.states(every - 1), [("k1", Current), ("k2", Next)]);
    assert_eq!(keys.signs(every), "k2");
    // Who was away for long is late by no more than the lead.
    keys.due(Some(every), 3 * every);
    assert_eq!((keys.signs(3 * every), keys.signs(3 * every + LEAD_SECS)), ("k2", "k3"));
    keys.due(None, 99 * every);
    assert_eq!(keys.made, 3, "without a schedule keys stay");
}

#[test]
fn a_schedule_that_is_taken_publishes_no_more_keys_than_may_be() {
    for retention in [0, 3600, 7 * DAY, 400 * DAY].map(|secs| Duration::from_secs(secs.cast_unsigned())) {
        let every = i64::try_from(shortest_rotation(retention).as_secs()).unwrap();
        let mut keys = Bench::keeping(kept_secs(retention));
        for n in 0..100 {
            let now = n * every / 4;
            keys.due(Some(every), now);
            assert!(keys.published(now).len() <= PUBLISHED_MAX);
        }
        assert!(keys.made >= 20, "it was never held up: {}", keys.made);
    }
}

#[test]
fn only_what_is_wanted_is_made_and_algorithms_do_not_meet() {
    let mut ring = Bench::new();
    for (alg, count) in [(Alg::Rs256, 1), (Alg::EdDsa, 2), (Alg::Rs256, 2)] {
        let changes = ring.ring.due(&[alg], None, Timestamp(7));
        ring.make(changes, 7);
        assert_eq!(ring.made, count);
    }
    let change = ring.ring.rotate(Alg::EdDsa, Timestamp(7)).unwrap();
    ring.make(change, 7);
    assert_eq!(ring.states(7 + LEAD_SECS), [("k1", Current), ("k2", Previous), ("k3", Current)]);
}

/// What stands in the store is enough to go on, and a withdrawn key has no private half there.
#[test]
fn records_are_read_back_as_they_were_written() {
    let key = SigningKey::generate(ALG).unwrap().with_kid("a");
    let record = KeyRecord {
        kid: "a".into(),
        jwk: key.to_jwk().to_string(),
        created_at: Timestamp(1),
        signs_from: Timestamp(2),
        withdrawn_at: None,
    };
    let ring = KeyRing::load(std::slice::from_ref(&record), Duration::ZERO).unwrap();
    let now = Timestamp(2);
    assert!(ring.signer(ALG, Timestamp(1)).is_none() && ring.signer(ALG, now).is_some());
    assert!(ring.jwks(Timestamp(1)).contains("\"a\""), "published before it signs");
    assert!(!ring.jwks(now).contains("\"d\""));
    assert!(!format!("{ring:?}").contains("\"d\""));
    assert_eq!(ring.read().record("a").unwrap(), record);
    let withdrawn = ring.read().withdrawn("a", Timestamp(3)).unwrap();
    assert!(!withdrawn.jwk.contains("\"d\""), "{}", withdrawn.jwk);
    ring.take(&[Write::Key(withdrawn.clone())]).unwrap();
    assert!(ring.signer(ALG, Timestamp(3)).is_none());
    assert_eq!(ring.jwks(Timestamp(3)), r#"{"keys":[]}"#);
    let again = KeyRing::load(&[withdrawn], Duration::ZERO).unwrap();
    assert_eq!(again.list(Timestamp(3)), ring.list(Timestamp(3)));
}
