//! `prov:put` (RFC 9967 §2.4.3).

use serde_json::{Map, Value};

use super::{check_alone, check_scim};
use crate::{Check, event::define::event};

event! {
    /// A resource was replaced; its representation is told.
    // spec: SCIM-022, SCIM-028
    ProvPutFull, "urn:ietf:params:scim:event:prov:put:full", "RFC 9967 §2.4.3", subject = check_scim, check = full;
    required {
        /// The body of the PUT request.
        data: Map<String, Value>, "data" = "SCIM-022";
    }
    optional {
        /// The `ETag` of the resource after the event.
        version: String, "version" = "SCIM-017";
    }
}

event! {
    /// A resource was replaced; the attributes that changed are told.
    // spec: SCIM-019, SCIM-022, SCIM-028
    ProvPutNotice, "urn:ietf:params:scim:event:prov:put:notice", "RFC 9967 §2.4.3", subject = check_scim, check = notice;
    required {
        /// Their names, as paths of SCIM PATCH such as `name.familyName`.
        attributes: Vec<String>, "attributes" = "SCIM-022";
    }
    optional {
        /// The `ETag` of the resource after the event.
        version: String, "version" = "SCIM-017";
    }
}

fn full(event: &ProvPutFull, check: &mut Check) {
    check_alone(&event.other, "attributes", check);
}

fn notice(event: &ProvPutNotice, check: &mut Check) {
    check_alone(&event.other, "data", check);
}
