//! The claims of a SET (RFC 8417 §2.2) and the rules that each of them obeys.

use std::{fmt, sync::OnceLock};

use secevent_jose::json::{Document, Json, Object};
use serde_json::{Map, Value};

use crate::{
    Profile, Timestamp,
    event::{Event, Member, NumericDate, Payload},
    finding::{Check, Role, describe_json, quote},
    profile::EventCount,
    set::Envelope,
    subject::{SubjectId, check_subject, is_uri},
};

/// Claims that kept every rule of their profile.
#[derive(Clone)]
pub struct Claims {
    /// Invariant: an object in which `iss`, `iat`, `jti` and `events` are there and of the right type.
    document: Document,
    events: Vec<Event>,
    /// Made when it is first asked for.
    subject: OnceLock<Option<SubjectId>>,
    /// Made when it is first asked for.
    members: OnceLock<Map<String, Value>>,
}

impl Claims {
    /// Reads claims under a profile; `None` when a rule is broken, which `check` then tells.
    pub fn read(document: Document, profile: &Profile, check: &mut Check) -> Option<Self> {
        Self::read_addressed(document, profile, |_, _| {}, check)
    }

    /// The same, with what a recipient demands of issuer, audience and time judged first.
    pub(crate) fn read_addressed(
        document: Document,
        profile: &Profile,
        addressing: impl FnOnce(&Envelope<'_>, &mut Check),
        check: &mut Check,
    ) -> Option<Self> {
        let Some(claims) = document.root().as_object() else {
            check.error("JWT-004", "the claims are no object", "send the claims as one JSON object");
            return None;
        };
        let envelope = Envelope::of(claims);
        addressing(&envelope, check);
        check_claims(claims, &envelope, profile, check);
        let format = envelope.subject_format();
        let mut events = Vec::with_capacity(1);
        for (uri, payload) in envelope.events() {
            check_event(uri, payload, format, &mut events, check);
        }
        if check.refused() {
            return None;
        }
        Some(Self { events, document, subject: OnceLock::new(), members: OnceLock::new() })
    }

    /// The claims as JSON text, exactly as they stand in the token.
    pub fn json(&self) -> &str {
        self.document.text()
    }

    fn object(&self) -> Option<Object<'_>> {
        self.document.root().as_object()
    }

    fn get(&self, claim: &str) -> Option<Json<'_>> {
        self.object()?.get(claim)
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
        let Some(aud) = self.get("aud") else { return Vec::new() };
        let one = aud.as_str().into_iter();
        one.chain(aud.as_array().into_iter().flatten().filter_map(Json::as_str)).collect()
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
    pub fn subject(&self) -> Option<&SubjectId> {
        self.subject.get_or_init(|| self.get("sub_id").and_then(SubjectId::read)).as_ref()
    }

    /// The events, in the order of the token; at least one.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The event, or the first of several facets.
    pub fn event(&self) -> &Event {
        &self.events[0]
    }

    /// The payload of this type, if the SET has such an event: also of types that are not in the catalogue.
    ///
    /// `None` as well when the payload breaks its definition; for types of the catalogue that is judged before.
    pub fn payload<P: Payload>(&self) -> Option<P> {
        let events = self.get("events")?.as_object()?;
        P::read(events.get(P::URI)?.as_object()?, &mut Check::new(Role::Receiver))
    }

    /// Any claim that is a string, such as `sub` or `sid`.
    pub fn text(&self, claim: &str) -> Option<&str> {
        self.get(claim)?.as_str()
    }

    /// All claims in the order of the token, unknown ones included (JWT-008).
    pub fn members(&self) -> &Map<String, Value> {
        self.members.get_or_init(|| self.object().map(Object::to_map).unwrap_or_default())
    }

    fn time(&self, claim: &str) -> Option<Timestamp> {
        self.get(claim).and_then(NumericDate::read).map(|date| date.timestamp())
    }
}

/// Claims are equal when their members are; order and white space do not count.
impl PartialEq for Claims {
    fn eq(&self, other: &Self) -> bool {
        self.document == other.document
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("jti", &self.jti())
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}

/// Judges the envelope: the rules of RFC 8417 and those of the profile. Events are judged by [`check_event`].
pub(crate) fn check_claims(
    claims: Object<'_>,
    envelope: &Envelope<'_>,
    profile: &Profile,
    check: &mut Check,
) {
    check_registered(envelope, check);
    check_events(envelope.events, profile, check);
    for (claim, id) in profile.required.iter().filter(|(claim, _)| !claims.contains(claim)) {
        check.error(id, format!("`{claim}` is missing"), format!("add the claim `{claim}`"));
    }
    for (claim, id) in profile.forbidden.iter().filter(|(claim, _)| claims.contains(claim)) {
        check.within(claim, |check| {
            check.error(id, "it must not be here", format!("leave out the claim `{claim}`"));
        });
    }
    let wanted = profile.required.iter().any(|(claim, _)| *claim == "sub_id");
    if let Some(subject) = envelope.sub_id.filter(|_| wanted || check.role() == Role::Issuer) {
        check.within("sub_id", |check| check_subject(subject, check));
    }
    (profile.extra)(claims, check);
    if wanted && envelope.txn.is_none() {
        check.warn("SSF-012", "`txn` is absent", "add a `txn` that ties together what one cause set off");
    }
}

/// Judges one event: its payload, and the format of the SET's subject.
pub(crate) fn check_event(
    uri: &str,
    payload: Json<'_>,
    subject_format: Option<&str>,
    events: &mut Vec<Event>,
    check: &mut Check,
) {
    check.within("events", |check| {
        check.within(uri, |check| {
            events.extend(payload.as_object().and_then(|payload| Event::read(uri, payload, check)));
        });
    });
    check.within("sub_id", |check| Event::check_subject(uri, subject_format, check));
}

/// The claims that RFC 7519 and RFC 8417 name: is each of the right type?
fn check_registered(envelope: &Envelope<'_>, check: &mut Check) {
    // spec: SET-016, SET-018, SET-019
    for (claim, value, id) in [("iss", envelope.iss, "SET-016"), ("jti", envelope.jti, "SET-019")] {
        if value.and_then(Json::as_str).is_none_or(str::is_empty) {
            check.within(claim, |check| check.error(id, describe_json(value), "give a non-empty string"));
        }
    }
    // spec: JWT-011, JWT-012, JWT-016, SET-018, SET-026
    for (claim, value, id) in [
        ("iat", envelope.iat, "SET-018"),
        ("exp", envelope.exp, "JWT-011"),
        ("nbf", envelope.nbf, "JWT-012"),
        ("toe", envelope.toe, "SET-026"),
    ] {
        let required = claim == "iat";
        if value.map_or(required, |value| !value.is_number()) {
            check.within(claim, |check| {
                check.error(id, describe_json(value), format!("give {}", NumericDate::EXPECTED));
            });
        }
    }
    // spec: SET-022, SET-025, SUB-030
    for (claim, value, id) in [("txn", envelope.txn, "SET-025"), ("sub", envelope.sub, "SET-022")] {
        if let Some(value) = value.filter(|value| value.as_str().is_none()) {
            check.within(claim, |check| check.error(id, describe_json(Some(value)), "give a string"));
        }
    }
    // spec: JWT-010, SET-021
    let Some(aud) = envelope.aud else {
        return check.warn("SET-021", "`aud` is absent", "name the recipient");
    };
    if aud.as_str().is_some() {
        return;
    }
    match aud.as_array().filter(|some| some.clone().all(|one| one.as_str().is_some())) {
        None => check.within("aud", |check| {
            check.error("JWT-010", describe_json(Some(aud)), "give a string or an array of strings");
        }),
        Some(mut some) => {
            if some.next().is_none() {
                check.within("aud", |check| check.strict("JWT-009", "it names nobody", "name the recipient"));
            }
        }
    }
}

/// `events`: an object from event identifiers to payload objects.
fn check_events(value: Option<Json<'_>>, profile: &Profile, check: &mut Check) {
    check.within("events", |check| {
        // spec: SET-004, SET-056
        let Some(events) = value.and_then(Json::as_object).filter(|events| !events.is_empty()) else {
            let mend = "give an object with at least one event; else it is no SET";
            return check.error("SET-004", describe_json(value), mend);
        };
        for (uri, payload) in events.iter() {
            // spec: SET-005
            if !is_uri(uri) {
                let found = format!("the name {} is no URI", quote(uri));
                check.within(uri, |check| check.error("SET-005", found, "name it by its URI"));
            }
            // spec: SET-006, SET-007
            if payload.as_object().is_none() {
                check.within(uri, |check| {
                    check.error(
                        "SET-006",
                        describe_json(Some(payload)),
                        "give an object; `{}` when there is nothing",
                    );
                });
            }
        }
        // spec: SET-009, SSF-015, SSF-016, CIOP-028
        let count = events.len();
        let found = || format!("{count} events");
        match profile.events {
            EventCount::OneAdvised if count > 1 => check.strict("SSF-016", found(), "send one SET for each"),
            EventCount::One if count > 1 => check.error("CIOP-028", found(), "send one SET for each"),
            _ => {}
        }
    });
}
