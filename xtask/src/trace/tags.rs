//! Tags in the source: `spec: ID[, ID...]` in a comment line of its own.

use std::{fs, ops::Range, path::Path};

use anyhow::{Context, Result};

/// One ID of one tag.
#[derive(Debug, PartialEq)]
pub(super) struct Tag {
    pub(super) id: String,
    pub(super) line: usize,
    /// Whether the line belongs to a test rather than to the code under test.
    pub(super) test: bool,
}

/// The tags of every Rust file below these folders, each with the path of its file.
pub(super) fn read(folders: &[&str]) -> Result<Vec<(String, Tag)>> {
    let mut found = Vec::new();
    for folder in folders {
        walk(Path::new(folder), &mut found)?;
    }
    Ok(found)
}

fn walk(folder: &Path, found: &mut Vec<(String, Tag)>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("could not list {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let tags = tags(&fs::read_to_string(&path)?, is_test_file(&path));
            found.extend(tags.into_iter().map(|tag| (path.display().to_string(), tag)));
        }
    }
    Ok(())
}

fn is_test_file(path: &Path) -> bool {
    path.with_extension("").components().any(|part| part.as_os_str() == "tests")
}

fn tags(source: &str, test_file: bool) -> Vec<Tag> {
    let lines: Vec<&str> = source.lines().collect();
    let modules = test_modules(&lines);
    let mut tags = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if let Some(ids) = line.trim_start().strip_prefix("// spec:") {
            let test =
                test_file || modules.iter().any(|module| module.contains(&at)) || is_above_test(&lines, at);
            tags.extend(ids.split(',').map(|id| Tag { id: id.trim().to_owned(), line: at + 1, test }));
        }
    }
    tags
}

/// The lines of every `#[cfg(test)]` module: formatted code closes a block at the column that opened it.
fn test_modules(lines: &[&str]) -> Vec<Range<usize>> {
    let starts = (0..lines.len()).filter(|&at| lines[at].trim_start().starts_with("#[cfg(test)]"));
    starts.filter_map(|start| module_from(lines, start)).collect()
}

fn module_from(lines: &[&str], start: usize) -> Option<Range<usize>> {
    let opening = start + lines[start..].iter().position(|line| !is_head(line))?;
    let line = lines[opening];
    if !(line.split_whitespace().any(|word| word == "mod") && line.ends_with('{')) {
        return None;
    }
    let indent = &line[..line.len() - line.trim_start().len()];
    let length = lines[opening..].iter().position(|line| line.strip_prefix(indent) == Some("}"));
    Some(start..length.map_or(lines.len(), |length| opening + length))
}

/// Whether the item below this line is a function with a test attribute, above the tag or below it.
fn is_above_test(lines: &[&str], at: usize) -> bool {
    let above = lines[..at].iter().rev().take(5).take_while(|line| is_head(line));
    let below = lines[at..].iter().take_while(|line| is_head(line));
    let item = lines.get(at + below.clone().count());
    item.is_some_and(|line| is_function(line)) && above.chain(below).any(|line| is_test_attribute(line))
}

/// Attributes and comments: what stands before an item.
fn is_head(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("#[") || line.starts_with("//")
}

fn is_function(line: &str) -> bool {
    line.split_whitespace().find(|word| !word.starts_with("pub") && *word != "async") == Some("fn")
}

fn is_test_attribute(line: &str) -> bool {
    let path = line.trim().strip_prefix("#[").and_then(|rest| rest.split([']', '(']).next());
    path.is_some_and(|path| path == "test" || path.ends_with("::test"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lines: &[&str]) -> Vec<(String, bool)> {
        tags(&lines.join("\n"), false).into_iter().map(|tag| (tag.id, tag.test)).collect()
    }

    fn tag(id: &str, test: bool) -> (String, bool) {
        (id.to_owned(), test)
    }

    #[test]
    fn a_tag_above_code_is_code_and_may_name_several() {
        let code = ["fn f() {", "    // spec: A-001, B-002", "    refuse();", "}"];
        assert_eq!(found(&code), [tag("A-001", false), tag("B-002", false)]);
    }

    #[test]
    fn doc_comments_and_strings_hold_no_tags() {
        assert_eq!(found(&["/// spec: A-001", r#"let s = "// spec: A-002";"#]), []);
    }

    #[test]
    fn a_tag_above_a_test_is_a_test_on_either_side_of_the_attribute() {
        assert_eq!(found(&["// spec: A-001", "#[test]", "fn f() {}"]), [tag("A-001", true)]);
        assert_eq!(
            found(&["#[tokio::test(start_paused = true)]", "// spec: A-001", "async fn f() {}"]),
            [tag("A-001", true)]
        );
        assert_eq!(found(&["// spec: A-001", "#[inline]", "pub fn f() {}"]), [tag("A-001", false)]);
    }

    #[test]
    fn a_test_module_ends_where_its_brace_closes() {
        let source = [
            "#[cfg(test)]",
            "mod tests {",
            "    fn helper() {",
            "        // spec: A-001",
            "    }",
            "}",
            "// spec: A-002",
            "fn f() {}",
        ];
        assert_eq!(found(&source), [tag("A-001", true), tag("A-002", false)]);
    }

    #[test]
    fn files_of_tests_are_tests() {
        assert!(is_test_file(Path::new("crates/secevent/tests/it/set.rs")));
        assert!(is_test_file(Path::new("crates/secevent/src/set/tests.rs")));
        assert!(!is_test_file(Path::new("crates/secevent/src/set.rs")));
    }
}
