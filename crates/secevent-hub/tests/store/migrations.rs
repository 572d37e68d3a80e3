//! Files of every earlier schema: they come up, or stay as they were.

use std::{fs, path::Path};

use rusqlite::Connection;
use secevent_hub::store::{SqliteStore, back_up};
use secevent_ssf::{Seq, engine::Cursor, store::Store};

use crate::{sqlite::open, steps::STEPS};

/// A file of the first so many steps, with five events of which two wait; the clock had gone back at the third.
fn of_schema(path: &Path, taken: usize) {
    let raw = Connection::open(path).unwrap();
    raw.pragma_update(None, "journal_mode", "WAL").unwrap();
    STEPS[..taken].iter().for_each(|step| raw.execute_batch(step).unwrap());
    let origin = "INSERT INTO origin (incarnation, sealing_key, last_stream, last_audience)
        VALUES (9, x'07070707070707070707070707070707', 4, 2)";
    raw.execute(origin, []).unwrap();
    for (seq, iat) in [(1, 10), (2, 50), (3, 20), (4, 40), (5, 60)] {
        // The fifth step made the times rise, and so did every program that knew it.
        let at = if taken >= 5 && (2..=4).contains(&seq) { 50 } else { iat };
        let body = format!(
            r#"{{"iat":{iat},"event_type":"https://schemas.openid.net/secevent/caep/event-type/session-revoked",
            "subject":{{"format":"opaque","id":"u"}},"payload":{{}},"txn":"t"}}"#
        );
        raw.execute("INSERT INTO event (seq, iat, body) VALUES (?1, ?2, ?3)", (seq, at, body)).unwrap();
        raw.execute("INSERT INTO route (seq, subject, streams) VALUES (?1, 7, x'04')", [seq]).unwrap();
    }
    let record = r#"{"no":4,"audience":2,"receiver":"acme","config":{"stream_id":"s","iss":"https://tr.example.com",
        "aud":"https://rx.example.com","events_delivered":[],"delivery":{"method":"urn:ietf:rfc:8936"}},
        "status":"paused","reason":null,"created_at":1700000000}"#;
    let cursor = Cursor { high: Seq(4), open: vec![Seq(2)] }.to_bytes();
    raw.execute("INSERT INTO stream (no, record, cursor) VALUES (4, ?1, ?2)", (record, cursor)).unwrap();
    raw.execute("INSERT INTO dead_letter (stream, seq, reason, at) VALUES (4, 1, 'no', 11)", []).unwrap();
    let key = match taken {
        1 => r#"INSERT INTO signing_key VALUES ('k', '{}', '"current"', 9)"#,
        _ => "INSERT INTO signing_key VALUES ('k', '{}', 9, 9, NULL)",
    };
    raw.execute(key, []).unwrap();
    raw.pragma_update(None, "user_version", i64::try_from(taken).unwrap()).unwrap();
}

fn version(path: &Path) -> i64 {
    Connection::open(path).unwrap().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

/// What there is in it, and nothing else.
fn check(store: &SqliteStore, incarnation: u32) {
    let snapshot = store.load().unwrap();
    assert_eq!((snapshot.origin.incarnation, snapshot.origin.sealing_key), (incarnation, [7; 16]));
    assert_eq!((snapshot.head, snapshot.last_stream, snapshot.last_audience), (Seq(5), 4, 2));
    let (record, cursor) = &snapshot.streams[0];
    assert_eq!(cursor, &Cursor { high: Seq(4), open: vec![Seq(2)] });
    assert_eq!(store.dead_letters(record.no, Seq(0), 9).unwrap().len(), 1);
    assert_eq!(
        snapshot.keys.iter().map(|key| (key.created_at.0, key.signs_from.0)).collect::<Vec<_>>(),
        [(9, 9)]
    );
    let rows = store.events(&[1, 2, 3, 4, 5].map(Seq)).unwrap();
    assert_eq!(rows.iter().map(|row| row.event.event.iat.0).collect::<Vec<_>>(), [10, 50, 20, 40, 60]);
    let last = |before| store.last_before(secevent::Timestamp(before)).unwrap();
    assert_eq!([last(10), last(45), last(51), last(61)], [None, Some(Seq(1)), Some(Seq(4)), Some(Seq(5))]);
}

#[test]
fn every_step_is_known_to_these_tests() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/sqlite/schema");
    assert_eq!(fs::read_dir(folder).unwrap().count(), STEPS.len());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    drop(open(&path).unwrap());
    assert_eq!(version(&path), i64::try_from(STEPS.len()).unwrap());
}

#[test]
fn a_store_of_every_earlier_schema_comes_up_with_all_it_has() {
    for taken in 1..STEPS.len() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.db");
        of_schema(&path, taken);
        let copy = folder.path().join("copy.db");
        back_up(&path, &copy, &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
        assert_eq!(version(&path), i64::try_from(taken).unwrap(), "a copy leaves the original as it is");
        for _ in 0..2 {
            check(&SqliteStore::open(&path, || panic!("it has an origin")).unwrap(), 9);
        }
        check(
            &SqliteStore::open(&copy, || secevent_ssf::store::Origin {
                incarnation: 3,
                sealing_key: [0; 16],
            })
            .unwrap(),
            3,
        );
    }
}

/// The process ends in the middle of the steps: what it had written of them is in the log, and not committed.
#[test]
fn steps_that_were_cut_off_leave_the_schema_as_it_was() {
    for taken in 1..STEPS.len() {
        let folder = tempfile::tempdir().unwrap();
        let (path, killed) = (folder.path().join("hub.db"), folder.path().join("killed.db"));
        of_schema(&path, taken);
        let mut raw = Connection::open(&path).unwrap();
        // Pages go to the log before the commit.
        raw.execute_batch("PRAGMA cache_size = 1; PRAGMA cache_spill = 1;").unwrap();
        let transaction = raw.transaction().unwrap();
        STEPS[taken..].iter().for_each(|step| transaction.execute_batch(step).unwrap());
        transaction.execute_batch("UPDATE event SET body = body || hex(randomblob(20000))").unwrap();
        let log = fs::metadata(folder.path().join("hub.db-wal")).unwrap().len();
        assert!(log > 50_000, "the log has {log} bytes");
        for beside in ["", "-wal"] {
            let file = |name: &str| folder.path().join(format!("{name}.db{beside}"));
            fs::copy(file("hub"), file("killed")).unwrap();
        }
        transaction.rollback().unwrap();
        assert_eq!(version(&killed), i64::try_from(taken).unwrap());
        check(&SqliteStore::open(&killed, || panic!("it has an origin")).unwrap(), 9);
    }
}

#[test]
fn a_step_that_fails_takes_those_before_it_along() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    of_schema(&path, 1);
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch("CREATE TABLE wish (in_the_way)").unwrap();
    let schema = || -> Vec<String> {
        let mut tables = raw.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").unwrap();
        tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let before = schema();
    let error = open(&path).unwrap_err().to_string();
    assert!(error.contains("wish"), "{error}");
    assert_eq!((version(&path), schema()), (1, before));
    raw.execute_batch("DROP TABLE wish").unwrap();
    check(&open(&path).unwrap(), 9);
}
