//! `POST /v1/events` and `GET /v1/events/{id}`.

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use secevent::{EventType, SubjectId, Timestamp};
use secevent_http::router::{Problem, read_body};
use secevent_jose::json;
use secevent_ssf::{Seq, store::StoreError};
use serde_json::{Map, Value, json};

use crate::{
    AcceptError, Hub, NewSignal,
    accept::{Accepted, Idempotency},
    admin::{unreadable, url::Path},
    stream::Stream,
};

pub(super) async fn accept(State(hub): State<Hub>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let body = read_body(body, hub.0.settings.limits.body_bytes).await?;
    let signals = read(&parts.headers, &body)?;
    let idempotency = idempotency_key(&parts.headers)?.map(|key| {
        let body = secevent_jose::sha256(&body);
        Idempotency { key, body }
    });
    // In a task of its own: a producer that goes away and comes back with its key must find the first request
    // done, not cut off half-way.
    let accepting = tokio::spawn(async move { hub.accept(signals, idempotency).await });
    let accepted = accepting.await.map_err(|error| Problem::unavailable(error.to_string()))?;
    let accepted = accepted.map_err(|error| refused(&error))?;
    let one = |Accepted { id, streams }: &Accepted| json!({"id": id.0.to_string(), "streams": streams});
    let events: Vec<_> = accepted.iter().map(one).collect();
    Ok((StatusCode::ACCEPTED, Json(json!({"accepted": accepted.len(), "events": events}))).into_response())
}

/// Where an event went.
pub(super) async fn show(State(hub): State<Hub>, Path(id): Path<String>) -> Result<Response, Problem> {
    let seq = id.parse().map(Seq).map_err(|_| Problem::not_found("event"))?;
    let event = hub.event(seq).await.map_err(unreadable)?.ok_or_else(|| Problem::not_found("event"))?;
    let mut streams = Vec::new();
    for stream in event.streams.iter().filter_map(|no| hub.0.streams.by_no(*no)) {
        let state = state_of(&hub, &stream, seq).await.map_err(unreadable)?;
        streams.push(json!({"stream_id": stream.record().config.stream_id, "state": state}));
    }
    let said = &event.event;
    Ok(Json(json!({
        "id": id, "event": said.event_type.name(), "subject": said.subject, "txn": said.txn,
        "accepted_at": said.iat, "streams": streams,
    }))
    .into_response())
}

/// `settled`, `set-aside` or `pending`.
async fn state_of(hub: &Hub, stream: &Stream, seq: Seq) -> Result<&'static str, StoreError> {
    let waiting = {
        let work = stream.work();
        let pending = !work.queue.backlog().is_settled(seq);
        (pending, work.letters.iter().any(|letter| letter.seq == seq))
    };
    Ok(match waiting {
        (true, _) => "pending",
        (false, true) => "set-aside",
        (false, false) => {
            let no = stream.no;
            let letters = hub.read_store(move |store| store.dead_letters(no, Seq(seq.0 - 1), 1)).await?;
            if letters.first().is_some_and(|letter| letter.seq == seq) { "set-aside" } else { "settled" }
        }
    })
}

// RFC-to-be `Idempotency-Key`: any text, bounded.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    const KEY_BYTES_MAX: usize = 255;
    let mut keys = headers.get_all("idempotency-key").iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let fits = |key: &&str| (1..=KEY_BYTES_MAX).contains(&key.len());
    let key = key.to_str().ok().filter(fits).filter(|_| keys.next().is_none());
    let refused = || {
        let detail = format!("send one, of 1 to {KEY_BYTES_MAX} printable ASCII characters");
        Problem::new(400, "the Idempotency-Key cannot be used", detail)
    };
    key.map(|key| Some(key.to_owned())).ok_or_else(refused)
}

/// One event, an array of them, or one a line.
fn read(headers: &HeaderMap, body: &[u8]) -> Result<Vec<NewSignal>, Problem> {
    let field = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = field.split(';').next().unwrap_or_default().trim();
    let items = if NDJSON.iter().any(|name| media_type.eq_ignore_ascii_case(name)) {
        let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        lines.enumerate().map(|(index, line)| parse(line, index)).collect::<Result<_, _>>()?
    } else {
        match parse(body, 0)? {
            Value::Array(items) => items,
            one => vec![one],
        }
    };
    if items.is_empty() {
        return Err(Problem::new(
            400,
            "there is no event in the body",
            "send an event, an array or lines of them",
        ));
    }
    items.into_iter().enumerate().map(|(index, item)| signal(item, index)).collect()
}

/// The names under which lines of JSON go.
const NDJSON: [&str; 3] = ["application/x-ndjson", "application/ndjson", "application/jsonl"];

fn parse(text: &[u8], index: usize) -> Result<Value, Problem> {
    json::parse(text).map_err(|error| invalid(index, format!("{error}")))
}

/// The members of an event, as producers write it.
const MEMBERS: [&str; 6] = ["event", "subject", "claims", "txn", "toe", "stream"];

fn signal(item: Value, index: usize) -> Result<NewSignal, Problem> {
    let Value::Object(mut members) = item else { return Err(invalid(index, "it is no JSON object")) };
    if let Some(unknown) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        let detail = format!("/{unknown}: an event has the members {}", MEMBERS.join(", "));
        return Err(invalid(index, detail));
    }
    let name = text(&mut members, "event", index)?.ok_or_else(|| invalid(index, "/event: it is missing"))?;
    let event_type =
        EventType::from_name(&name).map_err(|error| invalid(index, format!("/event: {error}")))?;
    let subject = members.remove("subject").ok_or_else(|| invalid(index, "/subject: it is missing"))?;
    let subject: SubjectId =
        serde_json::from_value(subject).map_err(|error| invalid(index, format!("/subject: {error}")))?;
    let claims = match members.remove("claims") {
        None => Map::new(),
        Some(Value::Object(claims)) => claims,
        Some(_) => return Err(invalid(index, "/claims: give the payload as an object")),
    };
    let toe = match members.remove("toe") {
        None => None,
        Some(toe) => {
            Some(Timestamp(toe.as_i64().ok_or_else(|| invalid(index, "/toe: give seconds since 1970"))?))
        }
    };
    let (txn, stream) = (text(&mut members, "txn", index)?, text(&mut members, "stream", index)?);
    Ok(NewSignal { event_type, subject, claims, txn, toe, stream })
}

fn text(members: &mut Map<String, Value>, name: &str, index: usize) -> Result<Option<String>, Problem> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid(index, format!("/{name}: give a string"))),
    }
}

fn invalid(index: usize, detail: impl Into<String>) -> Problem {
    Problem::new(400, format!("event {index} cannot be taken; nothing was"), detail).with("index", index)
}

fn refused(error: &AcceptError) -> Problem {
    match error {
        AcceptError::Invalid { index, findings } => {
            let first = findings.first().map(ToString::to_string).unwrap_or_default();
            invalid(*index, first).with("findings", json!(findings))
        }
        AcceptError::NoStream { index, .. } => Problem::not_found("stream").with("index", *index),
        AcceptError::KeyReused => {
            Problem::new(422, error.to_string(), "use a fresh key, or repeat the same body")
        }
        AcceptError::Store(_) => Problem::unavailable(error.to_string()),
    }
}
