//! The token endpoint, and what its tokens are good for.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use secevent::{Alg, JwkSet, Set, SigningKey};
use secevent_hub::{ClientKeys, ReceiverSettings, Settings};
use secevent_ssf::engine::Millis;
use serde_json::{Value, json};

use crate::{
    home::{ACME, ACME_AUD, Home, OTHER, Running, now},
    http_call::{Answer, call},
};

pub(crate) const SECRET: &str = "acme's secret+/=&%";
const GRANT: &str = "grant_type=client_credentials";
type Headers<'h> = &'h [(&'h str, &'h str)];
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// The settings of the home, in which `acme` has nothing but a secret, and `keyed` nothing but a key.
pub(crate) fn settings(home: &Home, key: Option<&SigningKey>) -> Settings {
    let mut settings = home.settings();
    settings.receivers[0] = ReceiverSettings::without_token("acme", vec![ACME_AUD.into()]);
    settings.receivers[0].alg = Alg::Es256;
    settings.receivers[0].secret = Some(SECRET.into());
    if let Some(key) = key {
        let mut keyed = ReceiverSettings::without_token("keyed", vec!["https://keyed.example.com".into()]);
        keyed.keys = Some(ClientKeys::Set(JwkSet::new(vec![key.verifying_key().clone()])));
        settings.receivers.push(keyed);
    }
    settings
}

pub(crate) async fn start(home: &Home, settings: Settings) -> Running {
    home.start_with(settings, Arc::new(home.store().await), |_| axum::Router::new()).await
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", base64_simd::STANDARD.encode_to_string(format!("{id}:{secret}")))
}

fn with_secret(id: &str, secret: &str) -> String {
    format!("{GRANT}&client_id={}&client_secret={}", encoded(id), encoded(secret))
}

fn with_assertion(assertion: &str) -> String {
    let kind = encoded("urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    format!("{GRANT}&client_assertion_type={kind}&client_assertion={assertion}")
}

async fn ask(hub: &Running, headers: Headers<'_>, body: &str) -> Answer {
    call("POST", &format!("{}/oauth/token", hub.url), headers, body).await
}

/// An access token of `acme` for this scope.
pub(crate) async fn token(hub: &Running, scope: &str) -> String {
    let body = format!("{}&scope={}", with_secret("acme", SECRET), encoded(scope));
    let answer = ask(hub, &[FORM], &body).await.expect(200).json();
    answer["access_token"].as_str().unwrap().to_owned()
}

fn key(kid: &str) -> SigningKey {
    SigningKey::generate(Alg::Es256).unwrap().with_kid(kid)
}

/// The claims of a good assertion of `keyed`.
fn claims(hub: &Running) -> Value {
    let now = now().timestamp().0;
    let jti = secevent_jose::base64url(&secevent_jose::random::<9>());
    json!({"iss": "keyed", "sub": "keyed", "aud": format!("{}/oauth/token", hub.url), "jti": jti,
        "iat": now, "exp": now + 60})
}

fn signed(claims: &Value, key: &SigningKey) -> String {
    secevent_jose::sign(Some("JWT"), claims.to_string().as_bytes(), key).unwrap()
}

// spec: CIOP-029, CIOP-031, CIOP-032, CIOP-038, POLL-059
#[tokio::test(flavor = "multi_thread")]
async fn a_client_gets_a_short_lived_token_by_its_secret_or_by_its_key() {
    let (home, key) = (Home::new(), key("1"));
    let hub = start(&home, settings(&home, Some(&key))).await;
    let basic = [basic("acme", &encoded(SECRET)), basic("acme", SECRET)];
    let mut for_the_issuer = claims(&hub);
    for_the_issuer["aud"] = json!(["https://elsewhere.example", hub.url]);
    let asked = [
        ask(&hub, &[FORM, ("authorization", &basic[0])], GRANT).await,
        ask(&hub, &[FORM, ("authorization", &basic[1])], &format!("{GRANT}&client_id=acme")).await,
        ask(&hub, &[FORM], &with_secret("acme", SECRET)).await,
        ask(&hub, &[FORM], &with_assertion(&signed(&claims(&hub), &key))).await,
        ask(&hub, &[FORM], &with_assertion(&signed(&for_the_issuer, &key))).await,
    ];
    for answer in asked {
        let answer = answer.expect(200);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("content-type"), "application/json");
        let said = answer.json();
        assert_eq!((&said["token_type"], &said["scope"]), (&json!("Bearer"), &json!("ssf.read ssf.manage")));
        assert!((1..=3600).contains(&said["expires_in"].as_i64().unwrap()), "{said}");
        let token = said["access_token"].as_str().unwrap();
        hub.create_poll(token).await;
    }
    for scope in ["ssf.read", "ssf.manage"] {
        let body = format!("{}&scope={scope}&unknown=x&empty=", with_secret("acme", SECRET));
        assert_eq!(ask(&hub, &[FORM], &body).await.expect(200).json()["scope"], scope);
    }
    let resource = encoded(&hub.url);
    let body = format!("{}&resource={resource}&resource={resource}", with_secret("acme", SECRET));
    ask(&hub, &[FORM], &body).await.expect(200);
    hub.stop().await;
}

// spec: CIOP-031, CIOP-038
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_refused_is_told_why_in_the_words_of_oauth() {
    let home = Home::new();
    let hub = start(&home, settings(&home, None)).await;
    let good = with_secret("acme", SECRET);
    let (right, bearer) = (basic("acme", &encoded(SECRET)), format!("Bearer {OTHER}"));
    let wrong = [basic("acme", "wrong"), basic("nobody", SECRET), "Basic !!!".into(), basic("other", OTHER)];
    let json_type = ("content-type", "application/json");
    let long = format!("{good}&x={}", "y".repeat(16 * 1024));
    let assertion = with_assertion("e30.e30.e30");
    let cases: &[(Headers<'_>, &str, u16, &str)] = &[
        (&[FORM], "", 400, "invalid_request"),
        (&[], &good, 400, "invalid_request"),
        (&[json_type], &good, 400, "invalid_request"),
        (&[FORM], &long, 413, "invalid_request"),
        (&[FORM], &format!("{good}&grant_type=client_credentials"), 400, "invalid_request"),
        (&[FORM], &format!("{good}&x=1&x=2"), 400, "invalid_request"),
        (&[FORM], "grant_type=&client_id=acme", 400, "invalid_request"),
        (&[FORM], &format!("{GRANT}&client_secret=x"), 400, "invalid_request"),
        (&[FORM, ("authorization", &right)], &good, 400, "invalid_request"),
        (&[FORM, ("authorization", &right)], &assertion, 400, "invalid_request"),
        (&[FORM, ("authorization", &right), ("authorization", &right)], GRANT, 400, "invalid_request"),
        (&[FORM, ("authorization", &right)], &format!("{GRANT}&client_id=other"), 400, "invalid_request"),
        (&[FORM], &format!("{GRANT}&client_assertion=e30.e30.e30"), 400, "invalid_request"),
        (&[FORM], GRANT, 401, "invalid_client"),
        (&[FORM, ("authorization", &bearer)], GRANT, 401, "invalid_client"),
        (&[FORM, ("authorization", &wrong[0])], GRANT, 401, "invalid_client"),
        (&[FORM, ("authorization", &wrong[1])], GRANT, 401, "invalid_client"),
        (&[FORM, ("authorization", &wrong[2])], GRANT, 401, "invalid_client"),
        // A static token is no secret, and who has no secret cannot have an empty one.
        (&[FORM, ("authorization", &wrong[3])], GRANT, 401, "invalid_client"),
        (&[FORM, ("authorization", &basic("other", ""))], GRANT, 401, "invalid_client"),
        (&[FORM, ("authorization", &basic("other", "nobody"))], GRANT, 401, "invalid_client"),
        (&[FORM], &with_secret("acme", "wrong"), 401, "invalid_client"),
        (&[FORM], &with_secret("nobody", SECRET), 401, "invalid_client"),
        (&[FORM], &assertion, 401, "invalid_client"),
        (&[FORM], &good.replace("client_credentials", "password"), 400, "unsupported_grant_type"),
        (&[FORM], &format!("{good}&scope=openid"), 400, "invalid_scope"),
        (&[FORM], &format!("{good}&scope=ssf.read+ssf.write"), 400, "invalid_scope"),
        (&[FORM], &format!("{good}&resource=https%3A%2F%2Felsewhere.example"), 400, "invalid_target"),
    ];
    let mut words = BTreeSet::new();
    for (headers, body, status, error) in cases {
        let answer = ask(&hub, headers, body).await.expect(*status);
        let said = answer.json();
        assert_eq!(said["error"], *error, "{headers:?} {body}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("www-authenticate").starts_with("Basic "), *status == 401);
        assert!(!said.to_string().contains("secret+"), "nothing is repeated: {said}");
        if *status == 401 {
            words.insert(said.to_string());
        }
    }
    assert_eq!(words.len(), 1, "who is unknown and who is wrong look the same");
    let url = format!("{}/oauth/token", hub.url);
    for query in [&*good, "x"] {
        let answer = call("POST", &format!("{url}?{query}"), &[FORM], good.clone()).await.expect(400);
        assert_eq!(answer.json()["error"], "invalid_request", "nothing is taken from the URL");
    }
    call("GET", &format!("{url}?{good}"), &[], "").await.expect(405);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_secrets_are_told_slowly_and_right_ones_at_once() {
    let home = Home::new();
    let hub = start(&home, settings(&home, None)).await;
    let wrong = with_secret("acme", "wrong");
    let since = tokio::time::Instant::now();
    let guesses: Vec<_> = (0..32)
        .map(|_| {
            let (url, body) = (format!("{}/oauth/token", hub.url), wrong.clone());
            tokio::spawn(async move { call("POST", &url, &[FORM], body).await.expect(401) })
        })
        .collect();
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let asked = tokio::time::Instant::now();
    ask(&hub, &[FORM], &with_secret("acme", SECRET)).await.expect(200);
    assert!(asked.elapsed().as_millis() < 300, "who is right does not wait");
    for guess in guesses {
        guess.await.unwrap();
    }
    assert!(since.elapsed().as_millis() >= 400, "32 guesses, eight at a time");
    hub.stop().await;
}

// spec: POLL-058
#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_is_believed_from_its_client_for_us_now_and_once() {
    let (home, key, foreign) = (Home::new(), key("1"), key("1"));
    let hub = start(&home, settings(&home, Some(&key))).await;
    let with = |name: &str, value: Value| {
        let mut claims = claims(&hub);
        claims[name] = value;
        claims
    };
    let now = now().timestamp().0;
    let raw = |header: Value, claims: &Value| {
        let part = |value: &Value| secevent_jose::base64url(value.to_string().as_bytes());
        format!("{}.{}", part(&header), part(claims))
    };
    let hmac = |input: String| {
        let public = key.verifying_key().to_jwk();
        let mac =
            secevent_jose::hmac_sha256(serde_json::to_string(&public).unwrap().as_bytes(), input.as_bytes());
        format!("{input}.{}", secevent_jose::base64url(&mac))
    };
    let typed = |typ| secevent_jose::sign(Some(typ), claims(&hub).to_string().as_bytes(), &key).unwrap();
    let mut unnamed = claims(&hub);
    unnamed.as_object_mut().unwrap().remove("jti");
    let mut endless = claims(&hub);
    endless.as_object_mut().unwrap().remove("exp");
    let refused = [
        ("another key", signed(&claims(&hub), &foreign)),
        ("iss of another", signed(&with("iss", "acme".into()), &key)),
        ("sub of another", signed(&with("sub", "acme".into()), &key)),
        ("aud elsewhere", signed(&with("aud", "https://elsewhere.example/oauth/token".into()), &key)),
        ("no aud", signed(&with("aud", Value::Null), &key)),
        ("expired", signed(&with("exp", (now - 120).into()), &key)),
        ("too far ahead", signed(&with("exp", (now + 3600).into()), &key)),
        ("not yet", signed(&with("nbf", (now + 300).into()), &key)),
        ("made in the future", signed(&with("iat", (now + 300).into()), &key)),
        ("no jti", signed(&unnamed, &key)),
        ("an endless jti", signed(&with("jti", "x".repeat(300).into()), &key)),
        ("no exp", signed(&endless, &key)),
        ("exp is text", signed(&with("exp", (now + 60).to_string().into()), &key)),
        ("a SET", typed("secevent+jwt")),
        ("an access token", typed("at+jwt")),
        ("none", format!("{}.", raw(json!({"alg": "none", "typ": "JWT"}), &claims(&hub)))),
        ("hmac", hmac(raw(json!({"alg": "HS256", "kid": "1"}), &claims(&hub)))),
    ];
    for (what, assertion) in refused {
        let answer = ask(&hub, &[FORM], &with_assertion(&assertion)).await;
        assert_eq!((answer.status, &answer.json()["error"]), (401, &json!("invalid_client")), "{what}");
    }
    let good = signed(&claims(&hub), &key);
    let of_another = format!("{}&client_id=acme", with_assertion(&good));
    ask(&hub, &[FORM], &of_another).await.expect(401);
    ask(&hub, &[FORM], &format!("{}&client_id=keyed", with_assertion(&good))).await.expect(200);
    ask(&hub, &[FORM], &with_assertion(&good)).await.expect(401);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_of_a_client_may_be_at_a_url() {
    let (home, key) = (Home::new(), key("1"));
    let published = JwkSet::new(vec![key.verifying_key().clone()]).to_json();
    let app = axum::Router::new().route("/jwks", axum::routing::get(|| async { published }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/jwks", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let mut settings = settings(&home, Some(&key));
    settings.receivers.last_mut().unwrap().keys = Some(ClientKeys::Uri(uri));
    let hub = start(&home, settings.clone()).await;
    let token = ask(&hub, &[FORM], &with_assertion(&signed(&claims(&hub), &key))).await.expect(200).json();
    hub.create_poll(token["access_token"].as_str().unwrap()).await;
    hub.stop().await;
    server.abort();
    let _ = server.await;

    let hub = start(&home, settings).await;
    let answer = ask(&hub, &[FORM], &with_assertion(&signed(&claims(&hub), &key))).await.expect(503);
    assert_eq!(answer.json()["error"], "temporarily_unavailable", "whose fault it is, is not known");
    hub.stop().await;
}

// spec: CIOP-036, CIOP-039, CIOP-040
#[tokio::test(flavor = "multi_thread")]
async fn reading_tokens_look_and_poll_and_do_nothing_else() {
    let home = Home::new();
    let hub = start(&home, settings(&home, None)).await;
    let (read, manage) = (token(&hub, "ssf.read").await, token(&hub, "ssf.manage").await);
    let id = hub.create_poll(&manage).await;
    let poll = json!({"returnImmediately": true});
    let query = format!("?stream_id={id}");
    let verification = json!({"stream_id": id});
    for refused in [
        hub.post("/ssf/streams", &read, &json!({})).await,
        hub.post("/ssf/verification", &read, &verification).await,
        hub.send("DELETE", &format!("/ssf/streams{query}"), &read, "").await,
    ] {
        let challenge = refused.expect(403).header("www-authenticate").to_owned();
        let wanted = r#"Bearer error="insufficient_scope", scope="ssf.manage", resource_metadata=""#;
        assert!(challenge.starts_with(wanted), "{challenge}");
    }
    for token in [&read, &manage] {
        hub.get("/ssf/streams", token).await.expect(200);
        hub.get(&format!("/ssf/streams{query}"), token).await.expect(200);
        hub.get(&format!("/ssf/status{query}"), token).await.expect(200);
        hub.poll(&id, token, &poll).await.expect(200);
    }
    hub.post("/ssf/verification", &manage, &verification).await.expect(204);
    hub.send("DELETE", &format!("/ssf/streams{query}"), &manage, "").await.expect(204);
    hub.stop().await;
}

// spec: CIOP-032, CIOP-035, CIOP-036
#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_with_its_hour_its_secret_and_its_receiver_but_not_with_a_restart() {
    let home = Home::new();
    let offset = Arc::new(AtomicU64::new(0));
    let at = Arc::clone(&offset);
    let mut settings = settings(&home, None);
    settings.clock = Arc::new(move || Millis(now().0 + at.load(Ordering::SeqCst)));
    let hub = start(&home, settings.clone()).await;
    let token = token(&hub, "ssf.read").await;
    hub.get("/ssf/streams", &token).await.expect(200);
    hub.stop().await;

    let hub = start(&home, settings.clone()).await;
    hub.get("/ssf/streams", &token).await.expect(200);
    offset.store(3_590_000, Ordering::SeqCst);
    hub.get("/ssf/streams", &token).await.expect(200);
    offset.store(3_601_000, Ordering::SeqCst);
    let expired = hub.get("/ssf/streams", &token).await.expect(401);
    assert!(expired.header("www-authenticate").starts_with(r#"Bearer error="invalid_token""#), "{expired:?}");
    offset.store(0, Ordering::SeqCst);
    hub.stop().await;

    let mut changed = settings.clone();
    changed.receivers[0].secret = Some("another secret".into());
    let mut another_way = settings.clone();
    let keys = JwkSet::new(vec![key("1").verifying_key().clone()]);
    another_way.receivers[0].keys = Some(ClientKeys::Set(keys));
    let mut gone = settings.clone();
    gone.receivers.remove(0);
    let mut moved = settings.clone();
    moved.issuer = "https://elsewhere.example".into();
    for (what, settings) in
        [("secret", changed), ("keys", another_way), ("receiver", gone), ("issuer", moved)]
    {
        let hub = start(&home, settings).await;
        assert_eq!(hub.get("/ssf/streams", &token).await.status, 401, "{what}");
        hub.stop().await;
    }
    let elsewhere = Home::new();
    let mut another_store = settings.clone();
    another_store.issuer = home.url();
    let hub = start(&elsewhere, another_store).await;
    hub.get("/ssf/streams", &token).await.expect(401);
    hub.stop().await;
    let hub = start(&home, settings).await;
    hub.get("/ssf/streams", &token).await.expect(200);
    hub.stop().await;
}

// spec: CIOP-034, CIOP-035, SET-057
#[tokio::test(flavor = "multi_thread")]
async fn only_the_token_itself_opens_anything() {
    let home = Home::new();
    let hub = start(&home, settings(&home, None)).await;
    let token = token(&hub, "ssf.read").await;
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(bytes).unwrap();
        assert_eq!(hub.get("/ssf/streams", &altered).await.status, 401, "{at}");
    }
    for end in 0..token.len() {
        assert_eq!(hub.get("/ssf/streams", &token[..end]).await.status, 401, "{end}");
    }
    for more in [format!("{token}A"), format!("{token}="), format!("{token}.e30.e30"), "secevent_at_".into()]
    {
        hub.get("/ssf/streams", &more).await.expect(401);
    }
    for query in ["access_token", "token"] {
        let url = format!("{}/ssf/streams?{query}={token}", hub.url);
        call("GET", &url, &[], "").await.expect(401);
        call("POST", &format!("{}/ssf/streams", hub.url), &[FORM], format!("{query}={token}"))
            .await
            .expect(401);
    }
    call("GET", &format!("{}/v1/streams", hub.url), &[("authorization", &format!("Bearer {token}"))], "")
        .await
        .expect(401);

    // A SET opens nothing, although the hub has signed it; and the token is nothing like a SET.
    let stream = hub.create_poll(OTHER).await;
    hub.emit("a@x.example").await;
    let sets = hub.poll(&stream, OTHER, &json!({"returnImmediately": true})).await.expect(200).json();
    let set = sets["sets"].as_object().unwrap().values().next().unwrap().as_str().unwrap();
    hub.get("/ssf/streams", set).await.expect(401);
    assert!(Set::parse(&token).is_err());
    hub.get("/ssf/streams", ACME).await.expect(401);
    hub.stop().await;
}

// spec: CIOP-030, CIOP-033, CIOP-034, CIOP-050
#[tokio::test(flavor = "multi_thread")]
async fn where_tokens_come_from_is_published_below_the_path_of_the_issuer() {
    let (home, key) = (Home::new(), key("1"));
    let mut with_path = settings(&home, Some(&key));
    with_path.issuer = format!("{}/tenant", home.url());
    let hub = start(&home, with_path).await;
    let get =
        async |name: &str| call("GET", &format!("{}/.well-known/{name}/tenant", home.url()), &[], "").await;
    let resource = get("oauth-protected-resource").await.expect(200).json();
    let issuer = format!("{}/tenant", home.url());
    let wanted = json!({"resource": issuer, "authorization_servers": [issuer],
        "scopes_supported": ["ssf.read", "ssf.manage"], "bearer_methods_supported": ["header"]});
    assert_eq!(resource, wanted);
    let server = get("oauth-authorization-server").await.expect(200).json();
    assert_eq!(server["issuer"], issuer);
    assert_eq!(server["token_endpoint"], format!("{issuer}/oauth/token"));
    assert_eq!(server["grant_types_supported"], json!(["client_credentials"]));
    assert_eq!(
        server["token_endpoint_auth_methods_supported"],
        json!(["client_secret_basic", "client_secret_post", "private_key_jwt"])
    );
    let challenge = call("GET", &format!("{issuer}/ssf/streams"), &[], "").await.expect(401);
    let metadata = format!("{}/.well-known/oauth-protected-resource/tenant", home.url());
    assert_eq!(challenge.header("www-authenticate"), format!("Bearer resource_metadata=\"{metadata}\""));
    call("POST", &format!("{issuer}/oauth/token"), &[FORM], with_secret("acme", SECRET)).await.expect(200);
    hub.stop().await;

    // Static tokens alone: nobody gives any.
    let hub = home.start().await;
    let get = async |name: &str| call("GET", &format!("{}/.well-known/{name}", home.url()), &[], "").await;
    let resource = get("oauth-protected-resource").await.expect(200).json();
    assert_eq!(resource.get("authorization_servers"), None, "{resource}");
    get("oauth-authorization-server").await.expect(404);
    ask(&hub, &[FORM], &with_secret("acme", SECRET)).await.expect(404);
    hub.stop().await;
}
