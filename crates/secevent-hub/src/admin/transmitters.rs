//! `GET /v1/transmitters`: whom the hub receives from, how it stands with each, and what each is forgiven.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::Hub;

pub(super) async fn list(State(hub): State<Hub>) -> Json<Value> {
    let transmitters = hub.transmitters();
    Json(json!({"transmitters": transmitters.iter().map(|one| one.describe()).collect::<Vec<_>>()}))
}
