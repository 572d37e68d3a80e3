//! The keys of an issuer over time (RFC 7517 §5, RFC 7515 §10.1): the one that signs, the one that will, and
//! those that did.

use crate::{Error, JwkSet, Signer, SigningKey, VerifyingKey};

/// The keys an issuer signs one algorithm with: the current one, perhaps the next, and previous ones.
///
/// A rotation disturbs nobody when each step waits for its time, which the caller's clock knows and this value
/// does not:
///
/// 1. [`with_next`](Self::with_next) publishes the next key. **Wait one JWKS lifetime**: the longest that a
///    receiver may keep the set it has fetched.
/// 2. [`rotate`](Self::rotate) signs with it. The key before stays published **until the last token signed with
///    it is settled, plus a day**: acknowledged, expired or given up.
/// 3. [`retire_previous`](Self::retire_previous) then takes it away.
///
/// A compromised key waits for nothing: [`revoke`](Self::revoke) takes it away at once, along with the trust in
/// all that it signed. A receiver goes on trusting it until it fetches the set again, which is why the lifetime
/// of a set should be minutes and not days.
///
/// ```
/// use secevent_jose::{Alg, KeySet, Signer, SigningKey};
///
/// let key = |kid| SigningKey::generate(Alg::Es256).map(|key| key.with_kid(kid));
///
/// let keys = KeySet::new(key("2026-01")?).with_next(key("2026-02")?)?;
/// assert_eq!(keys.signer().kid(), "2026-01");
/// assert!(keys.to_jwks().find(Alg::Es256, Some("2026-02")).is_ok());
///
/// let keys = keys.rotate(); // one JWKS lifetime later
/// assert_eq!(keys.signer().kid(), "2026-02");
/// assert!(keys.to_jwks().find(Alg::Es256, Some("2026-01")).is_ok());
///
/// let keys = keys.retire_previous(); // when all that 2026-01 signed is settled, plus a day
/// assert!(keys.to_jwks().find(Alg::Es256, Some("2026-01")).is_err());
/// # Ok::<(), secevent_jose::Error>(())
/// ```
///
/// It is a value: each step returns the keys after it, and a step that fails leaves those before it as they were.
#[derive(Clone, Debug)]
#[must_use = "the keys after a step are returned, and those before it do not change"]
pub struct KeySet {
    // All are of one algorithm, and no two have the same kid.
    current: SigningKey,
    next: Option<SigningKey>,
    previous: Vec<SigningKey>,
}

impl KeySet {
    /// The set of one key, which signs.
    pub fn new(current: SigningKey) -> Self {
        Self { current, next: None, previous: Vec::new() }
    }

    /// With this key published for signing later, in place of one that was to be next.
    ///
    /// Errors: [`Error::KeyUnfit`] if it is of another algorithm, [`Error::BadKey`] if its `kid` is taken.
    pub fn with_next(&self, key: SigningKey) -> Result<Self, Error> {
        let others = Self { next: None, ..self.clone() };
        others.check(&key)?;
        Ok(Self { next: Some(key), ..others })
    }

    /// With this key published for what it signed before, as when the set is read from a store.
    ///
    /// Errors: as of [`with_next`](Self::with_next).
    pub fn with_previous(&self, key: SigningKey) -> Result<Self, Error> {
        self.check(&key)?;
        let mut keys = self.clone();
        keys.previous.push(key);
        Ok(keys)
    }

    /// The next key signs from now on, and the current one becomes a previous one. Without a next key nothing
    /// changes.
    ///
    /// Previous keys stay, so that a rotation too early costs no receiver a token.
    pub fn rotate(mut self) -> Self {
        if let Some(next) = self.next.take() {
            self.previous.push(std::mem::replace(&mut self.current, next));
        }
        self
    }

    /// Without the previous keys: what they signed does not verify any more.
    pub fn retire_previous(self) -> Self {
        Self { previous: Vec::new(), ..self }
    }

    /// Without this key, which is compromised. If it is the current one, the next one signs from now on.
    ///
    /// Errors: [`Error::KeyNotFound`], and [`Error::LastKey`] if it is current and there is no next one.
    pub fn revoke(&self, kid: &str) -> Result<Self, Error> {
        let mut keys = self.clone();
        if keys.current.kid() == kid {
            keys.current = keys.next.take().ok_or_else(|| Error::LastKey { kid: kid.to_owned() })?;
        } else if keys.next.take_if(|next| next.kid() == kid).is_none() {
            let position = keys.previous.iter().position(|key| key.kid() == kid);
            keys.previous.remove(position.ok_or_else(|| Error::KeyNotFound { kid: Some(kid.to_owned()) })?);
        }
        Ok(keys)
    }

    /// The current key: the one that signs.
    pub fn signer(&self) -> &SigningKey {
        &self.current
    }

    /// The key that will sign after the next rotation.
    pub fn next(&self) -> Option<&SigningKey> {
        self.next.as_ref()
    }

    /// The keys that signed, oldest first.
    pub fn previous(&self) -> &[SigningKey] {
        &self.previous
    }

    /// The public halves of all: current, next and previous. An issuer of several algorithms publishes those of
    /// all its sets together.
    pub fn published(&self) -> impl Iterator<Item = &VerifyingKey> {
        self.all().map(SigningKey::verifying_key)
    }

    /// The set to publish at the issuer's `jwks_uri`.
    pub fn to_jwks(&self) -> JwkSet {
        JwkSet::new(self.published().cloned().collect())
    }

    fn all(&self) -> impl Iterator<Item = &SigningKey> {
        [&self.current].into_iter().chain(&self.next).chain(&self.previous)
    }

    /// Whether the key may join the others.
    fn check(&self, key: &SigningKey) -> Result<(), Error> {
        if key.alg() != self.current.alg() {
            return Err(Error::unfit(self.current.alg(), key.verifying_key().to_string()));
        }
        if self.all().any(|other| other.kid() == key.kid()) {
            return Err(Error::BadKey("another key of the set has its kid (RFC 7517 §4.5)".into()));
        }
        Ok(())
    }
}
