//! The kinds of values that event payloads hold.

use secevent_jose::json::{Json, Object};
use serde_json::{Map, Number, Value};

use crate::{
    Timestamp,
    finding::{Check, Level, describe_json, quote},
};

/// A kind of value in an event payload.
pub trait Member: Sized {
    /// What a reader expects, for messages.
    const EXPECTED: &'static str;

    /// The value, or `None` when it is of another kind.
    fn read(value: Json<'_>) -> Option<Self>;

    /// The value as JSON.
    fn write(&self) -> Value;

    /// Whether there is nothing to say about a value that was read.
    fn is_plain(&self) -> bool {
        true
    }

    /// Advice about a value that is not plain.
    fn advise(&self, _id: &'static str, _check: &mut Check) {}
}

/// Reads a payload member by member and keeps the rest.
pub(crate) struct Reader<'p> {
    payload: Object<'p>,
    check: &'p mut Check,
    /// The names that the definition has.
    known: &'static [&'static str],
    /// How many of them were there.
    found: usize,
}

impl<'p> Reader<'p> {
    pub(crate) const fn new(
        payload: Object<'p>,
        known: &'static [&'static str],
        check: &'p mut Check,
    ) -> Self {
        Self { payload, check, known, found: 0 }
    }

    /// A member that must be there; `None` was reported.
    pub(crate) fn required<T: Member>(&mut self, name: &'static str, id: &'static str) -> Option<T> {
        let found = self.optional::<T>(name, id)?;
        if found.is_none() {
            self.check
                .within(name, |check| check.error(id, "it is missing", format!("give {}", T::EXPECTED)));
        }
        found
    }

    /// A member that may be there; the outer `None` was reported.
    #[expect(
        clippy::option_option,
        reason = "absent and broken are two answers; broken was reported already"
    )]
    pub(crate) fn optional<T: Member>(&mut self, name: &'static str, id: &'static str) -> Option<Option<T>> {
        let Some(value) = self.payload.get(name) else { return Some(None) };
        self.found += 1;
        let member = T::read(value);
        match &member {
            Some(member) if member.is_plain() => {}
            Some(member) => self.check.within(name, |check| member.advise(id, check)),
            None => self.check.within(name, |check| {
                check.error(id, describe_json(Some(value)), format!("give {}", T::EXPECTED));
            }),
        }
        member.map(Some)
    }

    /// The members that were not asked for.
    // spec: SSF-017, SSF-018
    pub(crate) fn rest(&mut self) -> Map<String, Value> {
        if self.found == self.payload.len() {
            return Map::new();
        }
        let unknown = self.payload.iter().filter(|(name, _)| !self.known.contains(name));
        unknown.map(|(name, value)| (name.to_owned(), value.to_value())).collect()
    }
}

/// Judges members together; `None` when that broke a rule.
pub(crate) fn judged<T>(event: T, judge: fn(&T, &mut Check), check: &mut Check) -> Option<T> {
    let before = check.findings().len();
    judge(&event, check);
    let broken = check.findings()[before..].iter().any(|finding| finding.level >= Level::Lenient);
    (!broken).then_some(event)
}

/// A payload of the members that are there, followed by those the definition does not name.
pub(crate) fn object<const N: usize>(
    members: [Option<(&'static str, Value)>; N],
    other: &Map<String, Value>,
) -> Map<String, Value> {
    let known = members.into_iter().flatten().map(|(name, value)| (name.to_owned(), value));
    known.chain(other.clone()).collect()
}

impl Member for String {
    const EXPECTED: &'static str = "a string";

    fn read(value: Json<'_>) -> Option<Self> {
        value.as_str().map(Self::from)
    }

    fn write(&self) -> Value {
        Value::String(self.clone())
    }
}

impl Member for Vec<String> {
    const EXPECTED: &'static str = "an array of strings";

    fn read(value: Json<'_>) -> Option<Self> {
        value.as_array()?.map(String::read).collect()
    }

    fn write(&self) -> Value {
        self.as_slice().into()
    }
}

impl Member for Map<String, Value> {
    const EXPECTED: &'static str = "an object with at least one member";

    fn read(value: Json<'_>) -> Option<Self> {
        value.as_object().filter(|members| !members.is_empty()).map(Object::to_map)
    }

    fn write(&self) -> Value {
        Value::Object(self.clone())
    }
}

/// Seconds since 1970 as a JSON number, fractions allowed and kept (RFC 7519 §2; CAEP 1.0 §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumericDate(Number);

impl NumericDate {
    /// Whole seconds, rounded down.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float beyond i64 saturates, which is what is wanted"
    )]
    pub fn timestamp(&self) -> Timestamp {
        Timestamp(self.0.as_i64().unwrap_or_else(|| self.0.as_f64().unwrap_or(f64::MAX).floor() as i64))
    }
}

impl From<Timestamp> for NumericDate {
    fn from(at: Timestamp) -> Self {
        Self(at.0.into())
    }
}

impl Member for NumericDate {
    const EXPECTED: &'static str = "a number of seconds since 1970";

    // spec: JWT-016, CAEP-008
    fn read(value: Json<'_>) -> Option<Self> {
        value.as_number().map(Self)
    }

    fn write(&self) -> Value {
        Value::Number(self.0.clone())
    }

    // spec: CAEP-006
    fn advise(&self, id: &'static str, check: &mut Check) {
        check.warn(id, format!("{} looks like milliseconds", self.0), "give seconds since 1970");
    }

    fn is_plain(&self) -> bool {
        /// The year 5138 in seconds, 1973 in milliseconds.
        const SUSPECT: i64 = 100_000_000_000;
        self.timestamp().0 <= SUSPECT
    }
}

/// Text in several languages: BCP 47 tag to text, at least one (CAEP 1.0 §2).
#[derive(Clone, PartialEq, Eq)]
pub struct LanguageMap {
    /// Tags and texts in turn, one after the other.
    content: String,
    /// Where each tag ends, and its text.
    ends: Vec<(usize, usize)>,
}

impl LanguageMap {
    /// Text in one language.
    pub fn new(tag: impl Into<String>, text: impl Into<String>) -> Self {
        Self::for_languages(1).with(&tag.into(), &text.into())
    }

    /// The same with another language.
    pub fn and(self, tag: impl Into<String>, text: impl Into<String>) -> Self {
        let tag = tag.into();
        let others = self.iter().filter(|(known, _)| *known != tag);
        let map =
            others.fold(Self::for_languages(self.ends.len() + 1), |map, (tag, text)| map.with(tag, text));
        map.with(&tag, &text.into())
    }

    /// A sentence or two of each language.
    fn for_languages(count: usize) -> Self {
        Self { content: String::with_capacity(count * 64), ends: Vec::with_capacity(count) }
    }

    fn with(mut self, tag: &str, text: &str) -> Self {
        self.content.push_str(tag);
        let tag_end = self.content.len();
        self.content.push_str(text);
        self.ends.push((tag_end, self.content.len()));
        self
    }

    /// The text for a language range by the lookup of RFC 4647 §3.4: `es-410` falls back to `es`, and in the end to the text that was written first.
    // spec: CAEP-007
    pub fn lookup(&self, range: &str) -> &str {
        let mut range = range;
        loop {
            if let Some((_, text)) = self.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(range)) {
                return text;
            }
            match range.rsplit_once('-') {
                Some((shorter, _)) => range = shorter,
                None => return self.iter().next().map_or("", |(_, text)| text),
            }
        }
    }

    /// Tags and texts, in the order they were written.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.ends.iter().scan(0, |start, (tag_end, end)| {
            let tag = &self.content[std::mem::replace(start, *end)..*tag_end];
            Some((tag, &self.content[*tag_end..*end]))
        })
    }
}

impl std::fmt::Debug for LanguageMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl From<(&str, &str)> for LanguageMap {
    fn from((tag, text): (&str, &str)) -> Self {
        Self::new(tag, text)
    }
}

impl Member for LanguageMap {
    const EXPECTED: &'static str = "an object from language tag to text with at least one member";

    // spec: CAEP-005
    fn read(value: Json<'_>) -> Option<Self> {
        let members = value.as_object().filter(|members| !members.is_empty())?;
        let map = Self::for_languages(members.len());
        members.iter().try_fold(map, |map, (tag, text)| Some(map.with(tag, text.as_str()?)))
    }

    fn is_plain(&self) -> bool {
        self.iter().all(|(tag, _)| is_language_tag(tag))
    }

    fn advise(&self, id: &'static str, check: &mut Check) {
        for (tag, _) in self.iter().filter(|(tag, _)| !is_language_tag(tag)) {
            check.strict(id, format!("{} is no language tag", quote(tag)), "name the language, such as `en`");
        }
    }

    fn write(&self) -> Value {
        self.iter().map(|(tag, text)| (tag.to_owned(), Value::from(text))).collect::<Map<_, _>>().into()
    }
}

/// The shape of RFC 5646 §2.1: subtags of one to eight letters and digits; no registry is asked.
fn is_language_tag(tag: &str) -> bool {
    let mut parts = tag.as_bytes().split(|byte| *byte == b'-');
    parts.all(|part| (1..=8).contains(&part.len()) && part.iter().all(u8::is_ascii_alphanumeric))
}
