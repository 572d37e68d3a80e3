//! A look at every table: does it say what the others say?

use std::{collections::BTreeMap, path::Path};

use rusqlite::{Connection, ErrorCode, Row};
use secevent::Timestamp;
use secevent_ssf::{
    StreamNo,
    engine::Cursor,
    store::{KeyRecord, StoreError, StreamRecord},
};

use super::{
    copy::{beside, open_to_read},
    failed, read, schema,
    write::number,
};
use crate::doctor::{Finding, Report, Waiting};

/// Examines what is in a store, which a hub may have open. The keys come along for whoever can judge them, if they can
/// be read as they are today.
pub(crate) fn inspect(path: &Path) -> Result<(Report, Option<Vec<KeyRecord>>), StoreError> {
    let opened = open_to_read(path)?;
    // All of it as of one moment.
    let reading = opened.unchecked_transaction().map_err(failed)?;
    let mut look = Look { db: &reading, streams: BTreeMap::new(), report: Report::default() };
    look.report.file_bytes =
        ["", "-wal"].iter().filter_map(|log| beside(path, log).metadata().ok()).map(|m| m.len()).sum();
    look.report.schema_today = schema::TODAY;
    let keys = look.everything(path)?;
    Ok((look.report, keys))
}

struct Look<'a> {
    db: &'a Connection,
    streams: BTreeMap<StreamNo, Known>,
    report: Report,
}

/// What is known of a stream that can be read.
struct Known {
    record: StreamRecord,
    cursor: Cursor,
    /// Events that wait for it.
    waiting: u64,
}

/// Words of SQLite about a damaged file; the first ones say enough.
const COMPLAINTS_MAX: usize = 5;

/// Streams of which is told how many events wait.
const WAITING_MAX: usize = 10;

const RESTORE: &str = "restore a backup: secevent restore FILE --data DIR";

impl Look<'_> {
    fn everything(&mut self, path: &Path) -> Result<Option<Vec<KeyRecord>>, StoreError> {
        if !self.check("integrity", Self::integrity)? || !self.check("schema", Self::schema)? {
            return Ok(None);
        }
        if self.report.schema > schema::TODAY {
            let what = format!(
                "{} has schema {}, this program knows {}",
                path.display(),
                self.report.schema,
                schema::TODAY
            );
            let mend = "use the newer program";
            self.report.findings.push(Finding::fatal(
                "schema",
                what,
                "It was written by a newer program.",
                mend,
            ));
            return Ok(None);
        }
        if self.report.schema == 0 {
            let (what, why) = (format!("{} is empty", path.display()), "No hub has written to it.");
            self.report.findings.push(Finding::fatal("schema", what, why, RESTORE));
            return Ok(None);
        }
        if self.report.schema < schema::TODAY {
            // Tables of old are read by the program that wrote them, or once a hub has brought them up to date.
            return Ok(None);
        }
        self.check("origin", Self::origin)?;
        self.check("streams", Self::streams)?;
        self.check("log", Self::log)?;
        self.check("cursors", Self::cursors)?;
        self.check("strays", Self::strays)?;
        self.check("cursors", Self::waiting)?;
        let mut keys = None;
        self.check("keys", |look| {
            keys = Some(read::keys(look.db)?);
            Ok(())
        })?;
        Ok(keys)
    }

    /// Runs a check. What cannot be read is a finding, unless that says nothing about the file. Answers whether it went
    /// to its end.
    fn check(
        &mut self,
        name: &'static str,
        check: impl FnOnce(&mut Self) -> rusqlite::Result<()>,
    ) -> Result<bool, StoreError> {
        let Err(error) = check(self) else { return Ok(true) };
        let elsewhere = [
            ErrorCode::CannotOpen,
            ErrorCode::DatabaseBusy,
            ErrorCode::DatabaseLocked,
            ErrorCode::OutOfMemory,
            ErrorCode::PermissionDenied,
            ErrorCode::SystemIoFailure,
        ];
        if error.sqlite_error_code().is_some_and(|code| elsewhere.contains(&code)) {
            return Err(failed(error));
        }
        let what = format!("this could not be read to its end: {error}");
        self.fatal(name, what, "The file is damaged; a hub that reads this ends.");
        Ok(false)
    }

    fn fatal(&mut self, check: &'static str, what: impl Into<String>, why: &'static str) {
        self.report.findings.push(Finding::fatal(check, what, why, RESTORE));
    }

    fn integrity(&mut self) -> rusqlite::Result<()> {
        let pragma = format!("PRAGMA integrity_check({COMPLAINTS_MAX})");
        let complaints: Vec<String> = self.all(&pragma, |row| row.get(0))?;
        if complaints != ["ok"] {
            let what = format!("SQLite finds the file damaged: {}", complaints.join("; "));
            self.fatal(
                "integrity",
                what,
                "What a damaged page held may be lost, and a hub that reads it ends.",
            );
        }
        Ok(())
    }

    fn schema(&mut self) -> rusqlite::Result<()> {
        self.report.schema = self.count("PRAGMA user_version")?.try_into().unwrap_or(usize::MAX);
        self.report.used_bytes = read::used_bytes(self.db)?;
        Ok(())
    }

    fn origin(&mut self) -> rusqlite::Result<()> {
        let rows = self.all("SELECT length(sealing_key), copied FROM origin", |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?))
        })?;
        match *rows {
            [(16, copied)] => self.report.copied = copied,
            [_] => self.fatal("origin", "the sealing key has not 16 bytes", "No `jti` can be made or read."),
            _ => {
                let what = format!("there are {} rows that say who the store is, not one", rows.len());
                self.fatal("origin", what, "No `jti` can be made or read.");
            }
        }
        Ok(())
    }

    fn streams(&mut self) -> rusqlite::Result<()> {
        let rows = self.all("SELECT no, record, cursor FROM stream ORDER BY no", |row| {
            Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?, row.get::<_, Vec<u8>>(2)?))
        })?;
        self.report.streams = rows.len();
        for (no, record, cursor) in rows {
            let record = match serde_json::from_str::<StreamRecord>(&record) {
                Ok(record) if record.no == StreamNo(no) => record,
                Ok(_) => {
                    self.fatal(
                        "streams",
                        format!("stream {no} has the record of another"),
                        "A hub mixes them up.",
                    );
                    continue;
                }
                // Its words would quote the record, and a token with it.
                Err(error) => {
                    let what =
                        format!("the record of stream {no} cannot be read (column {})", error.column());
                    self.fatal("streams", what, "A hub does not start on it.");
                    continue;
                }
            };
            match Cursor::from_bytes(&cursor) {
                Some(cursor) => {
                    let waiting = cursor.open.len() as u64;
                    self.streams.insert(record.no, Known { record, cursor, waiting });
                }
                None => self.fatal(
                    "cursors",
                    format!("the cursor of stream {no} cannot be read"),
                    "A hub does not start on it.",
                ),
            }
        }
        Ok(())
    }

    fn log(&mut self) -> rusqlite::Result<()> {
        let end = |order: &str| -> rusqlite::Result<Option<(u64, Timestamp)>> {
            let sql = format!("SELECT seq, iat FROM event ORDER BY seq {order} LIMIT 1");
            let place = |row: &Row<'_>| Ok((read::unsigned(row, 0)?, Timestamp(row.get(1)?)));
            Ok(self.all(&sql, place)?.pop())
        };
        let (oldest, newest) = (end("ASC")?, end("DESC")?);
        (self.report.oldest, self.report.oldest_at) = oldest.unzip();
        (self.report.newest, self.report.newest_at) = newest.unzip();
        let lacking = [
            ("event", "route", "An event without a destination is delivered to nobody."),
            ("route", "event", "An event that is lost is passed over."),
        ];
        for (one, other, why) in lacking {
            let sql =
                format!("SELECT count(*), min(seq) FROM {one} WHERE seq NOT IN (SELECT seq FROM {other})");
            let (count, first) = self.db.query_row(&sql, [], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?.unwrap_or_default()))
            })?;
            if count > 0 {
                self.fatal(
                    "log",
                    format!("{count} places, the first is {first}, have no row in {other}"),
                    why,
                );
            }
        }
        let missing = self.count("SELECT coalesce(max(seq) - min(seq) + 1 - count(*), 0) FROM route")?;
        if missing > 0 {
            self.fatal(
                "log",
                format!("{missing} places are missing from the log"),
                "What stood there is lost.",
            );
        }
        Ok(())
    }

    fn cursors(&mut self) -> rusqlite::Result<()> {
        let head = read::head(self.db)?;
        let mut found = Vec::new();
        for (no, Known { record, cursor, .. }) in &self.streams {
            let id = &record.config.stream_id;
            if cursor.high > head {
                let what =
                    format!("the cursor of stream {id} is at {}, the log ends at {}", cursor.high.0, head.0);
                found.push((what, "Events that come until then would never be delivered to it."));
            }
            for seq in &cursor.open {
                let what = match read::event(self.db, *seq) {
                    Ok(Some(row)) if row.event.streams.contains(no) => continue,
                    Ok(Some(_)) => format!("event {} is open for stream {id} and not addressed to it", seq.0),
                    Ok(None) => format!("event {} is open for stream {id} and not in the log", seq.0),
                    Err(error) => format!("event {}, open for stream {id}, cannot be read: {error}", seq.0),
                };
                found.push((what, "It waits for this stream and can never be delivered."));
            }
            if let Some(seq) = record.notice.filter(|seq| !matches!(read::event(self.db, *seq), Ok(Some(_))))
            {
                let what = format!(
                    "stream {id} is to be told of its status by event {}, which cannot be read",
                    seq.0
                );
                found.push((what, "It is never told."));
            }
        }
        found.into_iter().for_each(|(what, why)| self.fatal("cursors", what, why));
        Ok(())
    }

    /// What belongs to nobody takes room and does no harm.
    fn strays(&mut self) -> rusqlite::Result<()> {
        let strays = [
            ("dead letters", "SELECT count(*) FROM dead_letter WHERE stream NOT IN (SELECT no FROM stream)"),
            (
                "wishes about subjects",
                "SELECT count(*) FROM wish WHERE stream NOT IN (SELECT no FROM stream)",
            ),
            (
                "answers to an `Idempotency-Key`",
                "SELECT count(*) FROM answer WHERE first > (SELECT coalesce(max(seq), 0) + 1 FROM route)",
            ),
        ];
        for (what, sql) in strays {
            let count = self.count(sql)?;
            if count > 0 {
                self.report.findings.push(Finding::warning(
                    "strays",
                    format!("{count} {what} belong to no stream or event there is"),
                    "They are never read, and tell that something wrote to the file that was no hub.",
                    "find out what did; to be rid of them, restore a backup",
                ));
            }
        }
        let sql = "SELECT count(*) FROM wish WHERE NOT json_valid(body)";
        let unreadable =
            self.count(sql)? + self.count("SELECT count(*) FROM answer WHERE NOT json_valid(streams)")?;
        if unreadable > 0 {
            let what = format!("{unreadable} wishes or answers cannot be read");
            self.fatal("strays", what, "A hub that reads one ends.");
        }
        Ok(())
    }

    /// One pass over what the stream that is farthest behind has not read.
    fn waiting(&mut self) -> rusqlite::Result<()> {
        let Some(low) = self.streams.values().map(|known| known.cursor.high).min() else { return Ok(()) };
        let mut routes = self.db.prepare("SELECT seq, streams FROM route WHERE seq > ?1 ORDER BY seq")?;
        let mut rows = routes.query([number(low.0)])?;
        while let Some(row) = rows.next()? {
            let seq = read::unsigned(row, 0)?;
            for no in read::streams(row, 1)? {
                if let Some(known) = self.streams.get_mut(&no).filter(|known| seq > known.cursor.high.0) {
                    known.waiting += 1;
                }
            }
        }
        let waiting =
            |known: Known| Waiting::new(known.record.config.stream_id, known.record.receiver, known.waiting);
        let mut all: Vec<_> = std::mem::take(&mut self.streams).into_values().map(waiting).collect();
        all.retain(|stream| stream.events > 0);
        all.sort_by_key(|stream| std::cmp::Reverse(stream.events));
        all.truncate(WAITING_MAX);
        self.report.waiting = all;
        Ok(())
    }

    fn count(&self, sql: &str) -> rusqlite::Result<u64> {
        self.db.query_row(sql, [], |row| read::unsigned(row, 0))
    }

    fn all<T>(
        &self,
        sql: &str,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        self.db.prepare(sql)?.query_map([], read)?.collect()
    }
}
