//! The claims of a SET (RFC 8417 §2.2) and the rules that each of them obeys.

use serde_json::{Map, Value};

use crate::{
    Profile, Timestamp,
    event::{Event, Member, NumericDate},
    finding::{Check, Role, describe, quote},
    profile::EventCount,
    subject::{SubjectId, check_subject, is_uri},
};

/// Claims that kept every rule of their profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    /// Invariant: `iss`, `iat`, `jti` and `events` are there and of the right type.
    members: Map<String, Value>,
    subject: Option<SubjectId>,
    events: Vec<Event>,
}

impl Claims {
    /// Reads claims under a profile; `None` when a rule is broken, which `check` then tells.
    pub fn read(members: Map<String, Value>, profile: &Profile, check: &mut Check) -> Option<Self> {
        let subject = check_claims(&members, profile, check);
        let events = members.get("events").and_then(Value::as_object).cloned().unwrap_or_default();
        let events: Option<Vec<_>> =
            events.iter().map(|(uri, payload)| check_event(uri, payload, subject.as_ref(), check)).collect();
        if check.refused() {
            return None;
        }
        Some(Self { members, subject, events: events? })
    }

    /// `iss`: who published the SET (SET-016).
    pub fn iss(&self) -> &str {
        self.text("iss").unwrap_or_default()
    }

    /// `iat`: when it was issued (SET-018).
    pub fn iat(&self) -> Timestamp {
        self.time("iat").unwrap_or_default()
    }

    /// `jti`: its unique id (SET-019).
    pub fn jti(&self) -> &str {
        self.text("jti").unwrap_or_default()
    }

    /// `aud`: whom it is for, one or several (JWT-010).
    // spec: JWT-010
    pub fn aud(&self) -> Vec<&str> {
        match self.members.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(some)) => some.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// `txn`: what ties together the tokens of one cause (SET-025).
    pub fn txn(&self) -> Option<&str> {
        self.text("txn")
    }

    /// `toe`: when the event happened; nothing takes its place when it is absent (SET-027).
    pub fn toe(&self) -> Option<Timestamp> {
        self.time("toe")
    }

    /// `sub_id`: whom or what the event is about (SUB-030).
    pub const fn subject(&self) -> Option<&SubjectId> {
        self.subject.as_ref()
    }

    /// The events, in the order of the token; at least one.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The event, or the first of several facets.
    pub fn event(&self) -> &Event {
        &self.events[0]
    }

    /// Any claim that is a string, such as `sub` or `sid`.
    pub fn text(&self, claim: &str) -> Option<&str> {
        self.members.get(claim).and_then(Value::as_str)
    }

    /// All claims as they stand in the token, unknown ones included (JWT-008).
    pub const fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    fn time(&self, claim: &str) -> Option<Timestamp> {
        self.members.get(claim).and_then(NumericDate::read).map(|date| date.timestamp())
    }
}

/// Judges the envelope: the rules of RFC 8417 and those of the profile. Events are judged by [`check_event`].
pub(crate) fn check_claims(
    claims: &Map<String, Value>,
    profile: &Profile,
    check: &mut Check,
) -> Option<SubjectId> {
    check_registered(claims, check);
    check_events(claims, profile, check);
    for (claim, id) in profile.required.iter().filter(|(claim, _)| !claims.contains_key(*claim)) {
        check.error(id, format!("`{claim}` is missing"), format!("add the claim `{claim}`"));
    }
    for (claim, id) in profile.forbidden.iter().filter(|(claim, _)| claims.contains_key(*claim)) {
        check.within(claim, |check| {
            check.error(id, "it must not be here", format!("leave out the claim `{claim}`"));
        });
    }
    let wanted = profile.required.iter().any(|(claim, _)| *claim == "sub_id");
    let subject = claims.get("sub_id").filter(|_| wanted || check.role() == Role::Issuer);
    let subject = subject.and_then(|id| check.within("sub_id", |check| check_subject(id, check)));
    let subject = subject.or_else(|| serde_json::from_value(claims.get("sub_id")?.clone()).ok());
    (profile.extra)(claims, subject.as_ref(), check);
    if wanted && !claims.contains_key("txn") {
        check.warn("SSF-012", "`txn` is absent", "add a `txn` that ties together what one cause set off");
    }
    subject
}

/// Judges one event: its identifier, payload and subject.
pub(crate) fn check_event(
    uri: &str,
    payload: &Value,
    subject: Option<&SubjectId>,
    check: &mut Check,
) -> Option<Event> {
    let event = check.within("events", |check| {
        check.within(uri, |check| payload.as_object().and_then(|payload| Event::read(uri, payload, check)))
    });
    check.within("sub_id", |check| Event::check_subject(uri, subject, check));
    event
}

/// The claims that RFC 7519 and RFC 8417 name: is each of the right type?
fn check_registered(claims: &Map<String, Value>, check: &mut Check) {
    // spec: SET-016, SET-018, SET-019
    for (claim, id) in [("iss", "SET-016"), ("jti", "SET-019")] {
        let value = claims.get(claim);
        let text = value.and_then(Value::as_str);
        if text.is_none_or(str::is_empty) {
            check.within(claim, |check| check.error(id, describe(value), "give a non-empty string"));
        }
    }
    check_time(claims, "iat", "SET-018", true, check);
    // spec: JWT-011, JWT-012, JWT-016, SET-026
    for (claim, id) in [("exp", "JWT-011"), ("nbf", "JWT-012"), ("toe", "SET-026")] {
        check_time(claims, claim, id, false, check);
    }
    // spec: SET-022, SET-025, SUB-030
    for (claim, id) in [("txn", "SET-025"), ("sub", "SET-022")] {
        if let Some(value) = claims.get(claim).filter(|value| !value.is_string()) {
            check.within(claim, |check| check.error(id, describe(Some(value)), "give a string"));
        }
    }
    // spec: JWT-010, SET-021
    match claims.get("aud") {
        Some(Value::String(_)) => {}
        Some(Value::Array(some)) if some.iter().all(Value::is_string) => {
            if some.is_empty() {
                check.within("aud", |check| check.strict("JWT-009", "it names nobody", "name the recipient"));
            }
        }
        None => check.warn("SET-021", "`aud` is absent", "name the recipient"),
        other => check.within("aud", |check| {
            check.error("JWT-010", describe(other), "give a string or an array of strings");
        }),
    }
}

fn check_time(claims: &Map<String, Value>, claim: &str, id: &'static str, required: bool, check: &mut Check) {
    match claims.get(claim) {
        Some(Value::Number(_)) => {}
        None if !required => {}
        other => check.within(claim, |check| {
            check.error(id, describe(other), format!("give {}", NumericDate::EXPECTED));
        }),
    }
}

/// `events`: an object from event identifiers to payload objects.
fn check_events(claims: &Map<String, Value>, profile: &Profile, check: &mut Check) {
    check.within("events", |check| {
        // spec: SET-004, SET-056
        let Some(Value::Object(events)) = claims.get("events").filter(|v| *v != &Value::Object(Map::new()))
        else {
            let found = describe(claims.get("events"));
            return check.error(
                "SET-004",
                found,
                "give an object with at least one event; else it is no SET",
            );
        };
        for (uri, payload) in events {
            check.within(uri, |check| {
                // spec: SET-005
                if !is_uri(uri) {
                    check.error(
                        "SET-005",
                        format!("the name {} is no URI", quote(uri)),
                        "name it by its URI",
                    );
                }
                // spec: SET-006, SET-007
                if !payload.is_object() {
                    check.error(
                        "SET-006",
                        describe(Some(payload)),
                        "give an object; `{}` when there is nothing",
                    );
                }
            });
        }
        // spec: SET-009, SSF-015, SSF-016, CIOP-028
        let found = format!("{} events", events.len());
        match profile.events {
            EventCount::OneAdvised if events.len() > 1 => {
                check.strict("SSF-016", found, "send one SET for each");
            }
            EventCount::One if events.len() > 1 => check.error("CIOP-028", found, "send one SET for each"),
            _ => {}
        }
    });
}
