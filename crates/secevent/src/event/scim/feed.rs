//! `feed:add` and `feed:remove` (RFC 9967 §2.3).

use super::check_scim;
use crate::event::define::event;

event! {
    /// The resource joined the feed; it need not be new.
    // spec: SCIM-023
    FeedAdd, "urn:ietf:params:scim:event:feed:add", "RFC 9967 §2.3.1", subject = check_scim;
    required {}
    optional {}
}

event! {
    /// The resource left the feed; it was not necessarily deleted or deactivated.
    // spec: SCIM-024
    FeedRemove, "urn:ietf:params:scim:event:feed:remove", "RFC 9967 §2.3.2", subject = check_scim;
    required {}
    optional {}
}
