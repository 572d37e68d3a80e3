//! Something to mend.

use serde::Serialize;

/// Something to mend: what it is, why it matters, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// The check that found it: `integrity`, `schema`, `origin`, `log`, `streams`, `cursors`, `strays`, `keys`,
    /// `modes`, `room` or `clock`.
    pub check: &'static str,
    /// What was found, and where.
    pub what: String,
    /// Why it matters.
    pub why: &'static str,
    /// How to mend it.
    pub mend: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Level {
    /// A hub does not start on it, or would lose or repeat events without a word.
    Fatal,
    /// A hub runs on it.
    Warning,
}

impl Finding {
    pub(crate) fn fatal(
        check: &'static str,
        what: impl Into<String>,
        why: &'static str,
        mend: impl Into<String>,
    ) -> Self {
        Self { level: Level::Fatal, check, what: what.into(), why, mend: mend.into() }
    }

    pub(crate) fn warning(
        check: &'static str,
        what: impl Into<String>,
        why: &'static str,
        mend: impl Into<String>,
    ) -> Self {
        Self { level: Level::Warning, ..Self::fatal(check, what, why, mend) }
    }
}
