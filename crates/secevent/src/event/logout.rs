//! The event of OpenID Connect Back-Channel Logout 1.0.

use super::define::event;

event! {
    /// The user of the token's `sub`, or the session of its `sid`, was logged out (Back-Channel Logout 1.0 §2.4).
    // spec: BCL-015
    BackchannelLogout, "http://schemas.openid.net/event/backchannel-logout", "Back-Channel Logout 1.0 §2.4";
    required {}
    optional {}
}
