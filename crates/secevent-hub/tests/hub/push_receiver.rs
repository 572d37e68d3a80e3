//! A push receiver that answers as the test tells it.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract::State, response::IntoResponse, routing::post};
use http::{HeaderMap, StatusCode};

/// What to answer, and how slowly.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    body: String,
    after: Duration,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, body: String::new(), after: Duration::ZERO }
    }

    pub(crate) fn body(self, body: &serde_json::Value) -> Self {
        Self { body: body.to_string(), ..self }
    }

    pub(crate) fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }
}

/// What came.
#[derive(Clone, Debug)]
pub(crate) struct Pushed {
    pub(crate) headers: HeaderMap,
    pub(crate) set: String,
    /// The status it was answered with.
    pub(crate) status: u16,
}

impl Pushed {
    pub(crate) fn jti(&self) -> String {
        secevent::danger::peek(&self.set).unwrap().claims["jti"].as_str().unwrap().to_owned()
    }
}

#[derive(Debug, Default)]
struct Script {
    pushed: Vec<Pushed>,
    next: VecDeque<Reply>,
    else_status: u16,
}

/// Answers with what is scripted, then with one status.
#[derive(Clone, Debug)]
pub(crate) struct PushReceiver {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
}

impl PushReceiver {
    pub(crate) async fn start(next: impl IntoIterator<Item = Reply>) -> Self {
        let script = Script { next: next.into_iter().collect(), else_status: 202, ..Script::default() };
        let script = Arc::new(Mutex::new(script));
        let app = Router::new().route("/events", post(receive)).with_state(Arc::clone(&script));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, script }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/events", self.address)
    }

    /// From now on, after what is scripted.
    pub(crate) fn answer(&self, status: u16) {
        self.script.lock().unwrap().else_status = status;
    }

    pub(crate) fn pushed(&self) -> Vec<Pushed> {
        self.script.lock().unwrap().pushed.clone()
    }

    /// Next it answers like this.
    pub(crate) fn script(&self, next: impl IntoIterator<Item = Reply>) {
        self.script.lock().unwrap().next.extend(next);
    }

    /// The names of what was taken, in order.
    pub(crate) fn taken(&self) -> Vec<String> {
        self.pushed().iter().filter(|pushed| pushed.status == 202).map(Pushed::jti).collect()
    }

    /// Waits until this many came, whatever they were answered.
    #[track_caller]
    pub(crate) fn came(&self, count: usize) -> impl Future<Output = Vec<Pushed>> + '_ {
        let waiting =
            crate::home::eventually(
                "a number of pushes",
                move || async move { self.pushed().len() >= count },
            );
        async {
            waiting.await;
            self.pushed()
        }
    }
}

async fn receive(
    State(script): State<Arc<Mutex<Script>>>,
    headers: HeaderMap,
    set: String,
) -> impl IntoResponse {
    let reply = {
        let mut script = script.lock().unwrap();
        let reply = script.next.pop_front().unwrap_or_else(|| Reply::status(script.else_status));
        script.pushed.push(Pushed { headers, set, status: reply.status });
        reply
    };
    tokio::time::sleep(reply.after).await;
    (StatusCode::from_u16(reply.status).unwrap(), reply.body)
}
