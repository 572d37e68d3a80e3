//! What the connections of a load share: the credits, the numbers of events, and what came of them.

use std::{
    fmt::Write as _,
    io,
    ops::Range,
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
    latency::Latencies,
    load::{Door, Load, Pace, Sent},
    protocol,
    schedule::Schedule,
    wire::{Target, Wire},
};
use crate::clock;

/// The clock gives out credits for what is due at least this often.
const PACE_US: u64 = 250;

/// What the connections of a load share.
pub(super) struct Producer {
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

impl Producer {
    pub(super) fn new(load: &Load, door: Door) -> Self {
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
    pub(super) fn feed(
        self: &Arc<Self>,
        feeder: &mut JoinSet<()>,
        mut received: watch::Receiver<u64>,
        fanout: u64,
    ) {
        let producer = Arc::clone(self);
        if let Some(schedule) = self.schedule {
            // A thread, for timers of the runtime are too coarse.
            drop(std::thread::spawn(move || producer.pace(schedule)));
            return;
        }
        if !matches!(self.load.pace, Pace::Closed(_)) {
            return;
        }
        let begin = *received.borrow_and_update();
        feeder.spawn(async move {
            let mut given = 0;
            while received.changed().await.is_ok() {
                let done = (*received.borrow_and_update() - begin) / fanout.max(1);
                producer.credits.add_permits(usize::try_from(done - given).unwrap_or_default());
                given = done;
            }
        });
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

    /// Hands events in on one connection, until there are no more credits.
    pub(super) async fn produce(self: Arc<Self>, mut wire: Wire) -> io::Result<()> {
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

    fn write(&self, body: &mut String, events: Range<u64>, intended_us: u64) {
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

    fn answered(&self, status: u16, events: Range<u64>, intended_us: u64) {
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

    pub(super) fn sent(&self) -> Sent {
        let events = (self.next.load(Ordering::Relaxed) * self.load.batch).min(self.load.events_max);
        Sent {
            events,
            refused: std::mem::take(&mut *self.refused.lock().unwrap_or_else(PoisonError::into_inner)),
            first_at: self.started_us,
            last_at: clock::micros(),
            answers: self.answers.lock().unwrap_or_else(PoisonError::into_inner).summary(),
        }
    }

    /// No more credits from now on; what is on its way still comes to its end.
    pub(super) fn stop(&self) {
        self.credits.close();
    }
}
