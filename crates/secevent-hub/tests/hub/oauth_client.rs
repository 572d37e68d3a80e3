//! The receiver role with nothing but client credentials: one hub gets its tokens from another.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use secevent::{Alg, SigningKey};
use secevent_http::client::{ClientCredential, OAuthClient};
use secevent_hub::{Settings, receiver::TransmitterSettings};
use secevent_ssf::{engine::Millis, stream::Secret};
use serde_json::Value;

use crate::{
    home::{ACME_AUD, ADMIN, Home, Running, eventually, now},
    oauth::{SECRET, settings, start},
};

/// A hub that receives from another as this client.
async fn receiving_hub(
    home: &Home,
    from: &Running,
    client_id: &str,
    credential: ClientCredential,
) -> Running {
    let hub = home.settings();
    let audience = if client_id == "acme" { ACME_AUD } else { "https://keyed.example.com" };
    let mut transmitter = TransmitterSettings::new("idp", &from.url, vec![audience.to_owned()]);
    transmitter.authorization = OAuthClient::new(hub.client.clone(), &from.url, client_id, credential).into();
    assert!(!format!("{transmitter:?}").contains(SECRET));
    let store = Arc::new(home.store().await);
    home.start_with(hub, store, |hub| hub.receive_from(vec![transmitter])).await
}

async fn received(hub: &Running, event: &str) -> usize {
    let answer = hub.get("/v1/received", ADMIN).await.expect(200).json();
    let rows = answer["received"].as_array().unwrap().clone();
    rows.iter().filter(|row: &&Value| row["event"] == event).count()
}

/// Settings whose clock is an hour and more behind, until it is told otherwise.
fn with_clock(mut settings: Settings) -> (Settings, Arc<AtomicU64>) {
    let behind = Arc::new(AtomicU64::new(3_700_000));
    let by = Arc::clone(&behind);
    settings.clock = Arc::new(move || Millis(now().0 - by.load(Ordering::SeqCst)));
    (settings, behind)
}

// spec: CIOP-029, CIOP-031, SSF-042
#[tokio::test(flavor = "multi_thread")]
async fn a_hub_subscribes_with_a_secret_and_renews_a_token_that_is_refused() {
    let (at, bt) = (Home::new(), Home::new());
    let (settings, behind) = with_clock(settings(&at, None));
    let a = start(&at, settings).await;
    let b = receiving_hub(&bt, &a, "acme", ClientCredential::Secret(Secret::new(SECRET))).await;
    eventually("the stream verified", async || received(&b, "ssf:verification").await == 1).await;
    a.emit("1@x.example").await;
    eventually("one arrived", async || received(&b, "caep:session-revoked").await == 1).await;

    // Only for the transmitter an hour has passed: it refuses what the receiver believes to be good.
    behind.store(0, Ordering::SeqCst);
    a.emit("2@x.example").await;
    eventually("the second arrived", async || received(&b, "caep:session-revoked").await == 2).await;
    a.emit("3@x.example").await;
    eventually("the third arrived", async || received(&b, "caep:session-revoked").await == 3).await;
    let streams = a.get("/v1/streams", ADMIN).await.json();
    assert_eq!(streams["streams"].as_array().unwrap().len(), 1, "it went on where it was");
    b.stop().await;
    a.stop().await;
}

// spec: CIOP-031
#[tokio::test(flavor = "multi_thread")]
async fn a_hub_subscribes_with_a_key() {
    let (at, bt) = (Home::new(), Home::new());
    let key = SigningKey::generate(Alg::Ed25519).unwrap();
    let a = start(&at, settings(&at, Some(&key))).await;
    let credential = ClientCredential::key(key, || now().timestamp());
    let b = receiving_hub(&bt, &a, "keyed", credential).await;
    eventually("the stream verified", async || received(&b, "ssf:verification").await == 1).await;
    b.stop().await;
    a.stop().await;
}
