//! `session-presented` (CAEP 1.0 §3.7).

use crate::event::{LanguageMap, NumericDate, caep::InitiatingEntity, define::event};

event! {
    /// A session was seen in use at the transmitter.
    // spec: CAEP-034
    SessionPresented, "https://schemas.openid.net/secevent/caep/event-type/session-presented", "CAEP 1.0 §3.7";
    required {}
    optional {
        /// Fingerprint of the user agent as the transmitter computes it.
        fp_ua: String, "fp_ua" = "CAEP-034";
        /// An external session id for correlation.
        ext_id: String, "ext_id" = "CAEP-034";
        /// When the change happened, not when it was sent.
        event_timestamp: NumericDate, "event_timestamp" = "CAEP-002";
        /// Who or what set it off.
        initiating_entity: InitiatingEntity, "initiating_entity" = "CAEP-003";
        /// Why, for logs and audit.
        reason_admin: LanguageMap, "reason_admin" = "CAEP-005";
        /// Why, for the end user.
        reason_user: LanguageMap, "reason_user" = "CAEP-005";
    }
}
