//! What is read back.

use rusqlite::{Connection, OptionalExtension, Row, types::Type};
use secevent::Timestamp;
use secevent_ssf::{
    Entry, LoggedEvent, Seq, StreamNo, SubjectKey, ascending,
    engine::Cursor,
    store::{
        DeadLetter, IdempotentAnswer, KeyRecord, LogRow, NewEvent, Origin, Received, Routes, Snapshot,
        StreamRecord,
    },
};
use serde::de::DeserializeOwned;

use super::write::number;

/// The last place of the log.
pub(super) fn head(connection: &Connection) -> rusqlite::Result<Seq> {
    connection
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM route")?
        .query_row([], |row| Ok(Seq(unsigned(row, 0)?)))
}

pub(super) fn snapshot(connection: &Connection) -> rusqlite::Result<Snapshot> {
    let origin = "SELECT incarnation, sealing_key, last_stream, last_audience FROM origin";
    let (origin, last_stream, last_audience) = connection.query_row(origin, [], |row| {
        Ok((Origin { incarnation: row.get(0)?, sealing_key: row.get(1)? }, row.get(2)?, row.get(3)?))
    })?;
    let streams = connection
        .prepare("SELECT record, cursor FROM stream ORDER BY no")?
        .query_map([], |row| {
            let bytes: Vec<u8> = row.get(1)?;
            let cursor = Cursor::from_bytes(&bytes).ok_or_else(|| damaged(1, "a cursor is damaged"))?;
            Ok((json::<StreamRecord>(row, 0)?, cursor))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let wishes = connection
        .prepare("SELECT body FROM wish")?
        .query_map([], |row| json(row, 0))?
        .collect::<rusqlite::Result<_>>()?;
    let replays = connection
        .prepare("SELECT stream, body FROM replay")?
        .query_map([], |row| Ok((StreamNo(row.get(0)?), json(row, 1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let (head, keys) = (head(connection)?, keys(connection)?);
    Ok(Snapshot { origin, head, last_stream, last_audience, streams, replays, wishes, keys })
}

/// Signing keys, oldest first.
pub(super) fn keys(connection: &Connection) -> rusqlite::Result<Vec<KeyRecord>> {
    connection
        .prepare(
            "SELECT kid, jwk, created_at, signs_from, withdrawn_at FROM signing_key ORDER BY created_at, kid",
        )?
        .query_map([], |row| {
            Ok(KeyRecord {
                kid: row.get(0)?,
                jwk: row.get(1)?,
                created_at: Timestamp(row.get(2)?),
                signs_from: Timestamp(row.get(3)?),
                withdrawn_at: row.get::<_, Option<i64>>(4)?.map(Timestamp),
            })
        })?
        .collect()
}

pub(super) fn event(connection: &Connection, seq: Seq) -> rusqlite::Result<Option<LogRow>> {
    connection
        .prepare_cached("SELECT subject, streams, body FROM event JOIN route USING (seq) WHERE seq = ?1")?
        .query_row([number(seq.0)], |row| {
            let event = json::<LoggedEvent>(row, 2)?;
            Ok(LogRow {
                seq,
                event: NewEvent { event, subject: subject(row, 0)?, streams: streams(row, 1)? },
            })
        })
        .optional()
}

pub(super) fn routes(
    connection: &Connection,
    stream: StreamNo,
    after: Seq,
    limit: usize,
) -> rusqlite::Result<Routes> {
    // Asked first: what is committed while the log is read is found by the next reading.
    let head = head(connection)?;
    let mut statement = connection
        .prepare_cached("SELECT seq, subject, streams FROM route WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
    let mut rows = statement.query((number(after.0), number(limit as u64)))?;
    let mut routes = Routes { entries: Vec::new(), through: after };
    let mut read = 0;
    while let Some(row) = rows.next()? {
        read += 1;
        routes.through = Seq(unsigned(row, 0)?);
        if streams(row, 2)?.binary_search(&stream).is_ok() {
            routes.entries.push(Entry { seq: routes.through, subject: subject(row, 1)? });
        }
    }
    if read < limit {
        routes.through = routes.through.max(head);
    }
    Ok(routes)
}

/// A search by halves: the times of the log only rise (`5_times_rise.sql`).
pub(super) fn last_before(connection: &Connection, before: Timestamp) -> rusqlite::Result<Option<Seq>> {
    let ends = "SELECT coalesce((SELECT min(seq) FROM event), 1), coalesce((SELECT max(seq) FROM event), 0)";
    let (first, last): (i64, i64) = connection.query_row(ends, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut statement =
        connection.prepare_cached("SELECT seq, iat FROM event WHERE seq >= ?1 ORDER BY seq LIMIT 1")?;
    let (mut old, mut young) = (first - 1, last + 1);
    while old + 1 < young {
        let middle = old + (young - old) / 2;
        let found: (i64, i64) = statement.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?)))?;
        match found {
            (seq, at) if seq < young && at < before.0 => old = seq,
            _ => young = middle,
        }
    }
    Ok(u64::try_from(old).ok().filter(|_| old >= first).map(Seq))
}

/// Pages that were given back do not count: they are used again before the file grows.
pub(super) fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let number = |pragma: &str| connection.query_row(pragma, [], |row| unsigned(row, 0));
    let pages = number("PRAGMA page_count")?.saturating_sub(number("PRAGMA freelist_count")?);
    Ok(pages * number("PRAGMA page_size")?)
}

pub(super) fn dead_letters(
    connection: &Connection,
    stream: StreamNo,
    after: Seq,
    limit: usize,
) -> rusqlite::Result<Vec<DeadLetter>> {
    connection
        .prepare_cached(
            "SELECT seq, reason, at, many, body FROM dead_letter
             WHERE stream = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
        )?
        .query_map((stream.0, number(after.0), number(limit as u64)), |row| {
            Ok(DeadLetter {
                stream,
                seq: Seq(unsigned(row, 0)?),
                reason: row.get(1)?,
                at: Timestamp(row.get(2)?),
                many: row.get::<_, Option<i64>>(3)?.map(i64::cast_unsigned),
                event: row.get_ref(4)?.as_str_or_null()?.map(|_| json(row, 4)).transpose()?,
            })
        })?
        .collect()
}

pub(super) fn received(
    connection: &Connection,
    transmitter: Option<&str>,
    after: u64,
    limit: usize,
) -> rusqlite::Result<Vec<Received>> {
    connection
        .prepare_cached(
            "SELECT no, transmitter, iss, jti, token, at FROM received
             WHERE no > ?1 AND (?2 IS NULL OR transmitter = ?2) ORDER BY no LIMIT ?3",
        )?
        .query_map((number(after), transmitter, number(limit as u64)), received_row)?
        .collect()
}

pub(super) fn received_as(connection: &Connection, iss: &str, jti: &str) -> rusqlite::Result<Received> {
    connection
        .prepare_cached(
            "SELECT no, transmitter, iss, jti, token, at FROM received WHERE iss = ?1 AND jti = ?2",
        )?
        .query_row((iss, jti), received_row)
}

fn received_row(row: &Row<'_>) -> rusqlite::Result<Received> {
    Ok(Received {
        no: unsigned(row, 0)?,
        transmitter: row.get(1)?,
        iss: row.get(2)?,
        jti: row.get(3)?,
        set: row.get(4)?,
        at: Timestamp(row.get(5)?),
    })
}

pub(super) fn answer(connection: &Connection, key: &str) -> rusqlite::Result<IdempotentAnswer> {
    connection.prepare_cached("SELECT body, first, streams, at FROM answer WHERE key = ?1")?.query_row(
        [key],
        |row| {
            Ok(IdempotentAnswer {
                key: key.to_owned(),
                body: row.get(0)?,
                first: Seq(unsigned(row, 1)?),
                streams: json(row, 2)?,
                at: Timestamp(row.get(3)?),
            })
        },
    )
}

pub(super) fn unsigned(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    u64::try_from(row.get::<_, i64>(index)?).map_err(|_| damaged(index, "a number is negative"))
}

fn subject(row: &Row<'_>, index: usize) -> rusqlite::Result<SubjectKey> {
    Ok(SubjectKey(row.get::<_, i64>(index)?.cast_unsigned()))
}

pub(super) fn streams(row: &Row<'_>, index: usize) -> rusqlite::Result<Vec<StreamNo>> {
    let numbers = ascending::from_bytes(row.get_ref(index)?.as_bytes()?);
    let numbers = numbers.ok_or_else(|| damaged(index, "a list of streams is damaged"))?;
    let stream =
        |no: u64| u32::try_from(no).map(StreamNo).map_err(|_| damaged(index, "a stream number is too large"));
    numbers.into_iter().map(stream).collect()
}

fn json<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(index)?.as_str()?;
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error)))
}

fn damaged(index: usize, what: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, Type::Blob, what.into())
}
