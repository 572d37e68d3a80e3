//! `GET /v1/received`: the SETs that the receiver role accepted.

use axum::{Json, extract::State};
use secevent::danger;
use secevent_http::router::Problem;
use secevent_ssf::store::Received;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{unreadable, url::Query};
use crate::Hub;

#[derive(Deserialize)]
pub(super) struct Page {
    transmitter: Option<String>,
    #[serde(default)]
    after: u64,
}

/// Rows of one answer; more are read with `after`.
const ROWS_MAX: usize = 100;

pub(super) async fn list(State(hub): State<Hub>, Query(page): Query<Page>) -> Result<Json<Value>, Problem> {
    let Page { transmitter, after } = page;
    let rows = hub
        .read_store(move |store| store.received(transmitter.as_deref(), after, ROWS_MAX))
        .await
        .map_err(unreadable)?;
    Ok(Json(json!({"received": rows.iter().map(describe).collect::<Vec<_>>()})))
}

/// The token was verified before it was stored, so its claims may be shown.
fn describe(row: &Received) -> Value {
    let claims = danger::peek(&row.set).map(|peeked| peeked.claims).unwrap_or_default();
    let events = claims.get("events").and_then(Value::as_object).into_iter().flatten();
    let names: Vec<_> = events.map(|(uri, _)| secevent::EventType::from_uri(uri.as_str()).name()).collect();
    json!({
        "no": row.no, "transmitter": row.transmitter, "iss": row.iss, "jti": row.jti, "event": names.first(),
        "subject": claims.get("sub_id"), "set": row.set, "at": row.at,
    })
}
