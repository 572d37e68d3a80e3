//! SQLite: one file, write-ahead log, synced on every commit. The default store.

mod read;
mod schema;
mod write;

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rusqlite::{Connection, ErrorCode, OptionalExtension, ffi};
use secevent::Timestamp;
use secevent_ssf::{
    Seq, StreamNo,
    store::{
        Batch, DeadLetter, IdempotentAnswer, LogRow, Origin, Received, Retention, Routes, Snapshot, Store,
        StoreError,
    },
};

/// A store in one SQLite file. One connection writes, another reads; neither waits for the other.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
    path: PathBuf,
    /// Held as long as the store is open: a second hub on the same file would hand out the same numbers.
    _lock: File,
}

impl SqliteStore {
    /// Opens a store, or makes it with this origin where there is none.
    ///
    /// # Errors
    /// When the file is in use by another hub, cannot be read or written, is damaged, or was made by a newer program.
    pub fn open(path: &Path, origin: impl FnOnce() -> Origin) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        make_private(path)?;
        let mut writer = connect(path)?;
        schema::bring_up_to_date(&mut writer, path, origin)?;
        let reader = connect(path)?;
        Ok(Self { writer: Mutex::new(writer), reader: Mutex::new(reader), path: path.into(), _lock: lock })
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    let lock_path = path.with_extension("lock");
    let at = |error: &dyn std::fmt::Display| StoreError::Failed(format!("{}: {error}", lock_path.display()));
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let lock = options.open(&lock_path).map_err(|error| at(&error))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            let holds = format!("it holds {}", lock_path.display());
            Err(StoreError::Failed(format!("another hub has this store open ({holds}); stop it first")))
        }
        Err(TryLockError::Error(error)) => Err(at(&error)),
    }
}

/// Makes the file for its owner's eyes only: signing keys are in it. What SQLite puts beside it gets the same mode.
/// Before any connection, since SQLite's own locks end when another handle of the file is closed.
pub(super) fn make_private(path: &Path) -> Result<(), StoreError> {
    let mut file = File::options();
    file.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    match file.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(StoreError::Failed(format!("{}: {error}", path.display())))
        }
        _ => Ok(()),
    }
}

pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let open = || {
        let connection = Connection::open(path)?;
        // A commit has returned only when the disk has it.
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; PRAGMA cache_size = -16000;",
        )?;
        connection.set_prepared_statement_cache_capacity(32);
        Ok(connection)
    };
    open().map_err(|error: rusqlite::Error| match failed(error) {
        StoreError::Failed(why) => StoreError::Failed(format!("{}: {why}", path.display())),
        full => full,
    })
}

/// Tells a full disk, after which nothing was written, from everything after which the disk cannot be trusted.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
pub(super) fn failed(error: rusqlite::Error) -> StoreError {
    let full = matches!(error.sqlite_error_code(), Some(ErrorCode::DiskFull))
        || matches!(&error, rusqlite::Error::SqliteFailure(e, _) if e.extended_code == ffi::SQLITE_IOERR_SHMSIZE);
    if full { StoreError::Full(error.to_string()) } else { StoreError::Failed(error.to_string()) }
}

impl Store for SqliteStore {
    fn load(&self) -> Result<Snapshot, StoreError> {
        read::snapshot(&self.reader()).map_err(failed)
    }

    fn commit(&self, batch: &Batch) -> Result<Seq, StoreError> {
        write::commit(&mut self.writer(), batch).map_err(failed)
    }

    fn events(&self, seqs: &[Seq]) -> Result<Vec<LogRow>, StoreError> {
        let reader = self.reader();
        let rows = seqs.iter().filter_map(|seq| read::event(&reader, *seq).transpose());
        rows.collect::<rusqlite::Result<_>>().map_err(failed)
    }

    fn routes(&self, stream: StreamNo, after: Seq, limit: usize) -> Result<Routes, StoreError> {
        read::routes(&self.reader(), stream, after, limit).map_err(failed)
    }

    fn last_before(&self, before: Timestamp, limit: usize) -> Result<Option<Seq>, StoreError> {
        read::last_before(&self.reader(), before, limit).map_err(failed)
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

    /// The file and its write-ahead log.
    fn bytes(&self) -> Option<u64> {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        let log = std::fs::metadata(log).map_or(0, |log| log.len());
        std::fs::metadata(&self.path).ok().map(|file| file.len() + log)
    }

    fn prune(&self, retention: &Retention) -> Result<usize, StoreError> {
        write::prune(&mut self.writer(), retention).map_err(failed)
    }
}
