//! Every parser of the workspace under mutated input: one plain function per parser, which must not panic and
//! asserts what holds for any input, and a driver that needs neither nightly nor a sanitizer.
//!
//! ```
//! let target = fuzz::target("claims").expect("there is such a target");
//! let mut session = fuzz::Session::new(target, 1);
//! for _ in 0..100 {
//!     session.run_one().expect("nothing panics");
//! }
//! ```

mod corpus;
mod keys;
mod mutate;
mod session;
pub mod targets;

pub use corpus::folder;
pub use session::{Crash, Mutator, Session};

/// A function under test and what to begin with.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name on the command line and of the folder in `corpus/`.
    pub name: &'static str,
    /// Takes any bytes; a panic is a finding.
    pub run: fn(&[u8]),
    /// Well-formed inputs out of the vectors.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
}

impl Target {
    /// Where mutation begins: the seeds, then the files of `corpus/NAME` in the order of their names.
    pub fn corpus(&self) -> Vec<Vec<u8>> {
        (self.seeds)().into_iter().chain(corpus::files(self.name)).collect()
    }
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "token", run: targets::token, seeds: corpus::tokens },
    Target { name: "header", run: targets::header, seeds: corpus::headers },
    Target { name: "claims", run: targets::claims, seeds: corpus::claims },
    Target { name: "subject", run: targets::subject, seeds: corpus::subjects },
    Target { name: "jwks", run: targets::jwks, seeds: corpus::jwks },
    Target { name: "pem", run: targets::pem, seeds: corpus::pem },
    Target { name: "json", run: targets::json, seeds: corpus::json },
    Target { name: "base64url", run: targets::base64url, seeds: corpus::base64url },
    Target { name: "poll", run: targets::poll, seeds: corpus::poll },
    Target { name: "stream", run: targets::stream, seeds: corpus::stream },
    Target { name: "metadata", run: targets::metadata, seeds: corpus::metadata },
    #[cfg(feature = "jwe")]
    Target { name: "jwe", run: targets::jwe, seeds: corpus::jwe },
];

/// The target of that name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
