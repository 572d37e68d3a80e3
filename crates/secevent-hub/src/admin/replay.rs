//! `/v1/streams/{id}/replay`: send a part of the log to one stream once more, see how far that is, end it.

use axum::{
    Json,
    extract::{Request, State},
};
use http::StatusCode;
use secevent::{SubjectId, Timestamp};
use secevent_http::router::Problem;
use secevent_ssf::{Seq, SubjectKey, store::Source};
use serde_json::{Value, json};

use super::{
    members::{Members, refused},
    streams::find,
    unreadable,
    url::Path,
};
use crate::{Hub, audit, stream::Stream, transmitter::to_its_end};

pub(super) async fn start(
    State(hub): State<Hub>,
    Path(id): Path<String>,
    request: Request,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let stream = find(&hub, &id)?;
    let mut members = Members::of(&hub, request).await?;
    let filter = words(&members);
    let places = places(&hub, &stream, &mut members).await?;
    let source = Source::Log { event_type: members.event_type()?, subject: subject(&mut members)? };
    let dry_run = members.flag("dry_run")?;
    members.none_left(&[NAMES.as_slice(), &["dry_run"]].concat().join(", "))?;
    let found = to_its_end(async move { hub.replay(&stream, source, places, dry_run).await }).await?;
    if !dry_run {
        audit::changed("replay", Some(&id), Some(found.count), Some(&filter));
    }
    let answer = json!({"count": found.count, "dry_run": dry_run});
    Ok((if dry_run { StatusCode::OK } else { StatusCode::ACCEPTED }, Json(answer)))
}

pub(super) async fn show(State(hub): State<Hub>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    let progress = find(&hub, &id)?.progress();
    Ok(Json(progress.map_or_else(|| json!({"state": "none"}), |progress| json!(progress))))
}

pub(super) async fn cancel(State(hub): State<Hub>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    let stream = find(&hub, &id)?;
    let ended = to_its_end(async move { hub.cancel_replay(&stream).await }).await?;
    audit::changed("cancel replay", Some(&id), Some(ended.count.saturating_sub(ended.done)), None);
    Ok(Json(json!(ended)))
}

/// What narrows a replay.
const NAMES: [&str; 7] = ["from_seq", "to_seq", "from", "to", "jti", "type", "subject"];

/// For the audit log: whom it is about is left out, and so is the name of a SET.
fn words(members: &Members) -> String {
    let given = NAMES.iter().filter_map(|name| {
        let value = members.peek(name)?;
        let value = if ["subject", "jti"].contains(name) { &json!("given") } else { value };
        Some(format!("{name}: {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
    });
    let given: Vec<_> = given.collect();
    if given.is_empty() { "all".to_owned() } else { given.join(", ") }
}

/// After which place and up to which: what every condition allows.
async fn places(hub: &Hub, stream: &Stream, members: &mut Members) -> Result<(Seq, Seq), Problem> {
    let (mut after, mut through) = (Seq(0), hub.0.writer.head());
    if let Some(from) = members.seq("from_seq")? {
        after = Seq(from.0.saturating_sub(1));
    }
    if let Some(to) = members.seq("to_seq")? {
        through = through.min(to);
    }
    if let Some(from) = members.time("from")? {
        after = after.max(hub.last_before(from).await.map_err(unreadable)?);
    }
    if let Some(Timestamp(to)) = members.time("to")? {
        let to = Timestamp(to.saturating_add(1));
        through = through.min(hub.last_before(to).await.map_err(unreadable)?);
    }
    if let Some(jti) = members.text("jti")? {
        let audience = stream.record().audience;
        let place = hub.0.jti.open(&jti).filter(|(_, of)| *of == audience);
        let (seq, _) = place.ok_or_else(|| refused("/jti: give one of a SET of this stream"))?;
        after = after.max(Seq(seq.0.saturating_sub(1)));
        through = through.min(seq);
    }
    Ok((after, through))
}

fn subject(members: &mut Members) -> Result<Option<SubjectKey>, Problem> {
    let Some(subject) = members.value("subject") else { return Ok(None) };
    let subject: SubjectId =
        serde_json::from_value(subject).map_err(|error| refused(format!("/subject: {error}")))?;
    Ok(Some(SubjectKey::of(&subject)))
}
