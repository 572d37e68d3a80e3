//! SQLite: one file, write-ahead log, synced on every commit. The default store.

mod copy;
mod file;
mod inspect;
mod read;
mod schema;
mod write;

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OptionalExtension, ffi};
use secevent::Timestamp;
use secevent_ssf::{
    Seq, StreamNo,
    store::{
        Batch, DeadLetter, IdempotentAnswer, LogRow, Origin, Received, Retention, Routes, Snapshot, Store,
        StoreError, Usage, Write,
    },
};

pub(crate) use copy::beside;
pub use copy::{OnProgress, Progress, back_up, restore};
pub(super) use file::{connect, lock, make_private};
pub(crate) use file::{free_bytes, mode_for_others};
pub(crate) use inspect::inspect;

/// A store in one SQLite file. One connection writes, another reads; neither waits for the other.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
    path: PathBuf,
    /// A private key was taken out and may still stand in the write-ahead log.
    key_in_log: AtomicBool,
    /// Held as long as the store is open: a second hub on the same file would hand out the same numbers.
    _lock: File,
}

impl SqliteStore {
    /// Opens a store, or makes it with this origin where there is none. A copy that is opened for the first time
    /// takes its incarnation from it.
    ///
    /// # Errors
    /// When the file is in use by another hub, cannot be read or written, is damaged, or was made by a newer program.
    pub fn open(path: &Path, origin: impl FnOnce() -> Origin) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        make_private(path)?;
        let mut writer = connect(path)?;
        schema::bring_up_to_date(&mut writer, path, origin)?;
        let reader = connect(path)?;
        let (writer, reader) = (Mutex::new(writer), Mutex::new(reader));
        Ok(Self { writer, reader, path: path.to_owned(), key_in_log: AtomicBool::new(false), _lock: lock })
    }

    /// Takes what was deleted out of the write-ahead log too. While somebody reads, as a backup does, it cannot be
    /// emptied; then it is tried again with retention.
    fn empty_log(&self, writer: &Connection) -> Result<(), StoreError> {
        writer.busy_timeout(Duration::ZERO).map_err(failed)?;
        let busy = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(failed);
        writer.busy_timeout(file::BUSY_TIMEOUT).map_err(failed)?;
        let later = match busy {
            Ok(busy) => busy,
            // The commit before it stands.
            Err(StoreError::Full(_)) => true,
            Err(error) => return Err(error),
        };
        self.key_in_log.store(later, Ordering::Release);
        Ok(())
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells a full disk, after which nothing was written, from everything after which the disk cannot be trusted.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
pub(super) fn failed(error: rusqlite::Error) -> StoreError {
    let full = matches!(error.sqlite_error_code(), Some(ErrorCode::DiskFull))
        || matches!(&error, rusqlite::Error::SqliteFailure(e, _) if e.extended_code == ffi::SQLITE_IOERR_SHMSIZE);
    // A page that the disk does not give back looks to SQLite like one that was written badly.
    let unsure = matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt));
    let next = if unsure { "; or the disk cannot be read: `secevent doctor` tells" } else { "" };
    let why = format!("{error}{next}");
    if full { StoreError::Full(why) } else { StoreError::Failed(why) }
}

impl Store for SqliteStore {
    fn load(&self) -> Result<Snapshot, StoreError> {
        read::snapshot(&self.reader()).map_err(failed)
    }

    fn commit(&self, batch: &Batch) -> Result<Seq, StoreError> {
        let mut writer = self.writer();
        let keys = batch.writes.iter().any(|write| matches!(write, Write::Key(_) | Write::DropKey(_)));
        if !keys {
            return write::commit(&mut writer, batch).map_err(failed);
        }
        // What a private key stood in is written over; for all else that would only be work.
        writer.pragma_update(None, "secure_delete", true).map_err(failed)?;
        let first = write::commit(&mut writer, batch);
        writer.pragma_update(None, "secure_delete", false).map_err(failed)?;
        let first = first.map_err(failed)?;
        self.empty_log(&writer)?;
        Ok(first)
    }

    fn events(&self, seqs: &[Seq]) -> Result<Vec<LogRow>, StoreError> {
        let reader = self.reader();
        let rows = seqs.iter().filter_map(|seq| read::event(&reader, *seq).transpose());
        rows.collect::<rusqlite::Result<_>>().map_err(failed)
    }

    fn routes(&self, stream: StreamNo, after: Seq, limit: usize) -> Result<Routes, StoreError> {
        read::routes(&self.reader(), stream, after, limit).map_err(failed)
    }

    fn last_before(&self, before: Timestamp) -> Result<Option<Seq>, StoreError> {
        read::last_before(&self.reader(), before).map_err(failed)
    }

    fn dead_letters(
        &self,
        stream: StreamNo,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        read::dead_letters(&self.reader(), stream, after, limit).map_err(failed)
    }

    fn received(
        &self,
        transmitter: Option<&str>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Received>, StoreError> {
        read::received(&self.reader(), transmitter, after, limit).map_err(failed)
    }

    fn received_as(&self, iss: &str, jti: &str) -> Result<Option<Received>, StoreError> {
        read::received_as(&self.reader(), iss, jti).optional().map_err(failed)
    }

    fn answer(&self, key: &str) -> Result<Option<IdempotentAnswer>, StoreError> {
        read::answer(&self.reader(), key).optional().map_err(failed)
    }

    fn prune(&self, retention: &Retention) -> Result<usize, StoreError> {
        let mut writer = self.writer();
        if self.key_in_log.load(Ordering::Acquire) {
            self.empty_log(&writer)?;
        }
        write::prune(&mut writer, retention).map_err(failed)
    }

    fn usage(&self) -> Result<Usage, StoreError> {
        let used_bytes = read::used_bytes(&self.writer()).map_err(failed)?;
        Ok(Usage { used_bytes, free_bytes: file::free_bytes(&self.path) })
    }
}
