//! `GET /v1/streams` and what is below it.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, Query, State},
};
use secevent_http::router::Problem;
use secevent_ssf::{Seq, stream::Delivery};
use serde::Deserialize;
use serde_json::{Value, json};

use super::unreadable;
use crate::{Hub, stream::Stream};

pub(super) async fn list(State(hub): State<Hub>) -> Json<Value> {
    let streams: Vec<_> = hub.0.streams.all().iter().map(|stream| describe(stream)).collect();
    Json(json!({ "streams": streams }))
}

pub(super) async fn show(State(hub): State<Hub>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    Ok(Json(describe(&*find(&hub, &id)?)))
}

#[derive(Deserialize)]
pub(super) struct Page {
    #[serde(default)]
    after: u64,
}

pub(super) async fn dead_letters(
    State(hub): State<Hub>,
    Path(id): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Problem> {
    const LETTERS_MAX: usize = 100;
    let stream = find(&hub, &id)?;
    let no = stream.no;
    // Memory first: what is written meanwhile is then seen twice rather than not at all.
    let unwritten = stream.work().letters.clone();
    let written = hub
        .read_store(move |store| store.dead_letters(no, Seq(page.after), LETTERS_MAX))
        .await
        .map_err(unreadable)?;
    let letters = unwritten.into_iter().filter(|letter| letter.seq.0 > page.after).chain(written);
    let letters: BTreeMap<_, _> = letters.map(|letter| (letter.seq, letter)).collect();
    let one = |letter: &secevent_ssf::store::DeadLetter| json!({"id": letter.seq.0.to_string(), "reason": letter.reason, "at": letter.at});
    Ok(Json(json!({"dead_letters": letters.values().take(LETTERS_MAX).map(one).collect::<Vec<_>>()})))
}

fn find(hub: &Hub, id: &str) -> Result<Arc<Stream>, Problem> {
    hub.0.streams.by_id(id).ok_or_else(|| Problem::not_found("stream"))
}

/// What an operator sees: whose, where to, how far. No credential of the receiver.
// spec: PUSH-060
fn describe(stream: &Stream) -> Value {
    let record = stream.record();
    let (open, waiting) = stream.work().queue.backlog().len();
    let delivery = match &record.config.delivery {
        Delivery::Push { endpoint_url, .. } => json!({"method": "push", "endpoint_url": endpoint_url}),
        _ => json!({"method": "poll"}),
    };
    json!({
        "stream_id": record.config.stream_id, "receiver": record.receiver, "aud": record.config.aud,
        "status": record.status, "reason": record.reason, "delivery": delivery,
        "events_delivered": record.config.events_delivered, "created_at": record.created_at,
        "open": open, "waiting": waiting,
    })
}
