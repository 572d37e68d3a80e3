//! `GET /v1/keys` and `POST /v1/keys/rotate`.

use axum::{
    Json,
    extract::{Request, State},
};
use secevent::Alg;
use secevent_http::router::{Problem, read_body};
use secevent_jose::json;
use serde_json::{Value, json};

use crate::{
    Hub, HubError, audit,
    keys::{KeyTimes, RotateError, Span},
    transmitter::to_its_end,
};

pub(super) async fn list(State(hub): State<Hub>) -> Json<Value> {
    Json(described(&hub.0.keys.list(hub.now().timestamp())))
}

/// Repeating it while the next key waits for its time changes nothing and is answered alike. With `now` every
/// request takes the key away that signs then.
pub(super) async fn rotate(State(hub): State<Hub>, request: Request) -> Result<Json<Value>, Problem> {
    let body = read_body(request.into_body(), hub.0.settings.limits.body_bytes).await?;
    let (alg, now) = read(&body)?;
    let rotated = to_its_end(async move { hub.rotate_keys(alg, now).await.map_err(|error| refused(&error)) });
    let rotated = rotated.await?;
    let words = format!("alg: {}, now: {now}", alg.map_or("all", Alg::name));
    audit::changed("rotate keys", None, None, Some(&words));
    Ok(Json(described(&rotated)))
}

/// `{"alg": NAME, "now": BOOLEAN}`, both optional, or nothing.
fn read(body: &[u8]) -> Result<(Option<Alg>, bool), Problem> {
    let refused = |detail: String| Problem::new(400, "the request cannot be taken", detail);
    if body.trim_ascii().is_empty() {
        return Ok((None, false));
    }
    let mut members = json::parse_object(body).map_err(|error| refused(error.to_string()))?;
    let alg = match members.remove("alg") {
        None => None,
        Some(name) => {
            let alg = name.as_str().and_then(Alg::from_name);
            let names = || format!("/alg: give one of {}", Alg::ALL.map(Alg::name).join(", "));
            Some(alg.ok_or_else(|| refused(names()))?)
        }
    };
    let now = match members.remove("now") {
        None => false,
        Some(Value::Bool(now)) => now,
        Some(_) => return Err(refused("/now: give true or false".into())),
    };
    match members.keys().next() {
        Some(unknown) => Err(refused(format!("/{unknown}: only `alg` and `now` are known here"))),
        None => Ok((alg, now)),
    }
}

/// Nothing of a key but its name and its times.
fn described(keys: &[(KeyTimes, Span)]) -> Value {
    let key = |(key, span): &(KeyTimes, Span)| {
        json!({
            "kid": key.kid, "alg": key.alg, "state": span.state, "created_at": key.created_at,
            "since": span.since, "until": span.until,
        })
    };
    json!({"keys": keys.iter().map(key).collect::<Vec<_>>()})
}

fn refused(error: &RotateError) -> Problem {
    match error {
        RotateError::NotHere(_) => Problem::new(404, error.to_string(), "GET /v1/keys names those that do"),
        RotateError::TooMany(too_many) => {
            let problem = Problem::new(409, error.to_string(), "wait until the oldest leaves");
            problem.with("until", json!(too_many.until))
        }
        RotateError::Hub(HubError::Store(error)) => Problem::unavailable(error.to_string()),
        RotateError::Hub(_) => Problem::unavailable("no key can be made now"),
    }
}
