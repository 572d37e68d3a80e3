//! `session-revoked` (CAEP 1.0 §3.1).

use crate::event::{LanguageMap, NumericDate, caep::InitiatingEntity, define::event};

event! {
    /// The session that the subject names, or every session that matches it, was revoked.
    // spec: CAEP-011, CAEP-012, CAEP-013
    SessionRevoked, "https://schemas.openid.net/secevent/caep/event-type/session-revoked", "CAEP 1.0 §3.1";
    required {}
    optional {
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
