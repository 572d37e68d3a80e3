//! `private_key_jwt`: a client proves its identity with a signature (RFC 7523 §3), and each such proof serves once.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use secevent::{JwkSet, Timestamp};
use secevent_jose::{Compact, sha256};

use super::jwt;

/// An assertion is for now. Libraries give it one to ten minutes.
const AHEAD_SECS: i64 = 600;
/// A name is compared, and kept as a digest.
const JTI_BYTES_MAX: usize = 256;
/// In ten minutes a client needs one token, or a few when it starts often; this bounds memory.
const PER_CLIENT_MAX: usize = 1024;

/// Checks an assertion of this client: signature, who, for whom, when. Answers with its name and its end.
///
/// # Errors
/// What is wrong, for the log.
pub(super) fn check(
    jws: &Compact<'_>,
    keys: &JwkSet,
    client_id: &str,
    audiences: &[&str],
    now: Timestamp,
) -> Result<(String, Timestamp), String> {
    // A SET or an access token that the client has signed is no assertion.
    let typ = jws.header().typ().unwrap_or("JWT");
    if !["JWT", "client-authentication+jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known)) {
        return Err("its typ is that of another kind of token".into());
    }
    let claims = jwt::claims(jws, keys)?;
    if [jwt::text(&claims, "iss"), jwt::text(&claims, "sub")] != [Some(client_id); 2] {
        return Err("iss and sub are not both the client_id".into());
    }
    if !jwt::is_for(&claims, audiences) {
        return Err("aud is neither this token endpoint nor this issuer".into());
    }
    let until = jwt::alive_until(&claims, now).ok_or("exp, nbf or iat does not fit the present")?;
    if until > now.plus_secs(AHEAD_SECS + jwt::SKEW_SECS) {
        return Err("exp is too far ahead".into());
    }
    match jwt::text(&claims, "jti") {
        Some(jti) if (1..=JTI_BYTES_MAX).contains(&jti.len()) => Ok((jti.to_owned(), until)),
        _ => Err("it has no jti, or one that is too long".into()),
    }
}

/// The names of assertions that have served, until these expire (RFC 7523 §3, rule 7).
///
/// Only what was verified comes in here, so a client can fill its own place and nobody else's. It lives in memory: after
/// a restart, an assertion that somebody overheard between the client and us could serve a second time in its minutes.
#[derive(Debug, Default)]
pub(super) struct UsedAssertions(Mutex<BTreeMap<String, BTreeMap<[u8; 32], Timestamp>>>);

/// Whether an assertion may serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    First,
    Again,
    TooMany,
}

impl UsedAssertions {
    pub(super) fn take(&self, client_id: &str, jti: &str, until: Timestamp, now: Timestamp) -> Use {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let used = all.entry(client_id.to_owned()).or_default();
        used.retain(|_, until| now < until.plus_secs(jwt::SKEW_SECS));
        let name = sha256(jti.as_bytes());
        if used.contains_key(&name) {
            return Use::Again;
        }
        if used.len() >= PER_CLIENT_MAX {
            return Use::TooMany;
        }
        used.insert(name, until);
        Use::First
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_serves_once_and_none_is_kept_beyond_its_end() {
        let used = UsedAssertions::default();
        let (now, until) = (Timestamp(1_000), Timestamp(1_100));
        assert_eq!(used.take("a", "1", until, now), Use::First);
        assert_eq!(used.take("a", "1", until, now), Use::Again);
        assert_eq!(used.take("b", "1", until, now), Use::First, "each client has its own names");
        for n in 1..PER_CLIENT_MAX {
            assert_eq!(used.take("a", &format!("n{n}"), until, now), Use::First);
        }
        assert_eq!(used.take("a", "one more", until, now), Use::TooMany);
        assert_eq!(used.take("b", "one more", until, now), Use::First);
        let later = until.plus_secs(jwt::SKEW_SECS);
        assert_eq!(used.take("a", "1", later.plus_secs(60), later), Use::First);
        assert_eq!(used.0.lock().unwrap()["a"].len(), 1);
    }
}
