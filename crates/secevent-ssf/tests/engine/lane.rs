//! Push: order, window, breaker.

use secevent_ssf::{
    Seq,
    delivery::push::Verdict,
    engine::{Action, Lane, Millis, Outcome},
};

use crate::{backlog_of, entry};

const DELIVERED: Verdict = Verdict::Delivered { proper: true };
const HOUR: u64 = 3_600_000;

fn lane(subjects: &[u64], window: usize) -> Lane {
    Lane::new(backlog_of(subjects), window)
}

fn retry(after_secs: Option<u64>) -> Verdict {
    Verdict::Retry { reason: "status 503".into(), after_secs }
}

/// Everything the lane would send now.
fn sends(lane: &mut Lane, now: Millis) -> Vec<u64> {
    let next = |lane: &mut Lane| match lane.next(now) {
        Action::Send(seq) => Some(seq.0),
        _ => None,
    };
    std::iter::from_fn(|| next(lane)).collect()
}

/// The same failure for this SET, with the longest wait its step allows.
fn fail(lane: &mut Lane, seq: u64, now: Millis) -> u64 {
    match lane.answered(Seq(seq), retry(None), now, u32::MAX) {
        Outcome::Retry { at, .. } => at.0 - now.0,
        other => panic!("expected a retry, got {other:?}"),
    }
}

#[test]
fn the_window_bounds_what_is_in_flight() {
    let mut lane = lane(&[1, 2, 3, 4, 5], 3);
    assert_eq!(sends(&mut lane, Millis(0)), [1, 2, 3]);
    assert_eq!((lane.in_flight(), lane.next(Millis(0))), (3, Action::Idle));
    assert_eq!(lane.answered(Seq(2), DELIVERED, Millis(0), 0), Outcome::Settled);
    assert_eq!(sends(&mut lane, Millis(0)), [4]);
}

// spec: PUSH-046
#[test]
fn two_sets_of_one_subject_are_never_in_flight_and_never_overtake() {
    let mut lane = lane(&[7, 7, 8, 7, 8, 9], 8);
    assert_eq!(sends(&mut lane, Millis(0)), [1, 3, 6], "the first of each subject");
    lane.answered(Seq(1), DELIVERED, Millis(0), 0);
    assert_eq!(sends(&mut lane, Millis(0)), [2]);
    assert_eq!(fail(&mut lane, 2, Millis(10)), 1_000);
    lane.answered(Seq(3), DELIVERED, Millis(20), 0);
    assert_eq!(sends(&mut lane, Millis(20)), [5], "others go on while one waits");
    assert_eq!(lane.next(Millis(20)), Action::Wait(Millis(1_010)));
    assert_eq!(sends(&mut lane, Millis(1_010)), [2], "a failed SET comes before later ones of its subject");
    lane.answered(Seq(2), DELIVERED, Millis(1_020), 0);
    assert_eq!(sends(&mut lane, Millis(1_020)), [4]);
}

// spec: PUSH-040
#[test]
fn a_receiver_that_fails_three_rounds_is_probed_by_one_set_at_a_time() {
    let mut lane = lane(&[1, 2, 3], 8);
    for (at, wait) in [(0, 1_000), (1_000, 5_000), (6_000, 30_000)] {
        assert_eq!(sends(&mut lane, Millis(at)), [1, 2, 3], "the window is open");
        for seq in [1, 2, 3] {
            assert_eq!(fail(&mut lane, seq, Millis(at)), wait, "those of one round fail as one");
        }
    }
    assert_eq!(sends(&mut lane, Millis(36_000)), [1], "one probe");
    assert_eq!(fail(&mut lane, 1, Millis(36_000)), 120_000);
    assert_eq!(lane.next(Millis(36_001)), Action::Wait(Millis(41_000)), "the second step of the breaker");
    assert_eq!(sends(&mut lane, Millis(41_000)), [2], "another SET probes while the first waits");
    lane.answered(Seq(2), DELIVERED, Millis(41_001), 0);
    assert_eq!(sends(&mut lane, Millis(41_001)), [3], "a success opens the window; the first keeps its wait");
    assert_eq!(lane.next(Millis(41_001)), Action::Wait(Millis(156_000)));
}

// spec: PUSH-040
#[test]
fn those_that_were_in_flight_when_the_breaker_opened_do_not_count_again() {
    let mut lane = lane(&[1, 2, 3], 8);
    assert_eq!(sends(&mut lane, Millis(0)), [1, 2, 3]);
    let fault = || Verdict::LaneFault("status 401".into());
    lane.answered(Seq(1), fault(), Millis(0), u32::MAX);
    assert_eq!(lane.next(Millis(1_500)), Action::Idle, "no probe while others are on their way");
    for late in [2, 3] {
        lane.answered(Seq(late), fault(), Millis(9_000), u32::MAX);
    }
    assert_eq!(sends(&mut lane, Millis(9_000)), [1]);
    lane.answered(Seq(1), fault(), Millis(9_100), u32::MAX);
    assert_eq!(lane.next(Millis(9_100)), Action::Wait(Millis(14_100)), "the second step, not the fourth");
}

// spec: PUSH-040, PUSH-044
#[test]
fn one_set_that_always_fails_does_not_hold_up_the_others() {
    let mut lane = lane(&[1, 2, 3, 4, 5, 6], 2);
    let mut attempts = 0;
    for now in (0..60_000).step_by(100).map(Millis) {
        for seq in sends(&mut lane, now) {
            match seq {
                1 => {
                    attempts += 1;
                    lane.answered(Seq(1), retry(Some(30)), now, 0);
                }
                _ => _ = lane.answered(Seq(seq), DELIVERED, now, 0),
            }
        }
    }
    assert_eq!(attempts, 2, "Retry-After holds for the SET it was said of");
    assert!((2..=6).all(|seq| lane.backlog().is_settled(Seq(seq))));
}

// spec: PUSH-044
#[test]
fn a_set_that_is_not_taken_within_a_week_is_set_aside() {
    let mut lane = lane(&[1, 2, 2, 2, 2, 2, 2, 2, 2, 2], 1);
    let mut dead = None;
    let mut now = Millis(0);
    while dead.is_none() {
        match lane.next(now) {
            Action::Send(Seq(1)) => match lane.answered(Seq(1), retry(None), now, u32::MAX) {
                Outcome::Dead(reason) => dead = Some(reason),
                outcome => assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}"),
            },
            // Others are taken once a day, so that the receiver is never given up.
            Action::Send(seq) => {
                lane.answered(seq, DELIVERED, now, 0);
                now = now.plus(20 * HOUR);
            }
            Action::Wait(until) => now = until,
            other => panic!("unexpected {other:?}"),
        }
    }
    assert!(dead.is_some_and(|reason| reason.contains("week") && reason.contains("503")));
    assert!(lane.backlog().is_settled(Seq(1)) && now.0 >= 7 * 24 * HOUR);
}

// spec: PUSH-044
#[test]
fn retry_after_is_honoured_up_to_an_hour() {
    for (asked, waited) in [(7, 7_000), (3_600, HOUR), (86_400, HOUR), (u64::MAX, HOUR)] {
        let mut lane = lane(&[1], 1);
        sends(&mut lane, Millis(5));
        lane.answered(Seq(1), retry(Some(asked)), Millis(5), 0);
        assert_eq!(lane.next(Millis(5)), Action::Wait(Millis(5 + waited)), "Retry-After: {asked}");
    }
}

// spec: PUSH-042
#[test]
fn a_refused_set_is_set_aside_and_the_lane_goes_on() {
    let mut lane = lane(&[1, 1, 2], 1);
    assert_eq!(sends(&mut lane, Millis(0)), [1]);
    let outcome = lane.answered(Seq(1), Verdict::Refused("status 400".into()), Millis(0), 0);
    assert_eq!(outcome, Outcome::Dead("status 400".into()));
    assert_eq!(sends(&mut lane, Millis(0)), [2], "without any pause");
    assert!(lane.backlog().is_settled(Seq(1)));
}

// spec: PUSH-044
#[test]
fn a_receiver_broken_for_a_day_pauses_the_stream_and_keeps_its_sets() {
    let mut lane = lane(&[1, 2], 1);
    let mut now = Millis(0);
    let reason = loop {
        match lane.next(now) {
            Action::Wait(until) => now = until,
            Action::Send(seq) => {
                let fault = Verdict::LaneFault("status 401".into());
                if let Outcome::Pause(reason) = lane.answered(seq, fault, now, u32::MAX / 2) {
                    break reason;
                }
            }
            other => panic!("unexpected {other:?}"),
        }
    };
    assert!((24 * HOUR..29 * HOUR).contains(&now.0), "{now:?}");
    assert!(reason.contains("24 hours") && reason.contains("status 401"), "{reason}");
    assert_eq!(lane.next(now.plus(HOUR)), Action::Idle, "the lane holds itself");
    lane.hold(false);
    assert_eq!(sends(&mut lane, now), [1], "nothing is lost");
    assert_eq!(fail(&mut lane, 1, now), 1_000, "and the steps begin anew");
}

// spec: PUSH-044
#[test]
fn a_receiver_that_is_gone_pauses_at_once() {
    let mut lane = lane(&[1, 2], 1);
    sends(&mut lane, Millis(0));
    let gone = lane.answered(Seq(1), Verdict::Pause("status 410".into()), Millis(0), 0);
    assert_eq!(gone, Outcome::Pause("status 410".into()));
    assert_eq!(lane.next(Millis(HOUR)), Action::Idle);
    assert!(!lane.backlog().is_settled(Seq(1)));
}

// spec: SSF-148, SSF-149
#[test]
fn a_held_lane_sends_nothing_and_resumes_at_once() {
    let mut lane = lane(&[1, 2], 2);
    sends(&mut lane, Millis(0));
    fail(&mut lane, 1, Millis(0));
    lane.hold(true);
    lane.answered(Seq(2), DELIVERED, Millis(1), 0);
    assert_eq!(lane.next(Millis(HOUR)), Action::Idle);
    lane.hold(false);
    assert_eq!(sends(&mut lane, Millis(2)), [1], "no pause is left of the time before");
}

// spec: SSF-148, SSF-152, SSF-200
#[test]
fn what_waited_for_its_turn_is_sent_only_if_the_lane_still_may() {
    let mut lane = lane(&[1, 2, 3], 8);
    assert_eq!(sends(&mut lane, Millis(0)), [1, 2, 3]);
    assert!(lane.may_still_go(Seq(1)));
    lane.hold(true);
    assert!(!lane.may_still_go(Seq(2)), "it is held");
    lane.backlog_mut().tell(entry(9, 9));
    assert_eq!(sends(&mut lane, Millis(0)), [9]);
    assert!(lane.may_still_go(Seq(9)), "a notice goes also then");
    lane.answered(Seq(9), DELIVERED, Millis(0), 0);
    lane.hold(false);
    assert_eq!(sends(&mut lane, Millis(0)), [2], "the others are on their way");
    lane.skip_to(Seq(9));
    assert!(!lane.may_still_go(Seq(3)), "it is forgotten");
    assert_eq!(lane.in_flight(), 2);
}

#[test]
fn one_subject_alone_waits_in_order_and_asks_for_the_log_when_dry() {
    let mut lane = Lane::new(secevent_ssf::engine::Backlog::resume(Seq(4), []), 8);
    assert_eq!(lane.next(Millis(0)), Action::Read(Seq(4)));
    lane.backlog_mut().refill([crate::entry(6, 1), crate::entry(7, 1)], Seq(9), Seq(9));
    assert_eq!(sends(&mut lane, Millis(0)), [6]);
    lane.answered(Seq(6), DELIVERED, Millis(0), 0);
    assert_eq!(sends(&mut lane, Millis(0)), [7]);
}

// spec: SSF-200, SSF-201
#[test]
fn a_notice_goes_first_and_nothing_overtakes_it() {
    let mut lane = lane(&[1, 2], 8);
    lane.backlog_mut().tell(entry(9, 9));
    assert_eq!(sends(&mut lane, Millis(0)), [9]);
    assert_eq!(fail(&mut lane, 9, Millis(0)), 1_000);
    assert_eq!(sends(&mut lane, Millis(0)), [1, 2], "one that is not taken does not hold up the others");
    assert_eq!(lane.next(Millis(10)), Action::Wait(Millis(1_000)));
    assert_eq!(sends(&mut lane, Millis(1_000)), [9]);
    assert_eq!(lane.answered(Seq(9), DELIVERED, Millis(1_000), 0), Outcome::Settled);
    assert_eq!(lane.backlog().notice(), None);
}

// spec: SSF-148, SSF-200
#[test]
fn a_held_lane_tries_once_to_tell() {
    for (verdict, outcome) in [
        (DELIVERED, Outcome::Settled),
        (retry(None), Outcome::Untold("status 503".into())),
        (Verdict::Refused("no".into()), Outcome::Untold("no".into())),
    ] {
        let mut lane = lane(&[1, 2], 8);
        lane.hold(true);
        lane.backlog_mut().tell(entry(9, 9));
        assert_eq!(sends(&mut lane, Millis(0)), [9]);
        assert_eq!(lane.answered(Seq(9), verdict, Millis(0), 0), outcome);
        assert_eq!((sends(&mut lane, Millis(0)), lane.backlog().notice()), (vec![], None));
        lane.hold(false);
        assert_eq!(sends(&mut lane, Millis(0)), [1, 2]);
    }
}

// spec: SSF-200, SSF-201, PUSH-046
#[test]
fn a_later_notice_waits_for_the_one_on_its_way() {
    let mut lane = lane(&[1], 8);
    lane.backlog_mut().tell(entry(8, 9));
    assert_eq!(sends(&mut lane, Millis(0)), [8]);
    lane.backlog_mut().tell(entry(9, 9));
    assert!(sends(&mut lane, Millis(0)).is_empty(), "nothing overtakes");
    assert_eq!(lane.answered(Seq(8), retry(None), Millis(0), 0), Outcome::Settled, "it is no longer true");
    assert_eq!(sends(&mut lane, Millis(0)), [9]);
    lane.answered(Seq(9), DELIVERED, Millis(0), 0);
    assert_eq!(sends(&mut lane, Millis(0)), [1]);
}

// spec: SSF-152
#[test]
fn what_is_skipped_is_not_sent_and_its_answer_counts_for_nothing() {
    let mut lane = lane(&[1, 2], 1);
    assert_eq!(sends(&mut lane, Millis(0)), [1]);
    lane.skip_to(Seq(5));
    assert_eq!(lane.backlog().settled_to(Seq(5)), Seq(5));
    lane.answered(Seq(1), retry(None), Millis(0), 0);
    lane.backlog_mut().offer(entry(6, 6));
    assert_eq!(sends(&mut lane, Millis(10_000)), [6]);
}
