//! What a check found: the requirement, the place, the fact and the mend.

use std::borrow::Cow;

use secevent_jose::json::Json;
use serde::Serialize;
use serde_json::Value;

use crate::error::ErrorCode;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Level {
    /// Advice was not followed (SHOULD); nothing is refused for it.
    Warning,
    /// Legal, but uses something that the profile does not guarantee to be understood.
    OutsideProfile,
    /// Refused by a strict reader; an official example has it, so a lenient one may let it pass.
    Lenient,
    /// A rule is broken (MUST).
    Error,
}

/// One broken rule or piece of advice, in words that let the reader mend it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The requirement, as numbered in `docs/requirements/`.
    pub id: &'static str,
    /// How much it weighs.
    pub level: Level,
    /// Where it is: a JSON Pointer (RFC 6901) into the document; empty for the whole.
    #[serde(rename = "where")]
    pub at: String,
    /// What was found there.
    pub found: String,
    /// What to do about it.
    pub mend: String,
    /// The code that a recipient answers with (RFC 8935 §2.4).
    #[serde(skip)]
    pub code: ErrorCode,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, at, found, mend, .. } = self;
        if at.is_empty() {
            write!(f, "{found}; {mend} ({id})")
        } else {
            write!(f, "{at}: {found}; {mend} ({id})")
        }
    }
}

/// From whose side a document is judged: an issuer must be strict, a receiver tolerant (SUB-076).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// Making a token: whatever the specifications forbid to send is an error.
    Issuer,
    /// Reading one: what they tell receivers to ignore is a warning at most.
    Receiver,
}

/// Collects findings while a document is walked; not the first only, but the first hundred.
#[derive(Debug)]
pub struct Check {
    role: Role,
    worst: Option<Level>,
    findings: Vec<Finding>,
}

/// A token of 64 KiB can break a rule tens of thousands of times; whoever mends it needs the first hundred.
const FINDINGS_MAX: usize = 100;

/// Names in a place are cut here; those of the specifications are shorter.
const NAME_CHARS_MAX: usize = 128;

impl Check {
    /// An empty collection for a walk from this side.
    pub const fn new(role: Role) -> Self {
        Self { role, worst: None, findings: Vec::new() }
    }

    /// The side this walk judges from.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Walks into a member: findings made by `walk` carry its name in their place.
    #[inline]
    pub fn within<T>(&mut self, member: &str, walk: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.findings.len();
        let result = walk(self);
        if self.findings.len() > before {
            self.place(before, member);
        }
        result
    }

    /// Puts a member before the place of the findings that were made in it: a JSON Pointer (RFC 6901) from its end.
    #[cold]
    fn place(&mut self, before: usize, member: &str) {
        let cut: String = member.chars().take(NAME_CHARS_MAX).collect();
        let step = format!("/{}", cut.replace('~', "~0").replace('/', "~1"));
        self.findings[before..].iter_mut().for_each(|finding| finding.at.insert_str(0, &step));
    }

    /// A rule is broken.
    pub fn error(&mut self, id: &'static str, found: impl Into<String>, mend: impl Into<String>) {
        self.report(Level::Error, ErrorCode::InvalidRequest, id, found, mend);
    }

    /// Advice was not followed.
    pub fn warn(&mut self, id: &'static str, found: impl Into<String>, mend: impl Into<String>) {
        self.report(Level::Warning, ErrorCode::InvalidRequest, id, found, mend);
    }

    /// An error for an issuer, a warning for a receiver.
    pub fn strict(&mut self, id: &'static str, found: impl Into<String>, mend: impl Into<String>) {
        match self.role {
            Role::Issuer => self.error(id, found, mend),
            Role::Receiver => self.warn(id, found, mend),
        }
    }

    /// A finding with its weight and answer code spelled out.
    #[cold]
    pub fn report(
        &mut self,
        level: Level,
        code: ErrorCode,
        id: &'static str,
        found: impl Into<String>,
        mend: impl Into<String>,
    ) {
        let heavier = Some(level) > self.worst;
        self.worst = self.worst.max(Some(level));
        if self.findings.len() >= FINDINGS_MAX && !heavier {
            return;
        }
        let (found, mend) = (found.into(), mend.into());
        self.findings.push(Finding { id, level, at: String::new(), found, mend, code });
    }

    /// The heaviest level found so far.
    pub const fn worst(&self) -> Option<Level> {
        self.worst
    }

    /// Whether a strict reader refuses.
    pub fn refused(&self) -> bool {
        self.worst() >= Some(Level::Lenient)
    }

    /// What was found, in the order of the walk.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What was found, in the order of the walk.
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}

/// Names a JSON value for a message: its type, and its text when that is short.
pub fn describe(value: Option<&Value>) -> Cow<'static, str> {
    match value {
        None => "it is missing".into(),
        Some(Value::Null) => "it is null".into(),
        Some(Value::Bool(truth)) => format!("it is {truth}").into(),
        Some(Value::Number(number)) => format!("it is the number {number}").into(),
        Some(Value::String(text)) => format!("it is {}", quote(text)).into(),
        Some(Value::Array(_)) => "it is an array".into(),
        Some(Value::Object(_)) => "it is an object".into(),
    }
}

/// The same for a value of a document.
pub(crate) fn describe_json(value: Option<Json<'_>>) -> Cow<'static, str> {
    describe(value.map(Json::to_value).as_ref())
}

/// Text of a peer made fit to be shown: quoted, control characters escaped, cut at 80 characters.
pub fn quote(text: &str) -> String {
    let short: String = text.chars().take(80).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    format!("{short:?}{dots}")
}
