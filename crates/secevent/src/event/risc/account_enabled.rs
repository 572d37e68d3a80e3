//! `account-enabled` (RISC 1.0 §2.4).

use crate::event::define::event;

event! {
    /// The account was enabled.
    // spec: RISC-006
    AccountEnabled, "https://schemas.openid.net/secevent/risc/event-type/account-enabled", "RISC 1.0 §2.4";
    required {}
    optional {}
}
