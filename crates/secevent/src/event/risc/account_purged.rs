//! `account-purged` (RISC 1.0 §2.2).

use crate::event::define::event;

event! {
    /// The account was deleted for good.
    // spec: RISC-002
    AccountPurged, "https://schemas.openid.net/secevent/risc/event-type/account-purged", "RISC 1.0 §2.2";
    required {}
    optional {}
}
