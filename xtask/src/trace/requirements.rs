//! The tables of requirements, and the reasons why a row needs no test of ours.

use std::{collections::HashSet, fs, path::Path};

use anyhow::{Context, Result, ensure};

/// One file of requirements, named as the file is.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) rows: Vec<Row>,
}

/// One requirement.
#[derive(Debug, PartialEq)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) level: String,
    pub(super) text: String,
}

impl Row {
    pub(super) fn is_binding(&self) -> bool {
        matches!(self.level.as_str(), "MUST" | "MUST NOT")
    }

    pub(super) fn prefix(&self) -> &str {
        self.id.split_once('-').map_or(&self.id, |(prefix, _)| prefix)
    }
}

/// Why one requirement needs no test, and the line that says so.
#[derive(Debug, PartialEq)]
pub(super) struct Reason<'a> {
    pub(super) id: &'a str,
    pub(super) text: &'a str,
    pub(super) line: usize,
}

/// Every file of the folder that has requirements, by name.
pub(super) fn read(folder: &Path) -> Result<Vec<Table>> {
    let mut tables = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("could not list {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            tables.push(Table { name, rows: rows(&fs::read_to_string(&path)?) });
        }
    }
    tables.retain(|table| !table.rows.is_empty());
    tables.sort_by(|a, b| a.name.cmp(&b.name));

    let mut seen = HashSet::new();
    for row in tables.iter().flat_map(|table| &table.rows) {
        ensure!(seen.insert(&row.id), "{} stands in the tables twice", row.id);
    }
    Ok(tables)
}

/// The rows below every [`HEADER`] of a page; its other tables are not ours.
fn rows(page: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        inside = line == HEADER || inside && line.starts_with('|');
        if inside && line != HEADER && !line.starts_with("|-") {
            rows.extend(row(line));
        }
    }
    rows
}

fn row(line: &str) -> Option<Row> {
    let mut cells = line.split('|').map(str::trim).skip(1);
    let (id, level, _who, text) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
    Some(Row { id: id.to_owned(), level: level.to_owned(), text: text.to_owned() })
}

/// Lines of `ID[, ID...]: reason`; empty lines and those that begin with `#` are passed over.
pub(super) fn reasons(text: &str) -> Result<Vec<Reason<'_>>> {
    let mut reasons = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
    {
        let line_number = at + 1;
        let (ids, text) = line.split_once(": ").with_context(|| {
            format!("reasons.txt:{line_number}: expected `ID[, ID...]: reason`, found {line:?}")
        })?;
        reasons.extend(ids.split(',').map(|id| Reason {
            id: id.trim(),
            text: text.trim(),
            line: line_number,
        }));
    }
    Ok(reasons)
}

const HEADER: &str = "| ID | level | who | requirement | section |";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tables_of_requirements_are_read() {
        let page = [
            "# A page",
            "",
            HEADER,
            "|---|---|---|---|---|",
            "| A-001 | MUST NOT | both | Do it. | A 1 |",
            "",
            "| member | need |",
            "|---|---|",
            "| A-002 | MUST |",
        ];
        let only = Row { id: "A-001".into(), level: "MUST NOT".into(), text: "Do it.".into() };
        assert_eq!(rows(&page.join("\n")), [only]);
    }

    #[test]
    fn prefix_is_what_stands_before_the_number() {
        let row = Row { id: "SSFC-001".into(), level: "SHOULD".into(), text: String::new() };
        assert_eq!(row.prefix(), "SSFC");
        assert!(!row.is_binding());
    }

    #[test]
    fn one_reason_may_serve_several_rows() {
        let read = reasons("# heading\n\nA-001, A-002: a matter of deployment\n").expect("well formed");
        let expected = ["A-001", "A-002"].map(|id| Reason { id, text: "a matter of deployment", line: 3 });
        assert_eq!(read, expected);
    }

    #[test]
    fn a_reason_without_words_is_refused() {
        assert!(reasons("A-001\n").is_err());
    }
}
