//! `sessions-revoked` (RISC 1.0 §2.11).

use crate::{Check, event::define::event};

event! {
    /// All sessions of the account were revoked. Deprecated: use [`caep::SessionRevoked`](crate::event::caep::SessionRevoked).
    // spec: RISC-021, RISC-022
    SessionsRevoked, "https://schemas.openid.net/secevent/risc/event-type/sessions-revoked", "RISC 1.0 §2.11",
    deprecated = true, check = prefer_caep;
    required {}
    optional {}
}

// spec: RISC-022
fn prefer_caep(_: &SessionsRevoked, check: &mut Check) {
    check.strict("RISC-022", "the event is deprecated", "send caep:session-revoked");
}
