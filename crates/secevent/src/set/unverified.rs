//! A token of which nothing was believed yet, and the way to a verified one.

use secevent_jose::{
    Alg, Compact, Error as JoseError, Header, JwkSet, VerifyingKey,
    json::{self, Document, Json},
};

use super::{Claims, Envelope, Policy, VerifiedSet};
use crate::{
    Error, ErrorCode, Finding, Profile, Timestamp,
    error::Fault,
    event::{Member, NumericDate},
    finding::{Check, Level, Role, describe_json, quote},
};

/// A SET that was split and decoded; its claims cannot be reached before a key vouches for them.
///
/// What stands in the header is enough to look for that key:
/// ```
/// fn key_name<'a>(set: &'a secevent::UnverifiedSet<'_>) -> Option<&'a str> {
///     set.key_hint().kid
/// }
/// ```
/// Nothing else compiles, so that no check can be forgotten:
/// ```compile_fail,E0599
/// fn who(set: &secevent::UnverifiedSet<'_>) -> Option<&secevent::SubjectId> {
///     set.subject()
/// }
/// ```
#[derive(Debug)]
pub struct UnverifiedSet<'t> {
    token: &'t str,
    jws: Compact<'t>,
    /// The header of the encrypted token that this one was in.
    #[cfg(feature = "jwe")]
    pub(super) outer: Option<&'t Header>,
}

/// What a header says about the key: enough to pick one, not to trust one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyHint<'a> {
    /// The algorithm by its name.
    pub alg: &'a str,
    /// The key id, if the header has one.
    pub kid: Option<&'a str>,
}

/// Where keys come from: one key, or a set to choose from by algorithm and `kid`.
pub trait Keys {
    /// The key for this algorithm and id.
    ///
    /// # Errors
    /// When there is none, or more than one.
    fn find(&self, alg: Alg, kid: Option<&str>) -> Result<&VerifyingKey, JoseError>;
}

impl Keys for VerifyingKey {
    fn find(&self, _: Alg, _: Option<&str>) -> Result<&VerifyingKey, JoseError> {
        Ok(self)
    }
}

impl Keys for JwkSet {
    fn find(&self, alg: Alg, kid: Option<&str>) -> Result<&VerifyingKey, JoseError> {
        Self::find(self, alg, kid)
    }
}

impl<'t> UnverifiedSet<'t> {
    pub(super) fn parse(token: &'t str) -> Result<Self, Error> {
        // spec: CHK-001, JWT-001, BCP-021, BCP-026
        let jws = Compact::parse(token).map_err(|error| Error::jose(&error))?;
        Ok(Self {
            token,
            jws,
            #[cfg(feature = "jwe")]
            outer: None,
        })
    }

    /// What the header says about the key.
    pub fn key_hint(&self) -> KeyHint<'_> {
        KeyHint { alg: self.jws.header().alg(), kid: self.jws.header().kid() }
    }

    /// Verifies signature, type, issuer, audience, time, profile and events.
    ///
    /// # Errors
    /// The code to answer the transmitter with, and everything that is wrong with the claims.
    // spec: BCP-001, BCP-002, BCP-008, BCP-013, CHK-003, CHK-005, CHK-006, CHK-007, JWT-005, JWT-022
    pub fn verify(self, keys: &impl Keys, policy: &Policy, now: Timestamp) -> Result<VerifiedSet, Error> {
        let header = self.jws.header();
        let alg = self.jws.alg().map_err(|error| Error::jose(&error))?;
        let allowed = policy.profile.algs.and(policy.algs);
        if !allowed.contains(alg) {
            let error = JoseError::AlgNotAllowed { alg: alg.to_string(), allowed: allowed.to_string() };
            return Err(Error::jose(&error));
        }
        let key = keys.find(alg, header.kid()).map_err(|error| Error::jose(&error))?;
        self.jws.verify(key, allowed).map_err(|error| Error::jose(&error))?;
        let (header, payload) = self.jws.into_parts();
        let (claims, warnings) = judge(&header, payload, policy, now)?;
        #[cfg(feature = "jwe")]
        super::nested::check_replicated(self.outer, &claims)?;
        Ok(VerifiedSet::new(self.token.to_owned(), alg, claims, warnings))
    }
}

/// Everything but the signature.
pub(crate) fn judge(
    header: &Header,
    payload: Vec<u8>,
    policy: &Policy,
    now: Timestamp,
) -> Result<(Claims, Vec<Finding>), Error> {
    let mut check = Check::new(Role::Receiver);
    policy.profile.check_typ(header.typ(), &mut check);
    Profile::check_cty(header.cty(), &mut check);
    // spec: JWT-004, JWT-007
    let document = claims_document(payload)?;
    let addressing =
        |envelope: &Envelope<'_>, check: &mut Check| policy.check_addressing(envelope, now, check);
    match Claims::read_addressed(document, &policy.profile, addressing, &mut check) {
        Some(claims) => Ok((claims, check.into_findings())),
        None => Err(Error::from_check(check, Fault::Peer)),
    }
}

pub(crate) const JSON_MEND: &str =
    "write the claims as one JSON object, at most 64 deep and without duplicate members";

/// The claims as a document.
pub(crate) fn claims_document(payload: Vec<u8>) -> Result<Document, Error> {
    Document::parse(payload).map_err(|error| not_json(&error))
}

pub(crate) fn not_json(error: &json::JsonError) -> Error {
    Error::peer(ErrorCode::InvalidRequest, json_rule(error), error, JSON_MEND)
}

pub(crate) fn json_rule(error: &json::JsonError) -> &'static str {
    if error.is_duplicate() { "JWT-007" } else { "JWT-004" }
}

impl Error {
    /// What JOSE refused, with the code that RFC 8935 §2.4 has for it (PUSH-035).
    // spec: PUSH-035
    pub(crate) fn jose(error: &JoseError) -> Self {
        let (code, id, mend) = match error {
            JoseError::KeyNotFound { .. } | JoseError::AmbiguousKey => {
                (ErrorCode::InvalidKey, "CHK-005", "publish the key at `jwks_uri` and name it by `kid`")
            }
            JoseError::BadSignature => (
                ErrorCode::InvalidKey,
                "CHK-006",
                "sign the exact bytes that are sent, with the published key",
            ),
            JoseError::AlgNotAllowed { .. } => {
                (ErrorCode::InvalidKey, "CHK-003", "sign with an algorithm that is allowed")
            }
            JoseError::KeyUnfit { .. } | JoseError::BadKey(_) => {
                (ErrorCode::InvalidKey, "BCP-020", "use a key that is made for the algorithm")
            }
            JoseError::Encrypted => (
                ErrorCode::InvalidRequest,
                "BCP-021",
                "send the signed token alone, or read it with `Set::decrypt` of the feature `jwe`",
            ),
            JoseError::CritUnsupported(_) => (ErrorCode::InvalidRequest, "JWT-021", "leave out `crit`"),
            JoseError::Json(json) => (ErrorCode::InvalidRequest, json_rule(json), "send strict JSON"),
            _ => {
                (ErrorCode::InvalidRequest, "JWT-001", "send a JWS in compact form: header.payload.signature")
            }
        };
        Self::peer(code, id, error, mend)
    }
}

impl Policy {
    /// Issuer, audience and time: what depends on the recipient and its clock.
    fn check_addressing(&self, envelope: &Envelope<'_>, now: Timestamp, check: &mut Check) {
        // spec: SSF-006, CHK-004, PUSH-013, JWT-018
        if let Some(expected) = &self.iss
            && envelope.iss.and_then(Json::as_str) != Some(expected)
        {
            let found = describe_json(envelope.iss);
            let mend = format!("the issuer here is {}", quote(expected));
            check.within("iss", |check| {
                check.report(Level::Error, ErrorCode::InvalidIssuer, "SSF-006", found, mend);
            });
        }
        // spec: JWT-009, CHK-010, BCP-015, PUSH-012
        if let Some(expected) = &self.aud {
            let ours =
                |aud: Json<'_>| aud.as_str().is_some_and(|aud| expected.iter().any(|ours| ours == aud));
            let aud = envelope.aud;
            let addressed =
                aud.is_some_and(|aud| ours(aud) || aud.as_array().is_some_and(|mut some| some.any(ours)));
            if !addressed {
                let found = "it does not name this recipient";
                let mend = format!("address it to {}", quote(&expected.join(", ")));
                check.within("aud", |check| {
                    check.report(Level::Error, ErrorCode::InvalidAudience, "JWT-009", found, mend);
                });
            }
        }
        let time = |claim: Option<Json<'_>>| claim.and_then(NumericDate::read).map(|date| date.timestamp());
        let latest = now.plus_secs(self.leeway_secs);
        // spec: JWT-011, JWT-013
        if let Some(exp) = time(envelope.exp).filter(|exp| *exp <= now.plus_secs(-self.leeway_secs)) {
            check.within("exp", |check| {
                check.error("JWT-011", format!("expired at {exp}"), "send a fresh token");
            });
        }
        // spec: JWT-012, JWT-014, CHK-011
        for (claim, value, id) in [("nbf", envelope.nbf, "JWT-012"), ("iat", envelope.iat, "JWT-014")] {
            if let Some(at) = time(value).filter(|at| *at > latest) {
                let found = format!("{at} lies in the future; it is {now} here");
                check.within(claim, |check| check.error(id, found, "check the clocks"));
            }
        }
    }
}
