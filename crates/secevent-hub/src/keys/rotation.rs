//! Keys are made, take over and leave: on schedule, when an operator asks, and at once when one is compromised.

use std::{collections::BTreeMap, collections::BTreeSet, time::Duration};

use secevent::{Alg, Signer as _, SigningKey, Timestamp};
use secevent_ssf::store::{Batch, KeyRecord, StoreError, Write};
use tracing::{info, warn};

use super::{Change, KeyTimes, Span, ring::TooMany};
use crate::{Hub, HubError, hub::stopped};

/// Why keys were not rotated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RotateError {
    #[error("no key of {0} signs here")]
    NotHere(Alg),
    #[error(transparent)]
    TooMany(#[from] TooMany),
    #[error(transparent)]
    Hub(#[from] HubError),
}

impl Hub {
    /// Does what is due to the keys: makes those that are missing or to come, and retires the oldest.
    // spec: SSF-033
    pub(crate) async fn look_after_keys(&self) -> Result<(), HubError> {
        let changing = self.0.keys.changes.lock().await;
        let wanted = self.0.receivers.all().iter().map(|receiver| receiver.alg).chain([Alg::Rs256]);
        let wanted: Vec<_> = wanted.collect::<BTreeSet<_>>().into_iter().collect();
        let every = self.0.settings.rotate_keys_every;
        let every = every.map(|every| i64::try_from(every.as_secs()).unwrap_or(i64::MAX));
        let due = self.0.keys.read().ring.due(&wanted, every, self.now().timestamp());
        let done = self.change_keys(due).await;
        drop(changing);
        done
    }

    /// Rotates the keys of one algorithm, or of all that sign: a next one is published and takes over by itself, or,
    /// at once, the current one leaves. Answers with all keys of these algorithms as they are afterwards.
    pub(crate) async fn rotate_keys(
        &self,
        alg: Option<Alg>,
        at_once: bool,
    ) -> Result<Vec<(KeyTimes, Span)>, RotateError> {
        let changing = self.0.keys.changes.lock().await;
        let now = self.now().timestamp();
        let (algs, changes) = {
            let ring = &self.0.keys.read().ring;
            let signing = |alg: &Alg| ring.current(*alg, now).is_some();
            let algs: Vec<_> = alg.map_or_else(|| Alg::ALL.to_vec(), |alg| vec![alg]);
            let algs: Vec<_> = algs.into_iter().filter(signing).collect();
            if let Some(alg) = alg.filter(|_| algs.is_empty()) {
                return Err(RotateError::NotHere(alg));
            }
            let mut changes = Vec::new();
            for alg in &algs {
                if at_once {
                    changes.extend(ring.rotate_now(*alg, now));
                } else {
                    changes.extend(ring.rotate(*alg, now)?);
                }
            }
            (algs, changes)
        };
        self.change_keys(changes).await?;
        let list = self.0.keys.list(self.now().timestamp());
        drop(changing);
        Ok(list.into_iter().filter(|(key, _)| algs.contains(&key.alg)).collect())
    }

    /// All at once: on disk first, then in memory.
    async fn change_keys(&self, changes: Vec<Change>) -> Result<(), HubError> {
        if changes.is_empty() {
            return Ok(());
        }
        let now = self.now().timestamp();
        let mut done = Vec::new();
        for change in changes {
            let write = match &change {
                Change::Make(alg, signs_from) => Some(Write::Key(make(*alg, now, *signs_from).await?)),
                Change::SignFrom(kid, at) => {
                    let record = self.0.keys.read().record(kid);
                    record.map(|record| Write::Key(KeyRecord { signs_from: *at, ..record }))
                }
                Change::Withdraw(kid, at) => self.0.keys.read().withdrawn(kid, *at).map(Write::Key),
                Change::Forget(kid) => Some(Write::DropKey(kid.clone())),
            };
            done.extend(write.map(|write| (change, write)));
        }
        let writes: Vec<_> = done.iter().map(|(_, write)| write.clone()).collect();
        self.commit(Batch { events: Vec::new(), writes: writes.clone() }).await?;
        self.0.keys.take(&writes)?;
        done.iter().for_each(tell);
        Ok(())
    }

    /// Looks after the keys until the hub stops.
    pub(crate) async fn keep_keys(self) {
        let mut stopping = self.0.stopping.subscribe();
        let mut signing = self.signing();
        let mut failed = false;
        loop {
            tokio::select! {
                () = tokio::time::sleep(if failed { AFTER_FAILURE } else { LOOK_EVERY }) => {}
                () = stopped(&mut stopping) => return,
            }
            match self.look_after_keys().await {
                Ok(()) => failed = false,
                Err(error) => {
                    if !std::mem::replace(&mut failed, true) {
                        warn!(%error, "the signing keys stay as they are; it is tried again every minute");
                    }
                }
            }
            let before = std::mem::replace(&mut signing, self.signing());
            for (alg, kid) in signing.iter().filter(|(alg, kid)| before.get(alg) != Some(kid)) {
                info!(%alg, kid, "this key signs from now on");
            }
        }
    }

    /// The key of each algorithm that signs.
    fn signing(&self) -> BTreeMap<Alg, String> {
        let (now, keys) = (self.now().timestamp(), self.0.keys.read());
        let current = Alg::ALL.into_iter().filter_map(|alg| keys.ring.current(alg, now));
        current.map(|key| (key.alg, key.kid.clone())).collect()
    }
}

/// A new key; RSA takes its time.
async fn make(alg: Alg, now: Timestamp, signs_from: Timestamp) -> Result<KeyRecord, HubError> {
    let made = tokio::task::spawn_blocking(move || {
        let key = SigningKey::generate(alg)?;
        let (kid, jwk) = (key.kid().to_owned(), key.to_jwk().to_string());
        Ok(KeyRecord { kid, jwk, created_at: now, signs_from, withdrawn_at: None })
    });
    let broke_off = |error| HubError::Store(StoreError::Failed(format!("making a key broke off: {error}")));
    made.await.map_err(broke_off)?
}

fn tell((change, write): &(Change, Write)) {
    match (change, write) {
        (Change::Make(alg, signs_from), Write::Key(KeyRecord { kid, .. })) => {
            info!(%alg, kid, signs_from = signs_from.0, "made a signing key");
        }
        (Change::Make(..), _) => {}
        (Change::SignFrom(kid, _), _) => info!(kid, "the next signing key takes over early"),
        (Change::Withdraw(kid, _), _) => info!(kid, "a signing key is not published any more"),
        (Change::Forget(kid), _) => info!(kid, "forgot a signing key that was withdrawn long ago"),
    }
}

/// A look costs nothing; a key that is due waits no longer than this.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A key that could not be written was made for nothing, which costs some time.
const AFTER_FAILURE: Duration = Duration::from_mins(1);
