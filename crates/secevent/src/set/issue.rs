//! Issuing (RFC 8417 §2): a draft is judged as strictly as an issuer must be, then signed.

use secevent_jose::{Alg, Signer, jws};
use serde_json::{Map, Value};

use super::Claims;
use crate::{
    Error, Event, Profile, SubjectId, Timestamp,
    error::Fault,
    finding::{Check, Role},
};

/// A SET in the making. Nothing is judged before [`Draft::claims`], [`Draft::unsigned`] or [`Draft::sign`].
#[derive(Clone, Debug)]
pub struct Draft {
    pub(super) profile: Profile,
    iss: String,
    iat: Option<Timestamp>,
    jti: Option<String>,
    aud: Vec<String>,
    txn: Option<String>,
    toe: Option<Timestamp>,
    subject: Option<SubjectId>,
    events: Map<String, Value>,
    other: Map<String, Value>,
}

impl Draft {
    pub(super) fn new(iss: String) -> Self {
        Self {
            profile: Profile::SSF,
            iss,
            iat: None,
            jti: None,
            aud: Vec::new(),
            txn: None,
            toe: None,
            subject: None,
            events: Map::new(),
            other: Map::new(),
        }
    }

    /// The profile it has to keep; [`Profile::SSF`] unless said.
    pub const fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// `aud`: whom it is for; may be said again.
    pub fn to(mut self, aud: impl Into<String>) -> Self {
        self.aud.push(aud.into());
        self
    }

    /// `sub_id`: whom or what the event is about.
    pub fn about(mut self, subject: SubjectId) -> Self {
        self.subject = Some(subject);
        self
    }

    /// Adds an event; one of the same type takes the place of the former (SET-008).
    // spec: SET-008
    pub fn event(mut self, event: impl Into<Event>) -> Self {
        let event = event.into();
        self.events.insert(event.uri().to_owned(), Value::Object(event.payload()));
        self
    }

    /// `iat`: now. There is no default, since the library reads no clock.
    pub const fn at(mut self, now: Timestamp) -> Self {
        self.iat = Some(now);
        self
    }

    /// `jti`: a unique id; 128 random bits unless said (JWT-015).
    pub fn jti(mut self, jti: impl Into<String>) -> Self {
        self.jti = Some(jti.into());
        self
    }

    /// `txn`: what ties together the tokens of one cause.
    pub fn txn(mut self, txn: impl Into<String>) -> Self {
        self.txn = Some(txn.into());
        self
    }

    /// `toe`: when the event happened.
    pub const fn toe(mut self, toe: Timestamp) -> Self {
        self.toe = Some(toe);
        self
    }

    /// Any further claim, such as `sub`, `sid` or `exp` of a Logout Token.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.other.insert(name.into(), value.into());
        self
    }

    /// The claims, judged. Members stand in a fixed order: `iss`, `iat`, `jti`, `aud`, `txn`, `toe`,
    /// `sub_id`, others, `events`.
    ///
    /// # Errors
    /// Everything that an issuer must not send, at once; the fault is the caller's.
    pub fn claims(&self) -> Result<Claims, Error> {
        judge(Value::Object(self.members()).to_string().into_bytes(), &self.profile)
    }

    /// The claims as they stand, in their order.
    pub(super) fn members(&self) -> Map<String, Value> {
        let mut members = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                members.insert(name.to_owned(), value);
            }
        };
        put("iss", Some(self.iss.clone().into()));
        put("iat", self.iat.map(|iat| iat.0.into()));
        put("jti", Some(self.jti.clone().unwrap_or_else(random_jti).into()));
        put("aud", (!self.aud.is_empty()).then(|| one_or_many(&self.aud)));
        put("txn", self.txn.clone().map(Value::from));
        put("toe", self.toe.map(|toe| toe.0.into()));
        put("sub_id", self.subject.as_ref().map(|subject| subject.members().clone().into()));
        for (name, value) in &self.other {
            put(name, Some(value.clone()));
        }
        put("events", Some(self.events.clone().into()));
        members
    }

    /// The token without its signature, for a key that lives elsewhere.
    ///
    /// # Errors
    /// As [`Draft::claims`], and when the profile does not allow the algorithm.
    pub fn unsigned(&self, alg: Alg, kid: &str) -> Result<Unsigned, Error> {
        Unsigned::new(self.claims()?.json().as_bytes(), self.profile, alg, kid)
    }

    /// The compact token.
    ///
    /// # Errors
    /// As [`Draft::unsigned`], when the token is longer than is read (64 KiB), and when the signer fails, which is a
    /// local fault.
    // spec: SET-037
    pub fn sign(&self, signer: &dyn Signer) -> Result<String, Error> {
        self.unsigned(signer.alg(), signer.kid())?.sign(signer)
    }
}

/// Judges a complete claims set as an issuer must.
pub(super) fn judge(claims: Vec<u8>, profile: &Profile) -> Result<Claims, Error> {
    let mut check = Check::new(Role::Issuer);
    let document = super::claims_document(claims).map_err(|error| error.blamed_on(Fault::Caller))?;
    Claims::read(document, profile, &mut check).ok_or_else(|| Error::from_check(check, Fault::Caller))
}

impl Claims {
    /// Judges a complete claims set, made elsewhere, as strictly as an issuer must be.
    ///
    /// # Errors
    /// As [`Draft::claims`].
    pub fn to_issue(members: Map<String, Value>, profile: &Profile) -> Result<Self, Error> {
        judge(Value::Object(members).to_string().into_bytes(), profile)
    }

    /// Signs these claims into a compact token of this profile.
    ///
    /// # Errors
    /// When the profile does not allow the algorithm, when the token is longer than is read (64 KiB), and when the
    /// signer fails, which is a local fault.
    pub fn sign(&self, profile: Profile, signer: &dyn Signer) -> Result<String, Error> {
        Unsigned::new(self.json().as_bytes(), profile, signer.alg(), signer.kid())?.sign(signer)
    }
}

/// A token that lacks its signature only.
#[derive(Clone, Debug)]
pub struct Unsigned(String);

impl Unsigned {
    // spec: SET-032, SSF-001, BCL-025
    pub(super) fn new(claims: &[u8], profile: Profile, alg: Alg, kid: &str) -> Result<Self, Error> {
        // spec: BCP-001, CIOP-026
        if !profile.algs.contains(alg) {
            let mend = format!("sign with one of {}", profile.algs);
            return Err(refuse("CHK-003", format!("{alg} is not of profile {}", profile.name), mend));
        }
        Ok(Self(jws::signing_input_of(Some(profile.typ_to_issue()), alg, kid, claims)))
    }

    pub(super) fn sign(self, signer: &dyn Signer) -> Result<String, Error> {
        let signature = signer.sign(self.signing_input().as_bytes()).map_err(|e| Error::local(&e))?;
        let token = self.attach(&signature);
        // spec: CHK-001
        if token.len() > jws::TOKEN_BYTES_MAX {
            let mend = format!("say less: {} are read at most", jws::TOKEN_BYTES_MAX);
            return Err(refuse("CHK-001", format!("the token has {} bytes", token.len()), mend));
        }
        Ok(token)
    }

    /// What is to be signed (RFC 7515 §5.1).
    pub fn signing_input(&self) -> &str {
        &self.0
    }

    /// The compact token.
    pub fn attach(self, signature: &[u8]) -> String {
        jws::attach(self.0, signature)
    }
}

pub(super) fn refuse(id: &'static str, found: String, mend: String) -> Error {
    let mut check = Check::new(Role::Issuer);
    check.error(id, found, mend);
    Error::from_check(check, Fault::Caller)
}

// spec: JWT-015
fn random_jti() -> String {
    secevent_jose::base64url(&secevent_jose::random::<16>())
}

pub(super) fn one_or_many(values: &[String]) -> Value {
    match values {
        [one] => one.as_str().into(),
        many => many.into(),
    }
}
