//! Sending: some spans at a time, what cannot be sent is dropped, told and forgotten.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::header::CONTENT_TYPE;
use secevent_hub::config::OtlpSettings;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};
use tracing::{info, warn};

use super::{Ended, json};

/// Spans of one request: some hundred kilobytes.
const BATCH_MAX: usize = 512;

/// How long the first of a batch waits for others.
const LINGER: Duration = Duration::from_secs(1);

/// A collector stands near and answers quickly.
const DEADLINE: Duration = Duration::from_secs(5);

/// What is left at the end of the program is waited for no longer.
const LAST_WORD: Duration = Duration::from_secs(3);

/// The task that sends.
pub(crate) struct Export {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Export {
    pub(super) fn start(
        settings: OtlpSettings,
        spans: mpsc::Receiver<Ended>,
        dropped: Arc<AtomicU64>,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let sender = Sender { settings, spans, dropped, is_down: false };
        Self { stop, task: tokio::spawn(sender.run(stopped)) }
    }

    /// Sends what is left, and ends.
    pub(crate) async fn finish(self) {
        drop(self.stop);
        // Whatever is not sent by then is not worth a slower end.
        drop(timeout(LAST_WORD, self.task).await);
    }
}

struct Sender {
    settings: OtlpSettings,
    spans: mpsc::Receiver<Ended>,
    dropped: Arc<AtomicU64>,
    /// The last request failed.
    is_down: bool,
}

impl Sender {
    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        let mut is_last = false;
        while !is_last {
            let mut batch = Vec::new();
            tokio::select! {
                () = gather(&mut self.spans, &mut batch) => {}
                _ = &mut stopped => is_last = true,
            }
            while is_last && let Ok(span) = self.spans.try_recv() {
                batch.push(span);
            }
            for part in batch.chunks(BATCH_MAX) {
                self.send(part).await;
            }
        }
    }

    async fn send(&mut self, spans: &[Ended]) {
        let mut request = self.settings.client.post(&self.settings.url).deadline(DEADLINE);
        for (name, value) in &self.settings.headers {
            // It was text before it was a header.
            request = request.header(name.clone(), value.to_str().unwrap_or_default());
        }
        let request = request.header(CONTENT_TYPE, "application/json").body(json::request(spans).to_string());
        let failure = match request.send().await {
            Ok(answer) if (200..300).contains(&answer.status) => None,
            Ok(answer) => Some(format!("status {}", answer.status)),
            Err(error) => Some(error.to_string()),
        };
        if failure.is_some() {
            self.dropped.fetch_add(spans.len() as u64, Ordering::Relaxed);
        }
        self.tell(failure);
    }

    /// Once when the collector goes, and once when it is back.
    fn tell(&mut self, failure: Option<String>) {
        match failure {
            Some(error) if !std::mem::replace(&mut self.is_down, true) => {
                warn!(%error, "the collector of [otlp] takes no spans; they are dropped until it does");
            }
            None => {
                let dropped = self.dropped.swap(0, Ordering::Relaxed);
                if std::mem::take(&mut self.is_down) || dropped > 0 {
                    info!(dropped, "spans are sent again; some were dropped");
                }
            }
            _ => {}
        }
    }
}

/// Waits for a batch that is full, or has waited long enough. What came stays in `batch` when this is dropped.
async fn gather(spans: &mut mpsc::Receiver<Ended>, batch: &mut Vec<Ended>) {
    if spans.recv_many(batch, BATCH_MAX).await == 0 {
        // Nobody collects any more.
        return std::future::pending().await;
    }
    let end = Instant::now() + LINGER;
    while batch.len() < BATCH_MAX {
        let room = BATCH_MAX - batch.len();
        match timeout_at(end, spans.recv_many(batch, room)).await {
            Ok(came) if came > 0 => {}
            _ => return,
        }
    }
}
