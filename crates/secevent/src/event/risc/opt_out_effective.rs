//! `opt-out-effective` (RISC 1.0 §2.8.4).

use crate::event::define::event;

event! {
    /// The account no longer takes part.
    // spec: RISC-027
    OptOutEffective, "https://schemas.openid.net/secevent/risc/event-type/opt-out-effective", "RISC 1.0 §2.8.4";
    required {}
    optional {}
}
