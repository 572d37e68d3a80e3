//! What only a file can do: last, be in use, be too new, be damaged.

use std::{fs, path::Path};

use secevent::Timestamp;
use secevent_hub::store::SqliteStore;
use secevent_ssf::{
    Seq, StreamNo,
    engine::Cursor,
    metadata::DefaultSubjects,
    store::{DeadLetter, KeyRecord, Party, Store, StoreError, Write},
};

use crate::records::{answer, event_at, events, letter, origin, received, retention, stream, writes};

pub(crate) fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(path, origin)
}

/// A file with something of everything.
pub(crate) fn filled(path: &Path, count: i64) {
    let store = open(path).unwrap();
    let mut batch = events((0..count).map(|n| event_at(n, &[1])));
    batch.writes = vec![
        Write::Stream(Box::new(stream(1))),
        Write::Cursor(StreamNo(1), Cursor { high: Seq(3), open: vec![Seq(2)] }),
        Write::DeadLetter(letter(1, 1, "no")),
        Write::Received(received("idp", "iss", "jti")),
        Write::Answer(answer("key", 0, 5)),
    ];
    store.commit(&batch).unwrap();
}

#[test]
fn a_store_opened_again_is_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    filled(&path, 5);
    let store = SqliteStore::open(&path, || panic!("it has an origin")).unwrap();
    let snapshot = store.load().unwrap();
    assert_eq!(snapshot.origin, origin());
    assert_eq!((snapshot.head, snapshot.last_stream, snapshot.last_audience), (Seq(5), 1, 11));
    let cursor = Cursor { high: Seq(3), open: vec![Seq(2)] };
    assert_eq!(snapshot.streams, [(stream(1), cursor)]);
    assert_eq!(store.events(&[Seq(4)]).unwrap()[0].event, event_at(3, &[1]));
    let letter = DeadLetter { event: Some(event_at(0, &[1]).event.into()), ..letter(1, 1, "no") };
    assert_eq!(store.dead_letters(StreamNo(1), Seq(0), 9).unwrap(), [letter]);
    assert_eq!(store.received(Some("idp"), 0, 9).unwrap().len(), 1);
    assert_eq!(store.answer("key").unwrap(), Some(answer("key", 1, 5)));
    assert_eq!(store.commit(&events([event_at(1, &[])])).unwrap(), Seq(6));
}

#[test]
fn a_second_hub_on_the_same_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let first = open(&path).unwrap();
    let refused = open(&path).unwrap_err().to_string();
    assert!(refused.contains("another hub has this store open"), "{refused}");
    assert!(refused.contains("hub.lock"), "{refused}");
    first.commit(&events([event_at(1, &[])])).unwrap();
    drop(first);
    open(&path).unwrap();
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let store = open(&path).unwrap();
    store.commit(&events([event_at(1, &[])])).unwrap();
    for name in ["hub.db", "hub.db-wal", "hub.db-shm"] {
        let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} has mode {mode:o}");
    }
}

/// Neither in the file, on pages that are free again, nor in the write-ahead log.
#[test]
fn a_private_key_that_leaves_is_nowhere_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let store = open(&path).unwrap();
    let key = |kid: &str, jwk: &str| {
        let (kid, jwk, at) = (kid.into(), jwk.into(), Timestamp(1));
        Write::Key(KeyRecord { kid, jwk, created_at: at, signs_from: at, withdrawn_at: None })
    };
    let traces = || {
        let files = ["hub.db", "hub.db-wal"].map(|name| fs::read(folder.path().join(name)).unwrap());
        files
            .iter()
            .map(|bytes| bytes.windows(9).filter(|window| window == b"PRIVATE-d").count())
            .sum::<usize>()
    };
    let private = ["PRIVATE-d".repeat(20), "PRIVATE-d".repeat(2_000)];
    for jwk in &private {
        store.commit(&writes([key("a", jwk), key("b", jwk)])).unwrap();
        assert!(traces() >= 40);
        store.commit(&writes([key("a", "public"), Write::DropKey("b".into())])).unwrap();
        assert_eq!(traces(), 0);
        // Somebody reads what was there before, as a backup does.
        store.commit(&writes([key("a", jwk)])).unwrap();
        let reader = rusqlite::Connection::open(&path).unwrap();
        let reading = reader.unchecked_transaction().unwrap();
        reading.query_row("SELECT * FROM signing_key", [], |_| Ok(())).unwrap();
        store.commit(&writes([Write::DropKey("a".into())])).unwrap();
        assert_ne!(traces(), 0);
        drop(reading);
        store.prune(&retention(0, 0)).unwrap();
        assert_eq!(traces(), 0, "retention looks after it");
    }
}

#[test]
fn a_schema_of_a_newer_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    filled(&path, 1);
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    drop(raw);
    let refused = open(&path).unwrap_err().to_string();
    assert!(refused.contains("schema 99") && refused.contains("newer program"), "{refused}");
}

/// A stream as the first schema had it.
const OLD_STREAM: &str = r#"{"no":4,"audience":2,"receiver":"acme","config":{"stream_id":"s","iss":"https://tr.example.com",
    "aud":"https://rx.example.com","events_delivered":[],"delivery":{"method":"urn:ietf:rfc:8936"}},
    "status":"paused","reason":null,"created_at":1700000000}"#;

#[test]
fn a_store_of_an_older_program_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch(include_str!("../../src/store/sqlite/schema/1.sql")).unwrap();
    raw.execute("INSERT INTO origin VALUES (9, x'07070707070707070707070707070707', 4, 2)", []).unwrap();
    raw.execute("INSERT INTO stream VALUES (4, ?1, ?2)", (OLD_STREAM, Cursor::default().to_bytes())).unwrap();
    let body = serde_json::to_string(&event_at(7, &[4]).event).unwrap();
    raw.execute("INSERT INTO route VALUES (6, 0, x'04'), (7, 0, x'04')", []).unwrap();
    raw.execute("INSERT INTO event VALUES (6, 7, ?1), (7, 7, ?1)", [&body]).unwrap();
    let old = "8 events up to this one were not taken within `[retention] age`";
    raw.execute("INSERT INTO dead_letter VALUES (4, 5, 'no', 9), (4, 6, 'no', 9), (4, 7, ?1, 9)", [old])
        .unwrap();
    let key = r#"INSERT INTO signing_key VALUES ('k', '{}', '"current"', 1700000000)"#;
    raw.execute(key, []).unwrap();
    raw.pragma_update(None, "user_version", 1).unwrap();
    drop(raw);
    for _ in 0..2 {
        let store = SqliteStore::open(&path, || panic!("it has an origin")).unwrap();
        let snapshot = store.load().unwrap();
        assert_eq!((snapshot.origin.incarnation, snapshot.last_stream), (9, 4));
        let (record, _) = &snapshot.streams[0];
        assert_eq!((record.status_by, record.default_subjects), (Party::Receiver, DefaultSubjects::All));
        let (kid, jwk, at) = ("k".into(), "{}".into(), Timestamp(1_700_000_000));
        let key = KeyRecord { kid, jwk, created_at: at, signs_from: at, withdrawn_at: None };
        assert_eq!(snapshot.keys, [key], "it has signed since it was made");
        let whole = DeadLetter { event: Some(event_at(7, &[4]).event.into()), ..letter(4, 6, "no") };
        let letters = store.dead_letters(StreamNo(4), Seq(0), 9).unwrap();
        assert_eq!(letters, [letter(4, 5, "no"), whole, letter(4, 7, old)], "as far as the log has it");
    }
}

#[test]
fn what_is_no_store_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.db");
    fs::write(
        &text,
        "not a database, just some words that are long enough to be read as a header".repeat(99),
    )
    .unwrap();
    for path in [text, folder.path().join("missing/hub.db"), folder.path().to_owned()] {
        let refused = open(&path).expect_err("it is no store").to_string();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(refused.contains(name), "{refused}");
    }
}

/// Damage anywhere is told, never answered with a panic, whatever is asked first.
#[test]
fn a_damaged_file_is_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole.db");
    filled(&whole, 200);
    let bytes = fs::read(&whole).unwrap();
    let mut told = 0;
    for page in 1..bytes.len() / 4096 {
        let path = folder.path().join(format!("damaged-{page}.db"));
        let mut damaged = bytes.clone();
        let noise = (0_u32..).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1]);
        damaged[page * 4096..][..4096].iter_mut().zip(noise).for_each(|(byte, noise)| *byte = noise);
        fs::write(&path, damaged).unwrap();
        let errors = ask_everything(&path);
        told += usize::from(!errors.is_empty());
        for error in errors {
            assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
            assert!(error.to_string().starts_with("the store failed: "), "{error}");
        }
    }
    assert!(told >= 10, "only {told} damaged pages were noticed");
}

fn ask_everything(path: &Path) -> Vec<StoreError> {
    let store = match open(path) {
        Ok(store) => store,
        Err(error) => return vec![error],
    };
    let all: Vec<_> = (1..=200).map(Seq).collect();
    let mut errors = Vec::new();
    errors.extend(store.load().err());
    errors.extend(store.events(&all).err());
    errors.extend(store.routes(StreamNo(1), Seq(0), 1_000).err());
    errors.extend(store.dead_letters(StreamNo(1), Seq(0), 9).err());
    errors.extend(store.received(Some("idp"), 0, 9).err());
    errors.extend(store.answer("key").err());
    errors.extend(store.commit(&events([event_at(1, &[1])])).err());
    errors.extend(store.prune(&retention(100, 1_000)).err());
    errors
}

#[test]
fn values_that_nobody_wrote_are_a_clear_error() {
    let damage = [
        "UPDATE stream SET cursor = x'80'",
        "UPDATE stream SET record = '{}'",
        "UPDATE route SET streams = x'FF'",
        "UPDATE event SET body = 'words'",
        "UPDATE origin SET sealing_key = x'00'",
        "UPDATE origin SET last_stream = -1",
        "DELETE FROM origin",
        "UPDATE answer SET streams = '[-1]'",
        "DROP TABLE received",
    ];
    for sql in damage {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.db");
        filled(&path, 3);
        rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let errors = ask_everything(&path);
        assert!(!errors.is_empty(), "{sql} was not noticed");
        assert!(errors.iter().all(|error| matches!(error, StoreError::Failed(_))), "{sql}: {errors:?}");
    }
}

#[test]
fn a_batch_that_fails_at_its_end_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let store = open(&path).unwrap();
    let trigger = "CREATE TRIGGER no BEFORE INSERT ON answer BEGIN SELECT RAISE(ABORT, 'not today'); END";
    rusqlite::Connection::open(&path).unwrap().execute_batch(trigger).unwrap();
    let mut batch = events([event_at(1, &[1]), event_at(2, &[1])]);
    batch.writes = vec![Write::Stream(Box::new(stream(1))), Write::Answer(answer("key", 0, 5))];
    let error = store.commit(&batch).unwrap_err();
    assert!(matches!(&error, StoreError::Failed(why) if why.contains("not today")), "{error}");
    let snapshot = store.load().unwrap();
    assert_eq!((snapshot.head, snapshot.last_stream, snapshot.streams.len()), (Seq(0), 0, 0));
    batch.writes.pop();
    assert_eq!(store.commit(&batch).unwrap(), Seq(1));
}
