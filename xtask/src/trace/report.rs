//! What a reader sees: a line per table, and the page `TRACE.md` with every row.

use std::{
    collections::BTreeSet,
    fmt::{Display, Write as _},
};

use super::{Coverage, Table, Trace, is_open};

/// One line per table and their sum.
pub(super) fn summary(tables: &[Table], trace: &Trace) -> String {
    let mut text = line("table", ["rows", "must", "code", "test", "reason", "open"]);
    let mut total = [0; 6];
    for table in tables {
        let counts = counts(table, trace);
        text += &line(&table.name, counts);
        total = std::array::from_fn(|column| total[column] + counts[column]);
    }
    text += &line("total", total);
    text + "must: MUST and MUST NOT rows; open: those of them with neither a test nor a reason\n"
}

fn line(name: &str, cells: impl IntoIterator<Item: Display>) -> String {
    let mut line = format!("{name:<10}");
    for cell in cells {
        write!(line, "{cell:>8}").expect(INFALLIBLE);
    }
    line + "\n"
}

fn counts(table: &Table, trace: &Trace) -> [usize; 6] {
    let covered = |has: fn(&Coverage) -> bool| table.rows.iter().filter(|row| has(&trace[&row.id])).count();
    [
        table.rows.len(),
        table.rows.iter().filter(|row| row.is_binding()).count(),
        covered(|coverage| !coverage.code.is_empty()),
        covered(|coverage| !coverage.tests.is_empty()),
        covered(|coverage| coverage.reason.is_some()),
        table.rows.iter().filter(|row| is_open(row, trace)).count(),
    ]
}

/// Every requirement with the files that keep it and those that test it.
pub(super) fn page(tables: &[Table], trace: &Trace) -> String {
    let mut page = String::from(
        "# Where each requirement is kept\n\nWritten by `cargo xtask trace --write`; the words are in the tables beside this page.\n",
    );
    for table in tables {
        write!(page, "\n## {}\n\n| ID | level | code | test | reason |\n|---|---|---|---|---|\n", table.name)
            .expect(INFALLIBLE);
        for row in &table.rows {
            let Coverage { code, tests, reason } = &trace[&row.id];
            let (code, tests, reason) = (places(code), places(tests), reason.as_deref().unwrap_or_default());
            writeln!(page, "| {} | {} | {code} | {tests} | {reason} |", row.id, row.level).expect(INFALLIBLE);
        }
    }
    page
}

fn places(files: &BTreeSet<String>) -> String {
    files.iter().map(|file| format!("`{file}`")).collect::<Vec<_>>().join("<br>")
}

const INFALLIBLE: &str = "writing to a string cannot fail";

#[cfg(test)]
mod tests {
    use super::{super::Row, *};

    #[test]
    fn page_and_summary_tell_code_test_and_what_is_open() {
        let rows = ["A-001", "A-002"].map(|id| Row { id: id.into(), level: "MUST".into(), text: "x".into() });
        let tables = [Table { name: "a".into(), rows: rows.into() }];
        let covered = Coverage { code: ["c.rs".into()].into(), tests: ["t.rs".into()].into(), reason: None };
        let trace = Trace::from([("A-001".into(), covered), ("A-002".into(), Coverage::default())]);

        assert_eq!(counts(&tables[0], &trace), [2, 2, 1, 1, 0, 1]);
        let page = page(&tables, &trace);
        assert!(
            page.contains("| A-001 | MUST | `c.rs` | `t.rs` |  |\n| A-002 | MUST |  |  |  |\n"),
            "{page}"
        );
    }
}
