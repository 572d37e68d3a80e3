//! The producers: keep-alive connections that hand events in, at a given rate or as fast as they are delivered.
//!
//! Both are told by credits: a producer takes one for each request. At a given rate a clock gives them out, however
//! slow the hub is, and each event knows when it should have been sent; so a hub that stalls does not stall the
//! measurement with it. As fast as possible, whatever was delivered gives its credit back.

use std::{
    fmt::Write as _,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};

use super::{
    latency::{Latencies, Summary},
    protocol,
    schedule::Schedule,
    wire::{Target, Wire},
};
use crate::{clock, failure::Failure};

/// How fast events are handed in.
#[derive(Clone, Copy)]
pub(super) enum Pace {
    /// So many requests a second.
    Rate(f64),
    /// As fast as they are delivered, with at most so many events under way.
    Closed(usize),
    /// As fast as they are accepted.
    Accepted,
}

/// What is handed in.
#[derive(Clone)]
pub(super) struct Load {
    pub(super) pace: Pace,
    /// It ends after this time, or after this many events.
    pub(super) time: Duration,
    pub(super) events_max: u64,
    /// Events of one request.
    pub(super) batch: u64,
    pub(super) connections: usize,
    /// The number of the first event.
    pub(super) first: u64,
    /// Events are about so many subjects in turn.
    pub(super) subjects: u64,
    /// The event, by its short name.
    pub(super) event: &'static str,
}

/// Where to.
pub(super) struct Door {
    pub(super) address: String,
    pub(super) path: String,
    pub(super) token: String,
}

/// What came of it.
#[derive(Default)]
pub(super) struct Sent {
    /// Events that were handed in, and those that were not accepted, by number.
    pub(super) events: u64,
    pub(super) refused: Vec<u64>,
    /// In microseconds since 1970.
    pub(super) first_at: u64,
    pub(super) last_at: u64,
    /// From the time that a request should have been sent to its answer.
    pub(super) answers: Option<Summary>,
}

/// The clock gives out credits for what is due at least this often.
const PACE_US: u64 = 250;

/// How long after its time a load at a given rate may still send what is overdue.
const OVERDUE_MAX: Duration = Duration::from_secs(5);

struct Producer {
    load: Load,
    door: Door,
    credits: Semaphore,
    next: AtomicU64,
    started_us: u64,
    /// Of a load at a given rate.
    schedule: Option<Schedule>,
    refused: Mutex<Vec<u64>>,
    answers: Mutex<Latencies>,
}

impl Load {
    /// As fast as they are delivered.
    pub(super) fn new(pace: Pace, time: Duration) -> Self {
        Self {
            pace,
            time,
            events_max: u64::MAX,
            batch: 1,
            connections: 64,
            first: 0,
            subjects: 10_007,
            event: "caep:session-revoked",
        }
    }

    /// Hands events in; `received` counts SETs, of which each event makes `fanout`.
    pub(super) async fn run(
        &self,
        door: Door,
        received: watch::Receiver<u64>,
        fanout: u64,
    ) -> Result<Sent, Failure> {
        let wires = wires(self.connections, &door.address).await.map_err(unreachable)?;
        let producer = Arc::new(Producer::new(self, door));
        let mut feeder = JoinSet::new();
        producer.feed(&mut feeder, received, fanout);
        let mut producers = JoinSet::new();
        for wire in wires {
            producers.spawn(Arc::clone(&producer).produce(wire));
        }
        let ended = async {
            while let Some(ended) = producers.join_next().await {
                ended.map_err(io::Error::other).flatten().map_err(unreachable)?;
            }
            Ok::<_, Failure>(())
        };
        tokio::select! {
            ended = ended => ended?,
            () = producer.time_out() => producer.credits.close(),
        }
        // What is on its way still comes to its end.
        while let Some(ended) = producers.join_next().await {
            ended.map_err(io::Error::other).flatten().map_err(unreachable)?;
        }
        Ok(producer.sent())
    }
}

fn unreachable(error: io::Error) -> Failure {
    Failure::could_not(format_args!("the hub does not take events: {error}"))
}

async fn wires(connections: usize, address: &str) -> io::Result<Vec<Wire>> {
    let mut wires = Vec::with_capacity(connections);
    for _ in 0..connections {
        wires.push(Wire::connect(address).await?);
    }
    Ok(wires)
}

impl Producer {
    fn new(load: &Load, door: Door) -> Self {
        let credits = match load.pace {
            Pace::Rate(_) => 0,
            Pace::Closed(events) => events,
            Pace::Accepted => load.connections,
        };
        let started_us = clock::micros();
        let schedule = match load.pace {
            Pace::Rate(rate) => Some(Schedule::new(started_us, rate, load.time)),
            _ => None,
        };
        Self {
            load: load.clone(),
            door,
            credits: Semaphore::new(credits),
            next: AtomicU64::default(),
            started_us,
            schedule,
            refused: Mutex::default(),
            answers: Mutex::new(Latencies::new()),
        }
    }

    /// Gives out credits until the load ends.
    fn feed(self: &Arc<Self>, feeder: &mut JoinSet<()>, mut received: watch::Receiver<u64>, fanout: u64) {
        let producer = Arc::clone(self);
        if let Some(schedule) = self.schedule {
            // A thread, for timers of the runtime are too coarse.
            drop(std::thread::spawn(move || producer.pace(schedule)));
            return;
        }
        match self.load.pace {
            Pace::Closed(_) => {
                _ = feeder.spawn(async move {
                    let begin = *received.borrow_and_update();
                    let mut given = 0;
                    while received.changed().await.is_ok() {
                        let done = (*received.borrow_and_update() - begin) / fanout.max(1);
                        producer.credits.add_permits(usize::try_from(done - given).unwrap_or_default());
                        given = done;
                    }
                })
            }
            Pace::Accepted | Pace::Rate(_) => {}
        }
    }

    fn pace(&self, schedule: Schedule) {
        let mut given = 0;
        while given < schedule.requests && !self.credits.is_closed() {
            let now = clock::micros();
            let due = schedule.due(now).max(given);
            self.credits.add_permits(usize::try_from(due - given).unwrap_or_default());
            given = due;
            let wait_us = schedule.at(given).saturating_sub(now).max(PACE_US);
            std::thread::sleep(Duration::from_micros(wait_us));
        }
        // Closed once the last credit is taken, which ends the producers.
        while self.credits.available_permits() > 0 && !self.credits.is_closed() {
            std::thread::sleep(Duration::from_micros(PACE_US));
        }
        self.credits.close();
    }

    async fn time_out(&self) {
        let grace = if self.schedule.is_some() { OVERDUE_MAX } else { Duration::ZERO };
        tokio::time::sleep(self.load.time + grace).await;
    }

    /// Hands events in on one connection, until there are no more credits.
    async fn produce(self: Arc<Self>, mut wire: Wire) -> io::Result<()> {
        let target = Target { method: "POST", path: &self.door.path, token: &self.door.token };
        let mut body = String::new();
        while let Ok(credit) = self.credits.acquire().await {
            credit.forget();
            let request = self.next.fetch_add(1, Ordering::Relaxed);
            let first = request * self.load.batch;
            if first >= self.load.events_max {
                self.credits.close();
                break;
            }
            let events = first..self.load.events_max.min(first + self.load.batch);
            let intended_us = self.schedule.map_or_else(clock::micros, |schedule| schedule.at(request));
            body.clear();
            self.write(&mut body, events.clone(), intended_us);
            let (status, _) = wire.call(&target, &body).await?;
            self.answered(status, events, intended_us);
        }
        Ok(())
    }

    fn write(&self, body: &mut String, events: std::ops::Range<u64>, intended_us: u64) {
        let Load { event, subjects, first, batch, .. } = &self.load;
        let ends = if *batch > 1 { ["[", "]"] } else { ["", ""] };
        body.push_str(ends[0]);
        for no in events.clone() {
            let comma = if no > events.start { "," } else { "" };
            let (subject, txn) = (no % subjects, protocol::txn(first + no, intended_us));
            let _ = write!(
                body,
                "{comma}{{\"event\":\"{event}\",\"subject\":{{\"format\":\"email\",\
                 \"email\":\"user-{subject}@example.com\"}},\"claims\":{{\"initiating_entity\":\"policy\",\
                 \"reason_admin\":{{\"en\":\"risk score 91: a sign-in from a new country\"}}}},\"txn\":\"{txn}\"}}"
            );
        }
        body.push_str(ends[1]);
    }

    fn answered(&self, status: u16, events: std::ops::Range<u64>, intended_us: u64) {
        let took = clock::micros().saturating_sub(intended_us);
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).record(took);
        if status != 202 {
            let numbers = events.map(|no| self.load.first + no);
            self.refused.lock().unwrap_or_else(PoisonError::into_inner).extend(numbers);
        }
        if matches!(self.load.pace, Pace::Accepted) {
            self.credits.add_permits(1);
        }
    }

    fn sent(&self) -> Sent {
        let events = (self.next.load(Ordering::Relaxed) * self.load.batch).min(self.load.events_max);
        Sent {
            events,
            refused: std::mem::take(&mut *self.refused.lock().unwrap_or_else(PoisonError::into_inner)),
            first_at: self.started_us,
            last_at: clock::micros(),
            answers: self.answers.lock().unwrap_or_else(PoisonError::into_inner).summary(),
        }
    }
}
