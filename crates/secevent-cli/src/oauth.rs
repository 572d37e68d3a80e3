//! The flags of an OAuth client.

use secevent_http::client::{Client, ClientCredential, OAuthClient};
use secevent_ssf::stream::Secret;

use crate::{clock::Clock, failure::Failure, input};

/// Who we are at the authorization server of a transmitter
#[derive(clap::Args)]
#[group(skip)]
pub(crate) struct Flags {
    /// The name of an OAuth client, which asks for access tokens with its secret or key
    #[arg(long, value_name = "ID", conflicts_with = "token")]
    client_id: Option<String>,
    /// Its secret: text, `env:NAME` or `file:PATH`
    #[arg(long, value_name = "SECRET", requires = "client_id", conflicts_with = "client_key")]
    client_secret: Option<String>,
    /// Its private key, as JWK or PEM: a file, or `env:NAME`
    #[arg(long, value_name = "KEY", requires = "client_id")]
    client_key: Option<String>,
    /// Where tokens are asked for; found through the metadata of the transmitter if left out
    #[arg(long, value_name = "URL", requires = "client_id")]
    token_url: Option<String>,
    /// The scope to ask for
    #[arg(long, value_name = "SCOPE", requires = "client_id")]
    scope: Option<String>,
}

impl Flags {
    /// How to say who one is, in the way that was tried.
    pub(crate) const fn example(&self) -> &'static str {
        match self.client_id {
            Some(_) => "secevent listen --issuer URL --client-id ID --client-secret env:SECRET",
            None => "secevent listen --issuer URL --token TOKEN",
        }
    }

    /// The client, if the flags name one.
    pub(crate) fn client(&self, client: &Client, issuer: &str) -> Result<Option<OAuthClient>, Failure> {
        let Some(client_id) = &self.client_id else { return Ok(None) };
        let credential = match (&self.client_secret, &self.client_key) {
            (Some(secret), _) => ClientCredential::Secret(Secret::new(input::secret(secret)?.as_str())),
            (None, Some(key)) => ClientCredential::key(input::signing_key(key)?, || Clock::System.now()),
            (None, None) => {
                let missing = "--client-id comes with --client-secret or --client-key";
                return Err(Failure::usage(missing).next("--client-secret env:SECRET"));
            }
        };
        let mut oauth = OAuthClient::new(client.clone(), issuer, client_id, credential);
        if let Some(url) = &self.token_url {
            oauth = oauth.token_url(url);
        }
        if let Some(scope) = &self.scope {
            oauth = oauth.scope(scope);
        }
        Ok(Some(oauth))
    }
}
