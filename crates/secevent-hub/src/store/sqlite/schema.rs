//! The tables, and how those of an older program become those of this one.

use std::path::Path;

use rusqlite::Connection;
use secevent_ssf::store::{Origin, StoreError};

use super::failed;

/// From an empty file to today, one step after the other; SQLite's `user_version` counts those a file has taken. A
/// step is never changed once it was released: what comes new is a new step at the end.
const STEPS: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2_keys_have_times.sql"),
    include_str!("schema/3_wishes.sql"),
    include_str!("schema/4_letters_carry_events.sql"),
];

/// Takes the steps that a file lacks; one without any gets its origin too.
pub(super) fn bring_up_to_date(
    connection: &mut Connection,
    path: &Path,
    origin: impl FnOnce() -> Origin,
) -> Result<(), StoreError> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    let taken = usize::try_from(found).ok().filter(|taken| *taken <= STEPS.len()).ok_or_else(|| {
        StoreError::Failed(format!(
            "{} has schema {found}, this program knows {}: use the newer program",
            path.display(),
            STEPS.len()
        ))
    })?;
    match STEPS.get(taken..).unwrap_or_default() {
        [] => Ok(()),
        missing => take(connection, missing, (taken == 0).then(origin)).map_err(failed),
    }
}

/// All or none.
fn take(connection: &mut Connection, steps: &[&str], origin: Option<Origin>) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    steps.iter().try_for_each(|step| transaction.execute_batch(step))?;
    if let Some(origin) = origin {
        transaction.execute(
            "INSERT INTO origin (incarnation, sealing_key) VALUES (?1, ?2)",
            (origin.incarnation, origin.sealing_key.as_slice()),
        )?;
    }
    transaction.pragma_update(None, "user_version", i64::try_from(STEPS.len()).unwrap_or(i64::MAX))?;
    transaction.commit()
}
