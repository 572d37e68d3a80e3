//! The cursor over the log and the ring before it.

use secevent_ssf::{
    Seq,
    engine::{Backlog, Cursor, OPEN_MAX, RING_MAX},
};

use crate::{backlog_of, entry, seqs};

const RING: u64 = RING_MAX as u64;

fn take_all(backlog: &mut Backlog) -> Vec<Seq> {
    std::iter::from_fn(|| backlog.take()).map(|entry| entry.seq).collect()
}

fn overflown(events: u64) -> Backlog {
    let mut backlog = Backlog::new(Seq(0));
    (1..=events).for_each(|seq| backlog.offer(entry(seq, seq)));
    backlog
}

#[test]
fn a_full_ring_falls_behind_and_reads_the_log_when_dry() {
    let mut backlog = overflown(RING + 5);
    assert_eq!((backlog.len(), backlog.wants()), ((0, RING_MAX), None), "there is enough to do");
    let taken = take_all(&mut backlog);
    assert_eq!(taken.len(), RING_MAX);
    assert!(taken.into_iter().all(|seq| backlog.settle(seq)));
    assert_eq!(backlog.wants(), Some(Seq(RING)), "the log has what did not fit");
    assert!(backlog.has_more() && backlog.settled_to(Seq(RING + 9)) < Seq(RING + 9));

    let rest = (RING + 1..=RING + 5).map(|seq| entry(seq, seq));
    backlog.refill(rest, Seq(RING + 5), Seq(RING + 5));
    assert_eq!((backlog.wants(), backlog.len().1), (None, 5));
    assert_eq!(take_all(&mut backlog), seqs(RING + 1..=RING + 5));
}

#[test]
fn what_waits_is_known_from_the_oldest_up_to_where_nobody_looked() {
    let mut backlog = overflown(RING + 5);
    assert_eq!((0..3).filter_map(|_| backlog.take()).count(), 3);
    assert!(backlog.settle(Seq(2)));
    assert_eq!((backlog.known(), backlog.unread()), (RING_MAX - 1, Some(Seq(RING))));
    let nth = [0, 1, 2, 3, RING_MAX - 1, RING_MAX].map(|nth| backlog.nth(nth));
    assert_eq!(nth, [None, Some(Seq(1)), Some(Seq(3)), Some(Seq(4)), Some(Seq(RING)), None]);
    assert_eq!(backlog.expire(Seq(RING + 2)), (RING_MAX - 1, Some(Seq(RING))), "the log tells of the rest");
    assert_eq!((backlog.known(), backlog.unread(), backlog.nth(1)), (0, Some(Seq(RING + 2)), None));
}

#[test]
fn offers_while_behind_are_left_to_the_log() {
    let mut backlog = overflown(RING + 1);
    take_all(&mut backlog);
    backlog.offer(entry(RING + 2, 1));
    assert_eq!(backlog.wants(), Some(Seq(RING)));
    backlog.refill([entry(RING + 1, 1)], Seq(RING + 1), Seq(RING + 2));
    assert_eq!(backlog.wants(), None, "first what is in the ring");
    (1..=RING).for_each(|seq| assert!(backlog.settle(Seq(seq))));
    assert_eq!(take_all(&mut backlog), seqs([RING + 1]));
    assert_eq!(backlog.wants(), Some(Seq(RING + 1)));
}

#[test]
fn what_was_read_and_is_offered_afterwards_counts_once() {
    let mut backlog = Backlog::resume(Seq(0), []);
    // The log was read up to 3 while 2 and 3 were committed but not yet offered.
    backlog.refill([entry(2, 1), entry(3, 1)], Seq(3), Seq(1));
    for seq in 2..=4 {
        backlog.offer(entry(seq, 1));
    }
    assert_eq!(take_all(&mut backlog), seqs(2..=4));
}

#[test]
fn two_readers_of_the_same_part_fill_the_ring_once() {
    let mut backlog = Backlog::resume(Seq(0), []);
    let part = [entry(1, 1), entry(2, 2)];
    backlog.refill(part, Seq(2), Seq(9));
    backlog.refill(part, Seq(2), Seq(9));
    assert_eq!(take_all(&mut backlog), seqs(1..=2));
    backlog.settle(Seq(1));
    backlog.refill(part, Seq(2), Seq(9));
    assert_eq!(take_all(&mut backlog), [], "a slow reader brings nothing back");
    backlog.refill([entry(8, 1)], Seq(9), Seq(9));
    backlog.refill(part, Seq(2), Seq(9));
    assert_eq!(take_all(&mut backlog), seqs([8]));
}

#[test]
fn no_more_are_open_than_the_cursor_may_hold() {
    let mut backlog = overflown(RING);
    take_all(&mut backlog);
    backlog.offer(entry(RING + 1, 1));
    assert_eq!((backlog.take(), backlog.len()), (None, (OPEN_MAX, 1)));
    backlog.settle(Seq(500));
    assert_eq!(backlog.take(), Some(entry(RING + 1, 1)));
}

#[test]
fn a_cursor_survives_as_bytes() {
    let many = (1..=OPEN_MAX as u64).map(|n| Seq(n * 1_000));
    for (high, open) in [(0, vec![]), (7, vec![]), (7, seqs([7])), (9_000_000, many.collect())] {
        let cursor = Cursor { high: Seq(high), open };
        let bytes = cursor.to_bytes();
        assert!(bytes.len() <= 4096, "{} bytes", bytes.len());
        assert_eq!(Cursor::from_bytes(&bytes), Some(cursor));
    }
    for damaged in [&[][..], &[0x80], &[0xFF; 12]] {
        assert_eq!(Cursor::from_bytes(damaged), None);
    }
    assert_eq!(Cursor { high: Seq(0), open: seqs([0]) }.low(), Seq(0), "nonsense on disk does not overflow");
}

#[test]
fn a_restart_resumes_exactly_what_was_open() {
    let mut backlog = backlog_of(&[10, 20, 30, 40, 50]);
    (0..4).for_each(|_| assert!(backlog.take().is_some()));
    backlog.settle(Seq(1));
    backlog.settle(Seq(3));
    let cursor = backlog.take_dirty().expect("it changed");
    assert_eq!(cursor, Cursor { high: Seq(4), open: seqs([2, 4]) });
    assert_eq!((cursor.low(), backlog.take_dirty()), (Seq(1), None));

    let mut again = Backlog::resume(cursor.high, [entry(2, 20), entry(4, 40)]);
    assert_eq!(again.open().collect::<Vec<_>>(), [entry(2, 20), entry(4, 40)]);
    assert_eq!(again.wants(), Some(Seq(4)));
    again.refill([entry(5, 50)], Seq(5), Seq(5));
    assert_eq!(take_all(&mut again), seqs([5]));
    let settled: Vec<_> = (1..=5).filter(|seq| again.is_settled(Seq(*seq))).collect();
    assert_eq!(settled, [1, 3]);
}

#[test]
fn a_log_without_anything_for_the_stream_moves_its_cursor_on() {
    let mut backlog = Backlog::resume(Seq(3), []);
    backlog.refill([], Seq(900), Seq(900));
    assert_eq!((backlog.cursor().low(), backlog.settled_to(Seq(901))), (Seq(900), Seq(901)));
}

#[test]
fn a_notice_that_is_too_old_keeps_nothing_in_the_log() {
    let mut backlog = Backlog::new(Seq(4));
    backlog.tell(entry(5, 1));
    assert_eq!(backlog.settled_to(Seq(200)), Seq(4));
    assert_eq!(backlog.expire(Seq(100)), (0, None));
    assert_eq!((backlog.settled_to(Seq(200)), backlog.notice()), (Seq(200), None));
}

#[test]
fn a_new_backlog_begins_at_the_head() {
    let mut backlog = Backlog::new(Seq(4));
    // Committed before the stream was made, offered after it.
    backlog.offer(entry(4, 1));
    backlog.offer(entry(5, 1));
    assert_eq!(backlog.take_dirty().map(|cursor| cursor.low()), Some(Seq(4)));
    assert_eq!(take_all(&mut backlog), seqs([5]));
}

#[test]
fn settling_what_is_not_open_changes_nothing() {
    let mut backlog = backlog_of(&[1]);
    backlog.take_dirty();
    assert!(!backlog.settle(Seq(1)), "it waits in the ring");
    assert_eq!(backlog.take_dirty(), None);
}

#[test]
fn an_event_is_opened_again_wherever_it_is_and_no_more_than_may_be_open() {
    let mut backlog = Backlog::resume(Seq(10), [entry(7, 7)]);
    backlog.take_dirty();
    assert!(backlog.reopen(entry(3, 3)) && backlog.reopen(entry(90, 9)) && backlog.reopen(entry(7, 7)));
    let cursor = backlog.take_dirty().expect("it is written");
    assert_eq!((cursor.high, cursor.open), (Seq(10), seqs([3, 7, 90])));
    backlog.refill([entry(11, 1)], Seq(12), Seq(12));
    assert_eq!(take_all(&mut backlog), seqs([11]));
    assert!([3, 7, 11].into_iter().all(|seq| backlog.settle(Seq(seq))) && !backlog.settle(Seq(3)));
    assert_eq!((backlog.settled(), backlog.len()), (3, (1, 0)));
    let room = (100..).take(OPEN_MAX - 1).all(|seq| backlog.reopen(entry(seq, seq)));
    assert!(room && !backlog.reopen(entry(5, 5)) && backlog.reopen(entry(90, 9)), "{:?}", backlog.len());
}
