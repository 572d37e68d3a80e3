//! Nested SETs (RFC 7519 §5.2, §11.2; RFC 8417 §2.4): signed first, then encrypted to one recipient.

use secevent_jose::{
    Compact, Error as JoseError, Header, Signer, json,
    jwe::{self, Allowed, DecryptionKey, Enc, EncAlg, EncryptionKey, Plaintext},
};
use serde_json::Map;

use super::{Claims, Draft, Set, UnverifiedSet};
use crate::{
    Error, ErrorCode, Profile,
    error::Fault,
    finding::{Check, Level, Role, describe, quote},
    profile::same_media_type,
};

/// To whom a signed SET is encrypted, and how; both sides have agreed on it beforehand (SET-045).
#[derive(Clone, Debug)]
pub struct Recipient<'k> {
    key: &'k EncryptionKey,
    alg: EncAlg,
    enc: Enc,
    shows_iss: bool,
}

impl<'k> Recipient<'k> {
    /// The owner of this key, which must be for this algorithm.
    pub const fn new(key: &'k EncryptionKey, alg: EncAlg, enc: Enc) -> Self {
        Self { key, alg, enc, shows_iss: false }
    }

    /// Repeats `iss` in the outer header, where everybody on the way can read it; Logout Tokens should have it.
    // spec: BCL-024
    pub const fn shows_iss(mut self) -> Self {
        self.shows_iss = true;
        self
    }

    /// Encrypts a SET that is signed already, such as one signed by a key that lives elsewhere.
    ///
    /// # Errors
    /// When the token is not signed, when key and algorithm do not fit, and when the result is longer than is read
    /// (96 KiB): all the caller's fault. A failure of encryption is a local one.
    // spec: SET-038, SET-041, SET-042, BCL-023
    pub fn encrypt(&self, token: &str) -> Result<String, Error> {
        let jws = Compact::parse(token).map_err(|error| not_encrypted(&error))?;
        jws.alg().map_err(|error| not_encrypted(&error))?;
        let mut members = Map::new();
        members.insert("cty".to_owned(), NESTED.into());
        if self.shows_iss {
            let claims = json::parse_object(jws.payload_unverified());
            let iss = claims.ok().and_then(|mut claims| claims.remove("iss"));
            members.extend(iss.map(|iss| ("iss".to_owned(), iss)));
        }
        jwe::encrypt(token.as_bytes(), self.key, self.alg, self.enc, &members)
            .map_err(|error| not_encrypted(&error))
    }
}

impl Draft {
    /// The token, signed and then encrypted: the `typ` of the profile stands in the signed token inside, and `cty`
    /// `JWT` in the header outside.
    ///
    /// ```
    /// use secevent::jwe::{Allowed, DecryptionKey, Enc, EncAlg};
    /// use secevent::{Alg, Policy, Recipient, Set, SigningKey, SubjectId, Timestamp, event::caep};
    /// # let now = Timestamp(1_767_225_600);
    /// let (issuer, recipient) = (SigningKey::generate(Alg::Es256)?, DecryptionKey::generate(EncAlg::EcdhEsA128Kw)?);
    ///
    /// let to = Recipient::new(recipient.encryption_key(), EncAlg::EcdhEsA128Kw, Enc::A128Gcm);
    /// let token = Set::issue("https://idp.example")
    ///     .to("https://sp.example/caep")
    ///     .about(SubjectId::email("alice@example.com"))
    ///     .event(caep::SessionRevoked::new())
    ///     .at(now)
    ///     .sign_and_encrypt(&issuer, &to)?;
    ///
    /// let allowed = Allowed::of(&[EncAlg::EcdhEsA128Kw], &[Enc::A128Gcm]);
    /// let policy = Policy::ssf("https://idp.example", "https://sp.example/caep");
    /// let decrypted = Set::decrypt(&token, &recipient, allowed)?;
    /// let set = decrypted.parse()?.verify(issuer.verifying_key(), &policy, now)?;
    /// assert_eq!(set.iss(), "https://idp.example");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Draft::sign`] and [`Recipient::encrypt`].
    // spec: SET-042, SET-043
    pub fn sign_and_encrypt(&self, signer: &dyn Signer, recipient: &Recipient<'_>) -> Result<String, Error> {
        recipient.encrypt(&self.sign(signer)?)
    }
}

impl Claims {
    /// Signs these claims and encrypts the token; as [`Draft::sign_and_encrypt`].
    ///
    /// # Errors
    /// As [`Claims::sign`] and [`Recipient::encrypt`].
    pub fn sign_and_encrypt(
        &self,
        profile: Profile,
        signer: &dyn Signer,
        recipient: &Recipient<'_>,
    ) -> Result<String, Error> {
        recipient.encrypt(&self.sign(profile, signer)?)
    }
}

/// A decrypted token: nobody altered it on its way, and who wrote it is still to be verified.
#[derive(Debug)]
pub struct Decrypted {
    header: Header,
    token: Token,
}

/// Overwritten in memory when dropped. Invariant: it is UTF-8.
struct Token(Plaintext);

impl Set {
    /// Decrypts a nested SET; [`Decrypted::parse`] and [`UnverifiedSet::verify`] have to follow.
    ///
    /// A signed token that is not encrypted is refused here, so calling this instead of [`Set::parse`] is how a
    /// recipient insists on encryption. Where there are several keys, [`jwe::Compact`] tells the `kid` beforehand.
    ///
    /// # Errors
    /// `invalid_request` when it is no JWE in compact form with a token inside, `invalid_key` when it does not decrypt
    /// with this key or is encrypted in a way that is not allowed.
    // spec: BCL-038, BCL-039, BCP-001, BCP-008, BCP-011, BCP-019, BCP-021, BCP-027, JWT-002
    pub fn decrypt(token: &str, key: &DecryptionKey, allowed: Allowed) -> Result<Decrypted, Error> {
        let jwe = jwe::Compact::parse(token).map_err(|error| not_decrypted(&error))?;
        // spec: JWT-003, SET-041
        let cty = jwe.header().cty();
        if !cty.is_some_and(|cty| same_media_type(cty, NESTED)) {
            let found = cty.map_or_else(|| "no `cty`".to_owned(), |cty| format!("`cty` is {}", quote(cty)));
            return Err(Error::peer(ErrorCode::InvalidRequest, "SET-041", &found, SIGN_FIRST));
        }
        let plaintext = jwe.decrypt(key, allowed).map_err(|error| not_decrypted(&error))?;
        if std::str::from_utf8(&plaintext).is_err() {
            let found = "what was encrypted is no token";
            return Err(Error::peer(ErrorCode::InvalidRequest, "JWT-003", &found, SIGN_FIRST));
        }
        Ok(Decrypted { header: jwe.header().clone(), token: Token(plaintext) })
    }
}

impl Decrypted {
    /// Reads the token inside, as [`Set::parse`] does. [`UnverifiedSet::verify`] then also compares the claims that the
    /// outer header repeats.
    ///
    /// # Errors
    /// As [`Set::parse`], and when the token inside is not signed: encryption says nothing about who wrote it.
    // spec: BCP-005, BCP-008, JWT-003, SET-037
    pub fn parse(&self) -> Result<UnverifiedSet<'_>, Error> {
        let mut set = Set::parse(self.token.as_str())?;
        let alg = set.key_hint().alg;
        if secevent_jose::Alg::from_name(alg).is_none() {
            let found = format!("the token inside has `alg` {}, so it is not signed", quote(alg));
            return Err(Error::peer(ErrorCode::InvalidKey, "SET-037", &found, SIGN_FIRST));
        }
        set.outer = Some(&self.header);
        Ok(set)
    }
}

impl Token {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// A signed token is a credential.
impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("..")
    }
}

/// The claims that the outer header repeats must be those of the signed token (RFC 7519 §5.3).
///
/// `iss`, `sub` and `aud` are registered for it; any other member that is a claim too is held to the same, unless its
/// name has a meaning of its own in a header.
// spec: JWT-019
pub(super) fn check_replicated(outer: Option<&Header>, claims: &Claims) -> Result<(), Error> {
    let mut check = Check::new(Role::Receiver);
    let outer = outer.map(|header| header.members().to_map()).unwrap_or_default();
    for (name, repeated) in outer.iter().filter(|(name, _)| !OF_THE_HEADER.contains(&name.as_str())) {
        let claim = claims.members().get(name);
        let code = match name.as_str() {
            "iss" => ErrorCode::InvalidIssuer,
            "aud" => ErrorCode::InvalidAudience,
            "sub" => ErrorCode::InvalidRequest,
            _ if claim.is_none() => continue,
            _ => ErrorCode::InvalidRequest,
        };
        if claim != Some(repeated) {
            let found = format!("the outer header says otherwise; in the claims {}", describe(claim));
            check.within(name, |check| {
                check.report(
                    Level::Error,
                    code,
                    "JWT-019",
                    found,
                    "repeat the claim as it is, or leave it out",
                );
            });
        }
    }
    if check.refused() { Err(Error::from_check(check, Fault::Peer)) } else { Ok(()) }
}

fn not_decrypted(error: &JoseError) -> Error {
    let (code, id, mend) = match error {
        JoseError::NotDecrypted => {
            (ErrorCode::InvalidKey, "BCP-008", "encrypt to the public key of this recipient")
        }
        JoseError::AlgNotAllowed { .. } | JoseError::EncNotAllowed { .. } => {
            (ErrorCode::InvalidKey, "BCP-001", "encrypt with an algorithm that is allowed")
        }
        JoseError::ZipUnsupported(_) => (ErrorCode::InvalidRequest, "BCP-011", "do not compress"),
        JoseError::KeyUnfit { .. } | JoseError::CritUnsupported(_) | JoseError::Json(_) => {
            return Error::jose(error);
        }
        _ => (
            ErrorCode::InvalidRequest,
            "BCP-021",
            "send a JWE in compact form: header.encrypted_key.iv.ciphertext.tag",
        ),
    };
    Error::peer(code, id, error, mend)
}

fn not_encrypted(error: &JoseError) -> Error {
    let fault = if matches!(error, JoseError::Encrypt(_)) { Fault::Local } else { Fault::Caller };
    let mut check = Check::new(Role::Issuer);
    check.error("SET-042", error.to_string(), "sign first, then encrypt to a key that fits");
    Error::from_check(check, fault)
}

/// The media type of a token inside a token (RFC 7519 §5.2).
const NESTED: &str = "JWT";
const SIGN_FIRST: &str = "sign the SET, then encrypt the signed token with `cty` `JWT`";

/// Names that say something else in a header than among claims (RFC 7515 §4.1, RFC 7516 §4.1, RFC 7518 §4.6.1).
const OF_THE_HEADER: [&str; 14] =
    ["alg", "enc", "kid", "typ", "cty", "epk", "apu", "apv", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"];
