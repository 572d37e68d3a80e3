//! Key management (RFC 7516 §2): how sender and recipient come to know the same content key.

use aws_lc_rs::key_wrap::{AES_128, AES_256, AesBlockCipher, AesKek, KeyWrap as _};
use aws_lc_rs::rand;
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey};
use zeroize::Zeroizing;

use super::agreement::{Point, Purpose, Secret};
use super::decryption::Private;
use super::encryption::Public;
use super::{DecryptionKey, Enc, EncAlg, EncryptionKey};
use crate::Error;
use crate::base64url::decode;
use crate::json::Value;
use crate::key::jwk::{self, Jwk};

/// AES Key Wrap puts one block of 64 bits before the key (RFC 3394 §2.2.1).
const WRAP_BYTES: usize = 8;

/// A content key, and what the recipient needs to find it.
pub(super) struct Managed {
    pub(super) cek: Zeroizing<Vec<u8>>,
    pub(super) encrypted_key: Vec<u8>,
    pub(super) epk: Option<Jwk>,
}

/// The sender's side (RFC 7516 §5.1, steps 1 to 8).
// spec: BCP-003
pub(super) fn establish(key: &EncryptionKey, alg: EncAlg, enc: Enc, header: &Jwk) -> Result<Managed, Error> {
    if !key.fits(alg) {
        return Err(Error::unfit(alg, key.to_string()));
    }
    match key.public() {
        Public::Rsa(key) => {
            let cek = random_key(enc)?;
            let mut encrypted_key = vec![0; key.ciphertext_size()];
            key.encrypt(&OAEP_SHA256_MGF1SHA256, &cek, &mut encrypted_key, None)
                .map_err(|_| Error::Encrypt("RSA-OAEP".into()))?;
            Ok(Managed { cek, encrypted_key, epk: None })
        }
        Public::Ecdh(point) => {
            let party = Party::of(header)?;
            let ephemeral = Secret::generate(point.crv);
            let ephemeral =
                ephemeral.ok_or_else(|| Error::Encrypt("no ephemeral key could be made".into()))?;
            let agreed = ephemeral.agree(point, &party.purpose(alg, enc));
            let agreed =
                agreed.ok_or_else(|| Error::Encrypt("no key can be agreed on with this key".into()))?;
            let epk = Some(ephemeral.point.to_jwk());
            let Some(cipher) = wrap_cipher(alg) else {
                return Ok(Managed { cek: agreed, encrypted_key: Vec::new(), epk });
            };
            let cek = random_key(enc)?;
            let mut encrypted_key = vec![0; cek.len() + WRAP_BYTES];
            AesKek::new(cipher, &agreed)
                .and_then(|kek| kek.wrap(&cek, &mut encrypted_key).map(|_| ()))
                .map_err(|_| Error::Encrypt("AES key wrap".into()))?;
            Ok(Managed { cek, encrypted_key, epk })
        }
    }
}

/// The recipient's side (RFC 7516 §5.2, steps 6 to 11).
///
/// An encrypted key that does not open gives a random content key, made before it is known to be needed, so that the
/// failure is that of the content and takes its time (RFC 7516 §11.5).
pub(super) fn recover(
    key: &DecryptionKey,
    alg: EncAlg,
    enc: Enc,
    header: &Jwk,
    encrypted_key: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    if !key.fits(alg) {
        return Err(Error::unfit(alg, key.encryption_key().to_string()));
    }
    let substitute = random_key(enc)?;
    let opened = match key.private() {
        Private::Rsa(key) => rsa_open(key.clone(), encrypted_key),
        Private::Ecdh(secret) => {
            let epk = ephemeral_point(header, secret)?;
            let agreed = secret.agree(&epk, &Party::of(header)?.purpose(alg, enc));
            match wrap_cipher(alg) {
                Some(cipher) => agreed.and_then(|agreed| unwrap(cipher, &agreed, encrypted_key)),
                None if encrypted_key.is_empty() => agreed,
                None => {
                    let fault = "with ECDH-ES the encrypted key part must be empty (RFC 7518 §4.6)";
                    return Err(Error::Malformed(fault.into()));
                }
            }
        }
    };
    Ok(opened.filter(|cek| cek.len() == enc.key_bytes()).unwrap_or(substitute))
}

fn random_key(enc: Enc) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut key = Zeroizing::new(vec![0; enc.key_bytes()]);
    match rand::fill(&mut key) {
        Ok(()) => Ok(key),
        Err(_) => Err(Error::Encrypt("the operating system has no randomness".into())),
    }
}

fn rsa_open(key: aws_lc_rs::rsa::PrivateDecryptingKey, encrypted_key: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let key = OaepPrivateDecryptingKey::new(key).ok()?;
    let mut opened = Zeroizing::new(vec![0; key.min_output_size()]);
    let length = key.decrypt(&OAEP_SHA256_MGF1SHA256, encrypted_key, &mut opened, None).ok()?.len();
    opened.truncate(length);
    Some(opened)
}

fn unwrap(cipher: &'static AesBlockCipher, kek: &[u8], encrypted_key: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut opened = Zeroizing::new(vec![0; encrypted_key.len().checked_sub(WRAP_BYTES)?]);
    AesKek::new(cipher, kek).ok()?.unwrap(encrypted_key, &mut opened).ok()?;
    Some(opened)
}

/// The cipher that wraps the content key, or `None` when the agreed key is the content key.
const fn wrap_cipher(alg: EncAlg) -> Option<&'static AesBlockCipher> {
    match alg {
        EncAlg::EcdhEsA128Kw => Some(&AES_128),
        EncAlg::EcdhEsA256Kw => Some(&AES_256),
        EncAlg::EcdhEs | EncAlg::RsaOaep256 => None,
    }
}

/// The sender's key for this one token, which must be of the recipient's curve.
// spec: BCP-009
fn ephemeral_point(header: &Jwk, secret: &Secret) -> Result<Point, Error> {
    let Some(Value::Object(epk)) = header.get("epk") else {
        return Err(Error::Malformed("header has no epk that is a JSON object (RFC 7518 §4.6.1.1)".into()));
    };
    let wrong = |reason: String| Error::Malformed(format!("header member epk: {reason}"));
    if let Some(name) = jwk::private_member(epk) {
        return Err(wrong(format!("it has the private member {name}")));
    }
    let kty = secret.point.crv.kty();
    let point = match jwk::required(epk, "kty") {
        Ok(found) if found == kty => Point::from_jwk(kty, epk),
        Ok(_) => jwk::bad(format!("kty is not {kty}")),
        Err(error) => Err(error),
    };
    let point = point.map_err(|error| wrong(error.to_string()))?;
    if point.crv != secret.point.crv {
        return Err(wrong(format!("crv is {} and the key is of {}", point.crv, secret.point.crv)));
    }
    Ok(point)
}

/// What the header says of sender and recipient; it enters the derivation of the key (RFC 7518 §4.6.1.2, §4.6.1.3).
struct Party {
    apu: Vec<u8>,
    apv: Vec<u8>,
}

impl Party {
    fn of(header: &Jwk) -> Result<Self, Error> {
        let info = |name| match header.get(name) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => decode(&format!("header member {name}"), text),
            Some(_) => {
                Err(Error::Malformed(format!("header member {name} is not a string (RFC 7518 §4.6.1)")))
            }
        };
        Ok(Self { apu: info("apu")?, apv: info("apv")? })
    }

    fn purpose(&self, alg: EncAlg, enc: Enc) -> Purpose<'_> {
        let (name, bytes) = match alg {
            EncAlg::EcdhEsA128Kw => (alg.name(), 16),
            EncAlg::EcdhEsA256Kw => (alg.name(), 32),
            EncAlg::EcdhEs | EncAlg::RsaOaep256 => (enc.name(), enc.key_bytes()),
        };
        Purpose { name, apu: &self.apu, apv: &self.apv, bytes }
    }
}
