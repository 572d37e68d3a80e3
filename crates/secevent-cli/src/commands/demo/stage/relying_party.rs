//! A relying party of Back-Channel Logout 1.0: takes `logout_token` as a form and answers 200 or 400.

use axum::{
    Form, Json, Router,
    extract::{State, rejection::FormRejection},
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
async fn log_out(
    State(verifier): State<Verifier>,
    form: Result<Form<LogoutForm>, FormRejection>,
) -> Response {
    let judged = match form {
        Ok(Form(form)) => verifier.verify(&form.logout_token).await.map_err(|refusal| refusal.to_string()),
        Err(rejection) => Err(rejection.body_text()),
    };
    let answer = match judged {
        Ok(_) => StatusCode::OK.into_response(),
        Err(why) => {
            let body = json!({"error": "invalid_request", "error_description": why});
            (StatusCode::BAD_REQUEST, Json(body)).into_response()
        }
    };
    ([(CACHE_CONTROL, "no-store")], answer).into_response()
}

#[cfg(test)]
mod tests {
    use secevent::{Alg, JwkSet, Policy, Profile, Set, SigningKey, event::logout};
    use secevent_http::client::{Client, Egress, JwksCache};

    use super::*;
    use crate::clock;

    const ISS: &str = "https://op.example";

    fn token(key: &SigningKey, aud: &str) -> String {
        let now = clock::millis().timestamp();
        let draft = Set::issue(ISS).profile(Profile::LOGOUT).to(aud).event(logout::BackchannelLogout::new());
        draft.claim("sub", "alice").claim("exp", now.plus_secs(120).0).at(now).sign(key).unwrap()
    }

    // spec: BCL-029, BCL-031, BCL-051, BCL-058, BCL-060, BCL-062, BCL-065
    #[tokio::test]
    async fn a_good_token_is_a_logout_and_anything_else_is_told_why_not() {
        let (key, stranger) =
            (SigningKey::generate(Alg::Rs256).unwrap(), SigningKey::generate(Alg::Rs256).unwrap());
        let (listener, keys) = socket().await.unwrap();
        let jwks = JwkSet::new(vec![key.verifying_key().clone()]).to_json();
        let app = Router::new().route("/", axum::routing::get(|| async { jwks }));
        tokio::spawn(axum::serve(listener, app).into_future());
        let client = Client::new(Egress::loopback());
        let policy = Policy::new(Profile::LOGOUT, ISS, "shop");
        let verifier = Verifier::new(policy, JwksCache::new(client.clone(), keys), clock::shared());
        let url = serve(verifier).await.unwrap();
        let form = "application/x-www-form-urlencoded";
        for (body, media_type, status) in [
            (format!("logout_token={}&state=of-another-draft", token(&key, "shop")), form, 200),
            (format!("logout_token={}", token(&stranger, "shop")), form, 400),
            (format!("logout_token={}", token(&key, "other")), form, 400),
            ("logout_token=".to_owned(), form, 400),
            ("token=1".to_owned(), form, 400),
            (format!("logout_token={}", token(&key, "shop")), "application/json", 400),
        ] {
            let request = client.post(&url).header(http::header::CONTENT_TYPE, media_type).body(body.clone());
            let response = request.send().await.unwrap();
            assert_eq!(response.status, status, "{body}");
            assert_eq!(response.header(CACHE_CONTROL), Some("no-store"));
            let answer = serde_json::from_slice::<serde_json::Value>(&response.body).unwrap_or_default();
            assert_eq!(answer["error"].is_string(), status == 400, "{answer}");
        }
    }
}
