//! Profiles of RFC 8417 (§3): what a kind of SET adds to the rules that every SET obeys.
//!
//! A profile is data and at most one function. Users define their own by changing a value:
//!
//! ```
//! use secevent::{Alg, AlgSet, Profile};
//!
//! const OURS: Profile = Profile { name: "ours", algs: AlgSet::of(&[Alg::Ed25519, Alg::EdDsa]), ..Profile::SSF };
//! ```

use secevent_jose::{
    Alg, AlgSet,
    json::{Json, Object},
};

use crate::{
    event::{Member as _, NumericDate, Payload, caep, logout, scim, ssf},
    finding::{Check, Level, Role, describe_json, quote},
    set::Envelope,
};

/// A kind of SET.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// The name on the command line.
    pub name: &'static str,
    /// The requirement that demands a signature, if the profile has one: its tokens are taken unsigned by no channel.
    pub must_sign: Option<&'static str>,
    /// What `typ` may be.
    pub typ: Typ,
    /// The algorithms that the profile leaves to choose from.
    pub algs: AlgSet,
    /// Claims that must be there, beyond those of RFC 8417, and the requirement that says so.
    pub required: &'static [(&'static str, &'static str)],
    /// Claims that must not be there, and the requirement that says so.
    pub forbidden: &'static [(&'static str, &'static str)],
    /// How many members `events` may have.
    pub events: EventCount,
    /// What else the profile demands of claims and subject.
    pub extra: fn(Object<'_>, &mut Check),
}

/// Explicit typing of a token (RFC 8725 §3.11); compared as media types (SET-033).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Typ {
    /// `typ` must be this.
    Required(&'static str, &'static str),
    /// `typ` may be absent; if it is there it must be one of these. Tokens are made with the first.
    Optional(&'static [&'static str], &'static str),
}

/// How many event identifiers one SET may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventCount {
    /// Several facets of one state change (SET-009).
    Any,
    /// One is advised (SSF-015); an issuer must not send more (SSF-016).
    OneAdvised,
    /// Exactly one (CIOP-028).
    One,
}

const fn nothing_more(_: Object<'_>, _: &mut Check) {}

impl Profile {
    /// Any SET of RFC 8417.
    // spec: SET-034, BCP-023
    pub const SET: Self = Self {
        name: "set",
        must_sign: None,
        typ: Typ::Optional(&["secevent+jwt"], "SET-032"),
        algs: AlgSet::ALL,
        required: &[],
        forbidden: &[],
        events: EventCount::Any,
        extra: nothing_more,
    };

    /// A SET on a stream of Shared Signals 1.0 (§4).
    // spec: SSF-001, SSF-002, SSF-003, SSF-004, SSF-015, SSF-016, SUB-041
    pub const SSF: Self = Self {
        name: "ssf",
        must_sign: None,
        typ: Typ::Required("secevent+jwt", "SSF-001"),
        algs: AlgSet::ALL,
        required: &[("sub_id", "SSF-004")],
        forbidden: &[("sub", "SSF-002"), ("exp", "SSF-003")],
        events: EventCount::OneAdvised,
        extra: ssf_framework_events,
    };

    /// The CAEP Interoperability Profile, draft 01 (July 2026).
    // spec: CIOP-023, CIOP-026, CIOP-028, CIOP-042, CIOP-046, CIOP-048
    pub const CAEP_INTEROP: Self = Self {
        name: "caep-interop",
        must_sign: Some("CIOP-026"),
        algs: AlgSet::of(&[Alg::Rs256]),
        events: EventCount::One,
        extra: caep_interop,
        ..Self::SSF
    };

    /// A Logout Token of Back-Channel Logout 1.0, errata set 1.
    // spec: BCL-014, BCL-017, BCL-019, BCL-022, BCL-026, BCL-042, BCL-044, BCL-045, BCL-046
    pub const LOGOUT: Self = Self {
        name: "logout",
        must_sign: Some("BCL-022"),
        typ: Typ::Optional(&["logout+jwt", "JWT"], "BCL-026"),
        required: &[("aud", "BCL-014"), ("exp", "BCL-014")],
        forbidden: &[("nonce", "BCL-019")],
        extra: logout_token,
        ..Self::SET
    };

    /// A Logout Token of the 2022 text, which did not know `exp` yet.
    pub const LOGOUT_2022: Self =
        Self { name: "logout-2022", required: &[("aud", "BCL-014")], ..Self::LOGOUT };

    /// A SCIM event (RFC 9967): the subject is a SCIM resource.
    // spec: SCIM-004, SCIM-005, SCIM-006
    pub const SCIM: Self = Self {
        name: "scim",
        required: &[("sub_id", "SCIM-004")],
        forbidden: &[("sub", "SCIM-005")],
        extra: scim_event,
        ..Self::SET
    };

    /// The profiles that have a name.
    pub const ALL: [Self; 6] =
        [Self::SET, Self::SSF, Self::CAEP_INTEROP, Self::LOGOUT, Self::LOGOUT_2022, Self::SCIM];

    /// The profile of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name == name)
    }

    /// Judges the `typ` of a header.
    // spec: SET-029, SET-033, BCP-017, BCP-023, CHK-002
    pub fn check_typ(&self, typ: Option<&str>, check: &mut Check) {
        let (allowed, id, required) = match &self.typ {
            Typ::Required(one, id) => (std::slice::from_ref(one), *id, true),
            Typ::Optional(some, id) => (*some, *id, false),
        };
        let fits = typ.map_or(!required, |typ| allowed.iter().any(|known| same_media_type(typ, known)));
        if !fits {
            let found = typ.map_or_else(|| "no `typ`".to_owned(), |typ| format!("`typ` is {}", quote(typ)));
            check.within("typ", |check| check.error(id, found, format!("set `typ` to `{}`", allowed[0])));
        }
    }

    /// Judges the `cty` of a header: `JWT` says that the payload is a token again, and nested tokens are not read.
    // spec: JWT-003
    pub(crate) fn check_cty(cty: Option<&str>, check: &mut Check) {
        if cty.is_some_and(|cty| same_media_type(cty, "JWT")) {
            let mend = "send the inner token alone";
            check.within("cty", |check| check.error("JWT-003", "a token inside a token", mend));
        }
    }

    /// The `typ` that tokens of this profile are made with.
    pub const fn typ_to_issue(&self) -> &'static str {
        match self.typ {
            Typ::Required(typ, _) => typ,
            Typ::Optional(some, _) => some[0],
        }
    }
}

pub(crate) fn same_media_type(one: &str, other: &str) -> bool {
    fn bare(typ: &str) -> &str {
        const TREE: &str = "application/";
        match typ.split_at_checked(TREE.len()) {
            Some((tree, bare)) if tree.eq_ignore_ascii_case(TREE) => bare,
            _ => typ,
        }
    }
    one == other || bare(one).eq_ignore_ascii_case(bare(other))
}

/// Framework events are judged with the envelope: payload and subject (SSF-183, SSF-197).
fn ssf_framework_events(claims: Object<'_>, check: &mut Check) {
    let events = claims.get("events").and_then(Json::as_object).into_iter().flat_map(Object::iter);
    for (uri, payload) in events.filter(|(uri, _)| is_framework_event(uri)) {
        crate::set::check_event(uri, payload, Envelope::of(claims).subject_format(), &mut Vec::new(), check);
    }
}

fn is_framework_event(uri: &str) -> bool {
    uri == ssf::Verification::URI || uri == ssf::StreamUpdated::URI
}

/// Draft 01, sections 2.5 and 3: subject formats, and reasons for the events of its use cases.
fn caep_interop(claims: Object<'_>, check: &mut Check) {
    ssf_framework_events(claims, check);
    let envelope = Envelope::of(claims);
    let framework = envelope.events().any(|(uri, _)| is_framework_event(uri));
    match envelope.subject_format() {
        None | Some("email" | "iss_sub") => {}
        Some("opaque") if framework => {}
        Some(format) => check.within("sub_id", |check| {
            let found = format!("format {} is not one that every receiver knows", quote(format));
            let code = crate::ErrorCode::InvalidRequest;
            check.report(Level::OutsideProfile, code, "CIOP-023", found, "use `email` or `iss_sub`");
        }),
    }
    for (uri, payload) in envelope.events() {
        let id = match uri {
            uri if uri == caep::SessionRevoked::URI => "CIOP-042",
            uri if uri == caep::CredentialChange::URI => "CIOP-046",
            uri if uri == caep::DeviceComplianceChange::URI => "CIOP-048",
            _ => continue,
        };
        let reason = payload.as_object().and_then(|payload| payload.get("reason_admin"));
        if reason.and_then(Json::as_object).is_none_or(Object::is_empty) {
            check.within("events", |check| {
                check.within(uri, |check| {
                    check.within("reason_admin", |check| {
                        check.error(id, describe_json(reason), "give at least one language and text");
                    });
                });
            });
        }
    }
}

fn logout_token(claims: Object<'_>, check: &mut Check) {
    if !claims.contains("sub") && !claims.contains("sid") {
        check.error("BCL-017", "neither `sub` nor `sid`", "say who or which session was logged out");
    }
    if let Some(sid) = claims.get("sid").filter(|sid| sid.as_str().is_none()) {
        check.within("sid", |check| check.error("BCL-012", describe_json(Some(sid)), "give a string"));
    }
    if !Envelope::of(claims).events().any(|(uri, _)| uri == logout::BackchannelLogout::URI) {
        let mend = format!("add the member {}", logout::BackchannelLogout::URI);
        check.within("events", |check| check.error("BCL-015", "no logout event", mend));
    }
    if check.role() == Role::Issuer && claims.contains("exp") {
        let seconds = |name| claims.get(name).and_then(NumericDate::read).map_or(0, |at| at.timestamp().0);
        if seconds("exp").saturating_sub(seconds("iat")) > 120 {
            let found = "the token lives longer than two minutes";
            check.within("exp", |check| check.warn("BCL-028", found, "shorten its life"));
        }
    }
}

/// A SCIM resource is the subject, and the answer to an asynchronous request names that request.
fn scim_event(claims: Object<'_>, check: &mut Check) {
    check.within("sub_id", |check| scim::check_scim(Envelope::of(claims).subject_format(), check));
    // spec: SCIM-048
    if !claims.contains("txn") && Envelope::of(claims).events().any(|(uri, _)| uri == scim::AsyncResp::URI) {
        check.error("SCIM-048", "`txn` is missing", "give the value that `Set-Txn` had");
    }
}
