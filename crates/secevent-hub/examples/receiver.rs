//! A receiver in an axum application: sessions end when an identity provider says so.
//!
//! `cargo run -p secevent-hub --example receiver -- http://127.0.0.1:8417 TOKEN inbox.db`

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, routing::get};
use secevent::event::caep;
use secevent_http::client::{Client, Egress};
use secevent_hub::{
    Clock,
    receiver::{Accepted, Receiver, TransmitterSettings},
    store::Inbox,
};
use secevent_ssf::{engine::Millis, stream::Secret};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(issuer), Some(token), Some(inbox)) = (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("give the transmitter's issuer, its token, and a file for the inbox".into());
    };
    let receiver = Receiver::new("https://sp.example/caep", Inbox::open(inbox)?, clock())
        // Only because this example runs on one machine.
        .client(Client::new(Egress::loopback()))
        .on(|e: Accepted<caep::SessionRevoked>| async move { end_sessions(&e) })
        .on_other(|e| async move { println!("{} about {:?}", e.payload.event_type().name(), e.subject()) })
        .start();

    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let url = format!("http://{}/signals", listener.local_addr()?);
    let mut idp = TransmitterSettings::new("idp", issuer, Vec::new());
    idp.authorization = Secret::new(format!("Bearer {token}")).into();
    let app = Router::new()
        .route("/", get(|| async { "the application itself" }))
        .merge(receiver.push_endpoint("/signals", &url, idp));
    println!("listening on {url}");
    axum::serve(listener, app).with_graceful_shutdown(asked_to_end()).await?;
    receiver.stop().await;
    Ok(())
}

/// A failure is tried again, so this need not be careful.
fn end_sessions(event: &Accepted<caep::SessionRevoked>) -> Result<(), String> {
    let subject = event.subject().ok_or("nobody is named")?;
    println!("sessions of {subject} are ended, cause {}", event.txn().unwrap_or("unknown"));
    Ok(())
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
