//! The admin API: hand events in, see where they went, send them once more, read what was received.

mod dead_letters;
mod events;
mod health;
mod keys;
mod members;
mod metrics;
mod openapi;
mod received;
mod replay;
mod streams;
mod transmitters;
mod url;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use secevent_http::router::{Problem, bearer_token};

use crate::Hub;

impl Hub {
    /// A router with the admin API, health checks, the metrics, the description of the API, and a clear word at doors whose rooms are not built yet.
    pub fn admin_router(&self) -> Router {
        let admin = Router::new()
            .route("/v1/events", post(events::accept))
            .route("/v1/events/{id}", get(events::show))
            .route("/v1/streams", get(streams::list))
            .route("/v1/streams/{id}", get(streams::show))
            .route("/v1/streams/{id}/dead-letters", get(dead_letters::list).delete(dead_letters::drop_some))
            .route("/v1/streams/{id}/dead-letters/{seq}", get(dead_letters::show))
            .route("/v1/streams/{id}/redrive", post(dead_letters::redrive))
            .route("/v1/streams/{id}/replay", post(replay::start).get(replay::show).delete(replay::cancel))
            .route("/v1/keys", get(keys::list))
            .route("/v1/keys/rotate", post(keys::rotate))
            .route("/v1/received", get(received::list))
            .route("/v1/transmitters", get(transmitters::list))
            .route("/v1/streams/{id}/pause", post(streams::pause))
            .route("/v1/streams/{id}/resume", post(streams::resume))
            .route("/v1/tail", any(not_yet))
            .route_layer(middleware::from_fn_with_state(self.clone(), admins_only));
        let open_on_loopback = Router::new()
            .route("/healthz", get(health::alive))
            .route("/readyz", get(health::ready))
            .route("/metrics", get(metrics::show))
            .route("/openapi.json", get(openapi::show))
            .route_layer(middleware::from_fn_with_state(self.clone(), health::open_or_admin));
        admin.merge(open_on_loopback).with_state(self.clone())
    }

    /// Whether a request carries the admin token.
    fn is_admin(&self, request: &Request) -> bool {
        let given = bearer_token(request.headers()).unwrap_or_default();
        // An empty token, as an unset variable leaves it, opens nothing.
        let admin = self.0.settings.admin_token.as_deref().filter(|token| !token.is_empty());
        admin.is_some_and(|token| secevent_jose::constant_time_eq(token.as_bytes(), given.as_bytes()))
    }
}

async fn admins_only(State(hub): State<Hub>, request: Request, next: Next) -> Response {
    if hub.is_admin(&request) {
        return next.run(request).await;
    }
    Problem::unauthorized_by(request.headers()).into_response()
}

async fn not_yet() -> Problem {
    Problem::new(501, "not yet: this door is not built", "see the changelog for what is")
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn unreadable(error: secevent_ssf::store::StoreError) -> Problem {
    Problem::unavailable(error.to_string())
}
