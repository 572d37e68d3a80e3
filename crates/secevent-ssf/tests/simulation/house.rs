//! What is too old is dropped and forgotten (`secevent-hub/src/housekeeping.rs`).

use secevent::Timestamp;
use secevent_ssf::{
    Seq, StreamNo,
    store::{Batch, DeadLetter, Retention, Store},
};

use crate::{
    fate::letter,
    world::{Inside, Task, World},
    writer::Then,
};

const PRUNE_EVERY_MS: u64 = 600_000;
const ROWS_MAX: usize = 1_000;

impl World {
    pub(crate) fn keep_house(&mut self) {
        self.inside(PRUNE_EVERY_MS, Inside::House);
        self.expire();
        let head = self.hub.head;
        let settled = self.hub.streams.values_mut().map(|stream| stream.backlog().settled_to(head)).min();
        // The disk must know of it before the events are forgotten.
        self.commit(Batch::default(), Then::Prune(settled.unwrap_or(head)));
        if self.rng.once_in(8) {
            let soon = self.rng.within(&(0..=200));
            self.plan(soon, Task::Crash);
        }
    }

    pub(crate) fn prune(&mut self, settled: Seq) {
        let retention = Retention {
            settled,
            events_before: self.events_before(),
            dead_letters_before: Timestamp(0),
            received_before: Timestamp(0),
            answers_before: Timestamp(0),
            rows_max: ROWS_MAX,
        };
        while self.disk.prune(&retention).expect("memory can be written") == ROWS_MAX {}
    }

    fn events_before(&self) -> Timestamp {
        let now = self.now.timestamp().0;
        Timestamp(now.saturating_sub(self.fate.retention_secs))
    }

    fn expire(&mut self) {
        let last = self.disk.last_before(self.events_before()).expect("memory can be read");
        let Some(through) = last else { return };
        let all: Vec<_> = self.hub.streams.keys().copied().collect();
        for no in all {
            let Some(stream) = self.hub.streams.get_mut(&no) else { continue };
            if stream.backlog().settled_to(Seq(u64::MAX)) >= through {
                continue;
            }
            let (known, unread) = stream.backlog().expire(through);
            let dropped = known + self.count_routes(no, unread, through);
            self.trace.note(self.now, format_args!("{no:?} drops {dropped} up to {through:?}"));
            self.model.expired(no, through, dropped);
            self.trace.count(if dropped > 0 { "too old" } else { "nothing too old" });
            if dropped > 0
                && let Some(stream) = self.hub.streams.get_mut(&no)
            {
                let reason = format!("{dropped} events up to this one were not taken");
                let many = Some(dropped as u64);
                let letter = letter(no, through, reason, self.now.timestamp());
                stream.letters.push(DeadLetter { many, ..letter });
                stream.backlog().mark_dirty();
            }
            self.mark_dirty(no);
        }
    }

    fn count_routes(&self, no: StreamNo, after: Option<Seq>, through: Seq) -> usize {
        let (mut count, mut next) = (0, after);
        while let Some(after) = next.filter(|after| *after < through) {
            let routes = self.disk.routes(no, after, ROWS_MAX).expect("memory can be read");
            count += routes.entries.iter().filter(|entry| entry.seq <= through).count();
            next = Some(routes.through);
        }
        count
    }
}
