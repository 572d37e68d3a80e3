//! `/v1/streams`: look, pause, resume.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
};
use secevent_http::router::Problem;
use secevent_ssf::stream::Delivery;
use serde_json::{Value, json};

use super::{members::Members, url::Path};
use crate::{Hub, audit, stream::Stream, transmitter::to_its_end};

pub(super) async fn list(State(hub): State<Hub>) -> Json<Value> {
    let streams: Vec<_> = hub.0.streams.all().iter().map(|stream| describe(stream)).collect();
    Json(json!({ "streams": streams }))
}

pub(super) async fn show(State(hub): State<Hub>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    Ok(Json(describe(&*find(&hub, &id)?)))
}

/// Holds what comes, in order, until somebody resumes. The receiver can read the reason.
pub(super) async fn pause(
    State(hub): State<Hub>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let stream = find(&hub, &id)?;
    let mut members = Members::of(&hub, request).await?;
    let reason = members.text("reason")?;
    members.none_left("reason")?;
    let paused = Arc::clone(&stream);
    to_its_end(async move { hub.pause_stream(&paused, reason).await }).await?;
    audit::changed("pause", Some(&id), None, None);
    Ok(Json(describe(&stream)))
}

pub(super) async fn resume(State(hub): State<Hub>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    let stream = find(&hub, &id)?;
    let resumed = Arc::clone(&stream);
    to_its_end(async move { hub.resume_stream(&resumed).await }).await?;
    audit::changed("resume", Some(&id), None, None);
    Ok(Json(describe(&stream)))
}

pub(super) fn find(hub: &Hub, id: &str) -> Result<Arc<Stream>, Problem> {
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
