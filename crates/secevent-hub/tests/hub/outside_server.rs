//! Access tokens of an authorization server elsewhere.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU16, AtomicUsize, Ordering},
};

use axum::{Router, extract::State, response::IntoResponse, routing::get};
use http::StatusCode;
use secevent::{Alg, JwkSet, Policy, Set, SigningKey};
use secevent_hub::{AuthorizationServerSettings, ReceiverSettings, Settings};
use serde_json::{Value, json};

use crate::{
    home::{ACME_AUD, Home, now},
    http_call::call,
    oauth::start,
};

const AUDIENCE: &str = "https://signals.example.com";

/// An authorization server that publishes keys, answers with the status that it is told, and counts who asks.
struct Server {
    url: String,
    shared: Arc<Published>,
}

struct Published {
    keys: Mutex<Vec<SigningKey>>,
    status: AtomicU16,
    fetched: AtomicUsize,
}

impl Server {
    /// Its metadata are under this name.
    async fn start(key: &SigningKey, metadata: &'static str) -> Self {
        let keys = Mutex::new(vec![key.clone()]);
        let shared = Arc::new(Published { keys, status: 200.into(), fetched: 0.into() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let document = json!({"issuer": url, "jwks_uri": format!("{url}/jwks")}).to_string();
        let app = Router::new()
            .route("/jwks", get(jwks))
            .route(&format!("/.well-known/{metadata}"), get(|| async { document }))
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, shared }
    }

    fn fetched(&self) -> usize {
        self.shared.fetched.load(Ordering::SeqCst)
    }

    /// The claims of a good token for `acme`.
    fn claims(&self) -> Value {
        let now = now().timestamp().0;
        json!({"iss": self.url, "aud": AUDIENCE, "sub": "acme", "client_id": "acme", "iat": now, "exp": now + 300,
            "jti": "1", "scope": "ssf.read ssf.manage"})
    }

    fn with(&self, name: &str, value: Value) -> Value {
        let mut claims = self.claims();
        claims[name] = value;
        claims
    }

    fn without(&self, name: &str) -> Value {
        let mut claims = self.claims();
        claims.as_object_mut().unwrap().remove(name);
        claims
    }

    /// A home whose hub takes the tokens of this server, and has no static token.
    fn settings(&self, home: &Home) -> Settings {
        let mut settings = home.settings();
        let mut acme = ReceiverSettings::without_token("acme", vec![ACME_AUD.into()]);
        acme.alg = Alg::Es256;
        let mut twin = ReceiverSettings::without_token("twin", vec![ACME_AUD.into()]);
        twin.client_id = Some("0oa-twin".into());
        settings.receivers = vec![acme, twin];
        let mut outside = AuthorizationServerSettings::new(&self.url, AUDIENCE);
        outside.jwks_uri = Some(format!("{}/jwks", self.url));
        settings.oauth = Some(outside);
        settings
    }
}

async fn jwks(State(published): State<Arc<Published>>) -> impl IntoResponse {
    published.fetched.fetch_add(1, Ordering::SeqCst);
    let keys = published.keys.lock().unwrap().iter().map(|key| key.verifying_key().clone()).collect();
    let status = StatusCode::from_u16(published.status.load(Ordering::SeqCst)).unwrap();
    (status, JwkSet::new(keys).to_json())
}

fn key(kid: &str) -> SigningKey {
    SigningKey::generate(Alg::Es256).unwrap().with_kid(kid)
}

fn typed(typ: Option<&str>, claims: &Value, key: &SigningKey) -> String {
    secevent_jose::sign(typ, claims.to_string().as_bytes(), key).unwrap()
}

fn signed(claims: &Value, key: &SigningKey) -> String {
    typed(Some("at+jwt"), claims, key)
}

const RFC8414: &str = "oauth-authorization-server";

// spec: CIOP-029, CIOP-035, CIOP-036, CIOP-039
#[tokio::test(flavor = "multi_thread")]
async fn its_tokens_are_for_the_receiver_they_name_and_as_good_as_their_scope() {
    let (home, key) = (Home::new(), key("1"));
    let server = Server::start(&key, RFC8414).await;
    let hub = start(&home, server.settings(&home)).await;
    let id = hub.create_poll(&signed(&server.claims(), &key)).await;
    let listed = json!(["https://elsewhere.example", AUDIENCE]);
    let mut azp = server.without("client_id");
    azp["azp"] = "acme".into();
    for claims in [server.with("scope", "openid ssf.read".into()), server.with("aud", listed), azp] {
        let token = typed(Some("application/at+JWT"), &claims, &key);
        let streams = hub.get("/ssf/streams", &token).await.expect(200).json();
        assert_eq!(streams[0]["stream_id"], *id, "{claims}");
    }
    let twin = signed(&server.with("client_id", "0oa-twin".into()), &key);
    assert_eq!(hub.get("/ssf/streams", &twin).await.expect(200).json(), json!([]));
    let challenge = async |scope: Value, method: &str| {
        let token = signed(&server.with("scope", scope), &key);
        let answer = hub.send(method, "/ssf/streams", &token, "{}").await.expect(403);
        answer.header("www-authenticate").to_owned()
    };
    let wanted = |scope| format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\", ");
    assert!(challenge("ssf.read".into(), "POST").await.starts_with(&wanted("ssf.manage")));
    assert!(challenge("openid ssf.manage.create".into(), "GET").await.starts_with(&wanted("ssf.read")));
    assert!(challenge(Value::Null, "GET").await.starts_with(&wanted("ssf.read")));
    assert_eq!(server.fetched(), 1, "keys are kept");
    let metadata = call("GET", &format!("{}/.well-known/oauth-protected-resource", hub.url), &[], "").await;
    assert_eq!(metadata.json()["authorization_servers"], json!([server.url]));
    call("POST", &format!("{}/oauth/token", hub.url), &[], "").await.expect(404);
    hub.stop().await;
}

// spec: CIOP-035, CIOP-036, SET-057, BCP-001, BCP-008
#[tokio::test(flavor = "multi_thread")]
async fn whatever_else_it_signs_or_somebody_else_signs_opens_nothing() {
    let (home, key, foreign) = (Home::new(), key("1"), key("1"));
    let server = Server::start(&key, RFC8414).await;
    let hub = start(&home, server.settings(&home)).await;
    let now = now().timestamp().0;
    let part = |value: &Value| secevent_jose::base64url(value.to_string().as_bytes());
    let raw = |alg: &str| {
        let header = json!({"typ": "at+jwt", "alg": alg, "kid": "1"});
        format!("{}.{}", part(&header), part(&server.claims()))
    };
    let public = serde_json::to_string(&key.verifying_key().to_jwk()).unwrap();
    let mac = secevent_jose::hmac_sha256(public.as_bytes(), raw("HS256").as_bytes());
    let embedded = {
        let jwk = foreign.verifying_key().to_jwk();
        let header = json!({"typ": "at+jwt", "alg": "ES256", "kid": "other", "jwk": jwk});
        let input = format!("{}.{}", part(&header), part(&server.claims()));
        let signature = secevent_jose::Signer::sign(&foreign, input.as_bytes()).unwrap();
        secevent_jose::attach(input, &signature)
    };
    let event = json!({"https://schemas.openid.net/secevent/caep/event-type/session-revoked": {}});
    let set = server.with("events", event);
    let refused = [
        ("another key", signed(&server.claims(), &foreign)),
        ("its own key with it", embedded),
        ("none", format!("{}.", raw("none"))),
        ("hmac", format!("{}.{}", raw("HS256"), secevent_jose::base64url(&mac))),
        ("an ID token", typed(Some("JWT"), &server.claims(), &key)),
        ("no type", typed(None, &server.claims(), &key)),
        ("a SET", typed(Some("secevent+jwt"), &set, &key)),
        ("events", signed(&set, &key)),
        ("a logout token", typed(Some("logout+jwt"), &server.claims(), &key)),
        ("bound to a key", signed(&server.with("cnf", json!({"jkt": "x"})), &key)),
        ("iss", signed(&server.with("iss", format!("{}/", server.url).into()), &key)),
        ("no iss", signed(&server.without("iss"), &key)),
        ("aud", signed(&server.with("aud", hub.url.clone().into()), &key)),
        ("no aud", signed(&server.without("aud"), &key)),
        ("expired", signed(&server.with("exp", (now - 90).into()), &key)),
        ("no exp", signed(&server.without("exp"), &key)),
        ("exp as text", signed(&server.with("exp", (now + 90).to_string().into()), &key)),
        ("nbf", signed(&server.with("nbf", (now + 90).into()), &key)),
        ("iat", signed(&server.with("iat", (now + 90).into()), &key)),
        ("nobody", signed(&server.with("client_id", "nobody".into()), &key)),
        ("its name here", signed(&server.with("client_id", "twin".into()), &key)),
        ("no client", signed(&server.without("client_id"), &key)),
        ("no token", "a.b.c".to_owned()),
    ];
    for (what, token) in refused {
        let answer = hub.get("/ssf/streams", &token).await;
        assert_eq!(answer.status, 401, "{what}");
        let challenge = answer.header("www-authenticate");
        assert!(challenge.starts_with(r#"Bearer error="invalid_token", "#), "{what}: {challenge}");
    }
    let token = signed(&server.claims(), &key);
    hub.get("/ssf/streams", &token).await.expect(200);
    let keys = JwkSet::new(vec![key.verifying_key().clone()]);
    let policy = Policy::ssf(&server.url, AUDIENCE);
    let as_set = Set::parse(&token).map(|set| set.verify(&keys, &policy, secevent::Timestamp(now)));
    assert!(!matches!(as_set, Ok(Ok(_))), "an access token is no SET");
    hub.stop().await;
}

// spec: CIOP-035
#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_looked_for_once_and_missing_keys_are_nobodys_fault() {
    let (home, key, next, invented) = (Home::new(), key("1"), key("2"), key("3"));
    let server = Server::start(&key, RFC8414).await;
    server.shared.status.store(500, Ordering::SeqCst);
    let hub = start(&home, server.settings(&home)).await;
    let token = signed(&server.claims(), &key);
    let answer = hub.get("/ssf/streams", &token).await.expect(503);
    assert!(!answer.header("retry-after").is_empty() && answer.header("www-authenticate").is_empty());
    hub.get("/ssf/streams", &token).await.expect(503);
    assert_eq!(server.fetched(), 1, "a server that fails is left alone for a moment");
    server.shared.status.store(200, Ordering::SeqCst);
    crate::home::eventually("the keys are there", async || {
        hub.get("/ssf/streams", &token).await.status == 200
    })
    .await;
    let before = server.fetched();
    server.shared.keys.lock().unwrap().push(next.clone());
    hub.get("/ssf/streams", &signed(&server.claims(), &next)).await.expect(200);
    for _ in 0..10 {
        hub.get("/ssf/streams", &signed(&server.claims(), &invented)).await.expect(401);
    }
    assert_eq!(server.fetched(), before + 1);
    hub.stop().await;
}

// spec: CIOP-030
#[tokio::test(flavor = "multi_thread")]
async fn its_keys_are_found_through_its_metadata() {
    let key = key("1");
    for name in [RFC8414, "openid-configuration"] {
        let (home, server) = (Home::new(), Server::start(&key, name).await);
        let mut settings = server.settings(&home);
        settings.oauth = Some(AuthorizationServerSettings::new(&server.url, AUDIENCE));
        let hub = start(&home, settings.clone()).await;
        hub.get("/ssf/streams", &signed(&server.claims(), &key)).await.expect(200);
        hub.stop().await;

        // Metadata of another issuer are not believed.
        let slash = format!("{}/", server.url);
        settings.oauth = Some(AuthorizationServerSettings::new(slash.clone(), AUDIENCE));
        let hub = start(&home, settings).await;
        let token = signed(&server.with("iss", slash.into()), &key);
        hub.get("/ssf/streams", &token).await.expect(503);
        hub.stop().await;
    }
}
