//! The receiver role: subscribe to a transmitter, take its SETs by push or poll, verify, keep, acknowledge.

mod accepted;
mod adoption;
mod hand_over;
mod handlers;
mod heartbeat;
mod intake;
mod poll_loop;
#[expect(clippy::module_inception, reason = "the receiver itself, among what it is made of")]
mod receiver;
mod receiving;
mod reception;
mod standing;
mod state;
mod stream;
mod subscription;
mod tally;
mod tolerance;
mod transmitters;
mod verifier;

pub use accepted::{Accepted, Outcome};
pub use heartbeat::Watch;
pub use intake::{Intake, Kept, Sink};
pub use poll_loop::poll_loop;
pub use receiver::Receiver;
pub use receiving::Receiving;
pub use standing::Standing;
pub(crate) use stream::is_about_the_stream;
pub use subscription::{SubscribeError, Subscription, Wanted, subscribe};
pub use tolerance::{Relaxed, Tolerance};
pub use transmitters::TransmitterSettings;
pub(crate) use transmitters::Transmitters;
pub use verifier::{Refusal, Verifier};
