//! The configuration that a hub is measured with: as it comes, and only what the scenario needs.

use std::fmt::Write as _;

use secevent::Alg;

/// What a scenario needs of a hub.
#[derive(Clone)]
pub(super) struct HubPlan {
    pub(super) alg: Alg,
    /// One receiver for each, with an audience of its own; or all are streams of one receiver.
    pub(super) streams: u32,
    pub(super) shared_audience: bool,
    /// Further lines of `[stream]`, and further sections.
    pub(super) of_stream: String,
    pub(super) more: String,
}

/// Who may create a stream, and who it is for.
#[derive(Clone)]
pub(super) struct Account {
    pub(super) token: String,
    pub(super) audience: String,
}

impl HubPlan {
    pub(super) const fn new(alg: Alg, streams: u32) -> Self {
        Self { alg, streams, shared_audience: false, of_stream: String::new(), more: String::new() }
    }

    /// The account that each stream belongs to; one alone is that of all.
    pub(super) fn accounts(&self) -> Vec<Account> {
        let accounts = if self.shared_audience { 1 } else { self.streams };
        let account = |no| Account { token: random(), audience: format!("https://r{no}.example") };
        (0..accounts).map(account).collect()
    }

    /// The configuration as TOML.
    pub(super) fn toml(&self, accounts: &[Account], admin_token: &str) -> String {
        let per_receiver = if self.shared_audience { self.streams } else { 1 };
        let mut toml = format!(
            "[admin]\ntoken = \"{admin_token}\"\n[signing]\nalg = \"{}\"\n[egress]\nallow_http = true\n\
             allow_private = true\n[stream]\nstreams_per_receiver = {per_receiver}\n{}\n{}\n",
            self.alg, self.of_stream, self.more
        );
        for (no, Account { token, audience }) in accounts.iter().enumerate() {
            let _ = write!(
                toml,
                "[[receiver]]\nid = \"r{no}\"\ntoken = \"{token}\"\naudience = [\"{audience}\"]\n"
            );
        }
        toml
    }
}

pub(super) fn random() -> String {
    secevent_jose::base64url(&secevent_jose::random::<24>())
}
