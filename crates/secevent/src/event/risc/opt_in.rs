//! `opt-in` (RISC 1.0 §2.8.1).

use crate::event::define::event;

event! {
    /// The account takes part in the exchange of RISC events.
    // spec: RISC-025
    OptIn, "https://schemas.openid.net/secevent/risc/event-type/opt-in", "RISC 1.0 §2.8.1";
    required {}
    optional {}
}
