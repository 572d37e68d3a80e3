//! `opt-out-initiated` (RISC 1.0 §2.8.2).

use crate::event::define::event;

event! {
    /// The user asked to leave; events flow for a while yet.
    // spec: RISC-026
    OptOutInitiated, "https://schemas.openid.net/secevent/risc/event-type/opt-out-initiated", "RISC 1.0 §2.8.2";
    required {}
    optional {}
}
