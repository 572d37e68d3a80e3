//! Where a hub keeps what it must not lose. SQL stays inside this folder.

mod sqlite;

pub use sqlite::SqliteStore;
