//! The endpoints.

use std::time::Duration;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
    routing::any,
};
use serde_json::{Map, Value, json};

use super::{Call, FakeTransmitter, Script, Verification};

const PUSH: &str = "urn:ietf:rfc:8935";
const POLL: &str = "urn:ietf:rfc:8936";
const DRAFTS: &str = "https://schemas.openid.net/secevent/risc/delivery-method/";

/// Whom the SETs are for.
pub(super) const AUD: &str = "https://receiver.example";

const ENDPOINTS: [(&str, &str); 6] = [
    ("metadata", "/.well-known/ssf-configuration"),
    ("jwks", "/jwks"),
    ("streams", "/streams"),
    ("status", "/status"),
    ("verification", "/verification"),
    ("poll", "/poll"),
];

pub(super) fn router(fake: FakeTransmitter) -> Router {
    ENDPOINTS
        .into_iter()
        .fold(Router::new(), |router, (name, path)| {
            let answer = move |State(fake): State<FakeTransmitter>, method, headers, body| {
                answer(fake, name, method, headers, body)
            };
            router.route(path, any(answer))
        })
        .with_state(fake)
}

async fn answer(
    fake: FakeTransmitter,
    endpoint: &'static str,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (delay, failing) = fake.script(|script| {
        let method = method.to_string();
        let specific = format!("{method} {endpoint}");
        script.calls.push(Call { endpoint, method, body: body.clone() });
        let failing = script.failing.get(endpoint).or_else(|| script.failing.get(&specific)).copied();
        (script.delay, failing.or_else(|| unauthorized(script, endpoint, &headers)))
    });
    tokio::time::sleep(delay).await;
    if let Some(status) = failing {
        return StatusCode::from_u16(status).unwrap_or_default().into_response();
    }
    match endpoint {
        "metadata" => json_of(&fake.script(|script| metadata(&fake.url, script))),
        "jwks" => json_of(&fake.script(|script| {
            let keys = script.keys.iter().map(|key| Value::Object(key.verifying_key().to_jwk()));
            json!({"keys": keys.collect::<Vec<_>>()})
        })),
        "streams" => fake.script(|script| streams(&fake.url, script, &method, &body)),
        "status" => fake.script(|script| match &script.stream {
            Some(stream) => json_of(&json!({"stream_id": stream["stream_id"], "status": "enabled"})),
            None => StatusCode::NOT_FOUND.into_response(),
        }),
        "verification" => verification(&fake, &body),
        _ => poll(&fake, &body).await,
    }
}

fn unauthorized(script: &Script, endpoint: &str, headers: &HeaderMap) -> Option<u16> {
    let token = script.token.as_ref().filter(|_| !matches!(endpoint, "metadata" | "jwks"))?;
    let given = headers.get("authorization").and_then(|value| value.to_str().ok());
    (given != Some(format!("Bearer {token}").as_str())).then_some(401)
}

fn json_of(value: &Value) -> Response {
    ([("content-type", "application/json")], value.to_string()).into_response()
}

fn metadata(url: &str, script: &Script) -> Value {
    let at = |path: &str| format!("{url}{path}");
    let mut metadata = json!({
        "spec_version": "1_0", "issuer": url, "jwks_uri": at("/jwks"), "configuration_endpoint": at("/streams"),
        "status_endpoint": at("/status"), "verification_endpoint": at("/verification"),
        "delivery_methods_supported": [PUSH, POLL],
    });
    lay_over(&mut metadata, &script.metadata);
    metadata
}

fn streams(url: &str, script: &mut Script, method: &Method, body: &Value) -> Response {
    match *method {
        Method::POST if script.stream.is_some() && script.one_stream => StatusCode::CONFLICT.into_response(),
        Method::POST => {
            let id = format!("stream-{}", script.calls.len());
            let mut stream = json!({
                "stream_id": id, "iss": url, "aud": AUD, "events_delivered": body["events_requested"].as_array()
                    .cloned().unwrap_or_default(), "delivery": delivery(url, script, &body["delivery"]),
            });
            if body["events_requested"].is_array() {
                stream["events_requested"] = body["events_requested"].clone();
            }
            lay_over(&mut stream, &script.config);
            script.stream = Some(stream.clone());
            (StatusCode::CREATED, json_of(&stream)).into_response()
        }
        Method::GET => json_of(&Value::from_iter(script.stream.clone())),
        Method::PATCH if script.stream.is_some() => {
            let changed = delivery(url, script, &body["delivery"]);
            let mut stream = script.stream.take().unwrap_or_default();
            if body["delivery"].is_object() {
                stream["delivery"] = changed;
            }
            if body["events_requested"].is_array() {
                stream["events_requested"] = body["events_requested"].clone();
                stream["events_delivered"] = body["events_requested"].clone();
            }
            script.stream = Some(stream.clone());
            json_of(&stream)
        }
        Method::DELETE if script.stream.take().is_some() => StatusCode::NO_CONTENT.into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn delivery(url: &str, script: &Script, wanted: &Value) -> Value {
    let mut delivery = wanted.clone();
    if !is_push(wanted) {
        delivery = json!({"method": POLL, "endpoint_url": format!("{url}/poll")});
    }
    if script.legacy_delivery {
        let kind = if is_push(wanted) { "push" } else { "poll" };
        delivery["method"] = format!("{DRAFTS}{kind}").into();
    }
    delivery
}

pub(super) fn is_push(delivery: &Value) -> bool {
    delivery["method"].as_str().is_some_and(|method| method == PUSH || method.ends_with("/push"))
}

fn verification(fake: &FakeTransmitter, body: &Value) -> Response {
    let (stream, how, no) = fake.script(|script| {
        let id = script.stream.as_ref().and_then(|stream| stream["stream_id"].as_str()).map(str::to_owned);
        (id.filter(|id| body["stream_id"] == **id), script.verification, script.calls.len())
    });
    let Some(stream) = stream else { return StatusCode::NOT_FOUND.into_response() };
    let state = match how {
        Verification::Echo => body["state"].as_str(),
        Verification::Wrong => Some("another"),
        Verification::Stateless => None,
        Verification::Silent => return StatusCode::NO_CONTENT.into_response(),
    };
    let jti = format!("verification-{no}");
    fake.deliver(&jti, fake.set(&jti).verification(&stream, state).sign());
    StatusCode::NO_CONTENT.into_response()
}

/// How long a poll is held open.
const HELD: Duration = Duration::from_secs(2);

async fn poll(fake: &FakeTransmitter, request: &Value) -> Response {
    let known = fake.script(|script| {
        let acked: Vec<_> =
            request["ack"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let refused = request["setErrs"].as_object().cloned().unwrap_or_default();
        // Only what this request names: what is sent again is to be acknowledged again.
        script.queue.retain(|(jti, _)| !acked.contains(&jti.as_str()) && !refused.contains_key(jti));
        script.acked.extend(acked.into_iter().map(str::to_owned));
        script.refused.extend(refused);
        script.stream.is_some()
    });
    if !known {
        return StatusCode::NOT_FOUND.into_response();
    }
    let max = request["maxEvents"].as_u64().and_then(|max| usize::try_from(max).ok()).unwrap_or(100);
    let step = Duration::from_millis(10);
    let mut waited = if request["returnImmediately"] == true { HELD } else { Duration::ZERO };
    loop {
        let (sets, gone) = fake.script(|script| {
            let sets: Map<_, _> =
                script.queue.iter().take(max).map(|(jti, set)| (jti.clone(), set.clone().into())).collect();
            (sets, script.stream.is_none())
        });
        if gone {
            return StatusCode::NOT_FOUND.into_response();
        }
        if !sets.is_empty() || waited >= HELD {
            return json_of(&json!({"sets": sets}));
        }
        tokio::time::sleep(step).await;
        waited += step;
    }
}

fn lay_over(value: &mut Value, members: &Map<String, Value>) {
    for (name, member) in members {
        value[name] = member.clone();
    }
}
