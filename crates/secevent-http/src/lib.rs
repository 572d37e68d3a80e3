//! The network shell of Shared Signals: a [`client`] that can be trusted with URLs of strangers, and routers.

pub mod client;
pub mod router;
