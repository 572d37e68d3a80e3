//! Copies of a store: made while a hub has it open, and put in its place again.
//!
//! SQLite copies page by page, out of one read transaction: the hub goes on writing, and the copy is what was committed
//! when it began. Without that transaction every commit of the hub would make the copy begin again. `VACUUM INTO` would
//! give a smaller file, but says nothing of how far it is.

use std::{
    fs::{self, File},
    io,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use rusqlite::{
    Connection, ErrorCode, OpenFlags,
    backup::{Backup, StepResult},
    ffi,
};
use secevent_ssf::store::StoreError;

use super::{
    failed,
    file::{self, folder_of, lock, make_private},
    schema,
};

/// How far a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes that were copied.
    pub done: u64,
    /// Bytes there are.
    pub all: u64,
}

/// Is told how far a copy is, and says whether to go on.
pub type OnProgress<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;

/// Copied between two words about the progress: some milliseconds.
const PAGES_PER_STEP: i32 = 1024;

/// Stores that were moved aside, until somebody looks after them.
const ASIDE_MAX: usize = 1000;

/// Copies a store, which a hub may have open, into a file that is not there yet or empty. The copy has the schema of
/// today, is on disk when this returns, and is marked: whoever opens it as a store makes names of its own.
///
/// # Errors
/// When one of the files cannot be read or written, when `from` is no store or one of a newer program, or when it was
/// broken off; what there is of `to` is of no use then.
pub fn back_up(from: &Path, to: &Path, progress: &mut OnProgress<'_>) -> Result<(), StoreError> {
    let source = open_to_read(from)?;
    make_private(to)?;
    let mut copy = Connection::open(to).map_err(at(to))?;
    copy_pages(&source, &mut copy, progress).map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => at(to)(error),
        _ => at(from)(error),
    })?;
    // One file: what a log beside it would hold is in it.
    copy.pragma_update(None, "journal_mode", "DELETE").map_err(at(to))?;
    schema::mark_as_copy(&mut copy, from)?;
    copy.close().map_err(|(_, error)| at(to)(error))?;
    File::open(to).and_then(|file| file.sync_all()).map_err(|error| io_at(to, &error))
}

/// Puts a copy in the place of a store that no hub has open. What was there is moved aside, with its write-ahead log,
/// which would be taken for that of the copy; the answer says where to. `judge` looks at the new file before that.
///
/// # Errors
/// When a hub has the store open, a file cannot be read or written, or `judge` says no: the store is as it was then.
pub fn restore<E: From<StoreError>>(
    copy: &Path,
    path: &Path,
    progress: &mut OnProgress<'_>,
    judge: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<Option<PathBuf>, E> {
    let _lock = lock(path)?;
    let new = beside(path, ".restoring");
    // What an earlier try left; a journal of it would be taken for that of this one.
    ["", "-journal", "-wal", "-shm"].iter().try_for_each(|left| remove(&beside(&new, left)))?;
    let made = back_up(copy, &new, progress).map_err(E::from).and_then(|()| judge(&new));
    if let Err(error) = made {
        remove(&new)?;
        return Err(error);
    }
    let aside = move_aside(path)?;
    fs::rename(&new, path).and_then(|()| sync_folder(path)).map_err(|error| io_at(path, &error))?;
    Ok(aside)
}

/// Never writes to the store, not even when it is closed.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(file::BUSY_TIMEOUT).map_err(at(path))?;
    Ok(connection)
}

fn copy_pages(
    source: &Connection,
    copy: &mut Connection,
    progress: &mut OnProgress<'_>,
) -> rusqlite::Result<()> {
    let reading = source.unchecked_transaction()?;
    let page_bytes: u32 = reading.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    // The transaction begins with the first table that is read.
    reading.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    let backup = Backup::new(&reading, copy)?;
    loop {
        let step = backup.step(PAGES_PER_STEP)?;
        let pages = backup.progress();
        let bytes = |pages: i32| u64::try_from(pages).unwrap_or_default() * u64::from(page_bytes);
        let so_far = Progress { done: bytes(pages.pagecount - pages.remaining), all: bytes(pages.pagecount) };
        let goes_on = progress(so_far).is_continue();
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More if goes_on => {}
            StepResult::More => return Err(ended_by(ffi::SQLITE_ABORT)),
            // Only the lock of a reader is asked for, which waits as long as any other here.
            _ => return Err(ended_by(ffi::SQLITE_BUSY)),
        }
    }
}

fn ended_by(code: i32) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
}

/// Under a name of its own, so that nothing that was there is lost; at no moment there is no store under its name,
/// where a hub would make an empty one.
fn move_aside(path: &Path) -> Result<Option<PathBuf>, StoreError> {
    fold_log_in(path);
    let free = |aside: &PathBuf| LOGS.iter().chain(&[""]).all(|log| !beside(aside, log).exists());
    let names = (1..=ASIDE_MAX).map(|no| beside(path, &format!(".before-restore-{no}")));
    let Some(aside) = names.into_iter().find(free) else {
        let words = format!("{} stores lie beside {} already: move them away", ASIDE_MAX, path.display());
        return Err(StoreError::Failed(words));
    };
    // First what would be taken for the log of the copy.
    for log in LOGS.map(|log| (beside(path, log), beside(&aside, log))) {
        rename_if_there(&log.0, &log.1)?;
    }
    sync_folder(path).map_err(|error| io_at(path, &error))?;
    if !path.exists() {
        return Ok(None);
    }
    let linked = fs::hard_link(path, &aside).or_else(|_| fs::rename(path, &aside));
    linked.map_err(|error| io_at(&aside, &error))?;
    Ok(Some(aside))
}

/// What SQLite keeps beside a store.
const LOGS: [&str; 2] = ["-wal", "-shm"];

/// Usually leaves no log to move aside. One that cannot be folded in goes with its store: that is damaged, and may be
/// why it is replaced.
fn fold_log_in(path: &Path) {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if path.exists()
        && let Ok(connection) = Connection::open_with_flags(path, flags)
    {
        drop(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
        drop(connection.close());
    }
}

fn rename_if_there(from: &Path, to: &Path) -> Result<(), StoreError> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_at(from, &error)),
        _ => Ok(()),
    }
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_at(path, &error)),
        _ => Ok(()),
    }
}

/// A file beside another, by what its name has more at the end.
pub(crate) fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    name.into()
}

/// What was renamed is so after a loss of power, too.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder_of(path))?.sync_all() } else { Ok(()) }
}

/// A full disk is no state of a store here: nothing waits for it to have room again.
fn at(path: &Path) -> impl Fn(rusqlite::Error) -> StoreError + '_ {
    move |error| StoreError::Failed(format!("{}: {error}", path.display()))
}

fn io_at(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Failed(format!("{}: {error}", path.display()))
}
