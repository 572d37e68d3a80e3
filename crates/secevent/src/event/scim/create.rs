//! `prov:create` (RFC 9967 §2.4.1).

use serde_json::{Map, Value};

use super::{check_alone, check_scim};
use crate::{Check, event::define::event};

event! {
    /// A resource was created; its representation is told.
    // spec: SCIM-018, SCIM-022, SCIM-025
    ProvCreateFull, "urn:ietf:params:scim:event:prov:create:full", "RFC 9967 §2.4.1", subject = check_scim, check = full;
    required {
        /// The final representation, with the id that was assigned.
        data: Map<String, Value>, "data" = "SCIM-022";
    }
    optional {
        /// The `ETag` of the resource after the event.
        version: String, "version" = "SCIM-017";
    }
}

event! {
    /// A resource was created; the attributes that were set are told.
    // spec: SCIM-019, SCIM-022, SCIM-025
    ProvCreateNotice, "urn:ietf:params:scim:event:prov:create:notice", "RFC 9967 §2.4.1", subject = check_scim, check = notice;
    required {
        /// Their names, as paths of SCIM PATCH such as `name.familyName`.
        attributes: Vec<String>, "attributes" = "SCIM-022";
    }
    optional {
        /// The `ETag` of the resource after the event.
        version: String, "version" = "SCIM-017";
    }
}

fn full(event: &ProvCreateFull, check: &mut Check) {
    check_alone(&event.other, "attributes", check);
}

fn notice(event: &ProvCreateNotice, check: &mut Check) {
    check_alone(&event.other, "data", check);
}
