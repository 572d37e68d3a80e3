//! `/v1/streams/{id}/dead-letters` and `/v1/streams/{id}/redrive`: look at what was set aside, send it once more, drop it.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Request, State},
};
use http::StatusCode;
use secevent_http::router::Problem;
use secevent_ssf::{
    Seq,
    store::{DeadLetter, Letters, StoreError},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    members::{Members, refused},
    streams::find,
    unreadable,
    url::{Path, Query},
};
use crate::{Hub, audit, stream::Stream, transmitter::to_its_end};

/// Letters of one answer; more are read with `after`.
const LETTERS_MAX: usize = 100;

#[derive(Deserialize)]
pub(super) struct Page {
    #[serde(default)]
    after: u64,
}

pub(super) async fn list(
    State(hub): State<Hub>,
    Path(id): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Problem> {
    let stream = find(&hub, &id)?;
    let letters = read(&hub, &stream, Seq(page.after), LETTERS_MAX).await.map_err(unreadable)?;
    let next = letters.last().filter(|_| letters.len() == LETTERS_MAX).map(|last| last.seq.0.to_string());
    let letters: Vec<_> = letters.iter().map(outline).collect();
    let mut answer = Map::from_iter([("dead_letters".to_owned(), letters.into())]);
    answer.extend(next.map(|next| ("next".to_owned(), next.into())));
    Ok(Json(answer.into()))
}

pub(super) async fn show(
    State(hub): State<Hub>,
    Path((id, seq)): Path<(String, u64)>,
) -> Result<Json<Value>, Problem> {
    let stream = find(&hub, &id)?;
    let before = Seq(seq.saturating_sub(1));
    let letters = read(&hub, &stream, before, 1).await.map_err(unreadable)?;
    let letter = letters.into_iter().find(|letter| letter.seq == Seq(seq));
    let letter = letter.ok_or_else(|| Problem::not_found("dead letter"))?;
    let mut shown = outline(&letter);
    if let Some(event) = &letter.event {
        let jti = hub.0.jti.mint(letter.seq, stream.record().audience);
        let whole = json!({"jti": jti, "subject": event.subject, "claims": event.payload,
            "toe": event.toe, "accepted_at": event.iat});
        if let (Some(shown), Value::Object(whole)) = (shown.as_object_mut(), whole) {
            shown.extend(whole);
        }
    }
    Ok(Json(shown))
}

/// Dead letters of a stream after a place, those that are not on disk yet as well.
async fn read(hub: &Hub, stream: &Stream, after: Seq, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
    // Memory first: what is written meanwhile is then seen twice rather than not at all.
    let (unwritten, taken) = {
        let work = stream.work();
        (work.letters.clone(), work.taken.clone())
    };
    let no = stream.no;
    let written = hub.read_store(move |store| store.dead_letters(no, after, limit)).await?;
    let written = written.into_iter().map(|letter| (letter.seq, letter));
    let mut letters: BTreeMap<_, _> = written.filter(|(seq, _)| !taken.contains(seq)).collect();
    for letter in unwritten.into_iter().filter(|letter| letter.seq > after) {
        let logged = if letter.many.is_none() { hub.event(letter.seq).await? } else { None };
        let kept = letters.remove(&letter.seq).and_then(|kept| kept.event);
        let event = logged.map(|logged| Box::new(logged.event.clone())).or(kept);
        letters.insert(letter.seq, DeadLetter { event, ..letter });
    }
    Ok(letters.into_values().take(limit).collect())
}

/// A letter without what its event says of whom.
fn outline(letter: &DeadLetter) -> Value {
    let event = letter.event.as_ref();
    json!({
        "id": letter.seq.0.to_string(), "reason": letter.reason, "at": letter.at, "many": letter.many,
        "event": event.map(|event| event.event_type.name()), "txn": event.map(|event| &event.txn),
    })
}

pub(super) async fn redrive(
    State(hub): State<Hub>,
    Path(id): Path<String>,
    request: Request,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let stream = find(&hub, &id)?;
    let mut members = Members::of(&hub, request).await?;
    let (wanted, dry_run) = (wanted(&mut members)?, members.flag("dry_run")?);
    members.none_left("ids, type, before, after, reason_contains, dry_run")?;
    let filter = words(&wanted);
    let found = to_its_end(async move { hub.redrive(&stream, wanted, dry_run).await }).await?;
    if !dry_run {
        audit::changed("redrive", Some(&id), Some(found.count), Some(&filter));
    }
    let answer = json!({"count": found.count, "left_out": found.left_out, "dry_run": dry_run});
    Ok((if dry_run { StatusCode::OK } else { StatusCode::ACCEPTED }, Json(answer)))
}

/// The filter is in the query, since not everything on the way carries the body of a DELETE: lost there, some would
/// become all.
pub(super) async fn drop_some(
    State(hub): State<Hub>,
    Path(id): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Json<Value>, Problem> {
    let stream: Arc<Stream> = find(&hub, &id)?;
    let mut members = Members::from(query);
    let (wanted, dry_run) = (wanted(&mut members)?, members.flag("dry_run")?);
    let all = members.flag("all")?;
    members.none_left("ids, type, before, after, reason_contains, all, dry_run")?;
    if all != (wanted == Letters::default()) {
        return Err(refused("say which letters: with a filter, or with all=true and none"));
    }
    let filter = words(&wanted);
    let dropping = async move { hub.drop_letters(&stream, &wanted, dry_run).await };
    let count = to_its_end(dropping).await?;
    if !dry_run {
        audit::changed("drop dead letters", Some(&id), Some(count), Some(&filter));
    }
    Ok(Json(json!({"count": count, "dry_run": dry_run})))
}

fn wanted(members: &mut Members) -> Result<Letters, Problem> {
    Ok(Letters {
        ids: members.seqs("ids")?,
        event_type: members.event_type()?,
        after: members.time("after")?,
        before: members.time("before")?,
        reason_contains: members.text("reason_contains")?.filter(|words| !words.is_empty()),
    })
}

/// For the audit log. Words that were looked for may name somebody, and are left out.
fn words(wanted: &Letters) -> String {
    let parts = [
        wanted.ids.as_ref().map(|ids| format!("ids: {} of them", ids.len())),
        wanted.event_type.as_ref().map(|event_type| format!("type: {}", event_type.name())),
        wanted.after.map(|after| format!("after: {}", after.0)),
        wanted.before.map(|before| format!("before: {}", before.0)),
        wanted.reason_contains.as_ref().map(|_| "reason_contains: given".to_owned()),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "all".to_owned() } else { parts.join(", ") }
}
