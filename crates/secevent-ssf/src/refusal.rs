//! A document of the other side that cannot be taken: the place, the fact, the rule and the mend.

use secevent::Finding;
use secevent_jose::JsonError;

/// A request or an answer that breaks a rule; a transmitter tells it with status 400.
///
/// The text holds names and short quotes of the document, escaped, and never a credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{detail}; {mend} ({id})", place(at))]
#[non_exhaustive]
pub struct Refusal {
    /// The requirement that is broken, as numbered in `docs/requirements/`.
    pub id: &'static str,
    /// Where: a JSON Pointer (RFC 6901) into the document; empty for the whole.
    pub at: String,
    /// What was found there.
    pub detail: String,
    /// What to do about it.
    pub mend: String,
}

impl Refusal {
    /// A refusal in four answers: which rule, where, what was found, what to do.
    pub fn new(
        id: &'static str,
        at: impl Into<String>,
        detail: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self { id, at: at.into(), detail: detail.into(), mend: mend.into() }
    }

    /// The same, seen from an enclosing object or array.
    #[must_use]
    pub(crate) fn within(mut self, member: &str) -> Self {
        self.at = pointer(member) + &self.at;
        self
    }

    pub(crate) fn json(id: &'static str, error: &JsonError) -> Self {
        let id = if error.is_duplicate() { "JWT-007" } else { id };
        Self::new(id, "", error.to_string(), "send one strict JSON document without duplicate members")
    }
}

impl From<Finding> for Refusal {
    fn from(finding: Finding) -> Self {
        let Finding { id, at, found: detail, mend, .. } = finding;
        Self { id, at, detail, mend }
    }
}

/// One step of a JSON Pointer.
pub(crate) fn pointer(member: &str) -> String {
    let escaped = member.replace('~', "~0").replace('/', "~1");
    let short: String = escaped.chars().take(80).collect();
    format!("/{}", short.escape_debug())
}

fn place(at: &str) -> String {
    if at.is_empty() { String::new() } else { format!("{at}: ") }
}
