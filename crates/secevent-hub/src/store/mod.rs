//! Where a hub and a receiver keep what they must not lose. SQL stays inside this folder.

mod inbox;
mod sqlite;

pub use inbox::{Inbox, SetAside};
pub(crate) use inbox::{Next, Waiting};
pub use sqlite::SqliteStore;
