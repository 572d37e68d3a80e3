//! Delivery of SETs over HTTP: [`push`] (RFC 8935) and [`poll`] (RFC 8936).

pub mod poll;
pub mod push;
mod set_error;

pub use set_error::SetError;
