//! Where a mistake stands: the line of a section or key in the file, or the variable that was laid over it.
//!
//! Only for words, so a table written inline has no line.

use super::{Config, ConfigError};

/// What a configuration was read from.
#[derive(Clone, Default)]
pub(super) struct Source {
    pub(super) text: String,
    /// The environment variables that were laid over it.
    pub(super) variables: Vec<String>,
}

impl std::fmt::Debug for Source {
    /// The text may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("variables", &self.variables).finish_non_exhaustive()
    }
}

impl Config {
    /// A mistake that the program finds itself, at the place of its key, such as `[log] level`.
    pub fn mistake(&self, key: &str, why: impl std::fmt::Display) -> ConfigError {
        self.placed(ConfigError::new(format!("{key}: {why}")))
    }

    /// The error with the place of what it begins with: `issuer`, `[section] key` or `[[section]] "id": key`.
    pub(super) fn placed(&self, error: ConfigError) -> ConfigError {
        let Source { text, variables } = &self.source;
        let words = error.to_string();
        if let Some(variable) = variables.iter().find(|name| is_about(&words, name)) {
            return error.within(variable);
        }
        error.on_line(line_of(text, &words))
    }
}

/// Whether an error that begins with `[section] key` or `key` is about this variable.
fn is_about(words: &str, variable: &str) -> bool {
    let mut names = identifiers(words);
    let first = names.next().unwrap_or_default();
    let name = if words.starts_with('[') {
        format!("{first}_{}", names.next().unwrap_or_default())
    } else {
        first.to_owned()
    };
    !words.starts_with("[[") && variable == format!("SECEVENT_{}", name.to_ascii_uppercase())
}

/// The line of what these words begin with: of the key if it is there, else of its section.
pub(super) fn line_of(text: &str, words: &str) -> Option<usize> {
    let blocks = blocks(text);
    let Some(end) = words.starts_with('[').then(|| words.find("] ").unwrap_or(words.len() - 1)) else {
        return blocks.first()?.line_of_key(identifiers(words).next()?);
    };
    let (section, rest) = words.split_at(end + 1);
    let mut found = blocks.iter().filter(|block| block.section == section);
    let Some((id, rest)) = quoted(rest.trim_start().trim_start_matches("id ")) else {
        let key = identifiers(rest).next();
        let with_key = || found.clone().find_map(|block| block.line_of_key(key?));
        return with_key().or_else(|| found.clone().next().map(|block| block.line));
    };
    let mut named = found.by_ref().filter(|block| block.id().is_some_and(|own| format!("{own:?}") == id));
    // The second of two with one id is the one too many.
    let block = if rest.ends_with("twice") { named.nth(1) } else { named.next() }?;
    let key = identifiers(rest).next();
    Some(key.and_then(|key| block.line_of_key(key)).unwrap_or(block.line))
}

/// A section of the file: the line of its name, and its lines. The first one has no name.
struct Block<'a> {
    section: &'a str,
    line: usize,
    lines: Vec<(usize, &'a str)>,
}

impl<'a> Block<'a> {
    fn line_of_key(&self, key: &str) -> Option<usize> {
        let is_key = |line: &str| line.split_once('=').is_some_and(|(name, _)| name.trim() == key);
        self.lines.iter().find(|(_, line)| is_key(line)).map(|(at, _)| *at)
    }

    fn id(&self) -> Option<String> {
        let id = |line: &'a str| toml::from_str::<toml::Table>(line).ok()?.remove("id");
        self.lines.iter().find_map(|(_, line)| id(line)?.as_str().map(str::to_owned))
    }
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = vec![Block { section: "", line: 1, lines: Vec::new() }];
    for (at, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line.trim())) {
        if line.starts_with('[') {
            let section = line.split('#').next().unwrap_or_default().trim_end();
            blocks.push(Block { section, line: at, lines: Vec::new() });
        } else if let Some(block) = blocks.last_mut() {
            block.lines.push((at, line));
        }
    }
    blocks
}

/// Text in quotes at the beginning, with its quotes, and what comes after it.
pub(super) fn quoted(words: &str) -> Option<(&str, &str)> {
    let inside = words.strip_prefix('"')?;
    let mut escaped = false;
    let end = inside.bytes().position(|b| {
        let ends = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        ends
    })?;
    Some(words.split_at(end + 2))
}

fn identifiers(words: &str) -> impl Iterator<Item = &str> {
    words.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_by_section_id_and_key() {
        const TEXT: &str = "\
issuer = \"x\"
[poll] # how
wait = 1
[[receiver]]
id = \"a\"
token = \"t\"
[[receiver]]
token = \"u\"
id = 'b' # the second
[[receiver]]
id = \"a\"
[push]
token = 5
";
        for (words, line) in [
            ("issuer \"x\": no", Some(1)),
            ("listen: no", None),
            ("[poll] wait: no", Some(3)),
            ("[poll] lease: no", Some(2)),
            ("[poll]", Some(2)),
            ("[store] url", None),
            ("[[receiver]] \"b\": token: no", Some(8)),
            ("[[receiver]] \"b\": give it", Some(7)),
            ("[[receiver]] \"a\": token: no", Some(6)),
            ("[[receiver]] id \"a\" is there twice", Some(10)),
            ("[[receiver]] \"c\": no", None),
            ("[[receiver]] token", Some(6)),
            ("[push] token", Some(13)),
        ] {
            assert_eq!(line_of(TEXT, words), line, "{words}");
        }
    }
}
