//! `recovery-activated` (RISC 1.0 §2.9).

use crate::event::define::event;

event! {
    /// The account started a recovery flow.
    // spec: RISC-019
    RecoveryActivated, "https://schemas.openid.net/secevent/risc/event-type/recovery-activated", "RISC 1.0 §2.9";
    required {}
    optional {}
}
