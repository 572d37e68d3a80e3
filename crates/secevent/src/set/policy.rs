//! What a recipient accepts: a profile, one issuer, its own audience.

use secevent_jose::AlgSet;

use crate::Profile;

/// What a recipient accepts on one stream. Issuer and audience are arguments, never options left out.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) profile: Profile,
    pub(crate) iss: Option<String>,
    pub(crate) aud: Option<Vec<String>>,
    pub(crate) algs: AlgSet,
    pub(crate) leeway_secs: i64,
}

/// Clocks differ by seconds, rarely more (JWT-013).
const LEEWAY_SECS: i64 = 60;

impl Policy {
    /// Tokens of `profile` from this issuer to this audience.
    pub fn new(profile: Profile, iss: impl Into<String>, aud: impl Into<String>) -> Self {
        Self { iss: Some(iss.into()), aud: Some(vec![aud.into()]), ..Self::unchecked(profile) }
    }

    /// Tokens of a Shared Signals stream: the `iss` and `aud` of its configuration.
    pub fn ssf(iss: impl Into<String>, aud: impl Into<String>) -> Self {
        Self::new(Profile::SSF, iss, aud)
    }

    /// Another name by which this recipient is addressed.
    pub fn or_aud(mut self, aud: impl Into<String>) -> Self {
        self.aud.get_or_insert_default().push(aud.into());
        self
    }

    /// The same issuer, audience, algorithms and clock under another profile.
    pub const fn under(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Narrows the algorithms further than the profile does (BCP-001).
    pub fn algs(mut self, algs: AlgSet) -> Self {
        self.algs = algs;
        self
    }

    /// How far clocks may differ, in seconds; 60 unless said (JWT-013).
    pub const fn leeway_secs(mut self, secs: i64) -> Self {
        self.leeway_secs = secs;
        self
    }

    /// The profile tokens are judged under.
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    pub(crate) const fn unchecked(profile: Profile) -> Self {
        Self { profile, iss: None, aud: None, algs: AlgSet::ALL, leeway_secs: LEEWAY_SECS }
    }
}
