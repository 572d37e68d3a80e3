//! JSON Web Key (RFC 7517): a key pair's two halves, and the trait of whatever else can sign.
//!
//! One file per key type (RFC 7518 §6, RFC 8037 §2) holds all that is particular to it:
//! [`rsa`], [`ec`] and [`okp`], each with a `Public` and a `Private` half. [`verifying`] and [`signing`] add
//! what they have in common: `kid`, `alg`, `use` and `key_ops`; [`pem`] reads both from what OpenSSL writes.

pub(crate) mod der;
mod ec;
pub(crate) mod jwk;
mod okp;
mod pem;
pub(crate) mod rsa;
pub(crate) mod signing;
mod verifying;

pub use signing::SigningKey;
pub use verifying::VerifyingKey;

use crate::{Alg, Error};

/// Something that signs: a [`SigningKey`] in memory, or a KMS or HSM that keeps the key to itself.
///
/// ```
/// use secevent_jose::{Alg, Error, Signer, SigningKey};
///
/// struct Hsm(SigningKey);
///
/// impl Signer for Hsm {
///     fn alg(&self) -> Alg {
///         Alg::Es256
///     }
///     fn kid(&self) -> &str {
///         "slot-7"
///     }
///     fn sign(&self, signing_input: &[u8]) -> Result<Vec<u8>, Error> {
///         self.0.sign(signing_input) // here: a call to the device
///     }
/// }
/// ```
pub trait Signer: Send + Sync {
    /// The one algorithm this signer signs with.
    fn alg(&self) -> Alg;

    /// The `kid` under which the public half is published.
    fn kid(&self) -> &str;

    /// The signature in the form JWS wants: for ECDSA the two numbers side by side, not DER (RFC 7518 §3.4).
    ///
    /// Fails with [`Error::Sign`].
    fn sign(&self, signing_input: &[u8]) -> Result<Vec<u8>, Error>;
}
