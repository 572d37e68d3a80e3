//! `assurance-level-change` (CAEP 1.0 §3.4).

use crate::{
    Check,
    event::{
        LanguageMap, NumericDate,
        caep::InitiatingEntity,
        define::{event, string_enum},
    },
};

event! {
    /// The assurance of the subject's authentication or identity changed.
    // spec: CAEP-023, CAEP-025, CAEP-027, CAEP-028
    AssuranceLevelChange, "https://schemas.openid.net/secevent/caep/event-type/assurance-level-change", "CAEP 1.0 §3.4",
    check = advise_direction;
    required {
        /// The scale the levels are taken from.
        namespace: Namespace, "namespace" = "CAEP-023";
        /// The level now.
        current_level: String, "current_level" = "CAEP-023";
    }
    optional {
        /// The level before; the transmitter does not know it when absent.
        previous_level: String, "previous_level" = "CAEP-025";
        /// Up or down; advised whenever `previous_level` is given (CAEP-026).
        change_direction: ChangeDirection, "change_direction" = "CAEP-027";
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

string_enum! {
    /// A scale of assurance levels; parties may agree on more.
    // spec: CAEP-024
    open Namespace {
        /// Authentication Method References (RFC 8176).
        Rfc8176 = "RFC8176",
        /// Level of Assurance Profiles (RFC 6711).
        Rfc6711 = "RFC6711",
        /// ISO/IEC 29115.
        IsoIec29115 = "ISO-IEC-29115",
        /// NIST identity assurance level.
        NistIal = "NIST-IAL",
        /// NIST authenticator assurance level.
        NistAal = "NIST-AAL",
        /// NIST federation assurance level.
        NistFal = "NIST-FAL",
    }
}

string_enum! {
    /// Whether assurance rose or fell.
    closed ChangeDirection {
        /// It rose.
        Increase = "increase",
        /// It fell.
        Decrease = "decrease",
    }
}

// spec: CAEP-026
fn advise_direction(event: &AssuranceLevelChange, check: &mut Check) {
    if event.previous_level.is_some() && event.change_direction.is_none() {
        check.warn("CAEP-026", "`previous_level` without `change_direction`", "say whether it rose or fell");
    }
}
