//! SETs as another implementation verifies them.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde_json::Value;

/// A SET whose signature, issuer and audience are right.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SeenSet {
    /// The name of the algorithm.
    pub alg: String,
    /// The claims.
    pub claims: Value,
}

impl SeenSet {
    /// The URI and the payload of the only event.
    ///
    /// # Panics
    /// When there is not exactly one.
    pub fn event(&self) -> (&str, &Value) {
        let events = self.claims["events"].as_object().expect("events is an object");
        assert_eq!(events.len(), 1, "{}", self.claims);
        let (uri, payload) = events.iter().next().expect("there is one");
        (uri, payload)
    }
}

/// What SSF 1.0 §4 and §10 demand of every SET.
pub(super) fn verify(token: &str, jwks: &[u8], iss: &str, aud: &str) -> SeenSet {
    let header = jsonwebtoken::decode_header(token).expect("it has a header");
    assert_eq!(header.typ.as_deref(), Some("secevent+jwt"));
    let asymmetric = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
    assert!(asymmetric.contains(&header.alg), "{:?}", header.alg);
    let keys: JwkSet = serde_json::from_slice(jwks).expect("it is a JWK Set");
    let kid = header.kid.expect("it names its key");
    let key = keys.find(&kid).unwrap_or_else(|| panic!("the key {kid} is published"));
    let mut validation = Validation::new(header.alg);
    validation.set_required_spec_claims(&["iss", "aud"]);
    validation.validate_exp = false;
    validation.set_issuer(&[iss]);
    validation.set_audience(&[aud]);
    let key = DecodingKey::from_jwk(key).expect("it is a key");
    let claims = jsonwebtoken::decode::<Value>(token, &key, &validation).expect("it verifies").claims;
    for absent in ["sub", "exp"] {
        assert_eq!(claims.get(absent), None, "{claims}");
    }
    for (member, is_there) in [
        ("jti", claims["jti"].as_str().is_some_and(|jti| !jti.is_empty())),
        ("sub_id", claims["sub_id"]["format"].is_string()),
        ("iat", claims["iat"].as_u64().is_some_and(|iat| iat <= jsonwebtoken::get_current_timestamp() + 5)),
    ] {
        assert!(is_there, "{member} in {claims}");
    }
    SeenSet { alg: format!("{:?}", header.alg), claims }
}
