//! Reaching a transmitter: who it is, and who asks.

use secevent::EventType;
use secevent_http::client::{Authorization, Client};
use secevent_hub::config::is_loopback_http;

use crate::{failure::Failure, input, oauth};

/// The flags of every command that is a client of a transmitter.
#[derive(clap::Args)]
#[group(skip)]
pub(crate) struct Flags {
    /// The transmitter's issuer URL
    #[arg(long, value_name = "URL", value_parser = issuer)]
    pub(crate) issuer: String,
    /// The bearer token it gave: text, `env:NAME` or `file:PATH`
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    #[command(flatten)]
    pub(crate) oauth: oauth::Flags,
}

impl Flags {
    /// How every request says who asks.
    pub(crate) fn authorization(&self, client: &Client) -> Result<Authorization, Failure> {
        const DEV_TOKEN: &str = "file:secevent-data/dev.token";
        if let Some(oauth) = self.oauth.client(client, &self.issuer)? {
            return Ok(oauth.into());
        }
        let token = match &self.token {
            Some(token) => Some(input::secret(token)?),
            // A development hub in this folder left its token here.
            None if is_loopback_http(&self.issuer) => input::secret(DEV_TOKEN).ok(),
            None => None,
        };
        Ok(token.map(|token| format!("Bearer {}", token.as_str())).into())
    }
}

/// Whether it is one is for discovery to judge; this is for slips.
fn issuer(text: &str) -> Result<String, String> {
    if ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme)) {
        return Ok(text.to_owned());
    }
    Err("give the whole URL, such as https://tr.example.com".to_owned())
}

/// The events of `--events`; `None` where the flag was left out.
pub(crate) fn events(names: &[String]) -> Result<Option<Vec<EventType>>, Failure> {
    let events = names.iter().map(|name| EventType::from_name(name)).collect::<Result<Vec<_>, _>>();
    let events = events.map_err(|error| Failure::usage(format_args!("--events: {error}")))?;
    Ok((!events.is_empty()).then_some(events))
}
