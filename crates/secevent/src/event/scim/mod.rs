//! SCIM Profile for Security Event Tokens (RFC 9967): what happened to a SCIM resource.
//!
//! ```
//! use secevent::{Profile, Set, SubjectId, Timestamp, event::scim};
//!
//! let claims = Set::issue("https://scim.example.com")
//!     .profile(Profile::SCIM)
//!     .to("https://sp.example.com")
//!     .about(SubjectId::scim("/Users/44f6142df96bd6ab61e7521d9"))
//!     .event(scim::ProvPatchNotice::new(["name.familyName".to_owned()]).version("W/\"a330bc54f0671c9\""))
//!     .at(Timestamp(1_767_225_600))
//!     .claims()?;
//! assert_eq!(claims.event().event_type().name(), "scim:prov:patch:notice");
//! # Ok::<(), secevent::Error>(())
//! ```

mod activation;
mod async_resp;
mod create;
mod delete;
mod feed;
mod patch;
mod put;

pub use activation::{ProvActivate, ProvDeactivate};
pub use async_resp::AsyncResp;
pub use create::{ProvCreateFull, ProvCreateNotice};
pub use delete::ProvDelete;
pub use feed::{FeedAdd, FeedRemove};
pub use patch::{ProvPatchFull, ProvPatchNotice};
pub use put::{ProvPutFull, ProvPutNotice};

use serde_json::{Map, Value};

use crate::{Check, finding::quote};

/// The subject is a SCIM resource.
// spec: SCIM-006
pub(crate) fn check_scim(format: Option<&str>, check: &mut Check) {
    if let Some(format) = format.filter(|format| *format != "scim") {
        let found = format!("format {}", quote(format));
        check.error("SCIM-006", found, "name the resource: format `scim`");
    }
}

/// The event of `data` has no `attributes`, and the other way round.
// spec: SCIM-021, SCIM-022
fn check_alone(rest: &Map<String, Value>, stranger: &str, check: &mut Check) {
    if rest.contains_key(stranger) {
        let mend = "send `data` under the URI that ends in `full`, `attributes` under that of `notice`";
        check.within(stranger, |check| check.error("SCIM-021", "it must not be here", mend));
    }
}
