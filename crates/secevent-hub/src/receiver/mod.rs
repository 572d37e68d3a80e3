//! The receiver role: subscribe to a transmitter, take its SETs by push or poll, verify, keep, acknowledge.

mod intake;
mod poll_loop;
mod subscription;
mod transmitters;
mod verifier;

pub use intake::{Intake, Sink};
pub use poll_loop::poll_loop;
pub use subscription::{SubscribeError, Subscription, Wanted, subscribe};
pub use transmitters::TransmitterSettings;
pub use verifier::{Refusal, Verifier};
