//! The `state` of verification requests (SSF 1.0 §8.1.4): a nonce and our seal over it.
//!
//! An event may come long after its request, behind others, twice, or after a restart of ours. With a seal, whether a
//! state is one of ours is told without a list of those that are on their way.

use secevent_jose::{base64url, base64url_decode, constant_time_eq, random, sha256};

/// Makes and knows the states of one receiver.
#[derive(Clone)]
pub(crate) struct StateSeal([u8; 32]);

/// Enough that no two are the same.
const NONCE_BYTES: usize = 12;

/// Enough that none is guessed.
const TAG_BYTES: usize = 16;

impl StateSeal {
    /// The seal of this secret.
    pub(crate) const fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// A seal that ends with the process.
    pub(crate) fn random() -> Self {
        Self(random::<32>())
    }

    /// A fresh state for this stream.
    pub(crate) fn mint(&self, stream_id: &str) -> String {
        let nonce = random::<NONCE_BYTES>();
        base64url(&[&nonce[..], &self.tag(&nonce, stream_id)].concat())
    }

    /// Whether this state was minted here for this stream.
    pub(crate) fn knows(&self, stream_id: &str, state: &str) -> bool {
        let bytes = base64url_decode(state).unwrap_or_default();
        let Some((nonce, tag)) = bytes.split_at_checked(NONCE_BYTES) else { return false };
        constant_time_eq(tag, &self.tag(nonce, stream_id))
    }

    fn tag(&self, nonce: &[u8], stream_id: &str) -> [u8; TAG_BYTES] {
        let digest = sha256(&[&self.0, nonce, stream_id.as_bytes()].concat());
        std::array::from_fn(|i| digest[i])
    }
}

impl std::fmt::Debug for StateSeal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StateSeal(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: SSF-187, SSF-189
    #[test]
    fn a_state_is_known_for_its_stream_and_by_its_maker_only() {
        let seal = StateSeal::random();
        let state = seal.mint("s1");
        assert!(seal.knows("s1", &state));
        assert!(!seal.knows("s2", &state));
        assert!(!StateSeal::random().knows("s1", &state));
        assert_ne!(state, seal.mint("s1"));
        for other in ["", "A", "not base64!", &state[1..], &format!("{state}AAAA")] {
            assert!(!seal.knows("s1", other), "{other}");
        }
    }
}
