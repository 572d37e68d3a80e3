//! Our access tokens: who, for what and until when, under a key that only this store has (docs/decisions/0009).
//!
//! `secevent_at_` and base64url of: scopes (1 byte), expiry (8 bytes), the receiver's id, HMAC-SHA-256 over all before.
//! The key is derived from the store's secret, the issuer, the receiver and its credentials as they are configured now.
//! So a token needs no table, survives a restart, and ends with the receiver or with any of its credentials. It is no
//! JWT: no verifier of SETs can take it for one.

use secevent_jose::{base64url, base64url_decode, constant_time_eq, hmac_sha256, sha256};

use super::Scopes;
use crate::{ClientKeys, Hub, ReceiverSettings};

/// How long a token lives.
// spec: CIOP-032, POLL-059
pub(super) const LIFETIME_SECS: i64 = 3600;

const PREFIX: &str = "secevent_at_";
const MAC_BYTES: usize = 32;
/// Scopes and expiry.
const HEAD_BYTES: usize = 1 + 8;

/// Whether a token says that the token endpoint here gave it.
pub(super) fn is_ours(token: &str) -> bool {
    token.starts_with(PREFIX)
}

impl Hub {
    /// A token for this receiver.
    pub(super) fn mint_access_token(&self, receiver: &ReceiverSettings, scopes: Scopes) -> String {
        let expires_at = self.now().timestamp().plus_secs(LIFETIME_SECS).0;
        let mut bytes = vec![scopes.to_bits()];
        bytes.extend(expires_at.to_be_bytes());
        bytes.extend(receiver.id.as_bytes());
        let mac = hmac_sha256(&self.access_token_key(receiver), &bytes);
        bytes.extend(mac);
        format!("{PREFIX}{}", base64url(&bytes))
    }

    /// Whose token it is; `None` when it is not one of ours, has expired, or was revoked.
    // spec: CIOP-035
    pub(super) fn open_access_token(&self, token: &str) -> Option<(&ReceiverSettings, Scopes)> {
        let bytes = base64url_decode(token.strip_prefix(PREFIX)?).ok()?;
        let (signed, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC_BYTES)?)?;
        let (head, id) = signed.split_at_checked(HEAD_BYTES)?;
        let receiver = self.0.receivers.by_id(std::str::from_utf8(id).ok()?)?;
        if !constant_time_eq(&hmac_sha256(&self.access_token_key(receiver), signed), mac) {
            return None;
        }
        let (scopes, expires_at) = head.split_first()?;
        let left = i64::from_be_bytes(expires_at.try_into().ok()?).saturating_sub(self.now().timestamp().0);
        // More than a whole life is left when the clock was put back.
        (1..=LIFETIME_SECS).contains(&left).then(|| (receiver, Scopes::from_bits(*scopes)))
    }

    fn access_token_key(&self, receiver: &ReceiverSettings) -> [u8; 32] {
        let credentials = base64url(&fingerprint(receiver));
        self.0.jti.derive(&format!("access-token {credentials} {} {}", self.issuer(), receiver.id))
    }
}

/// What a receiver authenticates with at the token endpoint.
fn fingerprint(receiver: &ReceiverSettings) -> [u8; 32] {
    let secret = receiver.secret.as_deref().map(|secret| sha256(secret.as_bytes())).unwrap_or_default();
    let keys = match &receiver.keys {
        None => String::new(),
        Some(ClientKeys::Set(keys)) => format!("set {}", keys.to_json()),
        Some(ClientKeys::Uri(uri)) => format!("uri {uri}"),
    };
    sha256(&[secret.as_slice(), keys.as_bytes()].concat())
}
