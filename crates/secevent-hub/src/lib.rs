//! The hub as a library: accepts events, keeps them, delivers them by push and poll, and receives those of others.
//!
//! ```no_run
//! use std::sync::Arc;
//! use secevent_hub::{Hub, Settings, store::SqliteStore};
//! # async fn run(clock: secevent_hub::Clock) -> Result<(), Box<dyn std::error::Error>> {
//! let store = SqliteStore::open("hub.db".as_ref(), secevent_hub::fresh_origin)?;
//! let settings = Settings::new("http://127.0.0.1:8417", clock);
//! let hub = Hub::start(settings, Arc::new(store)).await?;
//! let app = axum::Router::new().merge(hub.transmitter_router());
//! # Ok(()) }
//! ```

mod accept;
mod admin;
mod again;
mod audit;
pub mod config;
mod connections;
pub mod doctor;
mod expiry;
mod follow;
mod housekeeping;
mod hub;
mod keys;
mod metrics;
mod oauth;
mod push_worker;
pub mod receiver;
mod receivers;
mod recent;
mod replay;
mod resume;
mod room;
mod serve;
mod settings;
pub mod store;
mod stream;
mod streams;
mod tls;
mod transmitter;
mod turns;
mod writer;

pub use accept::{AcceptError, Accepted, NewSignal};
pub use hub::{Hub, HubError};
/// SQLite as it is used here, for handlers that share its transactions.
pub use rusqlite;
pub use serve::Listener;
pub use settings::{AuthorizationServerSettings, ClientKeys, Clock, Limits, ReceiverSettings, Settings};
pub use tls::{Tls, TlsError};

use secevent_ssf::store::Origin;

/// Who a new store is: a random incarnation and a random sealing key.
pub fn fresh_origin() -> Origin {
    let incarnation = u32::from_be_bytes(secevent_jose::random::<4>());
    Origin { incarnation, sealing_key: secevent_jose::random::<16>() }
}
