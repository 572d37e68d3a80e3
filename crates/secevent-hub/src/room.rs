//! Whether there is room for more: a hub says no before its disk does, while what streams settle can still be written.

use std::sync::{Mutex, PoisonError};

use secevent_ssf::store::{Batch, StoreError, Usage, Write};
use tokio::sync::Notify;
use tracing::{info, warn};

/// Kept free on the disk of the store. The write-ahead log has some 4 MiB, and the cursors of many streams come to as
/// much.
pub(crate) const RESERVE_BYTES: u64 = 32 * 1024 * 1024;

/// What is kept of `[retention] bytes` when settled events are forgotten early: some, so that this is not done all the
/// time.
const fn kept_of(bound: u64) -> u64 {
    bound - bound / 8
}

/// Nearer to the bound than this, settled events are forgotten early; farther, events are taken again.
const fn near(bound: u64) -> u64 {
    bound - bound / 16
}

/// Whether a batch has what was not there before: events, or SETs of others.
pub(crate) fn brings_more(batch: &Batch) -> bool {
    !batch.events.is_empty() || batch.writes.iter().any(|write| matches!(write, Write::Received(_)))
}

/// The room of a store, as it was last measured.
#[derive(Debug)]
pub(crate) struct Room {
    /// `[retention] bytes`.
    bound: Option<u64>,
    /// Why nothing new is taken.
    closed: Mutex<Option<String>>,
    /// It was closed just now.
    pub(crate) short: Notify,
}

impl Room {
    pub(crate) fn new(bound: Option<u64>) -> Self {
        Self { bound, closed: Mutex::default(), short: Notify::new() }
    }

    /// Whether a batch may be written. What was accepted before is settled, set aside and changed in any case.
    pub(crate) fn admit(&self, batch: &Batch) -> Result<(), StoreError> {
        if !brings_more(batch) {
            return Ok(());
        }
        let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        closed.as_ref().map_or(Ok(()), |why| Err(StoreError::Full(why.clone())))
    }

    /// What is measured decides; a word in the log tells when that changes.
    pub(crate) fn measured(&self, usage: Usage) {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let why = self.lack(usage, closed.is_some());
        match (&why, closed.is_some()) {
            (Some(why), false) => {
                warn!(%why, "no events are taken until there is room; deliveries go on");
                self.short.notify_one();
            }
            (None, true) => info!("there is room again; events are taken"),
            _ => {}
        }
        *closed = why;
    }

    /// What there is too little of. Once closed, it is opened with something to spare.
    fn lack(&self, usage: Usage, closed: bool) -> Option<String> {
        let Usage { used_bytes: used, free_bytes } = usage;
        if let Some(bound) = self.bound.filter(|bound| used >= if closed { near(*bound) } else { *bound }) {
            return Some(format!(
                "{used} bytes are in use, of which [retention] bytes allows {bound}, and what is left is not settled"
            ));
        }
        let least = if closed { RESERVE_BYTES + RESERVE_BYTES / 2 } else { RESERVE_BYTES };
        let free = free_bytes.filter(|free| *free < least)?;
        Some(format!("the disk has {free} bytes left, and {RESERVE_BYTES} are kept for what streams settle"))
    }

    /// Down to how many bytes settled events are to be forgotten before their time.
    pub(crate) fn forget_to(&self, usage: Usage) -> Option<u64> {
        self.bound.filter(|bound| usage.used_bytes >= near(*bound)).map(kept_of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(used_bytes: u64) -> Usage {
        Usage { used_bytes, free_bytes: None }
    }

    fn is_closed(room: &Room, usage: Usage) -> bool {
        room.measured(usage);
        let received = secevent_ssf::store::Received {
            no: 0,
            transmitter: String::new(),
            iss: String::new(),
            jti: String::new(),
            set: String::new(),
            at: secevent::Timestamp(0),
        };
        let batch = |write| Batch { events: Vec::new(), writes: vec![write] };
        assert!(room.admit(&batch(Write::DropKey(String::new()))).is_ok(), "what is no event is written");
        room.admit(&batch(Write::Received(received))).is_err()
    }

    #[test]
    fn a_bound_closes_at_once_and_opens_with_something_to_spare() {
        let room = Room::new(Some(1600));
        let states = [0, 1599, 1600, 1599, 1500, 1499, 1599, 1600].map(|bytes| is_closed(&room, used(bytes)));
        assert_eq!(states, [false, false, true, true, true, false, false, true]);
        let forgotten = [1499, 1500, 1600].map(|bytes| room.forget_to(used(bytes)));
        assert_eq!(forgotten, [None, Some(1400), Some(1400)]);
        assert_eq!(Room::new(None).forget_to(used(u64::MAX)), None);
        assert!(!is_closed(&Room::new(None), used(u64::MAX)));
    }

    #[test]
    fn the_reserve_of_the_disk_is_kept() {
        let room = Room::new(None);
        let free = |free| is_closed(&room, Usage { used_bytes: 0, free_bytes: Some(free) });
        let half_as_much_again = RESERVE_BYTES * 3 / 2;
        let states =
            [u64::MAX, RESERVE_BYTES, RESERVE_BYTES - 1, RESERVE_BYTES, half_as_much_again].map(free);
        assert_eq!(states, [false, false, true, true, false]);
    }
}
