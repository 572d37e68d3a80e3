//! The file of a store and what lies beside it: who may have it open, who may read it, how it is opened.

use std::{
    fs::{File, TryLockError},
    path::Path,
    time::Duration,
};

use rusqlite::Connection;
use secevent_ssf::store::StoreError;
use tracing::warn;

use super::failed;

pub(in crate::store) fn lock(path: &Path) -> Result<File, StoreError> {
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
pub(in crate::store) fn make_private(path: &Path) -> Result<(), StoreError> {
    let mut file = File::options();
    file.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    match file.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(StoreError::Failed(format!("{}: {error}", path.display())))
        }
        _ => {
            if let Some(mode) = mode_for_others(path) {
                let file = path.display();
                warn!("{file} has mode {mode:o} and holds the signing keys: chmod 600 {file}");
            }
            Ok(())
        }
    }
}

pub(in crate::store) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let open = || {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // A commit has returned only when the disk has it.
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16000;",
        )?;
        connection.set_prepared_statement_cache_capacity(32);
        Ok(connection)
    };
    open().map_err(|error: rusqlite::Error| match failed(error) {
        StoreError::Failed(why) => StoreError::Failed(format!("{}: {why}", path.display())),
        full => full,
    })
}

/// How long a connection waits for another one. The hub's own do not wait for each other; whoever opens the file
/// with other tools is short.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes that the disk of a file has left for it.
#[cfg(unix)]
pub(crate) fn free_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder_of(path)).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

#[cfg(not(unix))]
pub(crate) fn free_bytes(_path: &Path) -> Option<u64> {
    None
}

/// The folder that a file is in.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// The mode of a file that others than its owner may read or write; `None` when none may, or there is no file.
#[cfg(unix)]
pub(crate) fn mode_for_others(path: &Path) -> Option<u32> {
    let metadata = std::fs::metadata(path).ok()?;
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
pub(crate) fn mode_for_others(_path: &Path) -> Option<u32> {
    None
}
