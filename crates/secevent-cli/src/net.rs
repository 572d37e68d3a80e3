//! What the commands that reach the network share.

use std::io::IsTerminal as _;

use clap::ValueEnum;

use secevent_http::client::{Client, Egress};
use secevent_hub::{Tls, config::is_loopback_http};
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

/// How a log is written.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Log {
    /// A readable line per thing that matters
    Text,
    /// A JSON object a line
    Json,
}

/// From here on the log is written to stderr.
pub(crate) fn log(form: Log, level: &str) {
    let filter = tracing_subscriber::EnvFilter::new(format!("{level},hyper=warn,rustls=warn"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match form {
        Log::Text => builder.with_target(false).with_ansi(std::io::stderr().is_terminal()).init(),
        Log::Json => builder.json().flatten_event(true).init(),
    }
}

/// A client for a URL that the caller typed: closed networks are the caller's own, plain HTTP is for loopback.
pub(crate) fn client(url: &str) -> Client {
    let egress = if is_loopback_http(url) { Egress::loopback() } else { Egress::strict() };
    Client::new(egress.allow_private())
}

/// Resolves when the program is asked to end: Ctrl-C or SIGTERM, from the moment of the call on.
#[cfg(unix)]
pub(crate) fn asked_to_end() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    use signal::unix::{SignalKind, signal};
    let cannot = |error| Failure::could_not(format_args!("signals cannot be received: {error}"));
    let mut interrupted = signal(SignalKind::interrupt()).map_err(cannot)?;
    let mut terminated = signal(SignalKind::terminate()).map_err(cannot)?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    })
}

/// Resolves when the program is asked to end: Ctrl-C.
#[cfg(not(unix))]
pub(crate) fn asked_to_end() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    Ok(async { drop(signal::ctrl_c().await) })
}

/// On SIGHUP the certificate is read again, from the moment of the call on.
#[cfg(unix)]
pub(crate) fn read_again_when_asked(tls: Tls) -> Result<(), Failure> {
    use signal::unix::{SignalKind, signal};
    let cannot = |error| Failure::could_not(format_args!("signals cannot be received: {error}"));
    let mut asked = signal(SignalKind::hangup()).map_err(cannot)?;
    tokio::spawn(async move {
        while asked.recv().await.is_some() {
            tls.read_again().await;
        }
    });
    Ok(())
}

/// There is no SIGHUP here; the files are looked at anyhow.
#[cfg(not(unix))]
pub(crate) fn read_again_when_asked(_: Tls) -> Result<(), Failure> {
    Ok(())
}
