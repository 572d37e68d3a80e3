//! Vectors and helpers for the tests of this workspace. Not published.
//!
//! A vector is a file with the verdicts that any implementation should reach on it, by question: `rfc8417`, `ssf`,
//! `event`, `subject`, ... The questions are explained in `docs/requirements/vectors.md`.
//!
//! ```
//! for vector in testkit::vectors().iter().filter(|vector| vector.kind == "set") {
//!     assert!(vector.expected.contains_key("rfc8417"), "{}", vector.file);
//! }
//! ```

mod certificate;
#[cfg(feature = "receiver")]
pub mod fake_receiver;
#[cfg(feature = "transmitter")]
pub mod fake_transmitter;
mod peer;
mod python;
mod vector;

pub use certificate::{Authority, Certified};
pub use peer::PythonPeer;
pub use python::python;
pub use vector::{Vector, bytes, vector, vectors};
