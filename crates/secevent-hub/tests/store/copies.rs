//! Copies: made while a store is in use, opened as stores, and put in the place of others.

use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use secevent_hub::store::{SqliteStore, back_up, restore};
use secevent_ssf::{
    Audience, JtiMint, Seq, StreamNo,
    engine::Cursor,
    store::{Batch, Origin, Store, StoreError, Write},
};

use crate::{
    records::{event_at, events, stream, writes},
    sqlite::{filled, open},
};

fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    back_up(from, to, &mut |_| ControlFlow::Continue(()))
}

fn put_in_place(copy: &Path, path: &Path) -> Result<Option<PathBuf>, StoreError> {
    restore(copy, path, &mut |_| ControlFlow::Continue(()), |_| Ok(()))
}

fn mint(Origin { incarnation, sealing_key }: &Origin) -> JtiMint {
    JtiMint::new(*sealing_key, *incarnation)
}

fn head(path: &Path) -> u64 {
    open(path).unwrap().load().unwrap().head.0
}

// spec: SET-019, POLL-033
#[test]
fn a_copy_names_its_events_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copied) = (folder.path().join("hub.db"), folder.path().join("copy.db"));
    filled(&path, 5);
    let original = open(&path).unwrap();
    copy(&path, &copied).unwrap();
    // Even when chance would give it the same incarnation.
    let second = SqliteStore::open(&copied, || original.load().unwrap().origin).unwrap();
    let (old, new) = (original.load().unwrap(), second.load().unwrap());
    assert_eq!(new.origin.sealing_key, old.origin.sealing_key);
    assert_eq!((new.head, &new.streams, &new.keys), (old.head, &old.streams, &old.keys));
    let (old_mint, new_mint) = (mint(&old.origin), mint(&new.origin));
    for seq in (1..=5).map(Seq) {
        let (theirs, ours) = (old_mint.mint(seq, Audience(1)), new_mint.mint(seq, Audience(1)));
        assert_ne!(theirs, ours);
        assert_eq!((new_mint.open(&theirs), old_mint.open(&ours)), (None, None));
        assert_eq!(new_mint.open(&ours), Some((seq, Audience(1))));
    }
    drop(second);
    let again = SqliteStore::open(&copied, || panic!("it has a life of its own already")).unwrap();
    assert_eq!(again.load().unwrap().origin, new.origin);
    assert_eq!(original.load().unwrap().origin, old.origin, "the original stays who it is");
}

#[cfg(unix)]
#[test]
fn a_copy_is_one_file_for_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (path, copied) = (folder.path().join("hub.db"), folder.path().join("elsewhere").join("copy.db"));
    fs::create_dir(copied.parent().unwrap()).unwrap();
    filled(&path, 5);
    let store = open(&path).unwrap();
    store.commit(&events([event_at(1, &[1])])).unwrap();
    copy(&path, &copied).unwrap();
    assert_eq!(fs::read_dir(copied.parent().unwrap()).unwrap().count(), 1);
    assert_eq!(fs::metadata(&copied).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(head(&copied), 6, "what is in the write-ahead log is in the copy");
}

/// The store is written to between the steps of the copy, by which it neither changes nor begins again.
#[test]
fn a_copy_is_what_was_committed_when_it_began() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copied) = (folder.path().join("hub.db"), folder.path().join("copy.db"));
    let store = open(&path).unwrap();
    for _ in 0..40 {
        store.commit(&events((0..1_000).map(|_| event_at(1, &[1])))).unwrap();
    }
    let mut steps = Vec::new();
    back_up(&path, &copied, &mut |progress| {
        store.commit(&events((0..100).map(|_| event_at(1, &[1])))).unwrap();
        store.commit(&writes([Write::Stream(Box::new(stream(1)))])).unwrap();
        steps.push(progress);
        ControlFlow::Continue(())
    })
    .unwrap();
    let (first, last) = (steps[0], *steps.last().unwrap());
    assert!(steps.len() > 2 && first.done < first.all, "{steps:?}");
    assert!(steps.is_sorted_by_key(|step| step.done) && last.done == last.all, "{steps:?}");
    assert!(steps.iter().all(|step| step.all == first.all));
    let snapshot = open(&copied).unwrap().load().unwrap();
    assert_eq!((snapshot.head, snapshot.streams.len()), (Seq(40_000), 0));

    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let broken_off = restore(&copied, &elsewhere.join("hub.db"), &mut |_| ControlFlow::Break(()), |_| Ok(()));
    let broken_off: StoreError = broken_off.unwrap_err();
    assert!(broken_off.to_string().contains("abort"), "{broken_off}");
    let left: Vec<_> = fs::read_dir(&elsewhere).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["hub.lock"]);
    assert_eq!(store.load().unwrap().head.0, 40_000 + 100 * steps.len() as u64);
}

#[test]
fn what_is_no_store_is_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::write(file("notes.db"), "words, and no pages at all".repeat(500)).unwrap();
    fs::write(file("empty.db"), "").unwrap();
    rusqlite::Connection::open(file("other.db")).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    filled(&file("newer.db"), 1);
    let newer = rusqlite::Connection::open(file("newer.db")).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    for name in ["notes.db", "empty.db", "other.db", "newer.db", "missing.db"] {
        let refused = copy(&file(name), &file(&format!("copy-of-{name}"))).unwrap_err().to_string();
        assert!(refused.contains(name), "{refused}");
        assert!(name != "newer.db" || refused.contains("use the newer program"), "{refused}");
    }
    assert!(!file("missing.db").exists());
}

/// A folder as a hub leaves it that was killed: part of the store is in the write-ahead log only.
fn killed(folder: &Path, store: &SqliteStore, from: &Path, last: &Batch) -> PathBuf {
    fs::create_dir(folder).unwrap();
    let raw = rusqlite::Connection::open(from).unwrap();
    raw.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    store.commit(last).unwrap();
    for log in ["", "-wal"] {
        let name = format!("hub.db{log}");
        fs::copy(from.with_file_name(&name), folder.join(&name)).unwrap();
    }
    assert!(fs::metadata(folder.join("hub.db-wal")).unwrap().len() > 4_096);
    folder.join("hub.db")
}

#[test]
fn a_restored_store_is_not_mixed_with_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copied) = (folder.path().join("hub.db"), folder.path().join("copy.db"));
    filled(&path, 5);
    let store = open(&path).unwrap();
    copy(&path, &copied).unwrap();
    store.commit(&events((0..3_000).map(|_| event_at(1, &[1])))).unwrap();

    // What comes of it without care: the log that lies there is taken for that of the new file.
    let more = events((0..2_000).map(|_| event_at(1, &[1])));
    let careless = killed(&folder.path().join("careless"), &store, &path, &more);
    fs::copy(&copied, &careless).unwrap();
    let mixed = open(&careless).and_then(|store| store.load()).map(|snapshot| snapshot.head);
    assert!(!matches!(mixed, Ok(Seq(5))), "the log was not there to do harm");

    let at = killed(&folder.path().join("careful"), &store, &path, &more);
    let last = store.load().unwrap().head.0;
    let aside = put_in_place(&copied, &at).unwrap().expect("something was there");
    assert_eq!((head(&at), head(&aside)), (5, last), "nothing of either is lost");

    // A store that cannot be read any more goes aside with all it has, also what was in the log.
    let cursor = Cursor { high: Seq(9), open: vec![Seq(7)] };
    let written = writes([Write::Cursor(StreamNo(1), cursor.clone())]);
    let broken = killed(&folder.path().join("broken"), &store, &path, &written);
    let mut bytes = fs::read(&broken).unwrap();
    let header: Vec<_> = bytes.splice(..100, [0xA5; 100]).collect();
    fs::write(&broken, &bytes).unwrap();
    let aside = put_in_place(&copied, &broken).unwrap().expect("something was there");
    assert_eq!(head(&broken), 5);
    assert!(open(&aside).is_err(), "it is as broken as it was");
    let mut bytes = fs::read(&aside).unwrap();
    bytes.splice(..100, header);
    fs::write(&aside, &bytes).unwrap();
    let mended = open(&aside).unwrap().load().unwrap();
    assert_eq!((mended.head.0, &mended.streams[0].1), (store.load().unwrap().head.0, &cursor));

    let second = put_in_place(&copied, &at).unwrap().expect("something was there");
    assert_ne!(second, aside);
    assert_eq!((head(&at), head(&second)), (5, 5));
}

#[test]
fn a_restore_that_is_refused_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copied) = (folder.path().join("hub.db"), folder.path().join("copy.db"));
    filled(&path, 5);
    copy(&path, &copied).unwrap();
    let store = open(&path).unwrap();
    store.commit(&events([event_at(1, &[1])])).unwrap();
    let refused = put_in_place(&copied, &path).unwrap_err().to_string();
    assert!(refused.contains("another hub has this store open"), "{refused}");
    drop(store);
    let names = || {
        let files = fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    let no = |copy: &Path| {
        assert_ne!(copy, path);
        Err(StoreError::Failed("not this one".into()))
    };
    let refused = restore(&copied, &path, &mut |_| ControlFlow::Continue(()), no).unwrap_err().to_string();
    assert!(refused.contains("not this one"), "{refused}");
    assert!(put_in_place(&folder.path().join("missing.db"), &path).is_err());
    assert_eq!(names(), before);
    assert_eq!(head(&path), 6);
    let elsewhere = folder.path().join("new.db");
    assert_eq!(put_in_place(&copied, &elsewhere).unwrap(), None);
    assert_eq!(head(&elsewhere), 5);
}
