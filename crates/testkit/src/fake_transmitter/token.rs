//! Tokens as nobody should send them.

use jsonwebtoken::{Algorithm, EncodingKey};
use secevent_jose::{Signer as _, SigningKey, attach, base64url, signing_input};
use serde_json::{Map, Value, json};

/// A SET to be made, good unless changed.
#[derive(Clone, Debug)]
pub struct FakeSet {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    key: SigningKey,
}

const SESSION_REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
const SSF: &str = "https://schemas.openid.net/secevent/ssf/event-type/";

impl FakeSet {
    pub(super) fn new(iss: &str, aud: &Value, jti: &str, key: SigningKey) -> Self {
        let header = json!({"typ": "secevent+jwt", "alg": key.alg().name(), "kid": key.kid()});
        let claims = json!({
            "iss": iss, "iat": now(), "jti": jti, "aud": aud, "txn": format!("txn-{jti}"),
            "sub_id": {"format": "email", "email": "alice@example.com"}, "events": {SESSION_REVOKED: {}},
        });
        let object = |value: Value| value.as_object().cloned().unwrap_or_default();
        Self { header: object(header), claims: object(claims), key }
    }

    /// Sets a claim; `null` removes it.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        lay(&mut self.claims, name, value.into());
        self
    }

    /// Sets a header parameter; `null` removes it.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        lay(&mut self.header, name, value.into());
        self
    }

    /// The event instead of `session-revoked`.
    pub fn event(self, uri: &str, payload: impl Into<Value>) -> Self {
        self.claim("events", json!({uri: payload.into()}))
    }

    /// A verification event of a stream.
    pub fn verification(self, stream_id: &str, state: Option<&str>) -> Self {
        let payload = state.map_or_else(|| json!({}), |state| json!({"state": state}));
        self.about_stream(stream_id).event(&format!("{SSF}verification"), payload)
    }

    /// A stream-updated event.
    pub fn stream_updated(self, stream_id: &str, status: &str) -> Self {
        let payload = json!({"status": status, "reason": "by script"});
        self.about_stream(stream_id).event(&format!("{SSF}stream-updated"), payload)
    }

    fn about_stream(self, stream_id: &str) -> Self {
        self.claim("sub_id", json!({"format": "opaque", "id": stream_id}))
    }

    /// Signed with the transmitter's key.
    pub fn sign(&self) -> String {
        self.sign_text(&Value::Object(self.claims.clone()).to_string())
    }

    /// The same with these bytes as claims, such as JSON with a member twice.
    ///
    /// # Panics
    /// When the key cannot sign.
    pub fn sign_text(&self, claims: &str) -> String {
        let input = signing_input(&self.header, claims.as_bytes());
        let signature = self.key.sign(input.as_bytes()).expect("the key signs");
        attach(input, &signature)
    }

    /// The claims as text, to be spoilt.
    pub fn text(&self) -> String {
        Value::Object(self.claims.clone()).to_string()
    }

    /// With `alg` none and no signature.
    pub fn unsigned(&self) -> String {
        let set = self.clone().header("alg", "none");
        attach(signing_input(&set.header, set.text().as_bytes()), &[])
    }

    /// With HS256 and the public key as the secret, made by another implementation.
    ///
    /// # Panics
    /// When the other implementation refuses.
    pub fn signed_with_the_public_key(&self) -> String {
        let public = Value::Object(self.key.verifying_key().to_jwk()).to_string();
        let set = self.clone().header("alg", "HS256");
        let input = signing_input(&set.header, set.text().as_bytes());
        let key = EncodingKey::from_secret(public.as_bytes());
        let signature =
            jsonwebtoken::crypto::sign(input.as_bytes(), &key, Algorithm::HS256).expect("HS256 signs");
        format!("{input}.{signature}")
    }

    /// Signed with a key that nobody published, under a `kid` of its own.
    ///
    /// # Panics
    /// When no key can be made.
    pub fn signed_by_a_stranger(&self) -> String {
        let stranger = SigningKey::generate(self.key.alg()).expect("a key can be made");
        let kid = base64url(&secevent_jose::random::<9>());
        let set = Self { key: stranger, ..self.clone() };
        set.header("kid", kid).sign()
    }

    /// Signed, and then a claim changed.
    pub fn tampered(&self) -> String {
        let good = self.sign();
        let signature = good.rsplit('.').next().unwrap_or_default();
        let other = self.clone().claim("txn", "another");
        format!("{}.{signature}", signing_input(&other.header, other.text().as_bytes()))
    }
}

fn lay(members: &mut Map<String, Value>, name: &str, value: Value) {
    if value.is_null() {
        members.shift_remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
}

#[expect(clippy::disallowed_methods, reason = "a test is an edge")]
fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
