//! Stores that were damaged on purpose: the doctor finds it, and nothing in one that is well.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use secevent::{Alg, Signer as _, SigningKey, Timestamp};
use secevent_hub::doctor::{Level, Report, examine};
use secevent_ssf::{
    Seq, StreamNo,
    engine::Cursor,
    store::{KeyRecord, Store, Write},
};

use crate::{
    records::{answer, event_at, events, letter, received, stream, wish},
    sqlite::open,
};

const NOW: Timestamp = Timestamp(1_000);

fn look(path: &Path) -> Report {
    examine(path, &[], NOW).unwrap()
}

/// A store with something of everything, and a stream for which events wait.
fn well(path: &Path) {
    let store = open(path).unwrap();
    let key = SigningKey::generate(Alg::Es256).unwrap();
    let (kid, jwk) = (key.kid().to_owned(), key.to_jwk().to_string());
    let at = Timestamp(9);
    let key = KeyRecord { kid, jwk, created_at: at, signs_from: at, withdrawn_at: None };
    let mut batch = events((0..200).map(|n| event_at(n, if n < 150 { &[1, 2] } else { &[2] })));
    let mut first = stream(1);
    first.notice = Some(Seq(3));
    let second = secevent_ssf::store::StreamRecord { notice: None, ..stream(2) };
    batch.writes = vec![
        Write::Stream(Box::new(first)),
        Write::Stream(Box::new(second)),
        Write::Cursor(StreamNo(1), Cursor { high: Seq(100), open: vec![Seq(7), Seq(99)] }),
        Write::Cursor(StreamNo(2), Cursor { high: Seq(190), open: vec![] }),
        Write::Wish(Box::new(wish(1, "a", 1))),
        Write::DeadLetter(letter(1, 1, "no")),
        Write::Received(received("idp", "iss", "jti")),
        Write::Answer(answer("key", 0, 5)),
        Write::Key(key),
    ];
    store.commit(&batch).unwrap();
}

#[test]
fn a_store_that_is_well_has_nothing_to_mend_also_while_it_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    well(&path);
    let files = || fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    let before: BTreeSet<_> = files();
    let bytes = fs::read(&path).unwrap();
    let report = look(&path);
    assert_eq!(report.findings, []);
    assert_eq!((report.schema, report.streams, report.copied), (report.schema_today, 2, false));
    assert_eq!((report.oldest, report.newest, report.newest_at), (Some(1), Some(200), Some(Timestamp(199))));
    let waiting: Vec<_> = report.waiting.iter().map(|w| (w.stream_id.as_str(), w.events)).collect();
    assert_eq!(waiting, [("stream-1", 52), ("stream-2", 10)]);
    assert!(fs::read(&path).unwrap() == bytes, "it only reads");
    assert!(before.is_subset(&files()));

    let store = open(&path).unwrap();
    store.commit(&events([event_at(200, &[2])])).unwrap();
    let report = look(&path);
    assert_eq!((report.findings, report.newest), (vec![], Some(201)));
    store.commit(&events([event_at(200, &[2])])).unwrap();
    assert!(open(&path).unwrap_err().to_string().contains("another hub"), "the lock of the hub is untouched");
}

#[test]
fn each_damage_is_found_by_its_check() {
    let garbage = "UPDATE stream SET record = 'garbage' WHERE no = 1";
    let beyond = Cursor { high: Seq(201), open: vec![] }.to_bytes();
    let beyond = format!("UPDATE stream SET cursor = x'{}' WHERE no = 1", hex(&beyond));
    let not_ours = Cursor { high: Seq(199), open: vec![Seq(180)] }.to_bytes();
    let not_ours = format!("UPDATE stream SET cursor = x'{}' WHERE no = 1", hex(&not_ours));
    let damage = [
        ("origin", Level::Fatal, "DELETE FROM origin"),
        ("origin", Level::Fatal, "UPDATE origin SET sealing_key = x'00'"),
        ("origin", Level::Fatal, "INSERT INTO origin SELECT * FROM origin"),
        ("streams", Level::Fatal, garbage),
        ("streams", Level::Fatal, "UPDATE stream SET no = 9 WHERE no = 1"),
        ("cursors", Level::Fatal, "UPDATE stream SET cursor = x'80' WHERE no = 1"),
        ("cursors", Level::Fatal, beyond.as_str()),
        ("cursors", Level::Fatal, not_ours.as_str()),
        ("cursors", Level::Fatal, "DELETE FROM event WHERE seq = 7; DELETE FROM route WHERE seq = 7"),
        ("cursors", Level::Fatal, "UPDATE event SET body = 'words' WHERE seq = 99"),
        ("cursors", Level::Fatal, "DELETE FROM event WHERE seq = 3"),
        ("cursors", Level::Fatal, "UPDATE route SET streams = x'FF' WHERE seq = 150"),
        ("log", Level::Fatal, "DELETE FROM event WHERE seq = 50"),
        ("log", Level::Fatal, "DELETE FROM route WHERE seq = 50"),
        ("log", Level::Fatal, "DELETE FROM event WHERE seq = 50; DELETE FROM route WHERE seq = 50"),
        (
            "strays",
            Level::Warning,
            "INSERT INTO dead_letter (stream, seq, reason, at) VALUES (9, 1, 'no', 1)",
        ),
        ("strays", Level::Warning, "UPDATE wish SET stream = 9"),
        ("strays", Level::Fatal, "INSERT INTO replay VALUES (1, '{}')"),
        ("strays", Level::Warning, "UPDATE answer SET first = 999"),
        ("strays", Level::Fatal, "UPDATE wish SET body = '{}'"),
        ("strays", Level::Fatal, "UPDATE answer SET streams = '[-1]'"),
        ("log", Level::Fatal, "UPDATE event SET body = 'words' WHERE seq = 195"),
        ("keys", Level::Fatal, "UPDATE signing_key SET jwk = '{}'"),
        ("keys", Level::Warning, "UPDATE signing_key SET signs_from = 1001"),
        ("keys", Level::Warning, "DELETE FROM signing_key"),
        ("schema", Level::Fatal, "PRAGMA user_version = 99"),
        ("clock", Level::Warning, "UPDATE event SET iat = 9999 WHERE seq = 200"),
        ("streams", Level::Fatal, "DROP TABLE stream"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole.db");
    well(&whole);
    for (no, (check, level, sql)) in damage.into_iter().enumerate() {
        let path = folder.path().join(format!("{no}.db"));
        fs::copy(&whole, &path).unwrap();
        rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let findings = look(&path).findings;
        let found = findings.iter().find(|finding| (finding.check, finding.level) == (check, level));
        let found = found.unwrap_or_else(|| panic!("{sql}: {findings:?}"));
        assert!(!found.what.is_empty() && !found.why.is_empty() && !found.mend.is_empty());
        assert!(!format!("{findings:?}").contains("s3cret"), "a record is not quoted: {findings:?}");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02X}"))
}

#[test]
fn bytes_that_were_flipped_and_a_file_that_was_cut_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole.db");
    well(&whole);
    let bytes = fs::read(&whole).unwrap();
    let damaged = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let pages = bytes.len() / 4096;
    for page in 0..pages {
        let mut damaged_page = bytes.clone();
        damaged_page[page * 4096..][..12].iter_mut().for_each(|byte| *byte ^= 0xFF);
        let report = look(&damaged(&format!("flipped-{page}.db"), &damaged_page));
        assert!(report.is_fatal(), "page {page} of {pages}");
    }
    for length in [1, 100, 4096, bytes.len() / 2, bytes.len() - 4096] {
        assert!(look(&damaged(&format!("cut-{length}.db"), &bytes[..length])).is_fatal(), "{length} bytes");
    }
    let empty = look(&damaged("empty.db", b""));
    assert!(empty.is_fatal() && empty.findings[0].what.contains("is empty"), "{:?}", empty.findings);
}

#[test]
fn what_cannot_be_read_is_no_finding() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.db");
    let error = examine(&missing, &[], NOW).unwrap_err().to_string();
    assert!(error.contains("missing.db"), "{error}");
    assert!(!missing.exists());
    assert!(examine(folder.path(), &[], NOW).is_err());
}

#[test]
fn an_older_store_is_said_to_be_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch(include_str!("../../src/store/sqlite/schema/1.sql")).unwrap();
    raw.pragma_update(None, "user_version", 1).unwrap();
    drop(raw);
    fs::set_permissions(&path, private()).unwrap();
    let report = look(&path);
    assert_eq!((report.schema, report.findings), (1, vec![]));
}

#[cfg(unix)]
fn private() -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o600)
}

#[cfg(unix)]
#[test]
fn files_that_others_may_read_are_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (path, token) = (folder.path().join("hub.db"), folder.path().join("admin.token"));
    well(&path);
    fs::write(&token, "t").unwrap();
    let open_to_all = || fs::Permissions::from_mode(0o644);
    for file in [&path, &token, &path.with_extension("lock")] {
        fs::set_permissions(file, open_to_all()).unwrap();
    }
    let findings = examine(&path, std::slice::from_ref(&token), NOW).unwrap().findings;
    // What SQLite keeps beside a store that is read has the mode of the store.
    let log = |name: &str| folder.path().join(format!("hub.db-{name}"));
    let files = [path.clone(), log("wal"), log("shm"), path.with_extension("lock"), token];
    assert_eq!(findings.len(), files.len(), "{findings:?}");
    for (finding, file) in findings.iter().zip(files) {
        assert_eq!((finding.check, finding.level), ("modes", Level::Warning));
        assert_eq!(finding.mend, format!("chmod 600 {}", file.display()));
    }
}
