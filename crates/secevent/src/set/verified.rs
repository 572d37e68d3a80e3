//! A token that a key vouched for.

use std::ops::Deref;

use secevent_jose::Alg;

use super::Claims;
use crate::Finding;

/// A SET whose signature, addressing and claims were verified; only [`UnverifiedSet::verify`] makes one.
///
/// It reads like its [`Claims`] and keeps the compact token, which is the evidence (SET-069). A function that takes one
/// has no check left to do:
/// ```
/// fn who(set: &secevent::VerifiedSet) -> Option<&secevent::SubjectId> {
///     set.subject()
/// }
/// ```
/// Nobody else can make one, not from judged claims either:
/// ```compile_fail,E0451
/// fn believe(token: String, alg: secevent::Alg, claims: secevent::Claims) -> secevent::VerifiedSet {
///     secevent::VerifiedSet { token, alg, claims, warnings: Vec::new() }
/// }
/// ```
///
/// [`UnverifiedSet::verify`]: super::UnverifiedSet::verify
#[derive(Clone, Debug)]
pub struct VerifiedSet {
    token: String,
    alg: Alg,
    claims: Claims,
    warnings: Vec<Finding>,
}

impl VerifiedSet {
    pub(super) const fn new(token: String, alg: Alg, claims: Claims, warnings: Vec<Finding>) -> Self {
        Self { token, alg, claims, warnings }
    }

    /// The compact token as it came.
    // spec: SET-069
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The algorithm it was signed with.
    pub const fn alg(&self) -> Alg {
        self.alg
    }

    /// The claims.
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Advice that the issuer did not follow.
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }
}

impl Deref for VerifiedSet {
    type Target = Claims;

    fn deref(&self) -> &Claims {
        &self.claims
    }
}
