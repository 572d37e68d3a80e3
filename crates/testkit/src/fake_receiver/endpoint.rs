//! The push endpoint (RFC 8935), which misbehaves on command.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::json;
use tokio::sync::Notify;

use super::tls::TlsListener;
use crate::Authority;

/// How one push is answered.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// With this status and a page that is no JSON.
    Status(u16),
    /// With 400 and this error code (RFC 8935 §2.4).
    Refuse(&'static str),
    /// With 202, after this time.
    Late(Duration),
    /// Never.
    Silence,
}

/// One push that came.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pushed {
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub token: String,
    /// The status it was answered with, 0 for none.
    pub status: u16,
}

#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub(super) url: String,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    script: Mutex<Script>,
    came: Notify,
}

#[derive(Debug, Default)]
struct Script {
    next: VecDeque<Misbehaviour>,
    pushed: BTreeMap<String, Vec<Pushed>>,
    /// What of it was taken and not yet handed on.
    taken: BTreeMap<String, VecDeque<Pushed>>,
}

impl Endpoint {
    pub(super) async fn start(authority: &Authority) -> Self {
        let (listener, url) = TlsListener::bind(authority).await;
        let shared = Arc::<Shared>::default();
        let app = Router::new().route("/{name}", post(take)).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, shared }
    }

    pub(super) fn misbehave(&self, next: impl IntoIterator<Item = Misbehaviour>) {
        self.shared.script().next.extend(next);
    }

    pub(super) fn pushed(&self, name: &str) -> Vec<Pushed> {
        self.shared.script().pushed.get(name).cloned().unwrap_or_default()
    }

    /// The next push that was answered with 202.
    pub(super) async fn next(&self, name: &str) -> Pushed {
        loop {
            let came = self.shared.came.notified();
            let next = self.shared.script().taken.get_mut(name).and_then(VecDeque::pop_front);
            match next {
                Some(pushed) => return pushed,
                None => came.await,
            }
        }
    }
}

impl Shared {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a push before it is answered.
    fn note(&self, name: String, headers: HeaderMap, token: String) -> Option<Misbehaviour> {
        let mut script = self.script();
        let how = script.next.pop_front();
        let status = match how {
            None | Some(Misbehaviour::Late(_)) => 202,
            Some(Misbehaviour::Status(status)) => status,
            Some(Misbehaviour::Refuse(_)) => 400,
            Some(Misbehaviour::Silence) => 0,
        };
        let pushed = Pushed { headers, token, status };
        if status == 202 {
            script.taken.entry(name.clone()).or_default().push_back(pushed.clone());
        }
        script.pushed.entry(name).or_default().push(pushed);
        drop(script);
        self.came.notify_waiters();
        how
    }
}

async fn take(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    token: String,
) -> Response {
    match shared.note(name, headers, token) {
        None => StatusCode::ACCEPTED.into_response(),
        Some(Misbehaviour::Status(status)) => {
            (StatusCode::from_u16(status).unwrap_or_default(), "<p>not now</p>").into_response()
        }
        Some(Misbehaviour::Refuse(code)) => {
            let words = json!({"err": code, "description": "by command"}).to_string();
            (StatusCode::BAD_REQUEST, [("content-type", "application/json")], words).into_response()
        }
        Some(Misbehaviour::Late(after)) => {
            tokio::time::sleep(after).await;
            StatusCode::ACCEPTED.into_response()
        }
        Some(Misbehaviour::Silence) => std::future::pending().await,
    }
}
