//! `device-compliance-change` (CAEP 1.0 §3.5).

use crate::event::{
    LanguageMap, NumericDate,
    caep::InitiatingEntity,
    define::{event, string_enum},
};

event! {
    /// A device began or ceased to comply with policy.
    // spec: CAEP-029, CAEP-030
    DeviceComplianceChange, "https://schemas.openid.net/secevent/caep/event-type/device-compliance-change", "CAEP 1.0 §3.5";
    required {
        /// The status before.
        previous_status: ComplianceStatus, "previous_status" = "CAEP-029";
        /// The status now.
        current_status: ComplianceStatus, "current_status" = "CAEP-029";
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

string_enum! {
    /// Whether a device complies with policy.
    closed ComplianceStatus {
        /// It does.
        Compliant = "compliant",
        /// It does not.
        NotCompliant = "not-compliant",
    }
}
