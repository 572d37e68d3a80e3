//! Signing keys: one current key per algorithm, kept in the store.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock},
};

use secevent::{Alg, JwkSet, Signer, SigningKey, Timestamp};
use secevent_ssf::store::{KeyRecord, KeyState};

/// The keys that SETs are, were lately or will soon be signed with.
#[derive(Debug)]
pub(crate) struct KeyRing(RwLock<Keys>);

#[derive(Debug, Default)]
struct Keys {
    current: BTreeMap<Alg, SigningKey>,
    published: Vec<SigningKey>,
}

impl KeyRing {
    /// The ring of these records.
    pub(crate) fn load(records: &[KeyRecord]) -> Result<Self, secevent_jose::Error> {
        let mut keys = Keys::default();
        for record in records {
            let key = SigningKey::from_jwk(record.jwk.as_bytes())?;
            if record.state == KeyState::Current {
                keys.current.insert(key.alg(), key.clone());
            }
            keys.published.push(key);
        }
        Ok(Self(RwLock::new(keys)))
    }

    /// Whether there is a key to sign with this algorithm.
    pub(crate) fn has(&self, alg: Alg) -> bool {
        self.read().current.contains_key(&alg)
    }

    /// Makes a first key of an algorithm; the record is to be stored before the key is used.
    pub(crate) fn generate(
        alg: Alg,
        now: Timestamp,
    ) -> Result<(KeyRecord, SigningKey), secevent_jose::Error> {
        let key = SigningKey::generate(alg)?;
        let jwk = key.to_jwk().to_string();
        let kid = key.kid().to_owned();
        Ok((KeyRecord { kid, jwk, state: KeyState::Current, created_at: now }, key))
    }

    pub(crate) fn add(&self, key: SigningKey) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        keys.published.push(key.clone());
        keys.current.insert(key.alg(), key);
    }

    /// The key that signs with this algorithm now.
    pub(crate) fn signer(&self, alg: Alg) -> Option<SigningKey> {
        self.read().current.get(&alg).cloned()
    }

    /// The public keys as a JWK Set (RFC 7517 §5).
    pub(crate) fn jwks(&self) -> String {
        JwkSet::new(self.read().published.iter().map(|key| key.verifying_key().clone()).collect()).to_json()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Keys> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}
