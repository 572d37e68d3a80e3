//! A whole hub in simulated time, made of the engines alone: twenty push and twenty poll receivers that fail in every
//! way, crashes, a full disk, operators. Everything follows from a seed.
//!
//! What the hub does around the engines is mirrored here: the writer, the lanes' workers, the answers to polls, the
//! changes of streams, retention. Subjects that a stream adds or removes, and a change of its delivery, are not.

#[path = "simulation/changes.rs"]
mod changes;
#[path = "simulation/fate.rs"]
mod fate;
#[path = "simulation/house.rs"]
mod house;
#[path = "simulation/model.rs"]
mod model;
#[path = "simulation/peers.rs"]
mod peers;
#[path = "simulation/poll.rs"]
mod poll;
#[path = "simulation/push.rs"]
mod push;
#[path = "simulation/rng.rs"]
mod rng;
#[path = "simulation/stream.rs"]
mod stream;
#[path = "simulation/told.rs"]
mod told;
#[path = "simulation/world.rs"]
mod world;
#[path = "simulation/writer.rs"]
mod writer;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

/// Says how to run a world alone that came to a bad end.
struct Epitaph(u64);

impl Drop for Epitaph {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let seed = self.0;
            eprintln!("seed {seed} failed; alone, with its story:");
            eprintln!(
                "SIMULATION={seed} cargo test -p secevent-ssf --test simulation alone -- --ignored --nocapture"
            );
        }
    }
}

/// Lives through these worlds, and sees to it that everything happened in them that should.
fn run(seeds: Range<u64>) {
    let counts = live(seeds);
    let missing: Vec<_> = MUST_HAPPEN.iter().filter(|what| !counts.contains_key(*what)).collect();
    assert!(missing.is_empty(), "none of these worlds saw: {missing:?}");
}

fn live(seeds: Range<u64>) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for seed in seeds {
        let _epitaph = Epitaph(seed);
        for (what, times) in world::run(seed, false).counts {
            *counts.entry(what).or_insert(0) += times;
        }
    }
    counts
}

/// What no hundred worlds may lack: without it they would show little.
const MUST_HAPPEN: [&str; 22] = [
    "a commit without room",
    "a crash",
    "a crash in a commit",
    "a dead letter",
    "a fault of the lane",
    "a lie, or too late",
    "a passing trouble",
    "a poll with more to come",
    "a reading as long as the ring",
    "a refusal",
    "again later",
    "an acknowledgement",
    "deleted",
    "delivered",
    "disabled",
    "enabled",
    "gone",
    "paused",
    "paused after 24 hours",
    "paused at once",
    "too old",
    "untold",
];

#[test]
fn nothing_is_lost_and_nobody_is_stuck_in_the_first_hundred_worlds() {
    run(0..100);
}

#[test]
fn nothing_is_lost_and_nobody_is_stuck_in_the_second_hundred_worlds() {
    run(100..200);
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let stories = || (0..4).map(|seed| world::run(seed, false).hash()).collect::<Vec<_>>();
    assert_eq!(stories(), stories());
    assert_eq!(stories().into_iter().collect::<BTreeSet<_>>().len(), 4, "each seed has its own");
}

#[test]
#[ignore = "by hand: SIMULATION names one seed, whose story is told"]
fn alone() {
    println!("its hash: {:x}", world::run(asked().start, true).hash());
}

#[test]
#[ignore = "by hand: SIMULATION names seeds, such as 200..5000"]
fn many() {
    println!("{:#?}", live(asked()));
}

#[expect(clippy::disallowed_methods, reason = "whoever runs this by hand says which worlds")]
fn asked() -> Range<u64> {
    let asked = std::env::var("SIMULATION").expect("set SIMULATION to a seed, or to two with `..` between");
    let (first, end) = asked.split_once("..").unwrap_or((&asked, ""));
    let first = first.parse().expect("a seed is a number");
    first..end.parse().unwrap_or(first + 1)
}
