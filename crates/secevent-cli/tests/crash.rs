//! Crashes of the real program: killed, without a disk, without power. What was answered with 202 arrives, once it was
//! handed in it is accepted once, and a repeat is the same SET.

#[path = "crash/books.rs"]
mod books;
#[path = "crash/disk.rs"]
mod disk;
#[path = "crash/load.rs"]
mod load;
#[path = "crash/receiver.rs"]
mod receiver;
#[path = "common/running.rs"]
#[expect(dead_code, reason = "each file of tests uses what it needs")]
mod running;
#[path = "crash/site.rs"]
mod site;

use std::{
    env,
    hash::{BuildHasher as _, RandomState},
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::atomic::Ordering,
    thread,
    time::Duration,
};

use disk::Disk;
use load::{Load, Request};
use running::{Desk, patiently};
use site::Site;

/// Events after the last trouble: so many that some are refused, and some come again.
const ENOUGH: usize = 300;

/// Moments, told by a number that is printed; `SECEVENT_SEED` is one to be told again.
struct Moments(u64);

impl Moments {
    fn new() -> Self {
        let told = env::var_os("SECEVENT_SEED").map(|seed| seed.to_string_lossy().parse().expect("a number"));
        let seed = told.unwrap_or_else(|| RandomState::new().hash_one(0));
        println!("SECEVENT_SEED={seed}");
        Self(seed)
    }

    /// Any moment within this time (`SplitMix64`).
    fn wait(&mut self, most_ms: u64) {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        thread::sleep(Duration::from_millis((mixed ^ (mixed >> 31)) % most_ms));
    }
}

/// Kills a hub under load this often, every third time once more while it starts.
fn killed(cycles: usize) {
    let mut moments = Moments::new();
    let mut site = Site::new(Desk::new(), None);
    let load = Load::start(&site.books, &site.address, "k");
    for cycle in 0..cycles {
        load.accepts(5);
        moments.wait(400);
        site.kill();
        site.examine();
        if cycle % 3 == 2 {
            let process = site.process();
            moments.wait(150);
            process.kill();
            site.examine();
        }
        site.start();
    }
    load.accepts(ENOUGH);
    load.finish();
    site.judge();
    let (accepted, arrived, again) = site.books.sums();
    let repeated = site.books.repeated.load(Ordering::Relaxed);
    println!(
        "{cycles} crashes: {accepted} accepted, {repeated} repeated, {arrived} arrived, {again} once more"
    );
    assert!(repeated > 0 && again > 0, "there was something to be done again");
}

/// Budget: 30 seconds.
#[test]
fn nothing_that_was_accepted_is_lost_to_kill_9() {
    killed(10);
}

/// Budget: 300 seconds.
#[test]
#[ignore = "the same with more crashes, to be run by hand"]
fn nothing_that_was_accepted_is_lost_to_a_hundred_kills() {
    killed(100);
}

/// The power goes this often, under load. The hub that is left without a disk ends by itself.
fn without_power(cycles: usize) {
    let desk = Desk::new();
    let Some(volume) = Disk::with_journal(&desk) else { return };
    let mut moments = Moments::new();
    let mut site = Site::new(desk, Some(volume));
    let load = Load::start(&site.books, &site.address, "p");
    for _ in 0..cycles {
        load.accepts(5);
        moments.wait(400);
        // What is answered from here on is not heard: the machine would be dead.
        site.books.is_up(false);
        disk_of(&site).lose_power();
        ends_by_itself(&mut site);
        disk_of(&site).starts_again();
        site.examine();
        site.start();
    }
    load.accepts(ENOUGH);
    load.finish();
    site.judge();
    let (accepted, arrived, again) = site.books.sums();
    println!("{cycles} losses of power: {accepted} accepted, {arrived} arrived, {again} once more");
}

/// It takes nothing any more, and says what is wrong with its disk, and that what was accepted is there.
fn ends_by_itself(site: &mut Site) {
    let request = Request::new(&site.books, "late", 1, None);
    while let Some(answer) = request.send(&site.address) {
        assert_eq!(answer.status, 503, "{}", answer.json);
    }
    let ended = site.ended().with(3);
    let said = ended.err.lines().find(|line| line.contains("what was accepted is on disk"));
    let said = said.unwrap_or_else(|| panic!("{}", ended.err));
    assert!(
        ["disk I/O error", "readonly database", "malformed"].iter().any(|why| said.contains(why)),
        "{said}"
    );
}

/// Budget: 30 seconds.
#[test]
fn nothing_that_was_accepted_is_lost_with_the_power() {
    without_power(3);
}

/// Budget: 180 seconds.
#[test]
#[ignore = "the same with more losses, to be run by hand"]
fn nothing_that_was_accepted_is_lost_with_the_power_of_thirty_times() {
    without_power(30);
}

/// Budget: 20 seconds.
#[test]
fn a_hub_whose_disk_becomes_read_only_ends_and_loses_nothing() {
    let desk = Desk::new();
    let Some(volume) = Disk::with_journal(&desk) else { return };
    let mut site = Site::new(desk, Some(volume));
    let load = Load::start(&site.books, &site.address, "r");
    load.accepts(50);
    // An answer that is on its way while the disk fails may be of either kind.
    site.books.is_up(false);
    disk_of(&site).becomes_read_only();
    ends_by_itself(&mut site);
    let process = site.process().ended().with(3);
    assert!(process.err.contains("hub.lock"), "there is no hub without a disk: {}", process.err);
    disk_of(&site).starts_again();
    site.examine();
    site.start();
    load.accepts(ENOUGH);
    load.finish();
    site.judge();
}

/// Megabytes of the disk that is filled. The hub keeps 32 MiB of it free, and begins again at 48.
const DISK_MEGABYTES: u32 = 128;

/// Budget: 40 seconds.
#[test]
fn a_full_disk_refuses_events_and_loses_nothing() {
    let desk = Desk::new();
    let Some(volume) = Disk::in_memory(&desk, DISK_MEGABYTES) else { return };
    let mut site = Site::new(desk, Some(volume));
    let load = Load::start(&site.books, &site.address, "f");
    load.accepts(50);

    disk_of(&site).fill(16 << 20);
    patiently("events are refused", || (site.books.refused.load(Ordering::Relaxed) > 5).then_some(()));
    let accepted = site.books.accepted();
    site.quiet();
    assert_eq!(site.books.accepted(), accepted, "none is taken meanwhile");
    refused_for_now(&site, "early");
    site.hub().process.err.line("no events are taken until there is room; deliveries go on");
    disk_of(&site).clear();
    load.accepts(ENOUGH);
    load.finish();

    let request = finds_no_room(&mut site);
    refused_for_now(&site, "full");
    site.quiet();
    disk_of(&site).clear();
    let answer = patiently("the room is found", || request.send(&site.address).filter(|a| a.status == 202));
    site.books.accept(&request.txns, &answer.json);
    site.judge();
}

fn disk_of(site: &Site) -> &Disk {
    site.disk.as_ref().expect("it has one")
}

/// An event is answered with 503 and `Retry-After`; the hub is well otherwise.
fn refused_for_now(site: &Site, txn: &str) {
    let Request { body, headers, .. } = Request::new(&site.books, txn, 1, None);
    let mut connection = TcpStream::connect(&site.address).expect("the hub listens");
    let head = "POST /v1/events HTTP/1.1\r\nHost: hub\r\nConnection: close\r\nContent-Type: application/json";
    let request = format!("{head}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len());
    connection.write_all(request.as_bytes()).expect("the hub listens");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("the hub answers");
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\r\nretry-after: "), "{answer}");
    assert_eq!(site.hub().call("GET", "/healthz", "", "").status, 200);
}

/// Fills the disk to its last byte after the hub measured it, so that the hub hears it from the disk. The request that
/// found no room is to be repeated.
fn finds_no_room(site: &mut Site) -> Request {
    const ATTEMPTS: usize = 10;
    // Together less than the longest body, and much more than what a new log finds room in.
    const EVENTS: usize = 60;
    let words = "many words ".repeat(1_000);
    for attempt in 0..ATTEMPTS {
        // After a good end there is no write-ahead log with room in it.
        site.stop();
        disk_of(site).fill(40 << 20);
        site.start();
        let txn = format!("none-{attempt}");
        let request = Request::with_words(&site.books, &txn, EVENTS, Some(&txn), &words);
        disk_of(site).fill(0);
        let answer = request.send(&site.address).expect("the hub answers");
        if answer.status == 503 && answer.json.to_string().contains("database or disk is full") {
            return request;
        }
        if answer.status == 202 {
            site.books.accept(&request.txns, &answer.json);
        }
        disk_of(site).clear();
    }
    panic!("the disk is never full before the hub looks");
}
