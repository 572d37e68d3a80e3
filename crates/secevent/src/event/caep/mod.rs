//! Continuous Access Evaluation Profile 1.0: changes in sessions, credentials, devices and risk.

mod assurance_level_change;
mod credential_change;
mod device_compliance_change;
mod risk_level_change;
mod session_established;
mod session_presented;
mod session_revoked;
mod token_claims_change;

pub use assurance_level_change::{AssuranceLevelChange, ChangeDirection, Namespace};
pub use credential_change::{ChangeType, CredentialChange, CredentialType};
pub use device_compliance_change::{ComplianceStatus, DeviceComplianceChange};
pub use risk_level_change::{Principal, RiskLevel, RiskLevelChange};
pub use session_established::SessionEstablished;
pub use session_presented::SessionPresented;
pub use session_revoked::SessionRevoked;
pub use token_claims_change::TokenClaimsChange;

use super::define::string_enum;

string_enum! {
    /// Who or what set the change off (CAEP 1.0 §2).
    // spec: CAEP-003, CAEP-004
    closed InitiatingEntity {
        /// An administrative action.
        Admin = "admin",
        /// An action of the end user.
        User = "user",
        /// The evaluation of a policy.
        Policy = "policy",
        /// An assertion of a system or platform.
        System = "system",
    }
}
