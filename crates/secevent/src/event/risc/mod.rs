//! Risk Incident Sharing and Coordination 1.0: what happened to an account.

mod account_credential_change_required;
mod account_disabled;
mod account_enabled;
mod account_purged;
mod credential_compromise;
mod identifier_changed;
mod identifier_recycled;
mod opt_in;
mod opt_out;
mod opt_out_cancelled;
mod opt_out_effective;
mod opt_out_initiated;
mod recovery_activated;
mod recovery_information_changed;
mod sessions_revoked;

pub use account_credential_change_required::AccountCredentialChangeRequired;
pub use account_disabled::{AccountDisabled, DisabledReason};
pub use account_enabled::AccountEnabled;
pub use account_purged::AccountPurged;
pub use credential_compromise::{CredentialCompromise, Reason};
pub use identifier_changed::IdentifierChanged;
pub use identifier_recycled::IdentifierRecycled;
pub use opt_in::OptIn;
pub use opt_out::{OptOut, OptOutError};
pub use opt_out_cancelled::OptOutCancelled;
pub use opt_out_effective::OptOutEffective;
pub use opt_out_initiated::OptOutInitiated;
pub use recovery_activated::RecoveryActivated;
pub use recovery_information_changed::RecoveryInformationChanged;
pub use sessions_revoked::SessionsRevoked;

use crate::{Check, finding::quote};

/// The subject is the old value: an email address or a phone number (the text says `phone`).
// spec: RISC-008, RISC-013, RISC-014
fn check_identifier(format: Option<&str>, check: &mut Check) {
    match format {
        None | Some("email" | "phone_number" | "phone") => {}
        Some(format) => {
            check.error(
                "RISC-008",
                format!("format {}", quote(format)),
                "name an `email` or a `phone_number`",
            );
        }
    }
}
