//! OAuth as a client: access tokens by client credentials (RFC 6749 §4.4), kept until shortly before they expire.

use std::{fmt, sync::Arc, time::Duration};

use http::header::{ACCEPT, CONTENT_TYPE};
use secevent::{SigningKey, Timestamp};
use secevent_jose::json;
use secevent_ssf::stream::Secret;
use serde_json::{Value, json as object};
use tokio::{sync::Mutex, time::Instant};
use url::form_urlencoded;

use super::{AuthorizationServer, Client, ClientError, FindServerError, authorization_server_for};

/// A client of an authorization server; share it, and so its tokens, by an [`Arc`].
///
/// However many ask, one request for a token is under way at a time, and after a failure there is a pause.
///
/// ```no_run
/// use secevent_http::client::{Client, ClientCredential, Egress, OAuthClient, TransmitterClient, discover};
/// use secevent_ssf::stream::Secret;
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::new(Egress::strict());
/// let metadata = discover(&client, "https://tr.example.com").await?;
/// let secret = ClientCredential::Secret(Secret::new("s3cr3t"));
/// let oauth = OAuthClient::new(client.clone(), &metadata.issuer, "acme", secret);
/// let transmitter = TransmitterClient::new(client, metadata, oauth);
/// # Ok(())
/// # }
/// ```
// spec: CIOP-029, SSF-042
pub struct OAuthClient {
    client: Client,
    resource: String,
    client_id: String,
    credential: ClientCredential,
    token_url: Option<String>,
    scope: Option<String>,
    state: Mutex<State>,
}

/// What a client proves its identity with.
#[derive(Clone)]
#[non_exhaustive]
pub enum ClientCredential {
    /// A secret: `client_secret_basic`, or `client_secret_post` where the server takes that only (RFC 6749 §2.3.1).
    Secret(Secret),
    /// A private key: `private_key_jwt` (RFC 7523 §2.2).
    Key {
        /// The key, of which the server has the public half.
        key: Box<SigningKey>,
        /// The present, for the times in the assertion.
        now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    },
}

impl ClientCredential {
    /// A private key, and the present for the times in the assertion.
    pub fn key(key: SigningKey, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self::Key { key: Box::new(key), now: Arc::new(now) }
    }
}

impl fmt::Debug for ClientCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret(_) => "Secret(…)",
            Self::Key { .. } => "Key(…)",
        })
    }
}

/// Why there is no access token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OAuthError {
    /// The token endpoint was not found.
    #[error("no token endpoint: {0}")]
    Find(#[from] FindServerError),
    /// The token endpoint was not reached, or answered badly.
    #[error("no access token: {0}")]
    Client(#[from] ClientError),
    /// The server refused (RFC 6749 §5.2).
    #[error("the authorization server gave no token (status {status}): {error}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The error code and what is said about it, made fit to be shown.
        error: String,
    },
    /// The answer, or the way to it, is not what the protocol says.
    #[error("no access token: {0}")]
    Unfit(String),
}

#[derive(Default)]
struct State {
    server: Option<Server>,
    token: Option<Token>,
    failed: Option<(Instant, OAuthError)>,
}

/// A token endpoint, and how it is spoken to.
#[derive(Clone)]
struct Server {
    token_url: String,
    /// Whom an assertion is for.
    audience: String,
    post: bool,
    scope: Option<String>,
}

struct Token {
    /// The whole value of `Authorization`.
    header: Arc<str>,
    fresh_until: Instant,
}

impl OAuthClient {
    /// A client of the authorization server of this resource, which for a transmitter is its issuer.
    ///
    /// The server is found by RFC 9728 at the resource, then by RFC 8414, unless [`token_url`](Self::token_url) names it.
    pub fn new(
        client: Client,
        resource: impl Into<String>,
        client_id: impl Into<String>,
        credential: ClientCredential,
    ) -> Self {
        let (resource, client_id) = (resource.into(), client_id.into());
        let (token_url, scope, state) = (None, None, Mutex::default());
        Self { client, resource, client_id, credential, token_url, scope, state }
    }

    /// Asks for tokens at this URL.
    pub fn token_url(self, url: impl Into<String>) -> Self {
        Self { token_url: Some(url.into()), ..self }
    }

    /// Asks for this scope. Without, it is `ssf.read ssf.manage` where the server says that it knows them, and what
    /// the server gives elsewhere.
    pub fn scope(self, scope: impl Into<String>) -> Self {
        Self { scope: Some(scope.into()), ..self }
    }

    /// The value of `Authorization` with a token that is fresh.
    pub(super) async fn header(&self) -> Result<Arc<str>, OAuthError> {
        self.fresh(&mut *self.state.lock().await).await
    }

    /// The value of `Authorization` with another token than this one, which was refused before its time.
    pub(super) async fn renewed(&self, refused: &str) -> Result<Arc<str>, OAuthError> {
        let mut state = self.state.lock().await;
        state.token.take_if(|token| &*token.header == refused);
        self.fresh(&mut state).await
    }

    /// The lock is held while the token is fetched: whoever asks meanwhile waits for the same one.
    async fn fresh(&self, state: &mut State) -> Result<Arc<str>, OAuthError> {
        if let Some(token) = state.token.as_ref().filter(|token| Instant::now() < token.fresh_until) {
            return Ok(Arc::clone(&token.header));
        }
        if let Some((at, error)) = &state.failed
            && at.elapsed() < COOL_DOWN
        {
            return Err(error.clone());
        }
        match self.fetch(&mut state.server).await {
            Ok(token) => {
                state.failed = None;
                Ok(Arc::clone(&state.token.insert(token).header))
            }
            Err(error) => {
                // The server may have moved; the next try looks for it again.
                (state.token, state.server) = (None, None);
                state.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    // spec: CIOP-031
    async fn fetch(&self, known: &mut Option<Server>) -> Result<Token, OAuthError> {
        let server = match known {
            Some(server) => server.clone(),
            None => known.insert(self.server().await?).clone(),
        };
        let (body, basic) = self.request(&server)?;
        let request = self.client.post(&server.token_url).authorization(basic.as_ref().map(Secret::expose));
        let request = request
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body)
            .body_max(ANSWER_BYTES_MAX);
        let answer = request.send().await?;
        if answer.status != 200 {
            return Err(OAuthError::Refused { status: answer.status, error: refusal(&answer.body) });
        }
        token(answer.whole()?)
    }

    async fn server(&self) -> Result<Server, OAuthError> {
        if let Some(url) = &self.token_url {
            let (token_url, audience) = (url.clone(), url.clone());
            return Ok(Server { token_url, audience, post: false, scope: self.scope.clone() });
        }
        let AuthorizationServer {
            issuer, token_endpoint, token_endpoint_auth_methods: methods, scopes, ..
        } = authorization_server_for(&self.client, &self.resource).await?;
        let unfit = || OAuthError::Unfit(format!("{issuer} publishes no `token_endpoint` (RFC 8414 §2)"));
        let takes = |method: &str| methods.iter().any(|known| known == method);
        let knows = |name: &str| scopes.iter().any(|known| known == name);
        let ssf = (knows("ssf.read") && knows("ssf.manage")).then(|| "ssf.read ssf.manage".to_owned());
        Ok(Server {
            token_url: token_endpoint.ok_or_else(unfit)?,
            post: !takes("client_secret_basic") && takes("client_secret_post"),
            scope: self.scope.clone().or(ssf),
            audience: issuer,
        })
    }

    /// The body, and the `Authorization` field where the credential goes there.
    fn request(&self, server: &Server) -> Result<(String, Option<Secret>), OAuthError> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if let Some(scope) = &server.scope {
            form.append_pair("scope", scope);
        }
        let mut basic = None;
        match &self.credential {
            ClientCredential::Secret(secret) if server.post => {
                form.append_pair("client_id", &self.client_id);
                form.append_pair("client_secret", secret.expose());
            }
            ClientCredential::Secret(secret) => basic = Some(basic_of(&self.client_id, secret)),
            ClientCredential::Key { key, now } => {
                let assertion = assertion(&self.client_id, &server.audience, key, now());
                let assertion = assertion.map_err(|error| OAuthError::Unfit(error.to_string()))?;
                form.append_pair("client_id", &self.client_id);
                form.append_pair("client_assertion_type", ASSERTION_TYPE);
                form.append_pair("client_assertion", &assertion);
            }
        }
        Ok((form.finish(), basic))
    }
}

impl fmt::Debug for OAuthClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resource, client_id, credential, .. } = self;
        let mut shown = f.debug_struct("OAuthClient");
        shown.field("resource", resource).field("client_id", client_id);
        shown.field("credential", credential).finish_non_exhaustive()
    }
}

/// `client_secret_basic`: both parts are form-encoded before they are joined (RFC 6749 §2.3.1).
fn basic_of(client_id: &str, secret: &Secret) -> Secret {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(client_id), encoded(secret.expose()));
    Secret::new(format!("Basic {}", base64_simd::STANDARD.encode_to_string(pair)))
}

/// `private_key_jwt`: a token about ourselves, for this server, once (RFC 7523 §3).
fn assertion(
    client_id: &str,
    audience: &str,
    key: &SigningKey,
    now: Timestamp,
) -> Result<String, secevent_jose::Error> {
    let jti = secevent_jose::base64url(&secevent_jose::random::<16>());
    let exp = now.plus_secs(ASSERTION_SECS);
    let claims =
        object!({ "iss": client_id, "sub": client_id, "aud": audience, "jti": jti, "iat": now, "exp": exp });
    secevent_jose::sign(Some("JWT"), claims.to_string().as_bytes(), key)
}

fn token(body: &[u8]) -> Result<Token, OAuthError> {
    let unfit = |why: &str| OAuthError::Unfit(format!("the answer of the token endpoint {why}"));
    let members = json::parse_object(body).map_err(|error| unfit(&format!("is not readable: {error}")))?;
    let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
    if !text("token_type").eq_ignore_ascii_case("bearer") {
        return Err(unfit("has another `token_type` than Bearer (RFC 6749 §7.1)"));
    }
    let token = text("access_token");
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(unfit("has no `access_token` that a header can hold (RFC 6750 §2.1)"));
    }
    let lifetime = members.get("expires_in").and_then(Value::as_u64).map(Duration::from_secs);
    let lifetime = lifetime.unwrap_or(LIFETIME_UNSAID).min(LIFETIME_MAX);
    let fresh_until = Instant::now() + lifetime.saturating_sub(RENEW_EARLY.min(lifetime / 2));
    Ok(Token { header: format!("Bearer {token}").into(), fresh_until })
}

/// The code, and the words if there are any; never the rest of an answer, which may repeat what was sent.
fn refusal(body: &[u8]) -> String {
    let Ok(members) = json::parse_object(body) else { return "an answer without an error code".to_owned() };
    let said = ["error", "error_description"].map(|name| members.get(name).and_then(Value::as_str));
    let said: Vec<_> = said.into_iter().flatten().collect();
    let short: String = said.join(": ").chars().take(WORDS_CHARS_MAX).collect();
    short.escape_debug().to_string()
}

/// RFC 7523 §2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// An assertion is used at once; clocks differ.
const ASSERTION_SECS: i64 = 120;
/// A token of a large identity provider has 8 KiB.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// A token is not used in its last half minute: requests take time, and clocks differ.
const RENEW_EARLY: Duration = Duration::from_secs(30);
/// Where the answer does not say.
const LIFETIME_UNSAID: Duration = Duration::from_mins(5);
/// No token is kept longer, whatever it claims.
const LIFETIME_MAX: Duration = Duration::from_hours(24);
/// A server that fails is left alone for a moment, and those who ask meanwhile get the same error at once.
const COOL_DOWN: Duration = Duration::from_secs(2);
/// Two sentences.
const WORDS_CHARS_MAX: usize = 300;
