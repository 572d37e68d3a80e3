//! The event catalogue: CAEP 1.0, RISC 1.0, SSF 1.0, Back-Channel Logout and SCIM (RFC 9967) as types.
//!
//! Each event type is one file, named after the event; `full` and `notice` of SCIM share theirs. A type that is not in the catalogue is an
//! [`Event::Other`] and keeps its payload untouched.
//!
//! ```
//! use secevent::{Event, EventType, event::caep};
//!
//! let event = caep::SessionRevoked::new().initiating_entity(caep::InitiatingEntity::Policy);
//! assert_eq!(Event::from(event).event_type().name(), "caep:session-revoked");
//! assert_eq!(EventType::from_name("caep:session-revoked").unwrap().uri().rsplit('/').next(), Some("session-revoked"));
//! ```

pub mod caep;
mod define;
mod event_type;
pub mod logout;
mod member;
pub mod risc;
pub mod scim;
pub mod ssf;

use secevent_jose::json::Object;
use serde_json::{Map, Value};

use define::registry;
pub use event_type::{EventType, UnknownEvent};
pub use member::{LanguageMap, Member, NumericDate};

use crate::finding::Check;

/// The payload of one event type: what a specification's section defines.
pub trait Payload: Sized {
    /// The event identifier.
    const URI: &'static str;
    /// The specification and section that define it.
    const SPEC: &'static str;
    /// Whether new implementations must not use it any more.
    const DEPRECATED: bool = false;

    /// Reads a payload; what breaks its definition is reported and ends in `None`. Unknown members are kept.
    fn read(payload: Object<'_>, check: &mut Check) -> Option<Self>;

    /// The payload as JSON.
    fn write(&self) -> Map<String, Value>;

    /// Judges the format of the subject of the SET where the definition restricts it.
    fn check_subject(_format: Option<&str>, _check: &mut Check) {}
}

registry! {
    caep::SessionRevoked, caep::TokenClaimsChange, caep::CredentialChange, caep::AssuranceLevelChange,
    caep::DeviceComplianceChange, caep::SessionEstablished, caep::SessionPresented, caep::RiskLevelChange,
    risc::AccountCredentialChangeRequired, risc::AccountPurged, risc::AccountDisabled, risc::AccountEnabled,
    risc::IdentifierChanged, risc::IdentifierRecycled, risc::CredentialCompromise, risc::OptIn,
    risc::OptOutInitiated, risc::OptOutCancelled, risc::OptOutEffective, risc::RecoveryActivated,
    risc::RecoveryInformationChanged, risc::SessionsRevoked,
    ssf::Verification, ssf::StreamUpdated,
    logout::BackchannelLogout,
    scim::FeedAdd, scim::FeedRemove, scim::ProvCreateFull, scim::ProvCreateNotice, scim::ProvPatchFull,
    scim::ProvPatchNotice, scim::ProvPutFull, scim::ProvPutNotice, scim::ProvDelete, scim::ProvActivate,
    scim::ProvDeactivate, scim::AsyncResp,
}
