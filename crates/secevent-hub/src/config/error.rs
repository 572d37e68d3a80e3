//! What is wrong with a configuration, where, and the nearest thing that is right.

/// A configuration that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    pub(super) fn within(self, place: &str) -> Self {
        Self(format!("{place}: {}", self.0))
    }

    pub(super) fn not_yet(door: &str, instead: &str) -> Self {
        Self(format!("{door} is not built yet; {instead}"))
    }

    pub(super) fn toml(text: &str, error: &toml::de::Error) -> Self {
        let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        Self(format!("{place}{}", explain(error.message())))
    }

    pub(super) fn environment(error: &toml::de::Error) -> Self {
        Self(format!("environment: {}", explain(error.message())))
    }
}

/// "unknown field `x`, expected one of `a`, `b`" in words that name the nearest.
fn explain(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    match names.next() {
        Some(unknown) if message.starts_with("unknown field") => {
            let nearest = names
                .map(|known| (strsim::jaro_winkler(known, unknown), known))
                .filter(|(likeness, _)| *likeness > 0.7)
                .max_by(|a, b| a.0.total_cmp(&b.0));
            let hint = nearest.map(|(_, known)| format!("; did you mean `{known}`?")).unwrap_or_default();
            format!("unknown key `{unknown}`{hint}")
        }
        _ => message.trim_end().to_owned(),
    }
}
