//! `risk-level-change` (CAEP 1.0 §3.8).

use crate::event::{
    LanguageMap, NumericDate,
    caep::InitiatingEntity,
    define::{event, string_enum},
};

event! {
    /// The risk that the transmitter sees in the subject changed.
    // spec: CAEP-036, CAEP-037, CAEP-038, CAEP-039, CAEP-040
    RiskLevelChange, "https://schemas.openid.net/secevent/caep/event-type/risk-level-change", "CAEP 1.0 §3.8";
    required {
        /// The kind of entity the risk is about.
        principal: Principal, "principal" = "CAEP-036";
        /// The level now.
        current_level: RiskLevel, "current_level" = "CAEP-037";
    }
    optional {
        /// The level before; the transmitter does not know it when absent.
        previous_level: RiskLevel, "previous_level" = "CAEP-037";
        /// Why the level changed; advised.
        risk_reason: String, "risk_reason" = "CAEP-038";
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
    /// The kind of entity a risk is about; other entities of SSF 1.0 §2 are possible.
    open Principal {
        /// A user.
        User = "USER",
        /// A device.
        Device = "DEVICE",
        /// A session.
        Session = "SESSION",
        /// A tenant.
        Tenant = "TENANT",
        /// An organisational unit.
        OrgUnit = "ORG_UNIT",
        /// A group.
        Group = "GROUP",
    }
}

string_enum! {
    /// A level of risk.
    closed RiskLevel {
        /// Low.
        Low = "LOW",
        /// Medium.
        Medium = "MEDIUM",
        /// High.
        High = "HIGH",
    }
}
