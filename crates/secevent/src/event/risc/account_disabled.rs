//! `account-disabled` (RISC 1.0 §2.3).

use crate::event::define::{event, string_enum};

event! {
    /// The account was disabled and may be enabled again.
    // spec: RISC-003
    AccountDisabled, "https://schemas.openid.net/secevent/risc/event-type/account-disabled", "RISC 1.0 §2.3";
    required {}
    optional {
        /// Why.
        reason: DisabledReason, "reason" = "RISC-004";
    }
}

string_enum! {
    /// Why an account was disabled; other values are possible.
    // spec: RISC-004, RISC-005
    open DisabledReason {
        /// It was hijacked.
        Hijacking = "hijacking",
        /// It is one of many made for abuse.
        BulkAccount = "bulk-account",
    }
}
