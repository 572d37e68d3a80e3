//! What the commands that reach the network share.

use std::io::IsTerminal as _;

use clap::ValueEnum;

use secevent_http::client::{Client, Egress};
use secevent_hub::{
    Tls,
    config::{LogForm, is_loopback_http},
};
use tokio::signal;
use tracing_subscriber::{
    EnvFilter, Layer as _,
    field::MakeExt as _,
    fmt::{self, FormatFields, format},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{failure::Failure, otlp, output};

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

impl From<LogForm> for Log {
    fn from(form: LogForm) -> Self {
        if form == LogForm::Json { Self::Json } else { Self::Text }
    }
}

/// What of the log is written; in words what is wrong, when it cannot be read.
pub(crate) fn log_filter(level: &str) -> Result<EnvFilter, String> {
    let unfit = |error: &dyn std::fmt::Display| format!("{level:?}: {error}; give a level such as \"info\"");
    // What stands later wins: whoever asks for it sees the libraries too.
    let filter = EnvFilter::builder().parse(format!("hyper=warn,rustls=warn,{level}"));
    if level.trim().is_empty() { Err(unfit(&"it is empty")) } else { filter.map_err(|error| unfit(&error)) }
}

/// From here on the log is written to stderr, at this level.
pub(crate) fn log(form: Log, level: &str) {
    if let Ok(filter) = log_filter(level) {
        log_and_follow(form, filter, None);
    }
}

/// From here on the log is written to stderr, and spans go where they are wanted.
pub(crate) fn log_and_follow(form: Log, filter: EnvFilter, spans: Option<otlp::Spans>) {
    let spans = spans.map(|spans| spans.with_filter(otlp::ours()));
    let layer = fmt::layer().with_writer(std::io::stderr);
    let layer = match form {
        Log::Text => {
            let colours = std::io::stderr().is_terminal();
            layer.with_target(false).with_ansi(colours).fmt_fields(fields()).with_filter(filter).boxed()
        }
        Log::Json => layer.json().flatten_event(true).with_filter(filter).boxed(),
    };
    tracing_subscriber::registry().with(layer).with(spans).init();
}

/// Fields of one line: words of a peer cannot become lines of the log, or steer the terminal that shows it.
fn fields() -> impl for<'writer> FormatFields<'writer> + 'static {
    format::debug_fn(|writer, field, value| {
        let value = output::one_line(&format!("{value:?}"));
        match field.name() {
            "message" => writer.write_str(&value),
            name => write!(writer, "{name}={value}"),
        }
    })
    .delimited(" ")
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

/// Shells give a process 1,024 open files and let it ask for more: connections of peers, deliveries and the store need
/// some each. Where more cannot be had, the hub makes do with fewer.
#[cfg(unix)]
pub(crate) fn open_as_many_files_as_allowed() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// Nothing is known of a bound here.
#[cfg(not(unix))]
pub(crate) const fn open_as_many_files_as_allowed() {}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn words_of_a_peer_stay_in_their_field() {
        const FORGED: &str = "a\u{1b}[2J\r\n\u{9b}\u{202e}INFO forged";
        let page = Page::default();
        let writer = page.clone();
        let builder = tracing_subscriber::fmt().without_time().with_target(false).with_ansi(false);
        let subscriber = builder.fmt_fields(fields()).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(shown = %FORGED, text = FORGED, n = 5, "said {FORGED}");
        });
        let page = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        let escaped = "a\\u001b[2J\\u000d\\n\\u009b\\u202eINFO forged";
        assert!(page.starts_with(&format!(" INFO said {escaped} shown={escaped} text=\"a")), "{page}");
        assert!(page.ends_with("n=5\n") && page.lines().count() == 1, "{page}");
    }
}
