//! `session-established` (CAEP 1.0 §3.6).

use crate::event::{LanguageMap, NumericDate, caep::InitiatingEntity, define::event};

event! {
    /// The transmitter set up a new session for the subject.
    // spec: CAEP-031, CAEP-032, CAEP-033
    SessionEstablished, "https://schemas.openid.net/secevent/caep/event-type/session-established", "CAEP 1.0 §3.6";
    required {}
    optional {
        /// Fingerprint of the user agent as the transmitter computes it.
        fp_ua: String, "fp_ua" = "CAEP-031";
        /// Authentication context class reference, as in an ID Token.
        acr: String, "acr" = "CAEP-032";
        /// Authentication methods references, as in an ID Token.
        amr: Vec<String>, "amr" = "CAEP-033";
        /// An external session id for correlation.
        ext_id: String, "ext_id" = "CAEP-031";
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
