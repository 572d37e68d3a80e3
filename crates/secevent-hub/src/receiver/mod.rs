//! The receiver role: subscribe to a transmitter, take its SETs by push or poll, verify, keep, acknowledge.

mod adoption;
mod heartbeat;
mod intake;
mod poll_loop;
mod reception;
mod standing;
mod state;
mod stream;
mod subscription;
mod tolerance;
mod transmitters;
mod verifier;

pub use heartbeat::Watch;
pub use intake::{Intake, Kept, Sink};
pub use poll_loop::poll_loop;
pub use standing::Standing;
pub(crate) use stream::is_about_the_stream;
pub use subscription::{SubscribeError, Subscription, Wanted, subscribe};
pub use tolerance::{Relaxed, Tolerance};
pub use transmitters::TransmitterSettings;
pub(crate) use transmitters::Transmitters;
pub use verifier::{Refusal, Verifier};
