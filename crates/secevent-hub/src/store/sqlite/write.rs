//! What is written, and in what shape.

use rusqlite::{Connection, OptionalExtension as _, Transaction};
use secevent::Timestamp;
use secevent_ssf::{
    Seq, ascending,
    engine::Cursor,
    interest::SubjectName,
    store::{Batch, NewEvent, Retention, Write},
};
use serde::Serialize;

pub(super) fn commit(connection: &mut Connection, batch: &Batch) -> rusqlite::Result<Seq> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let first = Seq(super::read::head(&transaction)?.0 + 1);
    let mut at = if batch.events.is_empty() { i64::MIN } else { latest(&transaction)? };
    for (seq, event) in (first.0..).map(Seq).zip(&batch.events) {
        at = at.max(event.event.iat.0);
        append(&transaction, (seq, at), event)?;
    }
    for item in &batch.writes {
        write(&transaction, item, first)?;
    }
    transaction.commit()?;
    Ok(first)
}

/// The time that the last event of the log is forgotten by.
fn latest(transaction: &Transaction<'_>) -> rusqlite::Result<i64> {
    let last = transaction
        .prepare_cached("SELECT iat FROM event ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(last.unwrap_or(i64::MIN))
}

fn append(transaction: &Transaction<'_>, (seq, at): (Seq, i64), event: &NewEvent) -> rusqlite::Result<()> {
    let streams = ascending::to_bytes(event.streams.iter().map(|no| u64::from(no.0)));
    transaction
        .prepare_cached("INSERT INTO route (seq, subject, streams) VALUES (?1, ?2, ?3)")?
        .execute((number(seq.0), event.subject.0.cast_signed(), streams))?;
    transaction.prepare_cached("INSERT INTO event (seq, iat, body) VALUES (?1, ?2, ?3)")?.execute((
        number(seq.0),
        at,
        json(&event.event)?,
    ))?;
    Ok(())
}

fn write(transaction: &Transaction<'_>, item: &Write, first: Seq) -> rusqlite::Result<usize> {
    match item {
        Write::Stream(record) => {
            transaction.execute(
                "UPDATE origin SET last_stream = max(last_stream, ?1), last_audience = max(last_audience, ?2)",
                (record.no.0, record.audience.0),
            )?;
            transaction
                .prepare_cached(
                    "INSERT INTO stream (no, record, cursor) VALUES (?1, ?2, ?3)
                     ON CONFLICT (no) DO UPDATE SET record = excluded.record",
                )?
                .execute((record.no.0, json(record.as_ref())?, Cursor::default().to_bytes()))
        }
        Write::DropStream(no) => {
            transaction.execute("DELETE FROM dead_letter WHERE stream = ?1", [no.0])?;
            transaction.execute("DELETE FROM wish WHERE stream = ?1", [no.0])?;
            transaction.execute("DELETE FROM replay WHERE stream = ?1", [no.0])?;
            transaction.execute("DELETE FROM stream WHERE no = ?1", [no.0])
        }
        Write::Wish(wish) => transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO wish (stream, name, body) SELECT no, ?2, ?3 FROM stream WHERE no = ?1",
            )?
            .execute((wish.stream.0, SubjectName::of(&wish.subject).0, json(wish.as_ref())?)),
        Write::DropWish(no, name) => transaction
            .prepare_cached("DELETE FROM wish WHERE stream = ?1 AND name = ?2")?
            .execute((no.0, name.0)),
        Write::Cursor(no, cursor) => transaction
            .prepare_cached("UPDATE stream SET cursor = ?2 WHERE no = ?1")?
            .execute((no.0, cursor.to_bytes())),
        Write::Replay(no, Some(replay)) => transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO replay (stream, body) SELECT no, ?2 FROM stream WHERE no = ?1",
            )?
            .execute((no.0, json(replay.as_ref())?)),
        Write::Replay(no, None) => transaction.execute("DELETE FROM replay WHERE stream = ?1", [no.0]),
        // The event that an earlier letter of the same place has stays: the log may have forgotten it.
        Write::DeadLetter(letter) => transaction
            .prepare_cached(
                "INSERT INTO dead_letter (stream, seq, reason, at, many, body)
                 SELECT no, ?2, ?3, ?4, ?5, (SELECT body FROM event WHERE seq = ?2 AND ?5 IS NULL)
                 FROM stream WHERE no = ?1
                 ON CONFLICT (stream, seq) DO UPDATE SET reason = excluded.reason, at = excluded.at,
                     many = excluded.many, body = coalesce(excluded.body, body)",
            )?
            .execute((
                letter.stream.0,
                number(letter.seq.0),
                &letter.reason,
                letter.at.0,
                letter.many.map(number),
            )),
        Write::DropDeadLetter(no, seq) => transaction
            .prepare_cached("DELETE FROM dead_letter WHERE stream = ?1 AND seq = ?2")?
            .execute((no.0, number(seq.0))),
        Write::Received(set) => transaction
            .prepare_cached(
                "INSERT OR IGNORE INTO received (transmitter, iss, jti, token, at) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute((&set.transmitter, &set.iss, &set.jti, &set.set, set.at.0)),
        Write::Answer(answer) => transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO answer (key, body, first, streams, at) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute((
                &answer.key,
                answer.body.as_slice(),
                number(first.0 + answer.first.0),
                json(&answer.streams)?,
                answer.at.0,
            )),
        Write::Key(key) => transaction.execute(
            "INSERT OR REPLACE INTO signing_key (kid, jwk, created_at, signs_from, withdrawn_at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            (&key.kid, &key.jwk, key.created_at.0, key.signs_from.0, key.withdrawn_at.map(|at| at.0)),
        ),
        Write::DropKey(kid) => transaction.execute("DELETE FROM signing_key WHERE kid = ?1", [kid]),
        other => Err(to_sql(format!("this store cannot write {other:?}"))),
    }
}

pub(super) fn prune(connection: &mut Connection, retention: &Retention) -> rusqlite::Result<usize> {
    let Retention { settled, rows_max, .. } = *retention;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let mut left = rows_max;
    // The last one stays, here and of what was received: it is what the next number is counted from.
    let last = super::read::head(&transaction)?.0.saturating_sub(1);
    let events = oldest(
        &transaction,
        "SELECT seq, iat FROM event WHERE seq <= ?1 ORDER BY seq LIMIT ?2",
        (number(settled.0.min(last)), retention.events_before, left),
    )?;
    transaction.execute("DELETE FROM route WHERE seq <= ?1", [events])?;
    left -= transaction.execute("DELETE FROM event WHERE seq <= ?1", [events])?;
    let received = oldest(
        &transaction,
        "SELECT no, at FROM received WHERE no < (SELECT max(no) FROM received) AND no <= ?1 ORDER BY no LIMIT ?2",
        (i64::MAX, retention.received_before, left),
    )?;
    left -= transaction.execute("DELETE FROM received WHERE no <= ?1", [received])?;
    let answers = oldest(
        &transaction,
        "SELECT rowid, at FROM answer WHERE rowid <= ?1 ORDER BY rowid LIMIT ?2",
        (i64::MAX, retention.answers_before, left),
    )?;
    left -= transaction.execute("DELETE FROM answer WHERE rowid <= ?1", [answers])?;
    // Few beside the events, and by stream: all are looked at.
    left -= transaction.execute(
        "DELETE FROM dead_letter WHERE (stream, seq) IN (SELECT stream, seq FROM dead_letter WHERE at < ?1 LIMIT ?2)",
        (retention.dead_letters_before.0, number(left as u64)),
    )?;
    transaction.commit()?;
    Ok(rows_max - left)
}

/// The last of the oldest rows up to a number that are from before a time, of at most `max`; 0 when there is none.
/// Rows come in the order of time, so that no more are looked at than go.
fn oldest(
    transaction: &Transaction<'_>,
    sql: &str,
    (through, before, max): (i64, Timestamp, usize),
) -> rusqlite::Result<i64> {
    let mut statement = transaction.prepare_cached(sql)?;
    let mut rows = statement.query((through, number(max as u64)))?;
    let mut last = 0;
    while let Some(row) = rows.next()? {
        if row.get::<_, i64>(1)? >= before.0 {
            break;
        }
        last = row.get(0)?;
    }
    Ok(last)
}

/// SQLite's integers are signed; places in the log stay far below that.
pub(super) fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn to_sql(why: String) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(why.into())
}
