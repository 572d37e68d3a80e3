//! Signing keys: one of each algorithm signs, others are published before and after. All are kept in the store.

mod ring;
mod rotation;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock, RwLockReadGuard},
    time::Duration,
};

use secevent::{Alg, JwkSet, SigningKey, Timestamp, VerifyingKey};
use secevent_jose::{Error, json};
use secevent_ssf::store::{KeyRecord, Write};

use ring::{Change, LEAD_SECS, PUBLISHED_MAX, Ring};
pub(crate) use ring::{KeyTimes, Span};
pub(crate) use rotation::RotateError;

/// The keys that SETs are, were lately or will soon be signed with.
#[derive(Debug)]
pub(crate) struct KeyRing {
    keys: RwLock<Keys>,
    /// Held while keys are made, changed or removed, so that the disk sees what memory saw, in one order.
    changes: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Keys {
    ring: Ring,
    halves: BTreeMap<String, Halves>,
}

/// A key by its name; the private half is gone once the key was withdrawn.
#[derive(Debug)]
struct Halves {
    private: Option<SigningKey>,
    public: VerifyingKey,
}

/// How long a key stays published after it stopped signing. What is sent again is signed with the key of that moment,
/// so this is for SETs that were taken and not verified yet: as long as we keep what is settled, and a day.
pub(crate) fn kept_secs(retention: Duration) -> i64 {
    const DAY_SECS: i64 = 24 * 3600;
    i64::try_from(retention.as_secs()).unwrap_or(i64::MAX).saturating_add(DAY_SECS)
}

/// The shortest time between two rotations with which no more keys are published than may be: the current one, the
/// next one, and those that signed within that time.
pub(crate) fn shortest_rotation(retention: Duration) -> Duration {
    let previous = PUBLISHED_MAX.saturating_sub(2).max(1) as u64;
    Duration::from_secs(kept_secs(retention).cast_unsigned().div_ceil(previous))
}

impl KeyRing {
    /// The ring of these records.
    pub(crate) fn load(records: &[KeyRecord], retention: Duration) -> Result<Self, Error> {
        let mut keys = Keys { ring: Ring::new(Vec::new(), kept_secs(retention)), halves: BTreeMap::new() };
        for record in records {
            keys.take(record)?;
        }
        Ok(Self { keys: RwLock::new(keys), changes: tokio::sync::Mutex::default() })
    }

    /// The key that signs with this algorithm.
    pub(crate) fn signer(&self, alg: Alg, now: Timestamp) -> Option<SigningKey> {
        let keys = self.read();
        let current = keys.ring.current(alg, now)?;
        keys.halves.get(&current.kid)?.private.clone()
    }

    /// Whether a key was withdrawn so lately that a receiver may hold what it signed, and keys without it.
    pub(crate) fn has_left_lately(&self, alg: Alg, now: Timestamp) -> bool {
        let lately = |at: Timestamp| at.0.saturating_add(LEAD_SECS) > now.0;
        self.read().ring.keys.iter().any(|key| key.alg == alg && key.withdrawn_at.is_some_and(lately))
    }

    /// The public keys as a JWK Set (RFC 7517 §5).
    pub(crate) fn jwks(&self, now: Timestamp) -> String {
        let keys = self.read();
        let published = keys.ring.published(now).filter_map(|key| keys.halves.get(&key.kid));
        JwkSet::new(published.map(|halves| halves.public.clone()).collect()).to_json()
    }

    /// All keys with what they are used for, those of one algorithm together and in the order in which they sign.
    pub(crate) fn list(&self, now: Timestamp) -> Vec<(KeyTimes, Span)> {
        let keys = self.read();
        let mut list: Vec<_> =
            keys.ring.keys.iter().map(|key| (key.clone(), keys.ring.span(key, now))).collect();
        // Of two that sign from the same second on, the one that was withdrawn was there before.
        let place = |key: &KeyTimes| (key.alg, key.signs_from, key.withdrawn_at.is_none());
        list.sort_by(|(a, _), (b, _)| place(a).cmp(&place(b)).then_with(|| a.kid.cmp(&b.kid)));
        list
    }

    fn read(&self) -> RwLockReadGuard<'_, Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was written to the store.
    fn take(&self, writes: &[Write]) -> Result<(), Error> {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        for write in writes {
            match write {
                Write::Key(record) => keys.take(record)?,
                Write::DropKey(kid) => keys.forget(kid),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Keys {
    fn take(&mut self, record: &KeyRecord) -> Result<(), Error> {
        let halves = Halves::read(record)?;
        let alg = halves.public.alg().ok_or_else(|| Error::BadKey("a signing key has no alg".into()))?;
        let KeyRecord { kid, created_at, signs_from, withdrawn_at, .. } = record.clone();
        self.forget(&kid);
        self.ring.keys.push(KeyTimes { kid: kid.clone(), alg, created_at, signs_from, withdrawn_at });
        self.halves.insert(kid, halves);
        Ok(())
    }

    fn forget(&mut self, kid: &str) {
        self.ring.keys.retain(|key| key.kid != kid);
        self.halves.remove(kid);
    }

    /// How a key is written that changes, or `None` if there is none of this name.
    fn record(&self, kid: &str) -> Option<KeyRecord> {
        let KeyTimes { created_at, signs_from, withdrawn_at, .. } =
            *self.ring.keys.iter().find(|key| key.kid == kid)?;
        let Halves { private, public } = self.halves.get(kid)?;
        let jwk = match private {
            Some(private) => private.to_jwk().to_string(),
            None => serde_json::Value::from(public.to_jwk()).to_string(),
        };
        Some(KeyRecord { kid: kid.to_owned(), jwk, created_at, signs_from, withdrawn_at })
    }

    /// How a key is written that is taken out of use: nobody signs with it again.
    fn withdrawn(&self, kid: &str, at: Timestamp) -> Option<KeyRecord> {
        let record = self.record(kid)?;
        let jwk = serde_json::Value::from(self.halves.get(kid)?.public.to_jwk()).to_string();
        Some(KeyRecord { jwk, withdrawn_at: Some(at), ..record })
    }
}

impl Halves {
    fn read(record: &KeyRecord) -> Result<Self, Error> {
        if record.withdrawn_at.is_some() {
            let public = VerifyingKey::from_jwk(&json::parse_object(record.jwk.as_bytes())?)?;
            return Ok(Self { private: None, public });
        }
        let private = SigningKey::from_jwk(record.jwk.as_bytes())?;
        Ok(Self { public: private.verifying_key().clone(), private: Some(private) })
    }
}
