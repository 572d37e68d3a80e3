//! The log, and what points to it.

use rusqlite::Row;
use secevent::Timestamp;
use secevent_ssf::{interest::Wish, store::Replay};
use serde::de::DeserializeOwned;

use super::Look;
use crate::{doctor::Finding, store::sqlite::read};

impl Look<'_> {
    pub(super) fn log(&mut self) -> rusqlite::Result<()> {
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
        let unreadable = self.count("SELECT count(*) FROM event WHERE NOT json_valid(body)")?;
        if unreadable > 0 {
            self.fatal("log", format!("{unreadable} events cannot be read"), "A hub that delivers one ends.");
        }
        Ok(())
    }

    /// What belongs to nobody takes room and does no harm.
    pub(super) fn strays(&mut self) -> rusqlite::Result<()> {
        let strays = [
            ("dead letters", "SELECT count(*) FROM dead_letter WHERE stream NOT IN (SELECT no FROM stream)"),
            (
                "wishes about subjects",
                "SELECT count(*) FROM wish WHERE stream NOT IN (SELECT no FROM stream)",
            ),
            ("replays", "SELECT count(*) FROM replay WHERE stream NOT IN (SELECT no FROM stream)"),
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
        let wishes = self.unreadable::<Wish>("SELECT body FROM wish")?;
        let replays = self.unreadable::<Replay>("SELECT body FROM replay")?;
        let unreadable = wishes + replays + self.unreadable::<Vec<u64>>("SELECT streams FROM answer")?;
        if unreadable > 0 {
            let what = format!("{unreadable} wishes about subjects, replays or answers cannot be read");
            self.fatal("strays", what, "A hub does not start on a wish or a replay, and ends on an answer.");
        }
        Ok(())
    }

    /// How many texts are no such value.
    fn unreadable<T: DeserializeOwned>(&self, sql: &str) -> rusqlite::Result<usize> {
        let mut texts = self.db.prepare(sql)?;
        let mut rows = texts.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            count += usize::from(serde_json::from_str::<T>(row.get_ref(0)?.as_str()?).is_err());
        }
        Ok(count)
    }
}
