//! The receiver role: what it asks of a transmitter. What it takes from one is in `sets.rs`.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use secevent_http::client::{Client, ClientCredential, Egress, OAuthClient, TransmitterClient, discover};
use secevent_hub::receiver::TransmitterSettings;
use secevent_ssf::stream::{CreateStream, Secret};
use serde_json::{Value, json};
use testkit::{Authority, fake_transmitter::FakeTransmitter};

use crate::{
    home::{ADMIN, Home, Running, eventually},
    house::House,
    stage::{POLL, PUSH},
    token_server::TokenServer,
};

const AUD: &str = "https://receiver.example";

/// Client credentials for this server.
fn oauth(client: &Client, idp: &FakeTransmitter, server: &TokenServer) -> OAuthClient {
    let credential = ClientCredential::Secret(Secret::new("its-secret"));
    OAuthClient::new(client.clone(), &idp.url, "its-id", credential)
        .token_url(&server.url)
        .scope("ssf.manage")
}

/// A hub that is subscribed.
pub(crate) async fn receiving(
    home: &Home,
    idp: &FakeTransmitter,
    change: impl FnOnce(&mut TransmitterSettings),
) -> Running {
    let mut settings = TransmitterSettings::new("idp", &idp.url, vec![AUD.to_owned()]);
    settings.watch.answer = Duration::from_millis(200);
    change(&mut settings);
    let store = Arc::new(home.store().await);
    let hub = home.start_with(home.settings(), store, |hub| hub.receive_from(vec![settings])).await;
    eventually("verified", async || !status(&hub).await["last_verified"].is_null()).await;
    hub
}

async fn status(hub: &Running) -> Value {
    hub.get("/v1/transmitters", ADMIN).await.expect(200).json()["transmitters"][0]["status"].clone()
}

/// The names of what is listed, without verification events.
pub(crate) async fn received(hub: &Running) -> Vec<String> {
    let rows = hub.get("/v1/received", ADMIN).await.expect(200).json()["received"].clone();
    let rows = rows.as_array().unwrap().iter().filter(|row| row["event"] != "ssf:verification");
    rows.map(|row| row["jti"].as_str().unwrap().to_owned()).collect()
}

/// Sends by the way of the stream; the answer's `err`, if it was refused.
pub(crate) async fn deliver(idp: &FakeTransmitter, push: bool, jti: &str, token: String) -> Option<String> {
    let text = |value: &Value| value["err"].as_str().map(str::to_owned);
    if push {
        let answer = idp.push(token).await;
        assert_eq!(answer.status == 202, answer.body.is_null(), "{answer:?}");
        return text(&answer.body);
    }
    idp.script(|script| script.acked.clear());
    idp.queue(jti, token);
    eventually("it is answered", async || idp.script(|script| script.queue.is_empty())).await;
    idp.script(|script| script.refused.remove(jti)).as_ref().and_then(text)
}

// spec: CIOP-017, CIOP-018, CIOP-019, CIOP-020, CIOP-021, CIOP-022, CIOP-023, CIOP-029, CIOP-031, SSFC-008
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_asks_for_no_more_than_the_profile_lets_it() {
    for push in [false, true] {
        let (idp, home) = (FakeTransmitter::start().await, Home::new());
        let elsewhere = format!("{}/status", idp.url);
        idp.script(|script| {
            for endpoint in ["add_subject_endpoint", "remove_subject_endpoint"] {
                script.metadata.insert(endpoint.into(), elsewhere.clone().into());
            }
        });
        let server = TokenServer::start(&idp, 3600).await;
        let hub = receiving(&home, &idp, |settings| {
            settings.push = push;
            settings.authorization = oauth(&Client::new(Egress::loopback()), &idp, &server).into();
            settings.watch.silence = Duration::from_millis(200);
        })
        .await;
        eventually("the status is read", async || idp.count("GET status") > 0).await;
        let [(basic, form)] = &server.requests().await[..] else { panic!("one token lasts an hour") };
        assert!(basic.starts_with("Basic "), "{basic}");
        assert_eq!(
            (form["grant_type"].as_str(), form["scope"].as_str()),
            ("client_credentials", "ssf.manage")
        );
        let [create] = &idp.calls("POST streams")[..] else { panic!("one stream is made") };
        let names: Vec<_> = create.body.as_object().unwrap().keys().map(String::as_str).collect();
        assert!(names.iter().all(|name| ["delivery", "events_requested", "description"].contains(name)));
        assert_eq!(create.body["delivery"]["method"], if push { PUSH } else { POLL });
        assert_eq!(idp.count("POST status"), 0, "no subject is added");
        assert!(idp.count("GET streams") > 0 && idp.count("jwks") > 0);
        hub.stop().await;
    }
}

// spec: CIOP-013, SSFC-009
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_another_issuer_or_for_somebody_else_is_not_received_on() {
    for (member, rule) in [("iss", "SSF-097"), ("aud", "SSF-098")] {
        let (idp, home) = (FakeTransmitter::start().await, Home::new());
        idp.script(|script| script.config.insert(member.into(), "https://other.example".into()));
        let settings = TransmitterSettings::new("idp", &idp.url, vec![AUD.to_owned()]);
        let store = Arc::new(home.store().await);
        let hub = home.start_with(home.settings(), store, |hub| hub.receive_from(vec![settings])).await;
        eventually("it is said", async || {
            status(&hub).await["last_error"].as_str().is_some_and(|why| why.contains(rule))
        })
        .await;
        assert_eq!((status(&hub).await["subscribed"].clone(), idp.count("poll")), (false.into(), 0));
        hub.stop().await;
    }
}

// spec: SSFC-010
#[tokio::test(flavor = "multi_thread")]
async fn a_poll_url_is_used_as_it_was_given() {
    const PLACE: &str = "/a//poll?stream_id=s%201&empty=&stream_id=s1";
    let (idp, home) = (FakeTransmitter::start().await, Home::new());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}{PLACE}", listener.local_addr().unwrap());
    let note = Arc::clone(&asked);
    let poll = async move |uri: axum::http::Uri| {
        note.lock().unwrap().push(uri.to_string());
        std::future::pending::<()>().await;
    };
    let app = axum::Router::new().fallback(poll);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    idp.script(|script| {
        script.config.insert("delivery".into(), json!({"method": POLL, "endpoint_url": url}));
    });
    let settings = TransmitterSettings::new("idp", &idp.url, vec![AUD.to_owned()]);
    let store = Arc::new(home.store().await);
    let hub = home.start_with(home.settings(), store, |hub| hub.receive_from(vec![settings])).await;
    eventually("it is polled", async || !asked.lock().unwrap().is_empty()).await;
    assert_eq!(asked.lock().unwrap()[0], PLACE);
    hub.stop().await;
}

// spec: CIOP-022
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_made_looked_at_and_deleted_by_hand() {
    let idp = FakeTransmitter::start().await;
    let server = TokenServer::start(&idp, 3600).await;
    let client = Client::new(Egress::loopback());
    let metadata = discover(&client, &idp.url).await.unwrap();
    let transmitter = TransmitterClient::new(client.clone(), metadata, oauth(&client, &idp, &server));
    let made = transmitter.create_stream(&CreateStream::default()).await.unwrap();
    let id = made.stream_id.as_str();
    assert_eq!(transmitter.list_streams().await.unwrap(), std::slice::from_ref(&made));
    assert_eq!(transmitter.status(id).await.unwrap().stream_id, id);
    transmitter.verify(id, Some("a state")).await.unwrap();
    transmitter.delete_stream(id).await.unwrap();
    assert!(transmitter.list_streams().await.unwrap().is_empty());
    assert!(transmitter.delete_stream(id).await.is_err());
}

// spec: CIOP-019, CIOP-029, CIOP-032, SSFC-009
#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_that_ended_or_was_revoked_is_renewed_and_nothing_is_lost() {
    for (push, seconds) in [(false, 1), (false, 3600), (true, 1), (true, 3600)] {
        let (idp, home) = (FakeTransmitter::start().await, Home::new());
        let server = TokenServer::start(&idp, seconds).await;
        let hub = receiving(&home, &idp, |settings| {
            settings.push = push;
            settings.authorization = oauth(&Client::new(Egress::loopback()), &idp, &server).into();
            settings.watch.silence = Duration::from_millis(200);
        })
        .await;
        assert_eq!(deliver(&idp, push, "before", idp.set("before").sign()).await, None);
        let given = server.requests().await.len();
        idp.script(|script| script.token = Some("revoked".into()));
        eventually("another token", async || server.requests().await.len() > given).await;
        assert_eq!(deliver(&idp, push, "after", idp.set("after").sign()).await, None);
        assert_eq!(received(&hub).await, ["before", "after"], "by push: {push}, {seconds} s");
        assert_eq!(idp.count("POST streams"), 1, "on the same stream");
        hub.stop().await;
    }
}

// spec: CIOP-001, CIOP-002, CIOP-003
#[tokio::test(flavor = "multi_thread")]
async fn a_transmitter_whose_certificate_is_not_good_is_not_spoken_to() {
    let house = House::start(|_| {}).await;
    let trusting = |authority: &Authority| {
        Client::with_extra_ca(Egress::loopback(), authority.pem().as_bytes()).unwrap()
    };
    let ours = trusting(&house.authority);
    discover(&ours, &house.url).await.unwrap();
    for stranger in [trusting(&Authority::new()), Client::new(Egress::loopback())] {
        discover(&stranger, &house.url).await.unwrap_err();
    }
    let by_address = house.url.replace("localhost", "127.0.0.1");
    discover(&ours, &by_address).await.unwrap_err();
    let other = house.authority.certify("other.example");
    house.write("cert.pem", &other.cert);
    house.write("key.pem", &other.key);
    house.tls.read_again().await;
    discover(&trusting(&house.authority), &house.url).await.unwrap_err();
    house.stop().await;
}
