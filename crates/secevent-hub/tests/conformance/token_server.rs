//! An authorization server for the receiver role: it gives short tokens, and the fake transmitter takes the last only.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, Router, extract::State, http::HeaderMap, routing::post};
use serde_json::{Value, json};
use testkit::fake_transmitter::FakeTransmitter;
use tokio::{net::TcpListener, sync::Mutex};

/// What came to the token endpoint: the `Authorization` and the form.
type Requests = Arc<Mutex<Vec<(String, BTreeMap<String, String>)>>>;

pub(crate) struct TokenServer {
    pub(crate) url: String,
    requests: Requests,
}

impl TokenServer {
    /// A server for this transmitter, whose tokens are good for `seconds`.
    pub(crate) async fn start(idp: &FakeTransmitter, seconds: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap());
        let requests = Requests::default();
        idp.script(|script| script.token = Some("none was given yet".into()));
        let give = {
            let idp = idp.clone();
            async move |State(requests): State<Requests>, headers: HeaderMap, form: axum::Form<_>| {
                let mut requests = requests.lock().await;
                let basic = headers.get("authorization").map_or("", |value| value.to_str().unwrap());
                requests.push((basic.to_owned(), form.0));
                let token = format!("token-{}", requests.len());
                idp.script(|script| script.token = Some(token.clone()));
                Json::<Value>(json!({"access_token": token, "token_type": "Bearer", "expires_in": seconds}))
            }
        };
        let app = Router::new().route("/token", post(give)).with_state(Arc::clone(&requests));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, requests }
    }

    pub(crate) async fn requests(&self) -> Vec<(String, BTreeMap<String, String>)> {
        self.requests.lock().await.clone()
    }
}
