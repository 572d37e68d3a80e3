//! `prov:activate` and `prov:deactivate` (RFC 9967 §2.4.5 and §2.4.6).

use super::check_scim;
use crate::event::define::event;

event! {
    /// The resource is ready for use, as the parties agreed.
    // spec: SCIM-032
    ProvActivate, "urn:ietf:params:scim:event:prov:activate", "RFC 9967 §2.4.5", subject = check_scim;
    required {}
    optional {}
}

event! {
    /// The resource was disabled, in the sense that the parties agreed on.
    // spec: SCIM-033
    ProvDeactivate, "urn:ietf:params:scim:event:prov:deactivate", "RFC 9967 §2.4.6", subject = check_scim;
    required {}
    optional {}
}
