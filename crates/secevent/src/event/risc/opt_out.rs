//! The opt-out states of an account (RISC 1.0 §2.8).

use crate::event::Event;

/// Whether an account takes part in the exchange of RISC events.
///
/// ```
/// use secevent::event::risc::{OptOut, OptOutEffective, OptOutInitiated};
///
/// let leaving = OptOut::OptIn.next(&OptOutInitiated::new().into())?;
/// assert!(leaving.is_sent_events());
/// assert_eq!(leaving.next(&OptOutEffective::new().into())?, OptOut::OptOut);
/// assert!(OptOut::OptIn.next(&OptOutEffective::new().into()).is_err());
/// # Ok::<(), secevent::event::risc::OptOutError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OptOut {
    /// It takes part.
    #[default]
    OptIn,
    /// Its user asked to leave; events flow for a while, so that a hijacker cannot silence them at once.
    OptOutInitiated,
    /// It does not take part.
    OptOut,
}

/// The event leads nowhere from this state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event} is not possible in the state {state:?} (RISC-028)")]
#[non_exhaustive]
pub struct OptOutError {
    /// Where the account is.
    pub state: OptOut,
    /// The event, by its short name.
    pub event: String,
}

impl OptOut {
    /// The state after this event.
    // spec: RISC-025, RISC-028
    pub fn next(self, event: &Event) -> Result<Self, OptOutError> {
        match (self, event) {
            (Self::OptOut, Event::OptIn(_)) | (Self::OptOutInitiated, Event::OptOutCancelled(_)) => {
                Ok(Self::OptIn)
            }
            (Self::OptIn, Event::OptOutInitiated(_)) => Ok(Self::OptOutInitiated),
            (Self::OptOutInitiated, Event::OptOutEffective(_)) => Ok(Self::OptOut),
            _ => Err(OptOutError { state: self, event: event.event_type().name() }),
        }
    }

    /// Whether events about the account are sent.
    // spec: RISC-026, RISC-027
    pub const fn is_sent_events(self) -> bool {
        !matches!(self, Self::OptOut)
    }
}
