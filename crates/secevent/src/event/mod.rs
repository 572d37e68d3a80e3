//! The event catalogue: CAEP 1.0, RISC 1.0, SSF 1.0, Back-Channel Logout and SCIM (RFC 9967) as types.
//!
//! Each event type is one file, named after the event; `full` and `notice` of SCIM share theirs. A type that is not
//! in the catalogue is an [`Event::Other`] and keeps its payload untouched.
//!
//! ```
//! use secevent::{Event, EventType, event::caep};
//!
//! let event = caep::SessionRevoked::new().initiating_entity(caep::InitiatingEntity::Policy);
//! assert_eq!(Event::from(event).event_type().name(), "caep:session-revoked");
//! assert_eq!(EventType::from_name("caep:session-revoked").unwrap().uri().rsplit('/').next(), Some("session-revoked"));
//! ```
//!
//! An event type of one's own is a [`Payload`]; it is issued as an [`Event::Other`] and read with
//! [`Claims::payload`](crate::Claims::payload):
//!
//! ```
//! use secevent::{Alg, Check, Event, Payload, Policy, Set, SigningKey, SubjectId, Timestamp};
//! use secevent::json::{Map, Object, Value};
//!
//! struct BadgeUsed {
//!     door: String,
//! }
//!
//! impl Payload for BadgeUsed {
//!     const URI: &'static str = "https://doors.example/event/badge-used";
//!     const SPEC: &'static str = "Doors 2.1";
//!
//!     fn read(payload: Object<'_>, check: &mut Check) -> Option<Self> {
//!         let door = payload.text("door").map(str::to_owned);
//!         if door.is_none() {
//!             check.error("DOOR-001", "`door` is missing", "name the door");
//!         }
//!         door.map(|door| Self { door })
//!     }
//!
//!     fn write(&self) -> Map<String, Value> {
//!         [("door".to_owned(), self.door.as_str().into())].into_iter().collect()
//!     }
//! }
//!
//! let key = SigningKey::generate(Alg::Ed25519)?;
//! let event = BadgeUsed { door: "north".into() };
//! let token = Set::issue("https://doors.example")
//!     .to("https://guard.example")
//!     .about(SubjectId::opaque("badge-7"))
//!     .event(Event::Other { uri: BadgeUsed::URI.into(), payload: event.write() })
//!     .at(Timestamp(1_767_225_600))
//!     .sign(&key)?;
//! let policy = Policy::ssf("https://doors.example", "https://guard.example");
//! let set = Set::parse(&token)?.verify(key.verifying_key(), &policy, Timestamp(1_767_225_600))?;
//! assert_eq!(set.payload::<BadgeUsed>().unwrap().door, "north");
//! # Ok::<(), Box<dyn std::error::Error>>(())
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
