//! A transmitter in an axum application: whoever is signed out there is signed out everywhere.
//!
//! `cargo run -p secevent-hub --example transmitter -- 127.0.0.1:8417 TOKEN hub.db`

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use secevent::{SubjectId, event::caep};
use secevent_http::client::{Client, Egress};
use secevent_hub::{Clock, Hub, NewSignal, ReceiverSettings, Settings, fresh_origin, store::SqliteStore};
use secevent_ssf::engine::Millis;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(token), Some(store)) = (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("give an address to listen on, a token for the receiver, and a file for the store".into());
    };
    let listener = TcpListener::bind(address).await?;
    let issuer = format!("http://{}", listener.local_addr()?);
    let mut settings = Settings::new(&issuer, clock());
    // Only because this example runs on one machine.
    settings.client = Client::new(Egress::loopback());
    settings.receivers =
        vec![ReceiverSettings::new("acme", token, vec!["https://sp.example/caep".to_owned()])];
    let store = SqliteStore::open(store.as_ref(), fresh_origin)?;
    let hub = Hub::start(settings, Arc::new(store)).await?;

    let app = Router::new()
        .route("/sign-out/{user}", post(sign_out))
        .with_state(hub.clone())
        .merge(hub.transmitter_router());
    println!("listening on {issuer}");
    axum::serve(listener, app).with_graceful_shutdown(asked_to_end()).await?;
    hub.stop().await;
    Ok(())
}

/// When this answers, the event is on disk and will be delivered.
async fn sign_out(State(hub): State<Hub>, Path(user): Path<String>) -> Result<StatusCode, StatusCode> {
    let subject = SubjectId::iss_sub(hub.issuer(), user);
    let revoked = caep::SessionRevoked::new().reason_admin(("en", "signed out"));
    let accepted = hub.publish(NewSignal::new(revoked, subject)).await;
    accepted.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(StatusCode::ACCEPTED)
}

async fn asked_to_end() {
    drop(tokio::signal::ctrl_c().await);
}

#[expect(clippy::disallowed_methods, reason = "this is the edge: only the program reads the clock")]
fn clock() -> Clock {
    Arc::new(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    })
}
