//! The tables, and how those of an older program become those of this one.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use secevent_ssf::{
    JtiMint,
    store::{Origin, StoreError},
};

use super::failed;

/// From an empty file to today, one step after the other; SQLite's `user_version` counts those a file has taken. A
/// step is never changed once it was released: what comes new is a new step at the end.
const STEPS: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2_keys_have_times.sql"),
    include_str!("schema/3_wishes.sql"),
    include_str!("schema/4_copies.sql"),
    include_str!("schema/5_times_rise.sql"),
    include_str!("schema/6_letters_carry_events.sql"),
];

/// The schema of today.
pub(super) const TODAY: usize = STEPS.len();

/// Takes the steps that a file lacks, all or none. One without any gets this origin; a copy gets its incarnation, and
/// so a life of its own.
pub(super) fn bring_up_to_date(
    connection: &mut Connection,
    path: &Path,
    origin: impl FnOnce() -> Origin,
) -> Result<(), StoreError> {
    let taken = version(connection, path)?;
    let bring = || {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        take(&transaction, taken)?;
        if taken == 0 {
            insert(&transaction, &origin())?;
        } else if transaction.query_row("SELECT copied FROM origin", [], |row| row.get(0))? {
            claim(&transaction, &origin())?;
        }
        transaction.commit()
    };
    bring().map_err(failed)
}

/// Takes the steps that a copy lacks, and marks it as one.
pub(super) fn mark_as_copy(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let taken = version(connection, path)?;
    if taken == 0 {
        return Err(StoreError::Failed(format!("{} is no store of a hub: it has no schema", path.display())));
    }
    let mut mark = || {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        take(&transaction, taken)?;
        transaction.execute("UPDATE origin SET copied = 1", [])?;
        transaction.commit()
    };
    mark().map_err(failed)
}

/// How many steps a file has taken; an error when they are more than this program knows.
pub(super) fn version(connection: &Connection, path: &Path) -> Result<usize, StoreError> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    usize::try_from(found).ok().filter(|taken| *taken <= TODAY).ok_or_else(|| {
        StoreError::Failed(format!(
            "{} has schema {found}, this program knows {TODAY}: use the newer program",
            path.display(),
        ))
    })
}

fn take(transaction: &Transaction<'_>, taken: usize) -> rusqlite::Result<()> {
    let missing = STEPS.get(taken..).unwrap_or_default();
    if missing.is_empty() {
        return Ok(());
    }
    missing.iter().try_for_each(|step| transaction.execute_batch(step))?;
    transaction.pragma_update(None, "user_version", i64::try_from(TODAY).unwrap_or(i64::MAX))
}

fn insert(transaction: &Transaction<'_>, origin: &Origin) -> rusqlite::Result<()> {
    transaction.execute(
        "INSERT INTO origin (incarnation, sealing_key) VALUES (?1, ?2)",
        (origin.incarnation, origin.sealing_key.as_slice()),
    )?;
    Ok(())
}

/// Another incarnation than that of the original, in the bits that a `jti` has of it.
fn claim(transaction: &Transaction<'_>, fresh: &Origin) -> rusqlite::Result<()> {
    let theirs: u32 = transaction.query_row("SELECT incarnation FROM origin", [], |row| row.get(0))?;
    let same = (theirs ^ fresh.incarnation).trailing_zeros() >= JtiMint::INCARNATION_BITS;
    let ours = if same { fresh.incarnation.wrapping_add(1) } else { fresh.incarnation };
    transaction.execute("UPDATE origin SET incarnation = ?1, copied = 0", [ours])?;
    Ok(())
}
