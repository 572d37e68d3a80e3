//! `account-credential-change-required` (RISC 1.0 §2.1).

use crate::event::define::event;

event! {
    /// The account had to change a credential.
    // spec: RISC-001
    AccountCredentialChangeRequired, "https://schemas.openid.net/secevent/risc/event-type/account-credential-change-required", "RISC 1.0 §2.1";
    required {}
    optional {}
}
