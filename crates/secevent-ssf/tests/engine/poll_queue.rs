//! Poll: acknowledgements, selection, leases.

use secevent_ssf::{
    Seq,
    engine::{Millis, PollQueue, Selection},
};

use crate::{backlog_of, entry, seqs};

const LEASE_MS: u64 = 10_000;

fn queue(events: u64) -> PollQueue {
    let subjects: Vec<_> = (1..=events).collect();
    PollQueue::new(backlog_of(&subjects), LEASE_MS)
}

/// A poll from beginning to end.
fn poll(queue: &mut PollQueue, max: usize) -> Selection {
    queue.begin();
    let selection = queue.select(max, Millis(0));
    queue.end();
    selection
}

// spec: POLL-007, POLL-010, POLL-043
#[test]
fn the_oldest_are_offered_first_and_more_is_said() {
    let mut queue = queue(3);
    assert_eq!(poll(&mut queue, 2), Selection { seqs: seqs(1..=2), more: true, again: 0 });
    assert_eq!(poll(&mut queue, 3), Selection { seqs: seqs(1..=3), more: false, again: 2 });
}

// spec: POLL-029, POLL-033
#[test]
fn what_is_acknowledged_is_gone_and_a_repeat_or_a_stranger_is_no_error() {
    let mut queue = queue(3);
    poll(&mut queue, 10);
    assert!(queue.ack(Seq(2)));
    assert!(!queue.ack(Seq(2)), "again");
    assert!(!queue.ack(Seq(99)), "never heard of");
    assert_eq!(poll(&mut queue, 10).seqs, seqs([1, 3]));
}

// spec: POLL-033
#[test]
fn what_was_never_offered_cannot_be_acknowledged() {
    let mut queue = queue(2);
    assert!(!queue.ack(Seq(1)));
    assert_eq!(poll(&mut queue, 10).seqs, seqs(1..=2));
}

// spec: POLL-034
#[test]
fn a_reported_error_releases_as_an_acknowledgement_does() {
    let mut queue = queue(2);
    queue.begin();
    queue.select(10, Millis(0));
    assert!(queue.ack(Seq(1)), "the shell calls `ack` for setErrs too");
    queue.end();
    assert_eq!(poll(&mut queue, 10).seqs, seqs([2]));
}

// spec: POLL-036
#[test]
fn leases_bind_concurrent_polls_until_they_end() {
    let mut queue = queue(4);
    queue.begin();
    assert_eq!(queue.select(2, Millis(0)).seqs, seqs(1..=2));
    queue.begin();
    assert_eq!(queue.select(10, Millis(1)).seqs, seqs(3..=4), "the second poll gets others");
    assert_eq!(queue.select(10, Millis(1)), Selection::default(), "nothing is free");
    assert_eq!(queue.next_lease_end(Millis(1)), Some(Millis(LEASE_MS)));
    assert_eq!(queue.select(10, Millis(LEASE_MS)).seqs, seqs(1..=2), "the first lease has ended");
}

// spec: POLL-030, POLL-036
#[test]
fn a_poll_alone_is_offered_everything_again_in_order() {
    let mut queue = queue(3);
    assert_eq!(poll(&mut queue, 2).seqs, seqs(1..=2));
    assert_eq!(poll(&mut queue, 10).seqs, seqs(1..=3), "no lease of the poll before is left");
}

// spec: POLL-036
#[test]
fn an_abandoned_poll_keeps_nothing() {
    let mut queue = queue(2);
    queue.begin();
    queue.select(10, Millis(0));
    queue.end(); // its receiver went away before the answer
    queue.end(); // and ending twice harms nobody
    queue.begin();
    assert_eq!(queue.select(10, Millis(1)).seqs, seqs(1..=2));
    queue.begin();
    assert_eq!(queue.select(10, Millis(1)).seqs, [], "the count of polls is right again");
}

// spec: POLL-016, POLL-017
#[test]
fn zero_events_are_none_but_tell_whether_some_are_waiting() {
    let mut queue = queue(1);
    assert_eq!(poll(&mut queue, 0), Selection { seqs: vec![], more: true, again: 0 });
    poll(&mut queue, 1);
    assert_eq!(
        poll(&mut queue, 0),
        Selection { seqs: vec![], more: true, again: 0 },
        "offered, not acknowledged"
    );
    queue.ack(Seq(1));
    assert_eq!(poll(&mut queue, 0), Selection::default());
}

// spec: SSF-148, POLL-048
#[test]
fn a_held_queue_offers_nothing_and_takes_acknowledgements() {
    let mut queue = queue(3);
    poll(&mut queue, 2);
    queue.hold(true);
    assert_eq!(poll(&mut queue, 10), Selection::default());
    assert!(queue.ack(Seq(1)));
    queue.backlog_mut().offer(entry(4, 1));
    queue.hold(false);
    assert_eq!(poll(&mut queue, 10).seqs, seqs(2..=4));
}

#[test]
fn no_limit_means_everything() {
    let mut queue = queue(300);
    assert_eq!(poll(&mut queue, usize::MAX), Selection { seqs: seqs(1..=300), more: false, again: 0 });
}

// spec: SSF-200, SSF-203
#[test]
fn a_notice_is_offered_first_also_while_the_queue_is_held() {
    let mut queue = queue(2);
    queue.backlog_mut().tell(entry(9, 9));
    queue.hold(true);
    assert_eq!(poll(&mut queue, 9), Selection { seqs: vec![Seq(9)], more: false, again: 0 });
    assert_eq!(poll(&mut queue, 9).seqs, [Seq(9)], "until it is acknowledged");
    queue.hold(false);
    assert_eq!(poll(&mut queue, 2), Selection { seqs: vec![Seq(9), Seq(1)], more: true, again: 0 });
    assert!(queue.ack(Seq(9)) && !queue.ack(Seq(9)));
    assert_eq!(poll(&mut queue, 9).seqs, [Seq(1), Seq(2)]);
}
