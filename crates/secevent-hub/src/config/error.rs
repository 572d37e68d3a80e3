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
        Self(format!("not yet: {door} is not built; {instead}"))
    }

    pub(super) fn toml(text: &str, error: &toml::de::Error) -> Self {
        let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        Self(explain(error.message())).on_line(line)
    }

    /// The same, with its place in the file where that is known.
    pub(super) fn on_line(self, line: Option<usize>) -> Self {
        match line {
            Some(line) => self.within(&format!("line {line}")),
            None => self,
        }
    }

    pub(super) fn environment(name: &str, error: &toml::de::Error) -> Self {
        Self(explain(error.message())).within(name)
    }
}

/// The words of the parser as a person would say them; an unknown key comes with the nearest known one.
fn explain(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    let first = names.next().unwrap_or_default();
    let message = message.trim_end();
    if message.starts_with("unknown field") {
        return format!("unknown key `{first}`{}", hint(first, names));
    }
    if message.starts_with("unknown variant") {
        let names: Vec<_> = names.collect();
        return format!("`{first}` is no choice here; use {}", names.join(" or "));
    }
    if message.starts_with("missing field") {
        return format!("the key `{first}` is missing");
    }
    match message.split_once(": ").and_then(|(kind, rest)| Some((kind, rest.split_once(", expected ")?))) {
        Some(("invalid type" | "invalid value", (_, "a sequence"))) => {
            "give a list: sections of which there may be several have two brackets, as in [[receiver]]"
                .to_owned()
        }
        Some(("invalid type" | "invalid value", (found, wanted))) => {
            let wanted = if wanted.starts_with("usize") { "a whole number from 0" } else { wanted };
            format!("give {wanted}, not {}", found.replace('`', ""))
        }
        _ => message.replace('\n', "; "),
    }
}

fn hint<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> String {
    let nearest = known
        .map(|known| (strsim::jaro_winkler(known, unknown), known))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    nearest.map(|(_, known)| format!("; did you mean `{known}`?")).unwrap_or_default()
}
