//! A relying party of Back-Channel Logout 1.0: takes `logout_token` as a form and answers 200 or 400.

use axum::{
    Form, Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use http::{StatusCode, header::CACHE_CONTROL};
use secevent_hub::receiver::Verifier;
use serde::Deserialize;
use serde_json::json;

use super::socket;
use crate::failure::Failure;

/// Serves one and answers with its logout URL.
pub(super) async fn serve(verifier: Verifier) -> Result<String, Failure> {
    let (listener, url) = socket().await?;
    let app = Router::new().route("/backchannel-logout", post(log_out)).with_state(verifier);
    tokio::spawn(axum::serve(listener, app).into_future());
    Ok(format!("{url}/backchannel-logout"))
}

#[derive(Deserialize)]
struct LogoutForm {
    logout_token: String,
}

// spec: BCL-029, BCL-031, BCL-051, BCL-058, BCL-060, BCL-061, BCL-062, BCL-063, BCL-065
async fn log_out(State(verifier): State<Verifier>, Form(form): Form<LogoutForm>) -> Response {
    let answer = match verifier.verify(&form.logout_token).await {
        Ok(_) => StatusCode::OK.into_response(),
        Err(refusal) => {
            let body = json!({"error": "invalid_request", "error_description": refusal.to_string()});
            (StatusCode::BAD_REQUEST, Json(body)).into_response()
        }
    };
    ([(CACHE_CONTROL, "no-store")], answer).into_response()
}
