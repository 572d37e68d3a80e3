//! Where a hub and a receiver keep what they must not lose. SQL stays inside this folder.

mod inbox;
mod sqlite;

pub use inbox::{Inbox, SetAside};
pub(crate) use inbox::{Next, Waiting};
pub use sqlite::{OnProgress, Progress, SqliteStore, back_up, restore};
pub(crate) use sqlite::{beside, free_bytes, inspect, mode_for_others};
