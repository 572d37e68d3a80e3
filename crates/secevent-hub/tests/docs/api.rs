//! `docs/openapi.json`: every route is there and none else, and what the hub answers is what it says.

use std::{cell::RefCell, collections::BTreeSet, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode, header},
};
use http_body_util::BodyExt;
use secevent_http::client::{Client, Egress};
use secevent_hub::{Hub, ReceiverSettings, Settings, receiver::TransmitterSettings};
use secevent_ssf::{engine::Millis, store::MemoryStore};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::schema::fits;

const PAGE: &str = include_str!("../../../../docs/openapi.json");
const ACME: &str = "acme-token";
const ADMIN: &str = "admin-token";
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn page() -> Value {
    serde_json::from_str(PAGE).unwrap()
}

/// All that a hub serves.
async fn served(issuer: &str, open_health: bool) -> Router {
    let mut settings = Settings::new(issuer, Arc::new(|| Millis(1_795_485_600_000)));
    settings.admin_token = Some(ADMIN.into());
    settings.open_health = open_health;
    settings.client = Client::new(Egress::loopback());
    let mut acme = ReceiverSettings::new("acme", ACME, vec!["https://acme.example.com".to_owned()]);
    acme.secret = Some("acme-secret".into());
    settings.receivers = vec![acme];
    let hub = Hub::start(settings, Arc::new(MemoryStore::new(secevent_hub::fresh_origin()))).await.unwrap();
    // Nobody answers there.
    let idp = TransmitterSettings::new(
        "idp",
        "http://127.0.0.1:59999",
        vec!["https://acme.example.com".to_owned()],
    );
    hub.transmitter_router().merge(hub.receive_from(vec![idp])).merge(hub.admin_router())
}

async fn send(router: &Router, request: Request<Body>) -> (http::response::Parts, Vec<u8>) {
    let (parts, body) = router.clone().oneshot(request).await.map(Response::into_parts).unwrap();
    (parts, body.collect().await.unwrap().to_bytes().into())
}

fn request(method: &str, path: &str, token: &str, body: impl Into<Body>) -> Request<Body> {
    let method = method.to_ascii_uppercase();
    let mut request = Request::builder().method(method.as_str()).uri(path).body(body.into()).unwrap();
    if !token.is_empty() {
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
    }
    request
}

/// Every method of every path of a router, but for doors that are not built.
async fn routes(router: &Router) -> BTreeSet<(String, String)> {
    // A router shows its paths to nobody but a debugger.
    let shown = format!("{router:?}");
    let shown = shown.split("fallback_router").next().unwrap();
    let paths = shown.split("RouteId(").filter_map(|part| part.split_once("): \"")?.1.split('"').next());
    let mut found = BTreeSet::new();
    for path in paths {
        let real: Vec<_> =
            path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
        let (parts, _) = send(router, request("TRACE", &real.join("/"), ADMIN, "")).await;
        if parts.status == StatusCode::NOT_IMPLEMENTED {
            continue;
        }
        assert_eq!(parts.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let allowed = parts.headers[header::ALLOW].to_str().unwrap().to_ascii_lowercase();
        let methods = allowed.split(',').filter(|method| *method != "head");
        found.extend(methods.map(|method| (method.to_owned(), path.to_owned())));
    }
    assert!(found.len() > 25, "is that how a router is shown? {shown}");
    found
}

fn documented(document: &Value) -> BTreeSet<(String, String)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let methods = |(path, item): (&String, &Value)| {
        let item = item.as_object().unwrap().clone();
        let path = path.clone();
        item.into_iter().map(move |(method, _)| (method, path.clone()))
    };
    paths.flat_map(methods).collect()
}

#[tokio::test]
async fn every_route_is_described_and_none_else() {
    for issuer in ["https://hub.example.com", "https://hub.example.com/tenant/a"] {
        let router = served(issuer, true).await;
        let (_, document) = send(&router, request("GET", "/openapi.json", "", "")).await;
        let document: Value = serde_json::from_slice(&document).unwrap();
        assert_eq!(documented(&document), routes(&router).await, "{issuer}");
        let token_url =
            &document["components"]["securitySchemes"]["receiverOAuth"]["flows"]["clientCredentials"];
        let token_url = token_url["tokenUrl"].as_str().unwrap().to_owned();
        assert!(documented(&document).contains(&("post".to_owned(), token_url)), "{issuer}");
    }
}

#[tokio::test]
async fn the_description_is_the_one_of_the_repository_and_open_on_loopback_only() {
    let (parts, body) =
        send(&served("https://hub.example.com", true).await, request("GET", "/openapi.json", "", "")).await;
    assert_eq!((parts.status, body.as_slice()), (StatusCode::OK, PAGE.as_bytes()));
    let elsewhere = served("https://hub.example.com", false).await;
    for (token, status) in [("", 401), (ACME, 401), (ADMIN, 200)] {
        let (parts, _) = send(&elsewhere, request("GET", "/openapi.json", token, "")).await;
        assert_eq!(parts.status, status, "{token:?}");
    }
}

#[test]
fn the_description_holds_together() {
    let document = page();
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let mut references = BTreeSet::new();
    walk(&document, &mut |value| {
        let Some(reference) = value.get("$ref") else { return };
        let place = reference.as_str().unwrap().strip_prefix('#').unwrap();
        assert!(document.pointer(place).is_some(), "{place} leads nowhere");
        references.insert(place.to_owned());
    });
    for part in ["parameters", "responses", "schemas"] {
        for name in document["components"][part].as_object().unwrap().keys() {
            assert!(references.contains(&format!("/components/{part}/{name}")), "{part} {name} is not used");
        }
    }
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let place = format!("{method} {path}");
            assert!(METHODS.contains(&method.as_str()), "{place}");
            assert!(
                ids.insert(operation["operationId"].as_str().unwrap().to_owned()),
                "{place}: its id is there twice"
            );
            let named = operation["security"].as_array().expect(&place).iter();
            for scheme in named.flat_map(|one| one.as_object().unwrap().keys()) {
                assert!(schemes.contains_key(scheme), "{place}: {scheme}");
            }
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let parameters = parameters.map(|one| resolved(&document, one));
            let in_path: BTreeSet<_> = parameters
                .filter(|one| one["in"] == "path")
                .map(|one| format!("{{{}}}", one["name"].as_str().unwrap()))
                .collect();
            let wanted: BTreeSet<_> =
                path.split('/').filter(|part| part.starts_with('{')).map(str::to_owned).collect();
            assert_eq!(in_path, wanted, "{place}");
        }
    }
}

fn walk(value: &Value, look: &mut dyn FnMut(&Value)) {
    look(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, look)),
        Value::Object(members) => members.values().for_each(|member| walk(member, look)),
        _ => {}
    }
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let place = value.get("$ref").and_then(Value::as_str);
    place.map_or(value, |place| document.pointer(&place[1..]).unwrap())
}

/// A hub, its description, and what of it was seen at work.
struct Judge {
    router: Router,
    document: Value,
    seen: RefCell<BTreeSet<(String, String)>>,
}

impl Judge {
    /// Sends a request and judges it and its answer by the description.
    async fn call(&self, method: &str, path: &str, token: &str, body: Value, status: u16) -> Value {
        let template = self.template(path);
        let place = format!("{method} {path}");
        let operation = &self.document["paths"][&template][method];
        if status < 300 {
            self.seen.borrow_mut().insert((method.to_owned(), template));
        }
        let mut sent = request(method, path, token, "");
        if let Some(content) = operation["requestBody"]["content"].as_object().filter(|_| !body.is_null()) {
            let (media_type, content) = content.iter().next().unwrap();
            let judged = fits(&self.document, &content["schema"], &body);
            assert_eq!(judged.is_ok(), status != 400, "{place}: {judged:?}");
            let text = match media_type.as_str() {
                "application/x-www-form-urlencoded" => {
                    let pairs = body.as_object().unwrap().iter();
                    pairs
                        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap()))
                        .collect::<Vec<_>>()
                        .join("&")
                }
                _ => body.to_string(),
            };
            *sent.body_mut() = text.into();
            sent.headers_mut().insert(header::CONTENT_TYPE, media_type.parse().unwrap());
        }
        let (parts, body) = send(&self.router, sent).await;
        let said = String::from_utf8_lossy(&body);
        assert_eq!(parts.status, status, "{place}: {said}");
        let response = resolved(&self.document, &operation["responses"][status.to_string()]);
        assert!(response.is_object(), "{place}: {status} is not described");
        let Some(content) = response.get("content").and_then(Value::as_object) else {
            assert_eq!(said, "", "{place}: {status} has a body");
            return Value::Null;
        };
        let (media_type, content) = content.iter().next().unwrap();
        let given = parts.headers[header::CONTENT_TYPE].to_str().unwrap();
        assert_eq!(given.split(';').next(), Some(media_type.as_str()), "{place}");
        let value = serde_json::from_slice(&body).unwrap_or_else(|_| said.as_ref().into());
        fits(&self.document, &content["schema"], &value)
            .unwrap_or_else(|why| panic!("{place}: {why}\n{value}"));
        value
    }

    /// The path of the description that this one is.
    fn template(&self, path: &str) -> String {
        let parts: Vec<_> = path.split('?').next().unwrap().split('/').collect();
        let fits = |template: &&String| {
            let wanted: Vec<_> = template.split('/').collect();
            wanted.len() == parts.len()
                && wanted.iter().zip(&parts).all(|(wanted, part)| wanted.starts_with('{') || wanted == part)
        };
        let paths = self.document["paths"].as_object().unwrap();
        paths.keys().find(|known| *known == path).or_else(|| paths.keys().find(fits)).expect(path).clone()
    }
}

#[tokio::test]
async fn the_hub_answers_as_described() {
    let router = served("https://hub.example.com", true).await;
    let judge = Judge { router, document: page(), seen: RefCell::default() };
    for path in [
        "/.well-known/ssf-configuration",
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-authorization-server",
        "/jwks.json",
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
    ] {
        judge.call("get", path, "", Value::Null, 200).await;
    }
    receivers_are_answered(&judge).await;
    operators_are_answered(&judge).await;
    judge.call("post", "/receive/idp", "wrong", json!("e30.e30.e30"), 401).await;

    let mut unseen = documented(&judge.document);
    // For a SET that is taken there has to be somebody who sends one.
    unseen.remove(&("post".to_owned(), "/receive/{transmitter}".to_owned()));
    let seen = judge.seen.into_inner();
    unseen.retain(|operation| !seen.contains(operation));
    assert_eq!(unseen, BTreeSet::new());
}

async fn receivers_are_answered(judge: &Judge) {
    let subject = json!({"format": "email", "email": "alice@example.com"});
    let form = json!({"grant_type": "client_credentials", "client_id": "acme", "client_secret": "acme-secret",
        "scope": "ssf.read"});
    let token = judge.call("post", "/oauth/token", "", form.clone(), 200).await;
    let read = token["access_token"].as_str().unwrap();
    let mut wrong = form;
    wrong["client_secret"] = "wrong".into();
    judge.call("post", "/oauth/token", "", wrong, 401).await;

    judge.call("post", "/ssf/streams", read, json!({}), 403).await;
    judge.call("post", "/ssf/streams", "wrong", json!({}), 401).await;
    judge.call("post", "/ssf/streams", ACME, json!({"delivery": 5}), 400).await;
    let push = json!({"method": "urn:ietf:rfc:8935", "endpoint_url": "http://127.0.0.1:59999/events",
        "authorization_header": "Bearer 8f2c"});
    let pushed = json!({"delivery": push, "description": "sessions"});
    let stream = judge.call("post", "/ssf/streams", ACME, pushed, 201).await;
    let id = stream["stream_id"].as_str().unwrap();
    judge.call("get", "/ssf/streams", read, Value::Null, 200).await;
    let named = format!("/ssf/streams?stream_id={id}");
    judge.call("get", &named, read, Value::Null, 200).await;
    judge.call("get", "/ssf/streams?stream_id=other", read, Value::Null, 404).await;
    judge.call("patch", "/ssf/streams", ACME, json!({"stream_id": id, "description": "ours"}), 200).await;
    judge.call("put", "/ssf/streams", ACME, json!({"stream_id": id}), 200).await;
    let status = format!("/ssf/status?stream_id={id}");
    judge.call("get", &status, read, Value::Null, 200).await;
    judge.call("post", "/ssf/status", ACME, json!({"stream_id": id, "status": "enabled"}), 200).await;
    let about = json!({"stream_id": id, "subject": subject});
    judge.call("post", "/ssf/subjects/add", ACME, about.clone(), 200).await;
    judge.call("post", "/ssf/subjects/remove", ACME, about, 204).await;
    judge.call("post", "/ssf/subjects/add", ACME, json!({"stream_id": id}), 400).await;
    judge.call("post", "/ssf/verification", ACME, json!({"stream_id": id, "state": "s"}), 204).await;
    let poll = format!("/ssf/poll/{id}");
    let answer = judge.call("post", &poll, read, json!({"returnImmediately": true}), 200).await;
    let (jti, _) = answer["sets"].as_object().unwrap().iter().next().unwrap();
    let refused = json!({jti: {"err": "invalid_key", "description": "no such key"}});
    judge.call("post", &poll, read, json!({"returnImmediately": true, "setErrs": refused}), 200).await;
    judge.call("post", "/ssf/poll/other", read, json!({}), 404).await;
}

async fn operators_are_answered(judge: &Judge) {
    let stream = judge.call("post", "/ssf/streams", ACME, json!({}), 201).await;
    let id = stream["stream_id"].as_str().unwrap();
    let subject = json!({"format": "email", "email": "alice@example.com"});
    let event =
        json!({"event": "caep:session-revoked", "subject": subject, "claims": {"reason_admin": {"en": "x"}}});
    let accepted = judge.call("post", "/v1/events", ADMIN, json!([event]), 202).await;
    judge.call("post", "/v1/events", ADMIN, json!([event, {"event": "caep:session-revoked"}]), 400).await;
    judge.call("post", "/v1/events", ACME, event, 401).await;
    let event = format!("/v1/events/{}", accepted["events"][0]["id"].as_str().unwrap());
    judge.call("get", &event, ADMIN, Value::Null, 200).await;
    judge.call("get", "/v1/events/999", ADMIN, Value::Null, 404).await;
    let streams = judge.call("get", "/v1/streams", ADMIN, Value::Null, 200).await;
    // The one whose SET was refused before.
    for stream in streams["streams"].as_array().unwrap() {
        let letters = format!("/v1/streams/{}/dead-letters", stream["stream_id"].as_str().unwrap());
        let listed = judge.call("get", &letters, ADMIN, Value::Null, 200).await;
        if let Some(letter) = listed["dead_letters"].as_array().unwrap().first() {
            let letter = format!("{letters}/{}", letter["id"].as_str().unwrap());
            let shown = judge.call("get", &letter, ADMIN, Value::Null, 200).await;
            assert_eq!(shown["event"], "ssf:verification");
        }
    }
    let stream = format!("/v1/streams/{id}");
    judge.call("get", &stream, ADMIN, Value::Null, 200).await;
    judge.call("post", &format!("{stream}/pause"), ADMIN, json!({"reason": "maintenance"}), 200).await;
    judge.call("post", &format!("{stream}/pause"), ADMIN, json!({"why": "maintenance"}), 400).await;
    judge.call("post", &format!("{stream}/resume"), ADMIN, Value::Null, 200).await;
    sent_once_more(judge, &stream).await;
    judge.call("get", "/v1/keys", ADMIN, Value::Null, 200).await;
    judge.call("post", "/v1/keys/rotate", ADMIN, json!({"alg": "RS256"}), 200).await;
    judge.call("post", "/v1/keys/rotate", ADMIN, json!({"alg": "ES512"}), 404).await;
    judge.call("get", "/v1/received?after=3", ADMIN, Value::Null, 200).await;
    judge.call("get", "/v1/received?after=x", ADMIN, Value::Null, 400).await;
    judge.call("get", "/v1/transmitters", ADMIN, Value::Null, 200).await;
    judge.call("delete", &format!("/ssf/streams?stream_id={id}"), ACME, Value::Null, 204).await;
}

async fn sent_once_more(judge: &Judge, stream: &str) {
    let (letters, redrive, replay) =
        (format!("{stream}/dead-letters"), format!("{stream}/redrive"), format!("{stream}/replay"));
    judge.call("get", &format!("{letters}/7"), ADMIN, Value::Null, 404).await;
    judge.call("delete", &format!("{letters}?ids=7,8&dry_run=true"), ADMIN, Value::Null, 200).await;
    judge.call("delete", &letters, ADMIN, Value::Null, 400).await;
    let some = json!({"ids": ["7", 8], "type": "caep:session-revoked", "before": 9, "after": 7,
        "reason_contains": "x", "dry_run": true});
    judge.call("post", &redrive, ADMIN, some, 200).await;
    judge.call("post", &redrive, ADMIN, json!({}), 202).await;
    judge.call("post", &redrive, ADMIN, json!({"id": 7}), 400).await;
    let subject = json!({"format": "email", "email": "alice@example.com"});
    let some = json!({"from_seq": 1, "to_seq": "9", "from": 5, "to": 7, "type": "caep:session-revoked",
        "subject": subject, "dry_run": true});
    judge.call("post", &replay, ADMIN, some, 200).await;
    judge.call("post", &replay, ADMIN, json!({"seq": 7}), 400).await;
    judge.call("get", &replay, ADMIN, Value::Null, 200).await;
    judge.call("delete", &replay, ADMIN, Value::Null, 404).await;
    // What is settled can be sent again.
    let poll = stream.replace("/v1/streams/", "/ssf/poll/");
    let now = json!({"returnImmediately": true});
    let sets = judge.call("post", &poll, ACME, now.clone(), 200).await;
    let names: Vec<_> = sets["sets"].as_object().unwrap().keys().cloned().collect();
    judge.call("post", &poll, ACME, json!({"returnImmediately": true, "ack": names}), 200).await;
    judge.call("post", &replay, ADMIN, json!({}), 202).await;
    judge.call("post", &replay, ADMIN, json!({}), 409).await;
    judge.call("get", &replay, ADMIN, Value::Null, 200).await;
    judge.call("delete", &replay, ADMIN, Value::Null, 200).await;
}
