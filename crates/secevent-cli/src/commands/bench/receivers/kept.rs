//! What was received, as it came.

use std::{
    cell::{Cell, Ref, RefCell},
    mem,
};

use crate::clock;

/// A SET as it came: not looked at yet.
pub(in super::super) struct KeptSet {
    pub(in super::super) stream: u32,
    /// In microseconds since 1970.
    pub(in super::super) at: u64,
    pub(in super::super) token: Box<[u8]>,
}

/// All that came since it was last forgotten.
#[derive(Default)]
pub(super) struct Kept {
    sets: RefCell<Vec<KeptSet>>,
    received: Cell<u64>,
    bytes: Cell<usize>,
}

/// Four million SETs of ES256: beyond this the machine may have no memory left for the hub.
const BYTES_MAX: usize = 4 << 30;

impl Kept {
    /// Keeps a SET. Beyond the bound it is only counted, and so found missing in the end.
    pub(super) fn take(&self, stream: u32, token: &[u8]) {
        self.received.set(self.received.get() + 1);
        let bytes = self.bytes.get() + token.len();
        if bytes <= BYTES_MAX {
            self.bytes.set(bytes);
            self.sets.borrow_mut().push(KeptSet { stream, at: clock::micros(), token: token.into() });
        }
    }

    /// Counts a SET and forgets it.
    pub(super) fn swallow(&self) {
        self.received.set(self.received.get() + 1);
    }

    /// How many came since the process began.
    pub(super) fn received(&self) -> u64 {
        self.received.get()
    }

    pub(super) fn sets(&self) -> Ref<'_, Vec<KeptSet>> {
        self.sets.borrow()
    }

    pub(super) fn forget(&self) {
        self.bytes.set(0);
        drop(mem::take(&mut *self.sets.borrow_mut()));
    }
}
