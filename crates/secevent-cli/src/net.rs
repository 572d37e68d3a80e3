//! What the commands that reach the network share.

use std::future::Future;

use secevent_http::client::{Client, Egress};
use secevent_hub::config::is_loopback_http;
use tokio::signal;

use crate::failure::Failure;

/// Runs a command that waits for the network.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::could_not(format_args!("cannot start: {error}")))?;
    let result = runtime.block_on(work);
    // Whatever still waits for the network has nothing to add.
    runtime.shutdown_background();
    result
}

/// A client for a URL that the caller typed: closed networks are the caller's own, plain HTTP is for loopback.
pub(crate) fn client(url: &str) -> Client {
    let egress = if is_loopback_http(url) { Egress::loopback() } else { Egress::strict() };
    Client::new(egress.allow_private())
}

/// Resolves when the program is asked to end: Ctrl-C or SIGTERM.
pub(crate) async fn asked_to_end() {
    let interrupted = signal::ctrl_c();
    #[cfg(unix)]
    let terminated = async {
        match signal::unix::signal(signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        _ = interrupted => {}
        () = terminated => {}
    }
}
