//! The HTTP client: for URLs that strangers give us, and for answers that strangers send.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use secevent_http::client::{Client, Egress, discover};
//!
//! let client = Client::new(Egress::strict());
//! let metadata = discover(&client, "https://tr.example.com").await?;
//! println!("keys are at {:?}", metadata.jwks_uri);
//! # Ok(())
//! # }
//! ```
//!
//! [`Egress`] decides where connections may go, on the very address that is dialled; [`Client`] bounds time, headers
//! and body of every answer and follows no redirect. The rest are the conversations built on them: [`discover`],
//! [`JwksCache`], [`push()`], [`OAuthClient`] and [`TransmitterClient`].

mod address;
mod authorization;
mod authorization_server;
mod connector;
mod discovery;
mod egress;
mod error;
mod jwks;
mod oauth;
mod push;
mod request;
mod retry_after;
mod tls;
mod transmitter_client;

pub use address::{BadCidr, Cidr};
pub use authorization::Authorization;
pub use authorization_server::{
    AuthorizationServer, FindServerError, authorization_server, authorization_server_for,
};
pub use discovery::{DiscoverError, discover};
pub use egress::{Egress, EgressError};
pub use error::ClientError;
pub use jwks::JwksCache;
pub use oauth::{ClientCredential, OAuthClient, OAuthError};
pub use push::push;
pub use request::{Client, Request, Response};
pub use transmitter_client::{CallError, TransmitterClient};
