//! The one place where the program reads the clock.

use std::time::{SystemTime, UNIX_EPOCH};

use secevent::Timestamp;
use secevent_ssf::engine::Millis;

/// What time it is: the machine's, or what `--now` says.
#[derive(Clone, Copy)]
pub(crate) enum Clock {
    System,
    Fixed(Timestamp),
}

impl Clock {
    /// The clock for a `--now` that may be left out.
    pub(crate) fn at(now: Option<i64>) -> Self {
        now.map_or(Self::System, |secs| Self::Fixed(Timestamp(secs)))
    }

    pub(crate) fn now(self) -> Timestamp {
        match self {
            Self::Fixed(at) => at,
            Self::System => millis().timestamp(),
        }
    }
}

/// The machine's clock.
pub(crate) fn millis() -> Millis {
    Millis(micros() / 1000)
}

/// The same in microseconds, which processes of one machine agree on.
#[expect(clippy::disallowed_methods, reason = "this is the edge: the program reads the clock here only")]
pub(crate) fn micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_micros().try_into().unwrap_or(u64::MAX)
}

/// The machine's clock, as finely as it goes.
#[expect(clippy::disallowed_methods, reason = "this is the edge: the program reads the clock here only")]
pub(crate) fn nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_nanos().try_into().unwrap_or(u64::MAX)
}

/// The machine's clock, for the parts of a hub.
pub(crate) fn shared() -> secevent_hub::Clock {
    std::sync::Arc::new(millis)
}
