//! A look at every table: does it say what the others say?

mod log;
mod streams;

use std::{collections::BTreeMap, path::Path};

use rusqlite::{Connection, ErrorCode, Row};
use secevent_ssf::{
    StreamNo,
    engine::Cursor,
    store::{KeyRecord, StoreError, StreamRecord},
};

use super::{
    copy::{beside, open_to_read},
    failed, read, schema,
};
use crate::doctor::{Finding, Report};

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
