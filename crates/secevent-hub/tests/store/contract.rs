//! The contract of a store.

use secevent::Timestamp;
use secevent_ssf::{
    Seq, StreamNo,
    engine::Cursor,
    interest::{SubjectName, Wish},
    store::{DeadLetter, KeyRecord, Received, Replay, Retention, Store, Write},
};

use crate::records::{
    answer, event_at, events, letter, origin, received, replay, retention, stream, wish, writes,
};

/// Makes an empty store.
type Open<'a> = &'a dyn Fn() -> Box<dyn Store>;

/// Every rule, each over a fresh store.
pub(crate) fn check(open: Open<'_>) {
    let rules: [fn(&dyn Store); 18] = [
        an_empty_store_says_who_it_is,
        numbers_have_no_gaps_and_events_come_back_as_they_were,
        a_batch_is_written_as_one,
        streams_come_and_go_and_their_numbers_do_not_return,
        cursors_belong_to_streams,
        wishes_are_kept_once_and_leave_with_their_stream,
        dead_letters_are_listed_and_leave_with_their_stream,
        dead_letters_keep_their_event_when_the_log_forgets_it,
        replays_belong_to_streams,
        a_received_set_is_kept_once,
        answers_are_counted_from_their_batch,
        routes_are_read_in_pages,
        what_is_old_is_found_from_the_beginning,
        a_clock_that_went_back_makes_nothing_old,
        what_is_forgotten_gives_its_room_back,
        retention_takes_what_is_settled_and_old,
        retention_takes_old_answers_letters_and_received_sets,
        retention_takes_no_more_than_it_may,
    ];
    for rule in rules {
        rule(open().as_ref());
    }
    keys_are_kept_in_order(open().as_ref());
    writers_at_once_share_the_numbers(open().as_ref());
}

fn an_empty_store_says_who_it_is(store: &dyn Store) {
    let snapshot = store.load().unwrap();
    assert_eq!(snapshot.origin, origin());
    assert_eq!((snapshot.head, snapshot.last_stream, snapshot.last_audience), (Seq(0), 0, 0));
    assert!(snapshot.streams.is_empty() && snapshot.keys.is_empty());
    assert_eq!(store.commit(&writes([])).unwrap(), Seq(1), "an empty batch takes no number");
    assert_eq!(store.load().unwrap().head, Seq(0));
}

fn numbers_have_no_gaps_and_events_come_back_as_they_were(store: &dyn Store) {
    let all: Vec<_> = (0..5).map(|n| event_at(n, &[1, 300, 70_000])).collect();
    assert_eq!(store.commit(&events(all[..2].to_vec())).unwrap(), Seq(1));
    assert_eq!(store.commit(&writes([Write::Stream(Box::new(stream(1)))])).unwrap(), Seq(3));
    assert_eq!(store.commit(&events(all[2..].to_vec())).unwrap(), Seq(3));
    let rows = store.events(&[Seq(1), Seq(2), Seq(3), Seq(4), Seq(5)]).unwrap();
    assert_eq!(rows.iter().map(|row| row.seq.0).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(rows.into_iter().map(|row| row.event).collect::<Vec<_>>(), all);
    let some = store.events(&[Seq(9), Seq(5), Seq(u64::MAX), Seq(0)]).unwrap();
    assert_eq!(some.len(), 1, "those that are not there are left out");
    assert_eq!(store.load().unwrap().head, Seq(5));
}

fn a_batch_is_written_as_one(store: &dyn Store) {
    let mut batch = events([event_at(1, &[1]), event_at(2, &[])]);
    batch.writes = vec![
        Write::Stream(Box::new(stream(1))),
        Write::Cursor(StreamNo(1), Cursor { high: Seq(1), open: vec![Seq(1)] }),
        Write::DeadLetter(letter(1, 1, "no")),
        Write::Received(received("idp", "iss", "jti")),
        Write::Answer(answer("key", 0, 5)),
    ];
    assert_eq!(store.commit(&batch).unwrap(), Seq(1));
    let snapshot = store.load().unwrap();
    let cursor = Cursor { high: Seq(1), open: vec![Seq(1)] };
    assert_eq!((snapshot.head, snapshot.streams), (Seq(2), vec![(stream(1), cursor)]));
    assert_eq!(store.dead_letters(StreamNo(1), Seq(0), 9).unwrap().len(), 1);
    assert_eq!(store.received(None, 0, 9).unwrap().len(), 1);
    assert!(store.answer("key").unwrap().is_some());
}

fn streams_come_and_go_and_their_numbers_do_not_return(store: &dyn Store) {
    let (first, mut second) = (stream(1), stream(2));
    store.commit(&writes([&first, &second].map(|record| Write::Stream(Box::new(record.clone()))))).unwrap();
    second.reason = None;
    store.commit(&writes([Write::Stream(Box::new(second.clone()))])).unwrap();
    let kept: Vec<_> = store.load().unwrap().streams.into_iter().map(|(record, _)| record).collect();
    assert_eq!(kept, [first, second]);
    store.commit(&writes([Write::DropStream(StreamNo(2)), Write::DropStream(StreamNo(77))])).unwrap();
    let snapshot = store.load().unwrap();
    assert_eq!((snapshot.streams.len(), snapshot.last_stream, snapshot.last_audience), (1, 2, 12));
}

fn wishes_are_kept_once_and_leave_with_their_stream(store: &dyn Store) {
    let streams = [1, 2].map(|no| Write::Stream(Box::new(stream(no))));
    store.commit(&writes(streams)).unwrap();
    let kept =
        |wishes: &[Wish]| wishes.iter().cloned().map(|wish| Write::Wish(Box::new(wish))).collect::<Vec<_>>();
    let all =
        [wish(1, "a", 1), wish(1, "b", 2), wish(2, "a", 3), wish(9, "of no stream", 4), wish(1, "a", 5)];
    store.commit(&writes(kept(&all))).unwrap();
    let listed = || {
        let mut wishes = store.load().unwrap().wishes;
        wishes.sort_by_key(|wish| wish.turn);
        wishes
    };
    assert_eq!(listed(), [wish(1, "b", 2), wish(2, "a", 3), wish(1, "a", 5)]);
    let name = SubjectName::of(&wish(1, "b", 0).subject);
    store.commit(&writes([1, 9].map(|no| Write::DropWish(StreamNo(no), name)))).unwrap();
    assert_eq!(listed(), [wish(2, "a", 3), wish(1, "a", 5)]);
    store.commit(&writes([Write::DropStream(StreamNo(1))])).unwrap();
    assert_eq!(listed(), [wish(2, "a", 3)]);
}

fn what_is_old_is_found_from_the_beginning(store: &dyn Store) {
    let last = |before| store.last_before(Timestamp(before)).unwrap();
    assert_eq!(last(9), None);
    store.commit(&events((1..=5).map(|n| event_at(n * 10, &[1])))).unwrap();
    assert_eq!([last(10), last(11), last(50), last(99)], [None, Some(Seq(1)), Some(Seq(4)), Some(Seq(5))]);
    store.prune(&retention(9, 25)).unwrap();
    assert_eq!([last(29), last(31), last(99)], [None, Some(Seq(3)), Some(Seq(5))], "the log begins later");
}

/// Compared with what the rule says, for every time and at every cut of the log, in batches of one and of many.
fn a_clock_that_went_back_makes_nothing_old(store: &dyn Store) {
    let times = [50, 60, 55, 61, 3, 4, 61, 70, 64, 90, 0, 80, 95];
    store.commit(&events(times[..4].iter().map(|iat| event_at(*iat, &[1])))).unwrap();
    for iat in &times[4..] {
        store.commit(&events([event_at(*iat, &[1])])).unwrap();
    }
    for before in -1..100 {
        let old = times.iter().take_while(|iat| **iat < before).count() as u64;
        let found = store.last_before(Timestamp(before)).unwrap();
        assert_eq!(found, (old > 0).then_some(Seq(old)), "before {before}");
    }
    assert_eq!(store.prune(&retention(u64::MAX, 61)).unwrap(), 3);
    assert_eq!(store.last_before(Timestamp(61)).unwrap(), None, "the event of time 3 came after that of 61");
    let body = |seq| store.events(&[Seq(seq)]).unwrap()[0].event.event.iat.0;
    assert_eq!([body(5), body(11)], [3, 0], "what an event says of itself stays");
}

fn what_is_forgotten_gives_its_room_back(store: &dyn Store) {
    let used = || store.usage().unwrap().used_bytes;
    let empty = used();
    let grow = || assert!(store.commit(&events((0..500).map(|_| event_at(1, &[1])))).is_ok());
    grow();
    let once = used();
    assert!(once >= empty + 500 * 100, "{empty} bytes became {once}");
    for _ in 0..5 {
        store.prune(&retention(u64::MAX, 1_000)).unwrap();
        assert!(used() < empty + (once - empty) / 5, "{} of {once} bytes are in use", used());
        grow();
        assert!(used() <= once + once / 5, "{} bytes for what took {once}", used());
    }
}

fn cursors_belong_to_streams(store: &dyn Store) {
    store.commit(&writes([Write::Stream(Box::new(stream(1)))])).unwrap();
    assert_eq!(store.load().unwrap().streams[0].1, Cursor::default());
    let cursor = Cursor { high: Seq(900), open: vec![Seq(5), Seq(899), Seq(900)] };
    let strays = Write::Cursor(StreamNo(2), cursor.clone());
    store.commit(&writes([Write::Cursor(StreamNo(1), cursor.clone()), strays])).unwrap();
    // A changed record leaves the cursor alone.
    store.commit(&writes([Write::Stream(Box::new(stream(1)))])).unwrap();
    assert_eq!(store.load().unwrap().streams, [(stream(1), cursor)]);
}

fn dead_letters_are_listed_and_leave_with_their_stream(store: &dyn Store) {
    let streams = [1, 2].map(|no| Write::Stream(Box::new(stream(no))));
    store.commit(&writes(streams)).unwrap();
    let all = [letter(1, 7, "b"), letter(1, 3, "a"), letter(2, 4, "c"), letter(9, 1, "of no stream")];
    store.commit(&writes(all.map(Write::DeadLetter))).unwrap();
    store.commit(&writes([Write::DeadLetter(letter(1, 7, "again"))])).unwrap();
    let listed = |no, after, limit| store.dead_letters(StreamNo(no), Seq(after), limit).unwrap();
    assert_eq!(listed(1, 0, 9), [letter(1, 3, "a"), letter(1, 7, "again")]);
    assert_eq!((listed(1, 3, 9), listed(1, 0, 1)), (vec![letter(1, 7, "again")], vec![letter(1, 3, "a")]));
    assert!(listed(9, 0, 9).is_empty() && listed(1, u64::MAX, 9).is_empty());
    store.commit(&writes([Write::DropStream(StreamNo(1))])).unwrap();
    assert_eq!((listed(1, 0, 9).len(), listed(2, 0, 9).len()), (0, 1));
}

fn dead_letters_keep_their_event_when_the_log_forgets_it(store: &dyn Store) {
    let said = |iat| event_at(iat, &[1]).event;
    let mut batch = events([1, 2, 3, 4].map(|iat| event_at(iat, &[1])));
    let range = DeadLetter { many: Some(7), ..letter(1, 2, "too old") };
    batch.writes = vec![
        Write::Stream(Box::new(stream(1))),
        Write::DeadLetter(letter(1, 1, "no")),
        Write::DeadLetter(range.clone()),
    ];
    store.commit(&batch).unwrap();
    assert_eq!(store.prune(&retention(3, 4)).unwrap(), 3);
    store.commit(&writes([Write::DeadLetter(letter(1, 1, "no again"))])).unwrap();
    store.commit(&writes([Write::DeadLetter(letter(1, 3, "when it was gone"))])).unwrap();
    let listed = || store.dead_letters(StreamNo(1), Seq(0), 9).unwrap();
    let first = DeadLetter { event: Some(said(1).into()), ..letter(1, 1, "no again") };
    assert_eq!(listed(), [first, range.clone(), letter(1, 3, "when it was gone")]);
    let drops = [(1, 1), (9, 2), (1, 99)].map(|(no, seq)| Write::DropDeadLetter(StreamNo(no), Seq(seq)));
    store.commit(&writes(drops)).unwrap();
    assert_eq!(listed(), [range, letter(1, 3, "when it was gone")]);
}

fn replays_belong_to_streams(store: &dyn Store) {
    store.commit(&writes([1, 2].map(|no| Write::Stream(Box::new(stream(no)))))).unwrap();
    let replay = |done| Replay { done, ..replay() };
    let begin = |no, done| Write::Replay(StreamNo(no), Some(Box::new(replay(done))));
    store.commit(&writes([begin(1, 0), begin(2, 5), begin(9, 0), begin(1, 1)])).unwrap();
    // A changed record leaves it alone.
    store.commit(&writes([Write::Stream(Box::new(stream(1)))])).unwrap();
    let kept = || store.load().unwrap().replays;
    assert_eq!(kept(), [(StreamNo(1), replay(1)), (StreamNo(2), replay(5))]);
    store.commit(&writes([Write::Replay(StreamNo(1), None), Write::Replay(StreamNo(9), None)])).unwrap();
    assert_eq!(kept(), [(StreamNo(2), replay(5))]);
    store.commit(&writes([Write::DropStream(StreamNo(2))])).unwrap();
    assert_eq!(kept(), []);
}

// spec: PUSH-037
fn a_received_set_is_kept_once(store: &dyn Store) {
    let all = [received("a", "i1", "j1"), received("b", "i2", "j1"), received("a", "i1", "j2")];
    store.commit(&writes(all.map(Write::Received))).unwrap();
    let repeats = [received("b", "i1", "j1"), received("a", "i1", "j3")];
    store.commit(&writes(repeats.map(Write::Received))).unwrap();
    let names = |transmitter, after, limit| -> Vec<_> {
        let rows = store.received(transmitter, after, limit).unwrap();
        rows.into_iter().map(|row| (row.transmitter, row.iss, row.jti)).collect()
    };
    let of = |t: &str, i: &str, j: &str| (t.to_owned(), i.to_owned(), j.to_owned());
    let all = [of("a", "i1", "j1"), of("b", "i2", "j1"), of("a", "i1", "j2"), of("a", "i1", "j3")];
    assert_eq!(names(None, 0, 9), all);
    assert_eq!(names(Some("b"), 0, 9), all[1..2]);
    let second = store.received(None, 0, 2).unwrap()[1].no;
    assert_eq!(names(None, second, 9), all[2..]);
    assert_eq!(names(None, u64::MAX, 9), []);
    let as_named = |iss, jti| store.received_as(iss, jti).unwrap().map(|row| (row.transmitter, row.no));
    assert_eq!(as_named("i2", "j1"), Some(("b".to_owned(), second)));
    assert_eq!((as_named("i2", "j2"), as_named("j1", "i2")), (None, None));
}

fn answers_are_counted_from_their_batch(store: &dyn Store) {
    store.commit(&events([event_at(1, &[])])).unwrap();
    let mut group = events([event_at(2, &[]), event_at(3, &[])]);
    group.writes = vec![Write::Answer(answer("one", 0, 5))];
    let mut other = events([event_at(4, &[]), event_at(5, &[])]);
    other.writes = vec![Write::Answer(answer("two", 0, 5))];
    group.append(other);
    assert_eq!(store.commit(&group).unwrap(), Seq(2));
    assert_eq!(store.answer("one").unwrap(), Some(answer("one", 2, 5)));
    assert_eq!(store.answer("two").unwrap(), Some(answer("two", 4, 5)));
    assert_eq!(store.answer("").unwrap(), None);
}

fn routes_are_read_in_pages(store: &dyn Store) {
    let to = [&[1][..], &[2], &[1, 2], &[], &[2], &[1]];
    store.commit(&events((0..).zip(to).map(|(n, streams)| event_at(n, streams)))).unwrap();
    let page = |stream, after, limit| {
        let routes = store.routes(StreamNo(stream), Seq(after), limit).unwrap();
        (routes.entries.iter().map(|entry| entry.seq.0).collect::<Vec<_>>(), routes.through.0)
    };
    assert_eq!(page(1, 0, 2), (vec![1], 2), "the limit counts events of the log");
    assert_eq!(page(1, 2, 2), (vec![3], 4));
    assert_eq!(page(1, 4, 2), (vec![6], 6));
    assert_eq!(page(1, 6, 2), (vec![], 6));
    assert_eq!(page(1, 9, 2), (vec![], 9), "nothing was read, and not less than before");
    assert_eq!(page(2, 0, 100), (vec![2, 3, 5], 6));
    assert_eq!(page(9, 0, 100), (vec![], 6), "read to the head, with nothing for this stream");
    let subject = store.routes(StreamNo(1), Seq(0), 1).unwrap().entries[0].subject;
    assert_eq!(subject.0, u64::MAX);
}

fn retention_takes_what_is_settled_and_old(store: &dyn Store) {
    store.commit(&events([10, 20, 99, 30, 40].map(|iat| event_at(iat, &[1])))).unwrap();
    assert_eq!(store.prune(&retention(0, 50)).unwrap(), 0, "nothing is settled");
    assert_eq!(
        store.prune(&retention(4, 50)).unwrap(),
        2,
        "the third is too young, and stops what is behind it"
    );
    assert_eq!(store.events(&[1, 2, 3, 4, 5].map(Seq)).unwrap().len(), 3);
    let routes = store.routes(StreamNo(1), Seq(0), 100).unwrap();
    assert_eq!(routes.entries.iter().map(|entry| entry.seq.0).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(store.prune(&retention(u64::MAX, 1_000)).unwrap(), 2, "the last one stays");
    assert_eq!(store.load().unwrap().head, Seq(5));
    assert_eq!(store.commit(&events([event_at(1, &[])])).unwrap(), Seq(6), "no number is used again");
}

fn retention_takes_old_answers_letters_and_received_sets(store: &dyn Store) {
    let at = |jti: &str, at| Received { at: Timestamp(at), ..received("idp", "iss", jti) };
    let aside = |seq, at| DeadLetter { at: Timestamp(at), ..letter(1, seq, "no") };
    store.commit(&writes([answer("old", 0, 9), answer("new", 0, 10)].map(Write::Answer))).unwrap();
    store.commit(&writes([Write::Stream(Box::new(stream(1)))])).unwrap();
    store.commit(&writes([aside(1, 9), aside(2, 10)].map(Write::DeadLetter))).unwrap();
    store.commit(&writes([at("a", 8), at("b", 9), at("c", 10)].map(Write::Received))).unwrap();
    assert_eq!(store.prune(&retention(0, 10)).unwrap(), 4);
    assert_eq!((store.answer("old").unwrap(), store.answer("new").unwrap().is_some()), (None, true));
    assert_eq!(store.dead_letters(StreamNo(1), Seq(0), 9).unwrap(), [aside(2, 10)]);
    let numbers = || store.received(None, 0, 9).unwrap().iter().map(|set| set.no).collect::<Vec<_>>();
    assert_eq!(numbers(), [3]);
    assert_eq!(store.prune(&retention(0, 1_000)).unwrap(), 2, "the last one received stays");
    store.commit(&writes([Write::Received(at("d", 11))])).unwrap();
    assert_eq!(numbers(), [3, 4], "no number is used again");
}

fn retention_takes_no_more_than_it_may(store: &dyn Store) {
    store.commit(&events((0..5).map(|iat| event_at(iat, &[1])))).unwrap();
    let sets = ["a", "b", "c", "d"].map(|jti| Write::Received(received("idp", "iss", jti)));
    store.commit(&writes(sets)).unwrap();
    store.commit(&writes(["a", "b", "c"].map(|key| Write::Answer(answer(key, 0, 5))))).unwrap();
    let three = Retention { rows_max: 3, ..retention(9, 1_000) };
    let pruned = || store.prune(&three).unwrap();
    assert_eq!([pruned(), pruned(), pruned(), pruned(), pruned()], [3, 3, 3, 1, 0]);
}

fn keys_are_kept_in_order(store: &dyn Store) {
    let key = |kid: &str, at, withdrawn_at: Option<i64>| KeyRecord {
        kid: kid.into(),
        jwk: format!("{{\"kid\":\"{kid}\"}}"),
        created_at: Timestamp(at),
        signs_from: Timestamp(at + 600),
        withdrawn_at: withdrawn_at.map(Timestamp),
    };
    let all = [key("c", 1, None), key("b", 3, None), key("a", 3, Some(-5))];
    store.commit(&writes(all.clone().map(Write::Key))).unwrap();
    store.commit(&writes([Write::Key(key("c", 1, Some(9)))])).unwrap();
    let [_, b, a] = all;
    assert_eq!(store.load().unwrap().keys, [key("c", 1, Some(9)), a.clone(), b]);
    store.commit(&writes(["b", "none"].map(|kid| Write::DropKey(kid.into())))).unwrap();
    assert_eq!(store.load().unwrap().keys, [key("c", 1, Some(9)), a]);
}

fn writers_at_once_share_the_numbers(store: &dyn Store) {
    let firsts = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                for _ in 0..10 {
                    let first = store.commit(&events([event_at(1, &[1]), event_at(2, &[])])).unwrap();
                    firsts.lock().unwrap().push(first.0);
                    let seen = store.routes(StreamNo(1), Seq(0), 1_000).unwrap();
                    let gapless = (1..).step_by(2).zip(&seen.entries).all(|(n, entry)| entry.seq.0 == n);
                    assert!(gapless, "a reader never overtakes a writer");
                }
            });
        }
    });
    let mut firsts = firsts.into_inner().unwrap();
    firsts.sort_unstable();
    assert_eq!(firsts, (1..80).step_by(2).collect::<Vec<_>>());
}
