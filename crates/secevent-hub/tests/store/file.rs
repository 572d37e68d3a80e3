//! A store in a file, whose process may end at any time.

use std::{
    fs,
    path::{Path, PathBuf},
};

use secevent_ssf::store::{Batch, Store};
use tempfile::TempDir;

use crate::{model::Place, sqlite};

/// A folder with the files of one life after the other.
pub(crate) struct Folder {
    folder: TempDir,
    lives: u32,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), lives: 0 }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join(format!("{}.db", self.lives))
    }

    /// The next life begins with what the disk has now.
    fn copy(&mut self) {
        let before = self.file();
        self.lives += 1;
        let after = self.file();
        for (from, to) in [(before.clone(), after.clone()), (wal(&before), wal(&after))] {
            if from.exists() {
                fs::copy(from, to).unwrap();
            }
        }
    }
}

/// Where SQLite writes first.
fn wal(file: &Path) -> PathBuf {
    file.with_extension("db-wal")
}

impl Place for Folder {
    fn open(&mut self) -> Box<dyn Store> {
        Box::new(sqlite::open(&self.file()).unwrap())
    }

    fn crash(&mut self, store: Box<dyn Store>) {
        self.copy();
        drop(store);
    }

    fn crash_in_commit(&mut self, store: Box<dyn Store>, batch: &Batch, part: u8) {
        let log = wal(&self.file());
        let before = fs::metadata(&log).map_or(0, |log| log.len());
        self.copy();
        store.commit(batch).unwrap();
        let log = fs::read(log).unwrap();
        let more = (log.len() as u64).saturating_sub(before);
        if more > 0 {
            // A commit is done with its last page: whatever is cut off, it is as if nothing had been written.
            let kept = before + more * u64::from(part) / 256;
            fs::write(wal(&self.file()), &log[..usize::try_from(kept).unwrap()]).unwrap();
        }
        drop(store);
    }
}
