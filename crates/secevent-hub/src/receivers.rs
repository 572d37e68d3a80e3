//! Who may have streams here, found by name or by token: with thousands of them, none is looked for one by one.

use std::collections::HashMap;

use secevent_jose::sha256;

use crate::ReceiverSettings;

/// All receivers of the configuration.
#[derive(Debug, Default)]
pub(crate) struct Receivers {
    all: Vec<ReceiverSettings>,
    by_id: HashMap<String, usize>,
    by_client_id: HashMap<String, usize>,
    /// By the digest of the token: how long a look takes says nothing of how much of a guess was right.
    by_token: HashMap<[u8; 32], usize>,
}

impl Receivers {
    pub(crate) fn new(all: Vec<ReceiverSettings>) -> Self {
        let mut receivers = Self::default();
        for (nth, receiver) in all.iter().enumerate() {
            receivers.by_id.entry(receiver.id.clone()).or_insert(nth);
            receivers.by_client_id.entry(receiver.client_id().to_owned()).or_insert(nth);
            // An empty token, as an unset variable leaves it, opens nothing.
            if let Some(token) = receiver.token.as_deref().filter(|token| !token.is_empty()) {
                receivers.by_token.insert(sha256(token.as_bytes()), nth);
            }
        }
        receivers.all = all;
        receivers
    }

    pub(crate) fn all(&self) -> &[ReceiverSettings] {
        &self.all
    }

    /// The receiver of this name.
    pub(crate) fn by_id(&self, id: &str) -> Option<&ReceiverSettings> {
        self.by_id.get(id).map(|nth| &self.all[*nth])
    }

    /// The receiver of this name at the outside authorization server.
    pub(crate) fn by_client_id(&self, client_id: &str) -> Option<&ReceiverSettings> {
        self.by_client_id.get(client_id).map(|nth| &self.all[*nth])
    }

    /// The receiver with this static token.
    pub(crate) fn by_token(&self, token: &str) -> Option<&ReceiverSettings> {
        self.by_token.get(&sha256(token.as_bytes())).map(|nth| &self.all[*nth])
    }
}
