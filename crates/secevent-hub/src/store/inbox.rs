//! An inbox in SQLite: what was received, and what of it was handed over.
//!
//! A row waits, is handled, or is set aside; there is no other place where that is known. The one way to handle a row
//! is [`Inbox::handle`], which writes an effect and the mark in the same transaction.

use std::{
    fs::File,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior};
use secevent::{Timestamp, VerifiedSet};
use secevent_ssf::{engine::Millis, store::StoreError};

use super::sqlite::{connect, failed, lock, make_private};

/// SETs that were received, in one SQLite file: one of their own, or that of the application.
///
/// In the application's file, a handler can write its effect and "handled" in one transaction. The tables are called
/// `secevent_inbox` and `secevent_inbox_origin`; the file is set to write-ahead logging.
pub struct Inbox {
    connection: Mutex<Connection>,
    secret: [u8; 32],
    /// Held as long as the inbox is open: two that hand over would do so twice.
    _lock: File,
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox").finish_non_exhaustive()
    }
}

/// The schema that this program reads and writes.
const SCHEMA: i64 = 1;

/// A SET that waits to be handed over.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) no: i64,
    pub(crate) transmitter: String,
    pub(crate) token: String,
    pub(crate) at: Timestamp,
    /// How often it was handed over in vain.
    pub(crate) attempts: u32,
}

/// What is to be handed over next.
#[derive(Debug)]
pub(crate) enum Next {
    Now(Waiting),
    At(Millis),
    Nothing,
}

/// A SET that no handler could handle.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetAside {
    /// Its number here.
    pub no: i64,
    /// The transmitter it came from.
    pub transmitter: String,
    /// Who issued it.
    pub iss: String,
    /// Its id.
    pub jti: String,
    /// The compact token.
    pub token: String,
    /// How often it was handed over.
    pub attempts: u32,
    /// What the handler said last.
    pub why: String,
}

impl Inbox {
    /// Opens an inbox, or makes it in this file.
    ///
    /// # Errors
    /// When another process has it open, or the file cannot be read or written, or was made by a newer program.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let lock = lock(path)?;
        make_private(path)?;
        let mut connection = connect(path)?;
        let (schema, secret) = origin(&mut connection).map_err(failed)?;
        if schema != SCHEMA {
            let words =
                format!("{} has inbox schema {schema}, not {SCHEMA}: use the newer program", path.display());
            return Err(StoreError::Failed(words));
        }
        Ok(Self { connection: Mutex::new(connection), secret, _lock: lock })
    }

    /// A secret of this inbox for a purpose: the same as long as the inbox lives.
    pub(crate) fn derive(&self, purpose: &str) -> [u8; 32] {
        secevent_jose::sha256(&[self.secret.as_slice(), b" ", purpose.as_bytes()].concat())
    }

    /// Keeps a SET. Answers with the token that was there before under its name, if there was one.
    pub(crate) fn keep(
        &self,
        transmitter: &str,
        set: &VerifiedSet,
        now: Millis,
    ) -> Result<Option<String>, StoreError> {
        let (iss, jti) = (set.iss(), set.jti());
        let connection = self.connection();
        let kept = connection
            .prepare_cached(
                "INSERT INTO secevent_inbox (transmitter, iss, jti, token, at, due) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (iss, jti) DO NOTHING",
            )
            .and_then(|mut insert| {
                insert.execute((transmitter, iss, jti, set.token(), now.timestamp().0, millis(now)))
            })
            .map_err(failed)?;
        if kept == 1 {
            return Ok(None);
        }
        connection
            .prepare_cached("SELECT token FROM secevent_inbox WHERE iss = ?1 AND jti = ?2")
            .and_then(|mut select| select.query_row((iss, jti), |row| row.get(0)))
            .optional()
            .map_err(failed)
    }

    /// What is to be handed over next: the one that has been due for longest.
    pub(crate) fn next(&self, now: Millis) -> Result<Next, StoreError> {
        let read = |row: &Row<'_>| {
            let due: i64 = row.get(5)?;
            let waiting = Waiting {
                no: row.get(0)?,
                transmitter: row.get(1)?,
                token: row.get(2)?,
                at: Timestamp(row.get(3)?),
                attempts: row.get(4)?,
            };
            Ok((waiting, Millis(due.unsigned_abs())))
        };
        let next = self
            .connection()
            .prepare_cached(
                "SELECT no, transmitter, token, at, attempts, due FROM secevent_inbox
                 WHERE state = 'waiting' ORDER BY due, no LIMIT 1",
            )
            .and_then(|mut select| select.query_row([], read).optional())
            .map_err(failed)?;
        Ok(match next {
            None => Next::Nothing,
            Some((waiting, due)) if due <= now => Next::Now(waiting),
            Some((_, due)) => Next::At(due),
        })
    }

    /// Writes an effect and marks the SET as handled, both or neither. The inner error is that of the effect.
    pub(crate) fn handle(
        &self,
        no: i64,
        effect: impl FnOnce(&Transaction<'_>) -> Result<(), String>,
    ) -> Result<Result<(), String>, StoreError> {
        let mut connection = self.connection();
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        if let Err(why) = effect(&transaction) {
            return transaction.rollback().map(|()| Err(why)).map_err(failed);
        }
        transaction
            .execute("UPDATE secevent_inbox SET state = 'handled', failure = NULL WHERE no = ?1", [no])
            .and_then(|_| transaction.commit())
            .map(Ok)
            .map_err(failed)
    }

    /// A hand-over failed: it is tried again at `due`, or set aside when there is no such time.
    pub(crate) fn put_back(&self, no: i64, due: Option<Millis>, why: &str) -> Result<(), StoreError> {
        let state = if due.is_some() { "waiting" } else { "set aside" };
        self.connection()
            .execute(
                "UPDATE secevent_inbox SET state = ?2, attempts = attempts + 1, due = ?3, failure = ?4 WHERE no = ?1",
                (no, state, millis(due.unwrap_or_default()), why),
            )
            .map(drop)
            .map_err(failed)
    }

    /// The SETs that no handler could handle, oldest first, after a number.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn set_aside(&self, after: i64, limit: usize) -> Result<Vec<SetAside>, StoreError> {
        let read = |row: &Row<'_>| {
            Ok(SetAside {
                no: row.get(0)?,
                transmitter: row.get(1)?,
                iss: row.get(2)?,
                jti: row.get(3)?,
                token: row.get(4)?,
                attempts: row.get(5)?,
                why: row.get::<_, Option<String>>(6)?.unwrap_or_default(),
            })
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.connection()
            .prepare_cached(
                "SELECT no, transmitter, iss, jti, token, attempts, failure FROM secevent_inbox
                 WHERE state = 'set aside' AND no > ?1 ORDER BY no LIMIT ?2",
            )
            .and_then(|mut select| select.query_map((after, limit), read)?.collect())
            .map_err(failed)
    }

    /// Lets a SET that was set aside wait again, and answers whether there was one.
    pub(crate) fn again(&self, no: i64, now: Millis) -> Result<bool, StoreError> {
        self.connection()
            .execute(
                "UPDATE secevent_inbox SET state = 'waiting', attempts = 0, due = ?2
                 WHERE no = ?1 AND state = 'set aside'",
                (no, millis(now)),
            )
            .map(|rows| rows > 0)
            .map_err(failed)
    }

    /// Forgets what does not wait and came before a time, at most so many rows.
    pub(crate) fn prune(
        &self,
        handled_before: Timestamp,
        set_aside_before: Timestamp,
        rows_max: usize,
    ) -> Result<usize, StoreError> {
        self.connection()
            .execute(
                "DELETE FROM secevent_inbox WHERE no IN (
                     SELECT no FROM secevent_inbox
                     WHERE (state = 'handled' AND at < ?1) OR (state = 'set aside' AND at < ?2) LIMIT ?3)",
                (handled_before.0, set_aside_before.0, i64::try_from(rows_max).unwrap_or(i64::MAX)),
            )
            .map_err(failed)
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the tables where there are none, and reads the schema and the secret of those there are.
fn origin(connection: &mut Connection) -> rusqlite::Result<(i64, [u8; 32])> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(include_str!("inbox.sql"))?;
    let read = |transaction: &Transaction<'_>| {
        transaction
            .query_row("SELECT schema, secret FROM secevent_inbox_origin", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
    };
    let origin = if let Some(origin) = read(&transaction)? {
        origin
    } else {
        let secret = secevent_jose::random::<32>();
        transaction.execute(
            "INSERT INTO secevent_inbox_origin (schema, secret) VALUES (?1, ?2)",
            (SCHEMA, secret.as_slice()),
        )?;
        (SCHEMA, secret)
    };
    transaction.commit()?;
    Ok(origin)
}

/// SQLite's integers are signed; times stay far below that.
fn millis(at: Millis) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}
