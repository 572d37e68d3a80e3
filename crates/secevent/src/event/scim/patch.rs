//! `prov:patch` (RFC 9967 §2.4.2).

use serde_json::{Map, Value};

use super::{check_alone, check_scim};
use crate::{Check, event::define::event};

event! {
    /// A resource was updated by PATCH; the operations are told.
    // spec: SCIM-022, SCIM-027
    ProvPatchFull, "urn:ietf:params:scim:event:prov:patch:full", "RFC 9967 §2.4.2", subject = check_scim, check = full;
    required {
        /// The `PatchOp` message.
        data: Map<String, Value>, "data" = "SCIM-022";
    }
    optional {
        /// The `ETag` of the resource after the event.
        version: String, "version" = "SCIM-017";
    }
}

event! {
    /// A resource was updated by PATCH; the attributes that changed are told.
    // spec: SCIM-019, SCIM-022, SCIM-027
    ProvPatchNotice, "urn:ietf:params:scim:event:prov:patch:notice", "RFC 9967 §2.4.2", subject = check_scim, check = notice;
    required {
        /// Their names, as paths of SCIM PATCH such as `name.familyName`.
        attributes: Vec<String>, "attributes" = "SCIM-022";
    }
    optional {
        /// The `ETag` of the resource after the event.
        version: String, "version" = "SCIM-017";
    }
}

fn full(event: &ProvPatchFull, check: &mut Check) {
    check_alone(&event.other, "attributes", check);
}

fn notice(event: &ProvPatchNotice, check: &mut Check) {
    check_alone(&event.other, "data", check);
}
