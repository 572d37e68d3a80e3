//! Access tokens as a client gets them: found, asked for, kept, renewed.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use secevent::{Alg, SigningKey, Timestamp};
use secevent_http::client::{
    Authorization, CallError, Client, ClientCredential, Egress, OAuthClient, OAuthError, TransmitterClient,
};
use secevent_jose::{AlgSet, Compact, json};
use secevent_ssf::{metadata::TransmitterMetadata, stream::Secret};
use tokio::{io::AsyncWriteExt, time};

use super::peer::{answer, read_request, scripted};

const SECRET: &str = "canary+/=&%";

/// Transmitter and authorization server in one: answers by path, keeps what was asked.
#[derive(Clone)]
struct World {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    answers: Arc<Mutex<Vec<(String, String)>>>,
}

impl World {
    /// The first answer whose beginning the request has; 404 where there is none.
    async fn new() -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(Vec::<(String, String)>::new()));
        let (heard, said) = (Arc::clone(&asked), Arc::clone(&answers));
        let address = scripted(move |mut stream| {
            let (heard, said) = (Arc::clone(&heard), Arc::clone(&said));
            async move {
                let request = read_request(&mut stream).await;
                let found = {
                    let said = said.lock().unwrap();
                    said.iter()
                        .rev()
                        .find(|(line, _)| request.starts_with(line))
                        .map(|(_, text)| text.clone())
                };
                heard.lock().unwrap().push(request);
                let text = found.unwrap_or_else(|| answer(404, "", ""));
                let _ = stream.write_all(text.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        })
        .await;
        Self { url: format!("http://{address}"), asked, answers }
    }

    /// From now on; `{}` in the body is the URL of this world.
    fn says(&self, line: &str, status: u16, body: &str) {
        let text = answer(status, "", &body.replace("{}", &self.url));
        self.answers.lock().unwrap().push((line.to_owned(), text));
    }

    /// A server that is found through the resource, and gives tokens; streams are none.
    async fn usual() -> Self {
        let world = Self::new().await;
        let resource = r#"{"resource":"{}/tenant","authorization_servers":["{}/as"]}"#;
        world.says("GET /.well-known/oauth-protected-resource/tenant ", 200, resource);
        let server = r#"{"issuer":"{}/as","token_endpoint":"{}/as/token","scopes_supported":["x","ssf.read","ssf.manage"]}"#;
        world.says("GET /.well-known/oauth-authorization-server/as ", 200, server);
        world.gives("one", 3600);
        world.says("GET /streams", 200, "[]");
        world
    }

    fn gives(&self, token: &str, expires_in: u32) {
        let body = format!(r#"{{"access_token":"{token}","token_type":"bearer","expires_in":{expires_in}}}"#);
        self.says("POST /as/token ", 200, &body);
    }

    fn oauth(&self) -> OAuthClient {
        self.oauth_with(ClientCredential::Secret(Secret::new(SECRET)))
    }

    fn oauth_with(&self, credential: ClientCredential) -> OAuthClient {
        let client = Client::new(Egress::loopback());
        OAuthClient::new(client, format!("{}/tenant", self.url), "acme", credential)
    }

    fn transmitter(&self, authorization: impl Into<Authorization>) -> TransmitterClient {
        let metadata = TransmitterMetadata {
            issuer: format!("{}/tenant", self.url),
            configuration_endpoint: Some(format!("{}/streams", self.url)),
            ..TransmitterMetadata::default()
        };
        TransmitterClient::new(Client::new(Egress::loopback()), metadata, authorization)
    }

    /// What was asked with this first line, since the last time.
    fn asked(&self, line: &str) -> Vec<String> {
        let mut asked = self.asked.lock().unwrap();
        let (found, rest) = asked.drain(..).partition(|request| request.starts_with(line));
        *asked = rest;
        found
    }
}

/// The clock runs, except while it is moved.
async fn pass(secs: u64) {
    time::pause();
    time::advance(Duration::from_secs(secs)).await;
    time::resume();
}

fn parameter(request: &str, name: &str) -> Option<String> {
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    url::form_urlencoded::parse(body.as_bytes()).find(|(n, _)| n == name).map(|(_, value)| value.into_owned())
}

async fn refusal(transmitter: &TransmitterClient) -> OAuthError {
    match transmitter.list_streams().await {
        Err(CallError::Authorization(error)) => error,
        other => panic!("{other:?}"),
    }
}

// spec: CIOP-029, CIOP-030, CIOP-031, SSF-042
#[tokio::test]
async fn the_server_of_a_transmitter_is_found_and_its_token_used_by_all() {
    let world = World::usual().await;
    let transmitter = Arc::new(world.transmitter(world.oauth()));
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let transmitter = Arc::clone(&transmitter);
            tokio::spawn(async move { transmitter.list_streams().await.unwrap() })
        })
        .collect();
    for call in calls {
        assert!(call.await.unwrap().is_empty());
    }
    let calls = world.asked("GET /streams");
    assert_eq!(calls.len(), 50);
    assert!(calls.iter().all(|call| call.contains("\r\nauthorization: Bearer one\r\n")));
    let tokens = world.asked("POST /as/token ");
    assert_eq!(tokens.len(), 1, "one token for all");
    let basic = base64_simd::STANDARD.encode_to_string("acme:canary%2B%2F%3D%26%25");
    assert!(tokens[0].contains(&format!("\r\nauthorization: Basic {basic}\r\n")), "{}", tokens[0]);
    assert_eq!(parameter(&tokens[0], "grant_type").as_deref(), Some("client_credentials"));
    assert_eq!(parameter(&tokens[0], "scope").as_deref(), Some("ssf.read ssf.manage"));
    assert_eq!(parameter(&tokens[0], "client_secret"), None, "never at two places");
}

// spec: CIOP-030
#[tokio::test]
async fn without_a_named_server_the_transmitter_is_its_own() {
    let world = World::usual().await;
    world.says("GET /.well-known/oauth-protected-resource", 404, "");
    let server = r#"{"issuer":"{}/tenant","token_endpoint":"{}/as/token",
        "token_endpoint_auth_methods_supported":["private_key_jwt","client_secret_post"]}"#;
    for place in
        ["/.well-known/oauth-authorization-server/tenant", "/tenant/.well-known/openid-configuration"]
    {
        world.says(&format!("GET {place} "), 200, server);
        world.transmitter(world.oauth()).list_streams().await.unwrap();
        let token = &world.asked("POST /as/token ")[0];
        assert!(!token.contains("\r\nauthorization:"), "{token}");
        assert_eq!(parameter(token, "client_id").as_deref(), Some("acme"));
        assert_eq!(parameter(token, "client_secret").as_deref(), Some(SECRET));
        assert_eq!(parameter(token, "scope"), None, "nothing is known of scopes");
        world.says(&format!("GET {place} "), 404, "");
    }
    let error = refusal(&world.transmitter(world.oauth())).await;
    assert!(error.to_string().contains("publishes no metadata of an authorization server"), "{error}");
    world.asked("");
    let named = world.oauth().token_url(format!("{}/as/token", world.url)).scope("a b");
    world.transmitter(named).list_streams().await.unwrap();
    let asked = world.asked("");
    assert_eq!(asked.len(), 2, "nothing is looked for: {asked:?}");
    assert_eq!(parameter(&asked[0], "scope").as_deref(), Some("a b"));
}

// spec: CIOP-031
#[tokio::test]
async fn a_key_signs_an_assertion_for_this_server_each_time_anew() {
    let world = World::usual().await;
    world.gives("one", 0);
    let key = SigningKey::generate(Alg::Es256).unwrap().with_kid("mine");
    let credential = || ClientCredential::key(key.clone(), || Timestamp(1_000));
    let transmitter = world.transmitter(world.oauth_with(credential()));
    transmitter.list_streams().await.unwrap();
    transmitter.list_streams().await.unwrap();
    let named = world.oauth_with(credential()).token_url(format!("{}/as/token", world.url));
    world.transmitter(named).list_streams().await.unwrap();
    let mut jtis = std::collections::BTreeSet::new();
    for (request, aud) in world.asked("POST /as/token ").iter().zip(["/as", "/as", "/as/token"]) {
        let assertion = parameter(request, "client_assertion").unwrap();
        let jws = Compact::parse(&assertion).unwrap();
        assert_eq!((jws.header().typ(), jws.header().kid()), (Some("JWT"), Some("mine")));
        let claims = jws.verify(key.verifying_key(), AlgSet::of(&[Alg::Es256])).unwrap();
        let claims = json::parse_object(claims).unwrap();
        assert_eq!((&claims["iss"], &claims["sub"]), (&"acme".into(), &"acme".into()));
        assert_eq!(claims["aud"], format!("{}{aud}", world.url));
        assert_eq!((&claims["iat"], &claims["exp"]), (&1_000.into(), &1_120.into()));
        jtis.insert(claims["jti"].to_string());
        let kind = parameter(request, "client_assertion_type");
        assert_eq!(kind.as_deref(), Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
        assert!(!request.contains("\r\nauthorization:") && parameter(request, "client_secret").is_none());
    }
    assert_eq!(jtis.len(), 3);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires() {
    let world = World::usual().await;
    let transmitter = world.transmitter(world.oauth());
    let used = async || {
        transmitter.list_streams().await.unwrap();
        let call = world.asked("GET /streams").remove(0);
        let (_, rest) = call.split_once("\r\nauthorization: Bearer ").unwrap();
        rest.split("\r\n").next().unwrap().to_owned()
    };
    assert_eq!(used().await, "one");
    world.gives("two", 20);
    pass(3_500).await;
    assert_eq!(used().await, "one");
    pass(71).await;
    assert_eq!(used().await, "two");
    world.gives("three", 3600);
    pass(9).await;
    assert_eq!(used().await, "two");
    pass(2).await;
    assert_eq!(used().await, "three", "a short life is used for half of it");
    assert_eq!(world.asked("POST /as/token ").len(), 3);
    assert_eq!(world.asked("GET /.well-known/").len(), 2, "the server is found once");
}

// spec: CIOP-036
#[tokio::test]
async fn a_call_that_is_answered_with_401_is_repeated_once_with_another_token() {
    let world = World::usual().await;
    let transmitter = world.transmitter(world.oauth());
    transmitter.list_streams().await.unwrap();
    world.says("GET /streams", 401, r#"{"title":"no"}"#);
    world.gives("two", 3600);
    world.asked("");
    let error = transmitter.list_streams().await.unwrap_err();
    assert!(matches!(error, CallError::Status { status: 401, .. }), "{error}");
    let calls = world.asked("GET /streams");
    let bearers: Vec<_> = calls.iter().map(|call| call.contains("Bearer two")).collect();
    assert_eq!((bearers, world.asked("POST /as/token ").len()), (vec![false, true], 1));
    world.says("GET /streams", 200, "[]");
    transmitter.list_streams().await.unwrap();
    assert!(world.asked("POST /as/token ").is_empty(), "the new one is kept");

    world.says("GET /streams", 401, "");
    world.asked("");
    world.transmitter("Bearer fixed".to_owned()).list_streams().await.unwrap_err();
    assert_eq!(world.asked("").len(), 1, "a fixed one has no other");
    world.says("GET /streams", 403, "");
    transmitter.list_streams().await.unwrap_err();
    assert_eq!(world.asked("").len(), 1, "a scope does not grow by asking again");
}

#[tokio::test]
async fn metadata_of_somebody_else_get_no_secret() {
    for (place, body) in [
        ("oauth-protected-resource/tenant", r#"{"resource":"{}","authorization_servers":["{}/as"]}"#),
        ("oauth-protected-resource/tenant", r#"{"authorization_servers":["{}/as"]}"#),
        ("oauth-authorization-server/as", r#"{"issuer":"{}/other","token_endpoint":"{}/as/token"}"#),
        ("oauth-authorization-server/as", r#"{"issuer":"{}/as"}"#),
        ("oauth-authorization-server/as", r#"{"issuer":"{}/as","token_endpoint":"https://10.0.0.1/token"}"#),
        ("oauth-authorization-server/as", r#"{"issuer":"{}/as","issuer":"{}/as"}"#),
        ("oauth-authorization-server/as", "<html>"),
    ] {
        let world = World::usual().await;
        world.says(&format!("GET /.well-known/{place} "), 200, body);
        let error = refusal(&world.transmitter(world.oauth())).await;
        assert!(world.asked("POST").is_empty(), "{body}: {error}");
        assert!(world.asked("GET /streams").is_empty(), "no call is made without");
    }
}

#[tokio::test]
async fn a_server_that_refuses_or_babbles_is_left_alone_for_a_moment_and_repeats_no_secret() {
    let world = World::usual().await;
    let long = format!(r#"{{"access_token":"a","token_type":"Bearer","x":"{}"}}"#, "y".repeat(100_000));
    for (status, body, words) in [
        (
            401,
            r#"{"error":"invalid_client","error_description":"no\u001b[31m"}"#,
            r"invalid_client: no\u{1b}[31m",
        ),
        (400, "canary+/=&% was wrong", "an answer without an error code"),
        (302, "", "status 302"),
        (200, "[]", "is not readable"),
        (200, r#"{"access_token":"a"}"#, "token_type"),
        (200, r#"{"access_token":"a","token_type":"DPoP"}"#, "token_type"),
        (200, r#"{"access_token":"","token_type":"Bearer"}"#, "access_token"),
        (200, r#"{"access_token":"a\r\nx: y","token_type":"Bearer"}"#, "access_token"),
        (200, &long, "more than"),
    ] {
        world.says("POST /as/token ", status, body);
        let oauth = world.oauth();
        assert!(!format!("{oauth:?}").contains("canary"));
        let transmitter = world.transmitter(oauth);
        let error = refusal(&transmitter).await;
        assert!(error.to_string().contains(words), "{error}");
        assert!(!format!("{error:?} {error} {transmitter:?}").contains("canary"), "{error:?}");
        assert_eq!(refusal(&transmitter).await, error);
        assert_eq!(world.asked("POST /as/token ").len(), 1, "not at once again");
        world.gives("good", 3600);
        pass(3).await;
        transmitter.list_streams().await.unwrap();
        world.asked("");
    }
}
