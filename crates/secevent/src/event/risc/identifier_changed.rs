//! `identifier-changed` (RISC 1.0 §2.5).

use super::check_identifier;
use crate::event::define::event;

event! {
    /// The identifier in the subject, its old value, is no longer that of the user.
    // spec: RISC-007, RISC-008, RISC-011
    IdentifierChanged, "https://schemas.openid.net/secevent/risc/event-type/identifier-changed", "RISC 1.0 §2.5", subject = check_identifier;
    required {}
    optional {
        /// The identifier from now on.
        new_value: String, "new-value" = "RISC-011";
    }
}
