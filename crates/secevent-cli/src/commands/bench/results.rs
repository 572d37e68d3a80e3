//! All rows of a run under their calibration: a table for people, JSON for machines.

use std::{fmt::Write as _, fs, path::Path};

use serde::Serialize;

use super::{calibration::Calibration, row::Row};
use crate::failure::Failure;

/// All that was measured.
#[derive(Serialize)]
pub(super) struct Results {
    pub(super) calibration: Calibration,
    pub(super) rows: Vec<Row>,
    /// Whether nothing was lost and everything verified.
    valid: bool,
}

const HEADINGS: [&str; 16] = [
    "scenario",
    "alg",
    "fan-out",
    "events/s",
    "SETs",
    "SETs/s",
    "p50 ms",
    "p99 ms",
    "p99.9 ms",
    "CPU us/SET",
    "ratio",
    "bytes/SET",
    "commits/SET",
    "MB now/peak",
    "lost",
    "repeated",
];

impl Results {
    pub(super) const fn new(calibration: Calibration) -> Self {
        Self { calibration, rows: Vec::new(), valid: true }
    }

    pub(super) fn add(&mut self, rows: Vec<Row>) {
        self.valid &= rows.iter().all(Row::is_valid);
        self.rows.extend(rows);
    }

    pub(super) const fn are_valid(&self) -> bool {
        self.valid
    }

    pub(super) fn write(&self, file: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).expect("maps with text keys are JSON");
        fs::write(file, text + "\n")
            .map_err(|error| Failure::could_not(format_args!("cannot write {}: {error}", file.display())))
    }

    /// The table under its calibration. Columns of numbers end together.
    pub(super) fn table(&self) -> String {
        let mut text = self.calibration.lines().join("\n") + "\n\n";
        let mut lines = vec![HEADINGS.map(str::to_owned)];
        lines.extend(self.rows.iter().map(cells));
        let width = |column: usize| lines.iter().map(|cells| cells[column].chars().count()).max();
        let widths: Vec<_> = (0..HEADINGS.len()).map(|column| width(column).unwrap_or_default()).collect();
        for (line, row) in lines.iter().zip(std::iter::once(None).chain(self.rows.iter().map(Some))) {
            for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
                let _ = match column {
                    0 | 1 => write!(text, "{cell:<width$}  "),
                    _ => write!(text, "{cell:>width$}  "),
                };
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
            for (name, figure) in row.iter().flat_map(|row| &row.figures) {
                let _ = writeln!(text, "    {name}: {}", number(*figure));
            }
            if row.is_some_and(|row| !row.is_valid()) {
                text.push_str("    void: SETs were lost, or do not verify\n");
            }
        }
        text.truncate(text.trim_end().len());
        text
    }
}

fn cells(row: &Row) -> [String; 16] {
    let scenario =
        if row.note.is_empty() { row.scenario.to_owned() } else { format!("{}, {}", row.scenario, row.note) };
    let some = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), number);
    let latency = |of: fn(&super::latency::Summary) -> f64| some(row.latency.as_ref().map(of));
    let mb =
        |bytes: Option<u64>| bytes.map_or_else(|| "-".to_owned(), |bytes| (bytes / 1_000_000).to_string());
    [
        scenario,
        row.alg.clone(),
        row.fanout.to_string(),
        row.rate.map_or_else(|| "max".to_owned(), number),
        row.sets.to_string(),
        number(row.sets_per_s),
        latency(|s| s.p50),
        latency(|s| s.p99),
        latency(|s| s.p999),
        some(row.cpu_us),
        row.ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}")),
        some(row.bytes),
        row.commits.map_or_else(|| "-".to_owned(), |commits| format!("{commits:.4}")),
        format!("{}/{}", mb(row.memory), mb(row.memory_peak)),
        row.lost.to_string(),
        row.repeated.to_string(),
    ]
}

/// Three digits that matter, and no more.
fn number(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        assert_eq!([12345.6, 12.34, 1.234, 0.0].map(number), ["12346", "12.3", "1.23", "0.00"]);
    }
}
