//! Client authentication at the token endpoint (RFC 6749 §2.3): by secret in either place, or by a signed assertion.

use std::{borrow::Cow, time::Duration};

use http::{HeaderMap, header::AUTHORIZATION};
use secevent_jose::{Compact, constant_time_eq, json, sha256};
use url::form_urlencoded;

use super::{
    assertion::{self, Use},
    jwt,
    token_endpoint::{Form, TokenError},
};
use crate::{ClientKeys, Hub, ReceiverSettings};

/// RFC 7523 §2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// With the pause: 80 wrong secrets a second are told, whoever asks and however often (RFC 6749 §2.3.1). A right one
/// never waits.
pub(super) const REFUSALS_AT_ONCE: usize = 8;
const REFUSAL_PAUSE: Duration = Duration::from_millis(100);
/// No connection is held longer for it.
const REFUSAL_WAIT_MAX: Duration = Duration::from_secs(10);

/// What a request authenticates with.
enum Credential<'r> {
    Secret { client_id: String, secret: Given<'r> },
    Assertion(&'r str),
}

/// A secret as it was sent. In a Basic field it is form-encoded, which not every client does: then it is what it is.
struct Given<'r> {
    decoded: Cow<'r, str>,
    raw: Cow<'r, str>,
}

impl Hub {
    /// Who is asking for a token. Which of client, secret and signature was wrong is not told, nor by the time it takes.
    pub(super) async fn authenticate_client(
        &self,
        headers: &HeaderMap,
        form: &Form,
    ) -> Result<&ReceiverSettings, TokenError> {
        let found = match credential(headers, form)? {
            Credential::Secret { client_id, secret } => self.client_by_secret(&client_id, &secret),
            Credential::Assertion(assertion) => {
                self.client_by_assertion(assertion, form.get("client_id")).await?
            }
        };
        if found.is_none() {
            self.refuse_late().await;
        }
        found.ok_or_else(TokenError::invalid_client)
    }

    fn client_by_secret(&self, client_id: &str, given: &Given<'_>) -> Option<&ReceiverSettings> {
        let receiver = self.0.receivers.by_id(client_id);
        let secret =
            receiver.and_then(|receiver| receiver.secret.as_deref()).filter(|secret| !secret.is_empty());
        // Digests, so that lengths tell nothing; and as much work where there is nothing to compare with.
        let wanted = sha256(secret.unwrap_or("nobody").as_bytes());
        let fits = |given: &str| constant_time_eq(&sha256(given.as_bytes()), &wanted);
        let (decoded, raw) = (fits(&given.decoded), fits(&given.raw));
        receiver.filter(|_| secret.is_some() && (decoded | raw))
    }

    async fn client_by_assertion(
        &self,
        assertion: &str,
        client_id: Option<&str>,
    ) -> Result<Option<&ReceiverSettings>, TokenError> {
        let Ok(jws) = Compact::parse(assertion) else { return Ok(None) };
        // Whose keys to look for; nothing is believed before the signature is checked.
        let hint = json::parse_object(jws.payload_unverified()).ok();
        let Some(sub) = hint.as_ref().and_then(|claims| jwt::text(claims, "sub")) else { return Ok(None) };
        let receiver = self.0.receivers.by_id(sub).filter(|_| client_id.is_none_or(|id| id == sub));
        let Some((receiver, keys)) = receiver.and_then(|receiver| Some((receiver, receiver.keys.as_ref()?)))
        else {
            return Ok(None);
        };
        let fetched;
        let keys = match keys {
            ClientKeys::Set(keys) => keys,
            ClientKeys::Uri(_) => {
                let Some(cache) = self.0.oauth.client_keys.get(&receiver.id) else { return Ok(None) };
                let keys = cache.keys_with(jws.header().alg(), jws.header().kid()).await;
                fetched =
                    keys.map_err(|_| TokenError::unavailable("the keys of the client cannot be had"))?;
                &*fetched
            }
        };
        let (token_url, now) = (self.token_url(), self.now().timestamp());
        match assertion::check(&jws, keys, &receiver.id, &[&token_url, self.issuer()], now) {
            Ok((jti, until)) => match self.0.oauth.used.take(&receiver.id, &jti, until, now) {
                Use::First => Ok(Some(receiver)),
                Use::Again => Ok(None),
                Use::TooMany => Err(TokenError::too_often("fewer assertions; a token lives for an hour")),
            },
            Err(why) => {
                tracing::debug!(receiver = %receiver.id, why, "a client assertion is refused");
                Ok(None)
            }
        }
    }

    /// Guessing takes time.
    async fn refuse_late(&self) {
        let turn = tokio::time::timeout(REFUSAL_WAIT_MAX, self.0.oauth.refusals.acquire()).await;
        if turn.is_ok() {
            tokio::time::sleep(REFUSAL_PAUSE).await;
        }
    }
}

/// The one credential of a request (RFC 6749 §2.3: never more than one).
fn credential<'r>(headers: &'r HeaderMap, form: &'r Form) -> Result<Credential<'r>, TokenError> {
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    let (field, alone) = (fields.next(), fields.next().is_none());
    let (secret, assertion) = (form.get("client_secret"), form.get("client_assertion"));
    let methods = [field.is_some(), secret.is_some(), assertion.is_some()];
    if !alone || methods.iter().filter(|used| **used).count() > 1 {
        return Err(TokenError::invalid_request("use one way to authenticate (RFC 6749 §2.3)"));
    }
    if let Some(field) = field {
        let (client_id, secret) = basic(field.to_str().ok()).ok_or_else(TokenError::invalid_client)?;
        if form.get("client_id").is_some_and(|id| id != client_id) {
            return Err(TokenError::invalid_request(
                "client_id is another than that of the Authorization field",
            ));
        }
        return Ok(Credential::Secret { client_id, secret });
    }
    if let Some(assertion) = assertion {
        return match form.get("client_assertion_type") {
            Some(ASSERTION_TYPE) => Ok(Credential::Assertion(assertion)),
            _ => {
                Err(TokenError::invalid_request("client_assertion_type is not that of a JWT (RFC 7523 §2.2)"))
            }
        };
    }
    let secret = secret.ok_or_else(TokenError::invalid_client)?;
    let client_id = form.get("client_id");
    let client_id =
        client_id.ok_or_else(|| TokenError::invalid_request("client_id is missing (RFC 6749 §2.3.1)"))?;
    let given = Given { decoded: secret.into(), raw: secret.into() };
    Ok(Credential::Secret { client_id: client_id.to_owned(), secret: given })
}

/// `client_secret_basic` (RFC 6749 §2.3.1): both parts are form-encoded before they are joined.
fn basic(field: Option<&str>) -> Option<(String, Given<'static>)> {
    let (scheme, encoded) = field?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = base64_simd::STANDARD.decode_to_vec(encoded.trim()).ok()?;
    let pair = String::from_utf8(pair).ok()?;
    let (client_id, secret) = pair.split_once(':')?;
    let given = Given { decoded: form_decoded(secret).into(), raw: secret.to_owned().into() };
    Some((form_decoded(client_id), given))
}

/// One form-encoded text; `&` and `=`, which an encoded one does not have, stand for themselves.
fn form_decoded(text: &str) -> String {
    let whole = text.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(whole.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_form_encoded_or_plain() {
        let field = |pair: &str| format!("Basic {}", base64_simd::STANDARD.encode_to_string(pair));
        for (pair, id, decoded, raw) in [
            ("acme:plain", "acme", "plain", "plain"),
            ("a%2Fb:s%3A%26%2B+x%25", "a/b", "s:&+ x%", "s%3A%26%2B+x%25"),
            ("acme:a+b/c==", "acme", "a b/c==", "a+b/c=="),
            ("acme:a&b:c", "acme", "a&b:c", "a&b:c"),
            ("acme:", "acme", "", ""),
        ] {
            let (found, given) = basic(Some(&field(pair))).unwrap();
            assert_eq!((found.as_str(), &*given.decoded, &*given.raw), (id, decoded, raw), "{pair}");
        }
        for refused in ["Bearer abc", "Basic", "Basic !", "Basic YWNtZQ==", "basic"] {
            assert!(basic(Some(refused)).is_none(), "{refused}");
        }
    }
}
