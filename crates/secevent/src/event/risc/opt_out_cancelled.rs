//! `opt-out-cancelled` (RISC 1.0 §2.8.3).

use crate::event::define::event;

event! {
    /// The user's wish to leave was withdrawn.
    // spec: RISC-025
    OptOutCancelled, "https://schemas.openid.net/secevent/risc/event-type/opt-out-cancelled", "RISC 1.0 §2.8.3";
    required {}
    optional {}
}
