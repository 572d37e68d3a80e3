//! The conversation of Shared Signals without I/O: push ([RFC 8935]), poll ([RFC 8936]) and the stream
//! management of [OpenID Shared Signals Framework 1.0][SSF].
//!
//! ```
//! use secevent_ssf::{delivery::poll::{PollRequest, PollResponse}, metadata};
//!
//! // A receiver finds its transmitter and asks for what is waiting; the transmitter reads the question.
//! let found = metadata::well_known("https://tr.example.com/issuer1", metadata::SSF_CONFIGURATION, false)?;
//! assert_eq!(found, "https://tr.example.com/.well-known/ssf-configuration/issuer1");
//! let request = PollRequest::parse(br#"{"ack":["4d3559ec"],"maxEvents":10}"#)?;
//! assert_eq!((request.ack.len(), request.max_events), (1, Some(10)));
//! assert_eq!(serde_json::to_string(&PollResponse::default()).unwrap(), r#"{"sets":{}}"#);
//! # Ok::<(), secevent_ssf::Refusal>(())
//! ```
//!
//! What is here decides, and nothing here acts: clock, randomness, network and storage belong to the host.
//!
//! [RFC 8935]: https://www.rfc-editor.org/rfc/rfc8935
//! [RFC 8936]: https://www.rfc-editor.org/rfc/rfc8936
//! [SSF]: https://openid.net/specs/openid-sharedsignals-framework-1_0.html

pub mod ascending;
pub mod delivery;
pub mod engine;
pub mod interest;
mod jti;
mod log;
pub mod metadata;
mod read;
mod refusal;
pub mod store;
pub mod stream;
mod url;

pub use jti::{Audience, JtiMint};
pub use log::{Entry, LoggedEvent, Seq, StreamNo, SubjectKey};
pub use refusal::Refusal;
