//! `prov:delete` (RFC 9967 §2.4.4).

use super::check_scim;
use crate::{Check, event::define::event};

event! {
    /// The resource was deleted, and so left the feed; no `feed:remove` is sent beside it.
    // spec: SCIM-029
    ProvDelete, "urn:ietf:params:scim:event:prov:delete", "RFC 9967 §2.4.4", subject = check_scim, check = bare;
    required {}
    optional {}
}

// spec: SCIM-031
fn bare(event: &ProvDelete, check: &mut Check) {
    if !event.other.is_empty() {
        check.strict("SCIM-031", "a deletion with a payload", "send `{}`");
    }
}
