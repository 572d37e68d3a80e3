//! What a transmitter is forgiven: named rules, for that transmitter alone, and each use counted.
//!
//! ```
//! use secevent_hub::receiver::{Relaxed, Tolerance};
//!
//! let old = Tolerance::STRICT.with(Relaxed::MissingTyp).with(Relaxed::SubjectInEvent);
//! assert!(old.allows(Relaxed::MissingTyp) && !old.allows(Relaxed::TypJwt));
//! assert_eq!(Tolerance::from_names(["missing-typ", "subject-in-event"]).unwrap(), old);
//! ```

use std::sync::atomic::{AtomicU64, Ordering};

use secevent::{Check, Error, Profile, Typ, check_subject, danger, json::Object};
use serde::{Deserialize, Deserializer, de::Error as _};
use tracing::warn;

/// A rule that a transmitter may be let break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Relaxed {
    /// A SET without `typ` (SSF-001).
    MissingTyp,
    /// A SET whose `typ` is `JWT` (SSF-001).
    TypJwt,
    /// The subject stands in the payload of the event and not in `sub_id` (SSF-004, SUB-042).
    SubjectInEvent,
    /// Delivery methods are named by the URIs of old drafts (SSF-030).
    LegacyDelivery,
    /// A SET is pushed as another kind of JWT, such as `application/jwt` (PUSH-003).
    MediaType,
}

impl Relaxed {
    /// Every rule that can be relaxed.
    pub const ALL: [Self; 5] =
        [Self::MissingTyp, Self::TypJwt, Self::SubjectInEvent, Self::LegacyDelivery, Self::MediaType];

    /// The name in the configuration, the log and the admin API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MissingTyp => "missing-typ",
            Self::TypJwt => "typ-jwt",
            Self::SubjectInEvent => "subject-in-event",
            Self::LegacyDelivery => "legacy-delivery",
            Self::MediaType => "media-type",
        }
    }
}

/// The rules that one transmitter may break; none unless said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tolerance([bool; Relaxed::ALL.len()]);

impl Tolerance {
    /// Every rule is kept.
    pub const STRICT: Self = Self([false; Relaxed::ALL.len()]);
    /// Every rule that can be relaxed is.
    pub const LENIENT: Self = Self([true; Relaxed::ALL.len()]);

    /// This tolerance and one rule more.
    pub const fn with(mut self, rule: Relaxed) -> Self {
        self.0[rule as usize] = true;
        self
    }

    /// Whether this rule may be broken.
    pub const fn allows(self, rule: Relaxed) -> bool {
        self.0[rule as usize]
    }

    /// The tolerance of these rules.
    ///
    /// # Errors
    /// With the names there are, when one is none of them.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        names.into_iter().try_fold(Self::STRICT, |tolerance, name| {
            let rule = Relaxed::ALL.into_iter().find(|rule| rule.name() == name);
            let known = || Relaxed::ALL.map(Relaxed::name).join(", ");
            rule.map(|rule| tolerance.with(rule))
                .ok_or_else(|| format!("{name:?} is no rule that can be relaxed; name some of {}", known()))
        })
    }
}

impl<'de> Deserialize<'de> for Tolerance {
    /// `"strict"`, `"lenient"`, or a list of names.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "give \"strict\", \"lenient\" or a list of rules")]
        enum Form {
            Name(String),
            Rules(Vec<String>),
        }
        match Form::deserialize(deserializer)? {
            Form::Name(name) if name == "strict" => Ok(Self::STRICT),
            Form::Name(name) if name == "lenient" => Ok(Self::LENIENT),
            Form::Name(name) => {
                Err(D::Error::custom(format!("{name:?}: give \"strict\", \"lenient\" or a list of rules")))
            }
            Form::Rules(names) => {
                Self::from_names(names.iter().map(String::as_str)).map_err(D::Error::custom)
            }
        }
    }
}

/// How often each relaxed rule was used.
#[derive(Debug)]
pub(crate) struct Relaxations {
    transmitter: String,
    tolerance: Tolerance,
    used: [AtomicU64; Relaxed::ALL.len()],
}

impl Relaxations {
    pub(crate) fn new(transmitter: String, tolerance: Tolerance) -> Self {
        Self { transmitter, tolerance, used: Default::default() }
    }

    /// Whether this rule may be broken; if so, it was.
    pub(crate) fn allow(&self, rule: Relaxed) -> bool {
        let allowed = self.tolerance.allows(rule);
        if allowed {
            self.note(rule);
        }
        allowed
    }

    /// A rule was broken and nothing refused for it: said the first time, the tenth, the hundredth and so on.
    pub(crate) fn note(&self, rule: Relaxed) {
        let times = self.used[rule as usize].fetch_add(1, Ordering::Relaxed) + 1;
        if times.checked_ilog10().is_some_and(|digits| times == 10_u64.pow(digits)) {
            warn!(transmitter = %self.transmitter, rule = rule.name(), times, "a relaxed rule was used");
        }
    }

    pub(crate) const fn allows(&self, rule: Relaxed) -> bool {
        self.tolerance.allows(rule)
    }

    /// What was used, with how often.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counted = Relaxed::ALL.into_iter().zip(&self.used);
        counted.map(|(rule, times)| (rule.name(), times.load(Ordering::Relaxed))).filter(|(_, n)| *n > 0)
    }

    /// The rules that a token which was refused for this breaks, if all that it breaks of `typ` and `sub_id` is allowed.
    pub(crate) fn rules_for(&self, token: &str, refused: &Error) -> Vec<Relaxed> {
        if self.tolerance == Tolerance::STRICT {
            return Vec::new();
        }
        let breaks = |id: &str| refused.findings().iter().any(|finding| finding.id == id);
        let mut rules = Vec::new();
        if breaks("SSF-001") {
            let typ = danger::peek(token).ok().and_then(|peeked| peeked.header.get("typ").cloned());
            rules.push(if typ.is_none() { Relaxed::MissingTyp } else { Relaxed::TypJwt });
        }
        if breaks("SSF-004") {
            rules.push(Relaxed::SubjectInEvent);
        }
        if rules.iter().any(|rule| !self.tolerance.allows(*rule)) {
            rules.clear();
        }
        rules
    }
}

/// The profile of SSF without these rules. Profiles are values: this one is made for one token.
pub(crate) fn relaxed_profile(rules: &[Relaxed]) -> Profile {
    let mut profile = Profile { name: "ssf-relaxed", ..Profile::SSF };
    for rule in rules {
        match rule {
            Relaxed::MissingTyp => profile.typ = Typ::Optional(&["secevent+jwt"], "SSF-001"),
            Relaxed::TypJwt => profile.typ = Typ::Optional(&["secevent+jwt", "JWT"], "SSF-001"),
            Relaxed::SubjectInEvent => {
                profile.required = &[];
                profile.extra = subject_in_event;
            }
            Relaxed::LegacyDelivery | Relaxed::MediaType => {}
        }
    }
    profile
}

/// The profile under which a token that was taken once is read again, whatever it was forgiven.
pub(crate) fn most_relaxed_profile() -> Profile {
    relaxed_profile(&Relaxed::ALL)
}

/// Without `sub_id`, each event but those about the stream itself says in its payload whom it is about.
fn subject_in_event(claims: Object<'_>, check: &mut Check) {
    (Profile::SSF.extra)(claims, check);
    if let Some(subject) = claims.get("sub_id") {
        return check.within("sub_id", |check| check_subject(subject, check));
    }
    let events = claims.get("events").and_then(secevent::json::Json::as_object);
    for (uri, payload) in events.into_iter().flat_map(Object::iter) {
        if super::is_about_the_stream(uri) {
            continue;
        }
        let subject = payload.as_object().and_then(|payload| payload.get("subject"));
        check.within("events", |check| {
            check.within(uri, |check| match subject {
                Some(subject) => check.within("subject", |check| check_subject(subject, check)),
                None => check.error("SSF-004", "no `sub_id`, and no `subject` here", "add `sub_id`"),
            });
        });
    }
}

/// Whether a `Content-Type` names some kind of JWT.
pub(crate) fn is_some_jwt(field: &str) -> bool {
    let media_type = field.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(media_type.as_str(), "application/jwt" | "application/jose")
        || (media_type.starts_with("application/") && media_type.ends_with("+jwt"))
}
