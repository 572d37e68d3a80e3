//! The client against scripted peers on this machine, and the guard against every spelling of an inside address.
#![expect(clippy::unwrap_used, reason = "the helpers are tests too")]

#[path = "client/egress.rs"]
mod egress;
#[path = "client/jwks.rs"]
mod jwks;
#[path = "client/oauth.rs"]
mod oauth;
#[path = "client/peer.rs"]
mod peer;
#[path = "client/push.rs"]
mod push;
#[path = "client/robustness.rs"]
mod robustness;
#[path = "client/tls.rs"]
mod tls;
#[path = "client/transmitter.rs"]
mod transmitter;
