//! JSON Web Signature in compact form ([RFC 7515]), JSON Web Key and key sets ([RFC 7517]), the
//! algorithms of [RFC 7518], [RFC 8037] and [RFC 9864], and key thumbprints ([RFC 7638]), over `aws-lc-rs`.
//!
//! ```
//! use secevent_jose::{Alg, AlgSet, Compact, JwkSet, SigningKey};
//!
//! // The issuer signs and publishes the public half of its key.
//! let key = SigningKey::generate(Alg::Es256)?;
//! let token = secevent_jose::sign(Some("secevent+jwt"), br#"{"jti":"1"}"#, &key)?;
//! let published = JwkSet::new(vec![key.verifying_key().clone()]).to_json();
//!
//! // The receiver decides what it accepts, finds the key by name, and only then reads the payload.
//! let keys = JwkSet::parse(published.as_bytes())?;
//! let jws = Compact::parse(&token)?;
//! let signer = keys.find(jws.alg()?, jws.header().kid())?;
//! assert_eq!(jws.verify(signer, AlgSet::of(&[Alg::Es256]))?, br#"{"jti":"1"}"#);
//! # Ok::<(), secevent_jose::Error>(())
//! ```
//!
//! This crate is all the cryptography of the project and knows nothing of claims, events, HTTP or time. It
//! is meant to be read alone:
//!
//! * [`jws`] splits, verifies and makes tokens; [`json`] is the strict parser for everything that is signed.
//! * [`VerifyingKey`] and [`SigningKey`] are a key pair's two halves; [`Signer`] is what an HSM implements.
//! * [`JwkSet`] is what an issuer publishes and [`KeySet`] how it changes its keys; [`Alg`] and [`AlgSet`] say what a receiver takes.
//! * `jwe`, only with the feature of that name, encrypts a token to its recipient ([RFC 7516]) and decrypts it.
//! * [`Seal`] hides a number; [`random`], [`sha256`], [`hmac_sha256`] and [`constant_time_eq`] are the primitives left
//!   over.
//!
//! What is left out is left out on purpose: symmetric algorithms, `none`, the JSON
//! serialisation, detached payloads, and every header member that brings its own key (`jwk`, `jku`, `x5u`,
//! `x5c`), which is shown by [`Header::members`] and otherwise never read.
//!
//! [RFC 7515]: https://www.rfc-editor.org/rfc/rfc7515
//! [RFC 7516]: https://www.rfc-editor.org/rfc/rfc7516
//! [RFC 7517]: https://www.rfc-editor.org/rfc/rfc7517
//! [RFC 7518]: https://www.rfc-editor.org/rfc/rfc7518
//! [RFC 7638]: https://www.rfc-editor.org/rfc/rfc7638
//! [RFC 8037]: https://www.rfc-editor.org/rfc/rfc8037
//! [RFC 9864]: https://www.rfc-editor.org/rfc/rfc9864

mod alg;
mod base64url;
mod error;
pub mod json;
#[cfg(feature = "jwe")]
pub mod jwe;
mod jwks;
pub mod jws;
mod key;
mod key_set;
mod primitives;
mod seal;

pub use alg::{Alg, AlgSet};
pub use base64url::{base64url, base64url_decode};
pub use error::Error;
pub use json::JsonError;
pub use jwks::JwkSet;
pub use jws::{Compact, Header, attach, sign, signing_input};
pub use key::{Signer, SigningKey, VerifyingKey};
pub use key_set::KeySet;
pub use primitives::{constant_time_eq, hmac_sha256, random, sha256};
pub use seal::Seal;
