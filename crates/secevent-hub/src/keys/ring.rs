//! What each signing key is used for at a moment: a function of the times of all keys, and of nothing else.
//!
//! A key of an algorithm signs from its `signs_from` until that of another; before, it is published already, and
//! afterwards for as long as a SET it signed may wait somewhere. So nobody has to be there at the moment when a key
//! takes over, and a hub that was down meanwhile finds the same answer.

use secevent::{Alg, Timestamp};
use secevent_http::router::JWKS_MAX_AGE;
use secevent_ssf::store::KeyState;

/// The times of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyTimes {
    pub(crate) kid: String,
    pub(crate) alg: Alg,
    pub(crate) created_at: Timestamp,
    pub(crate) signs_from: Timestamp,
    pub(crate) withdrawn_at: Option<Timestamp>,
}

/// What a key is used for, since when, and until when as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) state: KeyState,
    pub(crate) since: Timestamp,
    pub(crate) until: Option<Timestamp>,
}

/// What is to be done to the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Make a key that signs from this time on.
    Make(Alg, Timestamp),
    /// Let a key sign from this time on, earlier than it was to.
    SignFrom(String, Timestamp),
    /// Take a key out of use and out of the JWK Set, for good.
    Withdraw(String, Timestamp),
    /// Forget a key that was withdrawn long ago.
    Forget(String),
}

/// The times of all keys.
#[derive(Debug)]
pub(crate) struct Ring {
    pub(super) keys: Vec<KeyTimes>,
    kept_secs: i64,
}

/// There are as many keys of an algorithm as may be published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("as many keys of {alg} are published as may be")]
pub(crate) struct TooMany {
    pub(crate) alg: Alg,
    /// When the oldest of them leaves.
    pub(crate) until: Option<Timestamp>,
}

impl Ring {
    /// Keys that stay published for some time after they stopped signing.
    pub(crate) const fn new(keys: Vec<KeyTimes>, kept_secs: i64) -> Self {
        Self { keys, kept_secs }
    }

    /// The key that signs: of those whose time has come, the last.
    pub(crate) fn current(&self, alg: Alg, now: Timestamp) -> Option<&KeyTimes> {
        self.usable(alg).filter(|key| key.signs_from <= now).max_by_key(|key| (key.signs_from, &key.kid))
    }

    /// The key that will sign.
    pub(crate) fn next(&self, alg: Alg, now: Timestamp) -> Option<&KeyTimes> {
        self.usable(alg).filter(|key| key.signs_from > now).min_by_key(|key| (key.signs_from, &key.kid))
    }

    fn usable(&self, alg: Alg) -> impl Iterator<Item = &KeyTimes> {
        self.keys.iter().filter(move |key| key.alg == alg && key.withdrawn_at.is_none())
    }

    /// What a key is used for.
    pub(crate) fn span(&self, key: &KeyTimes, now: Timestamp) -> Span {
        let span = |state, since, until| Span { state, since, until };
        if let Some(at) = key.withdrawn_at {
            return span(KeyState::Retired, at, Some(later(at, RETIRED_SECS)));
        }
        if key.signs_from > now {
            return span(KeyState::Next, key.created_at, Some(key.signs_from));
        }
        let others = self.keys.iter().filter(|other| other.alg == key.alg);
        let stops = others.map(|other| other.signs_from).filter(|from| *from > key.signs_from).min();
        match stops.filter(|stops| *stops <= now) {
            None => span(KeyState::Current, key.signs_from, stops),
            Some(stopped) => {
                let leaves = later(stopped, self.kept_secs);
                if leaves > now {
                    span(KeyState::Previous, stopped, Some(leaves))
                } else {
                    span(KeyState::Retired, leaves, None)
                }
            }
        }
    }

    /// The keys of the JWK Set.
    pub(crate) fn published(&self, now: Timestamp) -> impl Iterator<Item = &KeyTimes> {
        self.keys.iter().filter(move |key| self.span(key, now).state != KeyState::Retired)
    }

    /// The next key of an algorithm, published from now on. One that is there already is the answer too.
    // spec: SSF-019
    pub(crate) fn rotate(&self, alg: Alg, now: Timestamp) -> Result<Option<Change>, TooMany> {
        if self.next(alg, now).is_some() {
            return Ok(None);
        }
        let leave = self.published(now).filter(|key| key.alg == alg).map(|key| self.span(key, now).until);
        let leave: Vec<_> = leave.collect();
        if leave.len() >= PUBLISHED_MAX {
            return Err(TooMany { alg, until: leave.into_iter().flatten().min() });
        }
        Ok(Some(Change::Make(alg, later(now, LEAD_SECS))))
    }

    /// Without the current key, from this moment on. The next one signs if there is one, and else a new one.
    pub(crate) fn rotate_now(&self, alg: Alg, now: Timestamp) -> Vec<Change> {
        let withdrawn = self.current(alg, now).map(|key| Change::Withdraw(key.kid.clone(), now));
        let signs =
            self.next(alg, now).map_or(Change::Make(alg, now), |key| Change::SignFrom(key.kid.clone(), now));
        withdrawn.into_iter().chain([signs]).collect()
    }

    /// What is due: keys that are missing, keys to come on schedule, keys to retire and to forget.
    pub(crate) fn due(&self, wanted: &[Alg], rotate_secs: Option<i64>, now: Timestamp) -> Vec<Change> {
        let of_alg = |alg: &Alg| match (self.current(*alg, now), rotate_secs) {
            (None, _) => Some(Change::Make(*alg, now)),
            (Some(current), Some(secs)) => {
                let due = later(current.signs_from, secs);
                let begins = Timestamp(due.0.saturating_sub(LEAD_SECS));
                let begun = (begins <= now).then(|| self.rotate(*alg, now).ok().flatten()).flatten();
                begun.map(|_| Change::Make(*alg, later(now, LEAD_SECS).max(due)))
            }
            (Some(_), None) => None,
        };
        let of_key = |key: &KeyTimes| match (self.span(key, now), key.withdrawn_at) {
            (Span { state: KeyState::Retired, .. }, None) => Some(Change::Withdraw(key.kid.clone(), now)),
            (Span { until: Some(until), .. }, Some(_)) if until <= now => {
                Some(Change::Forget(key.kid.clone()))
            }
            _ => None,
        };
        wanted.iter().filter_map(of_alg).chain(self.keys.iter().filter_map(of_key)).collect()
    }
}

fn later(at: Timestamp, secs: i64) -> Timestamp {
    Timestamp(at.0.saturating_add(secs))
}

/// How long a key is published before it signs. A JWK Set that was fetched a moment before it came into it is kept
/// for its lifetime, by a cache on the way and then by the receiver, if neither tells the other its age.
// spec: SSF-019
pub(crate) const LEAD_SECS: i64 = 2 * JWKS_MAX_AGE.as_secs().cast_signed();

/// A receiver takes some hundred keys; there are eleven algorithms, of which few are used.
pub(crate) const PUBLISHED_MAX: usize = 12;

/// How long a retired key is listed.
pub(super) const RETIRED_SECS: i64 = 30 * 24 * 3600;
