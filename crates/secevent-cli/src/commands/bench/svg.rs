//! Plots as SVG: lines over an axis, and bars. Just what the two plots of a benchmark need.

use std::{fmt::Write as _, fs, path::Path};

use super::{results::Results, row::Row};
use crate::failure::Failure;

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 400.0;
const MARGIN: f64 = 60.0;
/// Names of rows stand left of their bars.
const NAMES: f64 = 280.0;
const BAR: f64 = 22.0;
/// Told apart by people who see fewer colours as well; names stand beside the lines.
const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/// A line of a plot.
struct Line {
    name: String,
    points: Vec<(f64, f64)>,
}

/// Writes the plots of these results into a folder.
pub(super) fn write(results: &Results, folder: &Path) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| {
        Failure::could_not(format_args!("cannot write to {}: {error}", folder.display()))
    };
    fs::create_dir_all(folder).map_err(cannot)?;
    let plots = [
        ("latency-by-rate.svg", latency_by_rate(&results.rows)),
        ("cpu-by-scenario.svg", cpu(&results.rows)),
    ];
    plots.iter().try_for_each(|(name, plot)| fs::write(folder.join(name), plot)).map_err(cannot)
}

/// p99 over the rate, a line for each scenario, algorithm and fan-out.
fn latency_by_rate(rows: &[Row]) -> String {
    let mut lines: Vec<Line> = Vec::new();
    for row in rows {
        let (Some(rate), Some(latency)) = (row.rate, row.latency) else { continue };
        let name = name_of(row);
        let point = (rate, latency.p99);
        match lines.iter_mut().find(|line| line.name == name) {
            Some(line) => line.points.push(point),
            None => lines.push(Line { name, points: vec![point] }),
        }
    }
    for line in &mut lines {
        line.points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    plot("p99 in ms by events a second", &lines)
}

/// Processor time of a SET, a bar for each row that ran as fast as possible.
fn cpu(rows: &[Row]) -> String {
    let bars = rows.iter().filter(|row| row.rate.is_none());
    let bars: Vec<_> = bars.filter_map(|row| Some((name_of(row), row.cpu_us?))).collect();
    bar_chart("CPU of the hub, us a SET", &bars)
}

fn name_of(row: &Row) -> String {
    let note = if row.note.is_empty() { String::new() } else { format!(", {}", row.note) };
    format!("{}{note}, {}, {}", row.scenario, row.alg, row.fanout)
}

fn plot(title: &str, lines: &[Line]) -> String {
    let points = || lines.iter().flat_map(|line| &line.points);
    let x_max = points().map(|point| point.0).fold(1.0, f64::max);
    let y_max = points().map(|point| point.1).fold(1.0, f64::max);
    let x = |value: f64| MARGIN + (WIDTH - 2.0 * MARGIN) * value / x_max;
    let y = |value: f64| HEIGHT - MARGIN - (HEIGHT - 2.0 * MARGIN) * value / y_max;
    let mut svg = begin(title, HEIGHT);
    for quarter in [0.0, 0.25, 0.5, 0.75, 1.0] {
        text(
            &mut svg,
            (x(x_max * quarter), HEIGHT - MARGIN + 20.0),
            "middle",
            &format!("{:.0}", x_max * quarter),
        );
        text(&mut svg, (MARGIN - 8.0, y(y_max * quarter) + 4.0), "end", &format!("{:.1}", y_max * quarter));
        let height = y(y_max * quarter);
        let _ =
            writeln!(svg, "<path d=\"M{MARGIN:.1} {height:.1} H{:.1}\" stroke=\"#ddd\"/>", WIDTH - MARGIN);
    }
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        let place = |(px, py): &(f64, f64)| format!("{:.1},{:.1}", x(*px), y(*py));
        let points: Vec<_> = line.points.iter().map(place).collect();
        let path = points.join(" ");
        let _ = writeln!(
            svg,
            "<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
        );
        for (px, py) in &line.points {
            let _ = writeln!(
                svg,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"/>",
                x(*px),
                y(*py)
            );
        }
        if let Some((px, py)) = line.points.last() {
            text(&mut svg, (x(*px) - 6.0, y(*py) - 8.0), "end", &line.name);
        }
    }
    svg + "</svg>\n"
}

fn bar_chart(title: &str, bars: &[(String, f64)]) -> String {
    let max = bars.iter().map(|(_, value)| *value).fold(1.0, f64::max);
    let mut y = MARGIN;
    let mut svg = String::new();
    for (name, value) in bars {
        let width = (WIDTH - NAMES - MARGIN) * value / max;
        text(&mut svg, (NAMES - 8.0, y + BAR * 0.7), "end", name);
        let (colour, height) = (COLOURS[0], BAR - 4.0);
        let _ = writeln!(
            svg,
            "<rect x=\"{NAMES:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{colour}\"/>"
        );
        text(&mut svg, (NAMES + width + 4.0, y + BAR * 0.7), "start", &format!("{value:.1}"));
        y += BAR;
    }
    begin(title, y + MARGIN / 2.0) + &svg + "</svg>\n"
}

fn begin(title: &str, height: f64) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} {height:.0}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    text(&mut svg, (WIDTH / 2.0, MARGIN / 2.0), "middle", title);
    svg
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>");
}

#[cfg(test)]
mod tests {
    use super::{super::latency::Summary, *};

    /// Every element that is opened is closed, in order, and no text breaks out.
    fn is_well_formed(svg: &str) -> bool {
        let mut open = Vec::new();
        for tag in svg.split('<').skip(1) {
            let Some((tag, _)) = tag.split_once('>') else { return false };
            let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
            let quotes = tag.matches('"').count();
            if quotes % 2 != 0 {
                return false;
            }
            if tag.starts_with('/') {
                if open.pop() != Some(name) {
                    return false;
                }
            } else if !tag.ends_with('/') {
                open.push(name);
            }
        }
        open.is_empty()
    }

    #[test]
    fn plots_are_well_formed_and_show_every_row() {
        let row = |rate: Option<f64>, p99| Row {
            scenario: "push",
            note: "a < b & c".to_owned(),
            rate,
            latency: Some(Summary { p99, ..Summary::default() }),
            cpu_us: Some(50.0),
            ..Row::default()
        };
        let rows = [row(Some(2000.0), 4.0), row(Some(1000.0), 2.0), row(None, 9.0)];
        let latency = latency_by_rate(&rows);
        assert!(is_well_formed(&latency), "{latency}");
        assert_eq!(latency.matches("<circle").count(), 2);
        assert!(latency.contains("a &lt; b &amp; c"));
        // Half of the rate is in the middle of the axis, and half of the height.
        assert!(latency.contains("points=\"400.0,200.0 740.0,60.0\""), "{latency}");
        let cpu = cpu(&rows);
        assert!(is_well_formed(&cpu) && cpu.contains("50.0"), "{cpu}");
        assert_eq!(cpu.matches("<rect").count(), 2, "the ground and one bar");
        assert!(is_well_formed(&plot("nothing", &[])));
        assert!(!is_well_formed("<svg><text></svg>"));
    }
}
