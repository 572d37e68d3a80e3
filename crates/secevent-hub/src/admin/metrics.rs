//! `GET /metrics`: what Prometheus reads.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header::CONTENT_TYPE;
use secevent_http::router::Problem;

use super::unreadable;
use crate::Hub;

pub(super) async fn show(State(hub): State<Hub>) -> Result<Response, Problem> {
    let text = hub.metrics_text().await.map_err(unreadable)?;
    Ok(([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response())
}
