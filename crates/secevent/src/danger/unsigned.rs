//! Unsecured SETs (RFC 8417 §2.4): nothing in the token says who made it, so the channel it came by has to.

use std::{fmt, ops::Deref};

use secevent_jose::{Compact, jws};
use serde_json::{Map, Value};

use crate::{
    Claims, Error, ErrorCode, Finding, Policy, Profile, Timestamp,
    error::Fault,
    finding::{Check, Role, quote},
    set,
};

/// The means, other than a signature, that protect integrity, confidentiality and authenticity of the issuer; in words
/// that a reviewer can check.
///
/// TLS tells the client who the server is. That is enough for a recipient that polls; one that is pushed to is the
/// server, and needs mutual TLS or the like.
// spec: SET-036, SET-040
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecureChannel(String);

impl SecureChannel {
    /// A channel by what it is and where it leads, such as `mutual TLS to idp.example`.
    pub fn named(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The words it was named with.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecureChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A SET that **no signature vouches for**: claims that kept every rule, from a channel that somebody trusted.
///
/// It reads like its [`Claims`] and is no [`VerifiedSet`](crate::VerifiedSet), nor does it turn into one:
/// ```compile_fail,E0308
/// fn believe(set: secevent::danger::UnsignedSet) -> secevent::VerifiedSet {
///     set
/// }
/// ```
#[derive(Clone, Debug)]
pub struct UnsignedSet {
    token: String,
    channel: SecureChannel,
    claims: Claims,
    warnings: Vec<Finding>,
}

impl UnsignedSet {
    /// The compact token as it came; it proves nothing to anybody else.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The channel that was trusted in place of a signature.
    pub const fn channel(&self) -> &SecureChannel {
        &self.channel
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

impl Deref for UnsignedSet {
    type Target = Claims;

    fn deref(&self) -> &Claims {
        &self.claims
    }
}

/// Accepts a SET of `alg` `none` that came by this channel, judged by every rule but that of the signature.
///
/// ```
/// use secevent::danger::{SecureChannel, accept_unsigned, issue_unsigned};
/// use secevent::{Policy, Profile, Set, SubjectId, Timestamp, event::caep};
/// # let now = Timestamp(1_767_225_600);
/// # let claims = Set::issue("https://idp.example").to("https://sp.example").about(SubjectId::email("alice@example.com"))
/// #     .event(caep::SessionRevoked::new()).at(now).claims()?;
/// let channel = SecureChannel::named("mutual TLS to idp.example");
/// let token = issue_unsigned(&claims, &Profile::SSF, &channel)?;
///
/// let policy = Policy::ssf("https://idp.example", "https://sp.example");
/// let set = accept_unsigned(&token, &channel, &policy, now)?;
/// assert_eq!(set.channel().name(), "mutual TLS to idp.example");
/// assert!(Set::parse(&token)?.verify(&secevent::JwkSet::new(vec![]), &policy, now).is_err());
/// # Ok::<(), secevent::Error>(())
/// ```
///
/// # Errors
/// `invalid_request` when the token is signed, encrypted or has anything after its last period; then as
/// [`UnverifiedSet::verify`](crate::UnverifiedSet::verify). The caller's fault: a channel without a name, a policy without
/// an issuer, since a channel speaks for one, and a profile that demands a signature.
// spec: BCP-005, JWT-020, SET-035, SET-036, SET-044
pub fn accept_unsigned(
    token: &str,
    channel: &SecureChannel,
    policy: &Policy,
    now: Timestamp,
) -> Result<UnsignedSet, Error> {
    check_channel(channel, &policy.profile)?;
    if policy.iss.is_none() {
        return Err(misuse(
            "SET-036",
            "the policy names no issuer",
            "name the one that the channel leads to",
        ));
    }
    let jws = Compact::parse(token).map_err(|error| Error::jose(&error))?;
    if jws.header().alg() != NONE {
        let found = format!("`alg` is {}, so it is not unsigned", quote(jws.header().alg()));
        return Err(Error::peer(ErrorCode::InvalidRequest, "JWT-020", &found, "verify its signature"));
    }
    if !token.ends_with('.') {
        let found = "`alg` is none and there is a signature";
        return Err(Error::peer(
            ErrorCode::InvalidRequest,
            "JWT-020",
            &found,
            "end the token with its period",
        ));
    }
    let (header, payload) = jws.into_parts();
    let (claims, warnings) = set::judge(&header, payload, policy, now)?;
    Ok(UnsignedSet { token: token.to_owned(), channel: channel.clone(), claims, warnings })
}

/// The compact token of these claims without a signature, to be sent by this channel and by no other.
///
/// # Errors
/// The caller's fault: a channel without a name, a profile that demands a signature, and a token that is longer than is
/// read (64 KiB).
// spec: JWT-020, SET-035, SET-036
pub fn issue_unsigned(claims: &Claims, profile: &Profile, channel: &SecureChannel) -> Result<String, Error> {
    check_channel(channel, profile)?;
    let header = [("typ", profile.typ_to_issue()), ("alg", NONE)];
    let header: Map<String, Value> =
        header.map(|(name, value)| (name.to_owned(), value.into())).into_iter().collect();
    let payload = Value::Object(claims.members().clone()).to_string();
    let token = jws::attach(jws::signing_input(&header, payload.as_bytes()), &[]);
    if token.len() > jws::TOKEN_BYTES_MAX {
        let found = format!("the token has {} bytes", token.len());
        return Err(misuse("CHK-001", &found, "say less: 64 KiB are read at most"));
    }
    Ok(token)
}

fn check_channel(channel: &SecureChannel, profile: &Profile) -> Result<(), Error> {
    if channel.name().trim().is_empty() {
        return Err(misuse("SET-036", "the channel has no name", "say what protects the token"));
    }
    match profile.must_sign {
        Some(id) => {
            let found = format!("profile {} demands a signature", profile.name);
            Err(misuse(id, &found, "sign the token"))
        }
        None => Ok(()),
    }
}

fn misuse(id: &'static str, found: &str, mend: &str) -> Error {
    let mut check = Check::new(Role::Issuer);
    check.error(id, found, mend);
    Error::from_check(check, Fault::Caller)
}

/// The algorithm of an unsecured token (RFC 7519 §6); compared byte for byte.
const NONE: &str = "none";
