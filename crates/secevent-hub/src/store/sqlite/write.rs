//! What is written, and in what shape.

use rusqlite::{Connection, Transaction};
use secevent_ssf::{
    Seq, ascending,
    engine::Cursor,
    store::{Batch, NewEvent, Write},
};
use serde::Serialize;

pub(super) fn commit(connection: &mut Connection, batch: &Batch) -> rusqlite::Result<Seq> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let first = Seq(super::read::head(&transaction)?.0 + 1);
    for (seq, event) in (first.0..).map(Seq).zip(&batch.events) {
        append(&transaction, seq, event)?;
    }
    for item in &batch.writes {
        write(&transaction, item, first)?;
    }
    transaction.commit()?;
    Ok(first)
}

fn append(transaction: &Transaction<'_>, seq: Seq, event: &NewEvent) -> rusqlite::Result<()> {
    let streams = ascending::to_bytes(event.streams.iter().map(|no| u64::from(no.0)));
    transaction
        .prepare_cached("INSERT INTO route (seq, subject, streams) VALUES (?1, ?2, ?3)")?
        .execute((number(seq.0), event.subject.0.cast_signed(), streams))?;
    transaction.prepare_cached("INSERT INTO event (seq, iat, body) VALUES (?1, ?2, ?3)")?.execute((
        number(seq.0),
        event.event.iat.0,
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
            transaction.execute("DELETE FROM stream WHERE no = ?1", [no.0])
        }
        Write::Cursor(no, cursor) => transaction
            .prepare_cached("UPDATE stream SET cursor = ?2 WHERE no = ?1")?
            .execute((no.0, cursor.to_bytes())),
        Write::DeadLetter(letter) => transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO dead_letter (stream, seq, reason, at)
                 SELECT no, ?2, ?3, ?4 FROM stream WHERE no = ?1",
            )?
            .execute((letter.stream.0, number(letter.seq.0), &letter.reason, letter.at.0)),
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
            "INSERT OR REPLACE INTO signing_key (kid, jwk, state, created_at) VALUES (?1, ?2, ?3, ?4)",
            (&key.kid, &key.jwk, json(&key.state)?, key.created_at.0),
        ),
        other => Err(to_sql(format!("this store cannot write {other:?}"))),
    }
}

pub(super) fn prune(
    connection: &mut Connection,
    settled: Seq,
    events_before: i64,
    answers_before: i64,
) -> rusqlite::Result<usize> {
    let transaction = connection.transaction()?;
    // The last event stays: it is what the next number is counted from.
    let settled = number(settled.0.min(super::read::head(&transaction)?.0.saturating_sub(1)));
    let gone = "SELECT seq FROM event WHERE seq <= ?1 AND iat < ?2";
    transaction.execute(&format!("DELETE FROM route WHERE seq IN ({gone})"), (settled, events_before))?;
    let pruned =
        transaction.execute("DELETE FROM event WHERE seq <= ?1 AND iat < ?2", (settled, events_before))?;
    transaction.execute("DELETE FROM answer WHERE at < ?1", [answers_before])?;
    transaction.commit()?;
    Ok(pruned)
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
