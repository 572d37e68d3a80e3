//! Event streams and their management (SSF 1.0 §8): one file for each document that is exchanged.

mod config;
mod create;
mod delivery;
mod status;
mod subjects;
mod update;
mod verification;

pub use config::StreamConfig;
pub use create::CreateStream;
pub use delivery::{Delivery, POLL, PUSH, Secret, successor};
pub use status::StatusDocument;
pub use subjects::{AddSubject, RemoveSubject};
pub use update::UpdateStream;
pub use verification::VerificationRequest;
