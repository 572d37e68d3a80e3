//! `recovery-information-changed` (RISC 1.0 §2.10).

use crate::event::define::event;

event! {
    /// Recovery data of the account changed.
    // spec: RISC-020
    RecoveryInformationChanged, "https://schemas.openid.net/secevent/risc/event-type/recovery-information-changed", "RISC 1.0 §2.10";
    required {}
    optional {}
}
