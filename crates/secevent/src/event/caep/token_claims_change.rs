//! `token-claims-change` (CAEP 1.0 §3.2).

use crate::event::{LanguageMap, NumericDate, caep::InitiatingEntity, define::event};
use serde_json::{Map, Value};

event! {
    /// Claims of a token that was issued before have other values now.
    // spec: CAEP-015, CAEP-016, CAEP-017
    TokenClaimsChange, "https://schemas.openid.net/secevent/caep/event-type/token-claims-change", "CAEP 1.0 §3.2";
    required {
        /// The claims with their new values; at least one.
        claims: Map<String, Value>, "claims" = "CAEP-015";
    }
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
