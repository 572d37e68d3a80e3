//! Hubs in a chain, as processes of their own behind TLS: A pushes to B and is polled by C. Whatever happens on the
//! way, every signal is listed by both, once.

#[path = "chain/node.rs"]
mod node;
#[path = "common/running.rs"]
#[expect(dead_code, reason = "each file of tests uses what it needs")]
mod running;

use std::time::Duration;

use node::{House, Seen};
use tokio::time::{Instant, sleep};

/// Between one part of the signals and the next there is trouble.
const PARTS: usize = 8;

/// Emits this many, with every trouble in the middle, and answers how many a second went to both.
async fn signals_go_through(count: usize) -> f64 {
    let house = House::new();
    let mut a = house.transmitter();
    let (mut b, mut c) = (house.receiver("b", "push", &a), house.receiver("c", "poll", &a));
    let (mut at_b, mut at_c) = (Seen::default(), Seen::default());
    for (hub, seen) in [(&b, &mut at_b), (&c, &mut at_c)] {
        house.until(hub, seen, "it is subscribed", |seen| seen.verified > 0).await;
    }

    let since = Instant::now();
    let part = count / PARTS;
    for nth in 0..PARTS {
        house.emit(&a, nth * part..(nth + 1) * part).await;
        match nth {
            1 => house.rotate(&a, &[]),
            2 => {
                // Not before it has something, and while it gets more.
                house.until(&b, &mut at_b, "the first", |seen| !seen.txns.is_empty()).await;
                b = house.killed_and_started_again(b);
            }
            3 => {
                house.until(&c, &mut at_c, "the first", |seen| !seen.txns.is_empty()).await;
                c = house.killed_and_started_again(c);
            }
            4 => a = house.killed_and_started_again(a),
            6 => house.rotate(&a, &["--now"]),
            _ => {}
        }
    }
    for (hub, seen) in [(&b, &mut at_b), (&c, &mut at_c)] {
        house.until(hub, seen, "all signals", |seen| seen.txns.len() >= count).await;
    }
    let seconds = since.elapsed().as_secs_f64();

    // A repeat would come within this time.
    sleep(Duration::from_millis(500)).await;
    for (hub, seen) in [(&b, &mut at_b), (&c, &mut at_c)] {
        house.look(hub, seen).await;
        assert_eq!((seen.txns.len(), seen.jtis.len(), seen.signals), (count, count, count), "{}", hub.name);
        assert!(seen.kids.len() > 1, "the keys were rotated in the middle");
    }
    assert_eq!(house.set_aside(&a).await, 0, "nothing was given up");
    for hub in [a, b, c] {
        hub.stops();
    }
    f64::from(u32::try_from(count).expect("it is not that many")) / seconds
}

// spec: CIOP-001, CIOP-002, CIOP-016, CIOP-017, CIOP-018, CIOP-022
#[tokio::test(flavor = "multi_thread")]
async fn no_signal_is_lost_or_doubled_on_its_way_through_hubs() {
    signals_go_through(2_000).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the same with more signals, to be run by hand"]
async fn no_signal_of_ten_thousand_is_lost_or_doubled() {
    let speed = signals_go_through(10_000).await;
    println!("{speed:.0} signals a second, each to two hubs");
}
