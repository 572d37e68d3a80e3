//! `/v1/streams` and what is below it: look, pause, resume.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Request, State},
};
use secevent_http::router::{Problem, read_body};
use secevent_jose::json;
use secevent_ssf::{Seq, stream::Delivery};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    unreadable,
    url::{Path, Query},
};
use crate::{Hub, stream::Stream, transmitter::to_its_end};

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

/// Holds what comes, in order, until somebody resumes. The receiver can read the reason.
pub(super) async fn pause(
    State(hub): State<Hub>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let stream = find(&hub, &id)?;
    let body = read_body(request.into_body(), hub.0.settings.limits.body_bytes).await?;
    let reason = reason(&body)?;
    let paused = Arc::clone(&stream);
    to_its_end(async move { hub.pause_stream(&paused, reason).await }).await?;
    Ok(Json(describe(&stream)))
}

pub(super) async fn resume(State(hub): State<Hub>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    let stream = find(&hub, &id)?;
    let resumed = Arc::clone(&stream);
    to_its_end(async move { hub.resume_stream(&resumed).await }).await?;
    Ok(Json(describe(&stream)))
}

/// `{"reason": TEXT}`, or nothing.
fn reason(body: &[u8]) -> Result<Option<String>, Problem> {
    /// A sentence or two; it is read with the status of the stream each time.
    const REASON_BYTES_MAX: usize = 1024;
    let refused = |detail: String| Problem::new(400, "the request cannot be taken", detail);
    if body.trim_ascii().is_empty() {
        return Ok(None);
    }
    let Value::Object(mut members) = json::parse(body).map_err(|error| refused(error.to_string()))? else {
        return Err(refused("send an object with `reason`, or nothing".into()));
    };
    let reason = members.remove("reason");
    if let Some(unknown) = members.keys().next() {
        return Err(refused(format!("/{unknown}: only `reason` is known here")));
    }
    match reason {
        None => Ok(None),
        Some(Value::String(reason)) if reason.len() <= REASON_BYTES_MAX => Ok(Some(reason)),
        Some(_) => Err(refused(format!("/reason: give a string of at most {REASON_BYTES_MAX} bytes"))),
    }
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
