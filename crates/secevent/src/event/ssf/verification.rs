//! `verification` (SSF 1.0 §8.1.4.1).

use super::check_stream;
use crate::event::define::event;

event! {
    /// The stream works: sent when a receiver asks for it, or unasked.
    // spec: SSF-178, SSF-183
    Verification, "https://schemas.openid.net/secevent/ssf/event-type/verification", "SSF 1.0 §8.1.4.1",
    subject = check_stream;
    required {}
    optional {
        /// What the receiver put into its request, unchanged; absent when it put nothing or did not ask.
        state: String, "state" = "SSF-181";
    }
}
