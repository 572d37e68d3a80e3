//! The map from requirement to code: the tables of `docs/requirements` joined with the tags of the source.
//!
//! A tag is a comment line of its own above the code that keeps a requirement, or above the test that shows it. What is
//! neither may be explained in `docs/requirements/reasons.txt`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result, bail, ensure};

mod nearest;
mod report;
mod requirements;
mod tags;

use requirements::{Row, Table};
use tags::Tag;

const FOLDER: &str = "docs/requirements";
const SOURCES: [&str; 2] = ["crates", "xtask"];

/// What is known about one requirement. Places are files, without lines, so that the written map stays stable.
#[derive(Debug, Default)]
struct Coverage {
    code: BTreeSet<String>,
    tests: BTreeSet<String>,
    reason: Option<String>,
}

/// Every requirement, by ID.
type Trace = BTreeMap<String, Coverage>;

/// Prints how much of each table is covered; fails on an ID that no table has.
pub(crate) fn run(options: &[&str]) -> Result<()> {
    let Options { write, check } = Options::parse(options)?;
    let folder = Path::new(FOLDER);
    let tables = requirements::read(folder)?;
    let trace = read_trace(&tables, folder)?;
    print!("{}", report::summary(&tables, &trace));
    let (file, page) = (folder.join("TRACE.md"), report::page(&tables, &trace));
    if write {
        fs::write(&file, page)?;
    } else if !check.is_empty() {
        let fresh = fs::read_to_string(&file).is_ok_and(|written| written == page);
        ensure!(fresh, "{} is not what the source says; run `cargo xtask trace --write`", file.display());
    }
    require_covered(&check, &tables, &trace)
}

#[derive(Debug, Default, PartialEq)]
struct Options<'a> {
    write: bool,
    check: Vec<&'a str>,
}

impl<'a> Options<'a> {
    fn parse(mut words: &[&'a str]) -> Result<Self> {
        let mut options = Self::default();
        loop {
            match words {
                [] => return Ok(options),
                ["--write", rest @ ..] => (options.write, words) = (true, rest),
                ["--check", prefixes, rest @ ..] => {
                    options.check.extend(prefixes.split(','));
                    words = rest;
                }
                [word, ..] => bail!("trace takes --write and --check PREFIX[,PREFIX], not {word:?}"),
            }
        }
    }
}

fn read_trace(tables: &[Table], folder: &Path) -> Result<Trace> {
    let ids = tables.iter().flat_map(|table| &table.rows).map(|row| row.id.clone());
    let mut trace: Trace = ids.map(|id| (id, Coverage::default())).collect();
    let mut unknown = Vec::new();

    let reasons_file = folder.join("reasons.txt").display().to_string();
    let reasons =
        fs::read_to_string(&reasons_file).with_context(|| format!("could not read {reasons_file}"))?;
    for reason in requirements::reasons(&reasons)? {
        match trace.get_mut(reason.id) {
            Some(coverage) => coverage.reason = Some(reason.text.to_owned()),
            None => unknown.push(unknown_id(&reasons_file, reason.line, reason.id, &trace)),
        }
    }
    for (file, Tag { id, line, test }) in tags::read(&SOURCES)? {
        match trace.get_mut(&id) {
            Some(coverage) if test => _ = coverage.tests.insert(file),
            Some(coverage) => _ = coverage.code.insert(file),
            None => unknown.push(unknown_id(&file, line, &id, &trace)),
        }
    }
    ensure!(unknown.is_empty(), "unknown requirements:\n{}", unknown.join("\n"));
    Ok(trace)
}

fn unknown_id(file: &str, line: usize, id: &str, trace: &Trace) -> String {
    let hint = nearest::of(id, trace.keys()).map(|known| format!("; did you mean {known}?"));
    format!("{file}:{line}: {id:?} is in no table{}", hint.unwrap_or_default())
}

/// Fails if a binding requirement of these prefixes has neither a test nor a reason.
fn require_covered(prefixes: &[&str], tables: &[Table], trace: &Trace) -> Result<()> {
    let rows = || tables.iter().flat_map(|table| &table.rows);
    for prefix in prefixes {
        ensure!(rows().any(|row| row.prefix() == *prefix), "no requirement begins with {prefix}-");
    }
    let open: Vec<String> = rows()
        .filter(|row| prefixes.contains(&row.prefix()) && is_open(row, trace))
        .map(|row| format!("{} {}: {}", row.id, row.level, row.text))
        .collect();
    ensure!(
        open.is_empty(),
        "{} requirements have neither a test nor a reason:\n{}",
        open.len(),
        open.join("\n")
    );
    Ok(())
}

fn is_open(row: &Row, trace: &Trace) -> bool {
    let coverage = &trace[&row.id];
    row.is_binding() && coverage.tests.is_empty() && coverage.reason.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Vec<Table> {
        let rows =
            ["A-001", "AB-001"].map(|id| Row { id: id.into(), level: "MUST".into(), text: "x".into() });
        vec![Table { name: "a".into(), rows: rows.into() }]
    }

    fn trace(tested: &str) -> Trace {
        let mut trace: Trace = ["A-001", "AB-001"].map(|id| (id.to_owned(), Coverage::default())).into();
        trace.get_mut(tested).expect("in the table").tests.insert("t.rs".into());
        trace
    }

    #[test]
    fn check_looks_at_whole_prefixes() {
        assert!(require_covered(&["A"], &table(), &trace("A-001")).is_ok());
        assert!(require_covered(&["AB"], &table(), &trace("A-001")).is_err());
        assert!(require_covered(&["C"], &table(), &trace("A-001")).is_err(), "a prefix nobody has is a slip");
    }

    #[test]
    fn a_reason_closes_a_row_as_a_test_does() {
        let mut trace = trace("A-001");
        trace.get_mut("AB-001").expect("in the table").reason = Some("left to the host".into());
        assert!(require_covered(&["A", "AB"], &table(), &trace).is_ok());
    }

    #[test]
    fn an_unknown_id_is_told_with_its_place_and_the_nearest_known_one() {
        let told = unknown_id("x.rs", 7, "AB-01", &trace("A-001"));
        assert_eq!(told, r#"x.rs:7: "AB-01" is in no table; did you mean AB-001?"#);
    }

    #[test]
    fn options_come_in_any_order() {
        let both = Options { write: true, check: vec!["A", "B"] };
        assert_eq!(Options::parse(&["--check", "A,B", "--write"]).expect("both are known"), both);
        assert!(Options::parse(&["--chekc", "A"]).is_err());
    }
}
