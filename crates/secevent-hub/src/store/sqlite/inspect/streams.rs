//! Streams and how far they have settled.

use secevent_ssf::{StreamNo, engine::Cursor, store::StreamRecord};

use super::{Known, Look};
use crate::{
    doctor::Waiting,
    store::sqlite::{read, write::number},
};

/// Streams of which is told how many events wait.
const WAITING_MAX: usize = 10;

impl Look<'_> {
    pub(super) fn streams(&mut self) -> rusqlite::Result<()> {
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

    pub(super) fn cursors(&mut self) -> rusqlite::Result<()> {
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
                    // Its words would quote the event.
                    Err(_) => format!("event {}, open for stream {id}, cannot be read", seq.0),
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
        for (what, why) in found {
            self.fatal("cursors", what, why);
        }
        Ok(())
    }

    /// One pass over what the stream that is farthest behind has not read.
    pub(super) fn waiting(&mut self) -> rusqlite::Result<()> {
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
}
