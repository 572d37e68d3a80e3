//! `misc:asyncresp` (RFC 9967 §2.5.1.3).

use serde_json::{Map, Value};

use super::check_scim;
use crate::{Check, event::define::event};

event! {
    /// An asynchronous request was done: one operation of a bulk response (RFC 7644 §3.7.3).
    // spec: SCIM-003, SCIM-049
    AsyncResp, "urn:ietf:params:scim:event:misc:asyncresp", "RFC 9967 §2.5.1.3",
    subject = check_scim, check = explain_failure;
    required {
        /// The HTTP method of the request.
        method: String, "method" = "SCIM-049";
        /// The HTTP status it would have had, as text.
        status: String, "status" = "SCIM-049";
    }
    optional {
        /// The `ETag` of the resource after the operation.
        version: String, "version" = "SCIM-049";
        /// The client's name for the operation; it does not tie it to the request, `txn` does (SCIM-054).
        bulk_id: String, "bulkId" = "SCIM-049";
        /// The URI of the resource.
        location: String, "location" = "SCIM-049";
        /// The error (RFC 7644 §3.12); required unless the status is 2xx.
        response: Map<String, Value>, "response" = "SCIM-050";
    }
}

// spec: SCIM-050
fn explain_failure(event: &AsyncResp, check: &mut Check) {
    if event.status.starts_with('2') || event.response.is_some() {
        return;
    }
    check.within("response", |check| {
        let found = format!("it is missing, and the status is {}", crate::finding::quote(&event.status));
        check.error("SCIM-050", found, "give the error: `schemas`, `status`, `scimType`, `detail`");
    });
}
