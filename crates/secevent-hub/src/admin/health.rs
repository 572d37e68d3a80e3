//! `/healthz` and `/readyz`, and who may see them and their neighbours: open on loopback, for the admin elsewhere.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use secevent_http::router::Problem;

use crate::Hub;

pub(super) async fn open_or_admin(State(hub): State<Hub>, request: Request, next: Next) -> Response {
    if hub.0.settings.open_health || hub.is_admin(&request) {
        next.run(request).await
    } else {
        Problem::unauthorized_by(request.headers()).into_response()
    }
}

pub(super) async fn alive() -> &'static str {
    "alive\n"
}

pub(super) async fn ready(State(hub): State<Hub>) -> Result<&'static str, Problem> {
    if hub.is_stopping() { Err(Problem::unavailable("the hub is stopping")) } else { Ok("ready\n") }
}
