//! Security Event Tokens ([RFC 8417](https://www.rfc-editor.org/rfc/rfc8417)): signed statements that something
//! happened to somebody: a session was revoked, an account hijacked, a device fell out of compliance.
//!
//! # Issue
//! ```
//! use secevent::{Alg, Set, SigningKey, SubjectId, Timestamp, event::caep};
//!
//! let key = SigningKey::generate(Alg::Es256)?;
//! let token = Set::issue("https://idp.example")
//!     .to("https://sp.example/caep")
//!     .about(SubjectId::iss_sub("https://idp.example", "alice"))
//!     .event(caep::SessionRevoked::new().reason_admin(("en", "risk score 91")))
//!     .txn("8675309")
//!     .at(Timestamp(1_767_225_600))
//!     .sign(&key)?;
//! # assert_eq!(token.split('.').count(), 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Verify
//! ```
//! use secevent::{Alg, Event, JwkSet, Policy, Set, SigningKey, SubjectId, Timestamp, event::caep};
//! # let key = SigningKey::generate(Alg::Es256)?;
//! # let now = Timestamp(1_767_225_600);
//! # let token = Set::issue("https://idp.example").to("https://sp.example/caep")
//! #     .about(SubjectId::email("alice@example.com")).event(caep::SessionRevoked::new()).at(now).sign(&key)?;
//! # let jwks = JwkSet::new(vec![key.verifying_key().clone()]);
//! let policy = Policy::ssf("https://idp.example", "https://sp.example/caep");
//! let set = Set::parse(&token)?.verify(&jwks, &policy, now)?;
//! match set.event() {
//!     Event::SessionRevoked(event) => println!("end the sessions of {}: {event:?}", set.subject().unwrap()),
//!     other => println!("{} is kept for later", other.uri()),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Match a subject
//! ```
//! use secevent::{Matching, SubjectId};
//!
//! let tenant = SubjectId::complex([("tenant", SubjectId::opaque("t1"))]);
//! let alice = SubjectId::complex([("tenant", SubjectId::opaque("t1")), ("user", SubjectId::email("a@t1.example"))]);
//! assert!(alice.matches(&tenant, Matching::SharedMember));
//! ```
//!
//! There is no public way from a raw token to its claims that skips verification; reading early is spelled
//! [`danger::peek`], and taking a token without a signature [`danger::accept_unsigned`]. With the feature `jwe`,
//! `Draft::sign_and_encrypt` and `Set::decrypt` make and read signed tokens that are encrypted. Nothing here reads a clock or does I/O.

pub mod danger;
mod error;
pub mod event;
pub mod explain;
pub mod finding;
mod profile;
mod set;
mod subject;
mod time;

pub use error::{Error, ErrorCode, Fault};
pub use event::{Event, EventType, Payload, UnknownEvent};
pub use finding::{Check, Finding, Level, Role};
pub use profile::{EventCount, Profile, Typ};
pub use secevent_jose::json;
#[cfg(feature = "jwe")]
pub use secevent_jose::jwe;
pub use secevent_jose::{Alg, AlgSet, JwkSet, KeySet, Signer, SigningKey, VerifyingKey};
pub use set::{Claims, Draft, KeyHint, Keys, Policy, Set, Template, Unsigned, UnverifiedSet, VerifiedSet};
#[cfg(feature = "jwe")]
pub use set::{Decrypted, Recipient};
pub use subject::{Matching, SubjectId, check_subject};
pub use time::Timestamp;
