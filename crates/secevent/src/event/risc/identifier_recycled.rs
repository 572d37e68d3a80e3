//! `identifier-recycled` (RISC 1.0 §2.6).

use super::check_identifier;
use crate::event::define::event;

event! {
    /// The identifier in the subject belongs to another user now.
    // spec: RISC-012, RISC-013
    IdentifierRecycled, "https://schemas.openid.net/secevent/risc/event-type/identifier-recycled", "RISC 1.0 §2.6", subject = check_identifier;
    required {}
    optional {}
}
