//! The benchmark as a program: it counts what arrived, and says so when something did not.

#[expect(dead_code, reason = "other tests need more of it")]
#[path = "common/running.rs"]
mod running;

use running::{Desk, Ended};
use serde_json::Value;

/// Half a second of little load in a debug build.
const SMALL: [&str; 7] = ["--alg", "ES256", "--rate", "40", "--secs", "0.5", "--json"];

fn bench(desk: &Desk, args: &[&str]) -> Ended {
    desk.run(&[&["bench"], args].concat())
}

fn results(desk: &Desk) -> Value {
    serde_json::from_str(&desk.read("results.json")).expect("the results are JSON")
}

fn number(row: &Value, name: &str) -> f64 {
    row[name].as_f64().unwrap_or_else(|| panic!("{name} is a number in {row}"))
}

#[test]
fn a_small_load_is_delivered_verified_and_counted() {
    let desk = Desk::new();
    for scenario in ["push", "poll"] {
        let args = [&[scenario, "--fanout", "2", "--svg", "plots"][..], &SMALL, &["results.json"]].concat();
        let said = bench(&desk, &args).with(0);
        assert!(said.out.contains("signatures of one core") && said.out.contains("p99 ms"), "{}", said.out);
        let results = results(&desk);
        assert_eq!(results["valid"], true);
        for alg in ["RS256", "ES256", "Ed25519"] {
            assert!(number(&results["calibration"]["sign_us"], alg) > 0.0);
        }
        let [fast, steady] = results["rows"].as_array().expect("rows").as_slice() else {
            panic!("one row as fast as possible, one for the rate: {results}")
        };
        assert!(fast["rate"].is_null() && number(fast, "sets") > 0.0);
        assert!((number(steady, "rate") - 40.0).abs() < f64::EPSILON);
        assert!(
            (number(steady, "events") - 20.0).abs() < f64::EPSILON,
            "the rate is kept whatever the hub does"
        );
        for row in [fast, steady] {
            assert_eq!(row["scenario"], scenario);
            assert_eq!((&row["lost"], &row["invalid"]), (&0.into(), &0.into()), "{row}");
            assert!((number(row, "sets") - 2.0 * number(row, "events")).abs() < f64::EPSILON, "{row}");
            let latency = &row["latency"];
            assert!(number(latency, "p50") > 0.0 && number(latency, "p50") <= number(latency, "p999"));
        }
        let plot = desk.read("plots/latency-by-rate.svg");
        assert!(plot.starts_with("<svg") && plot.ends_with("</svg>") && plot.contains(scenario), "{plot}");
    }
}

#[test]
fn a_run_that_lost_one_set_is_void() {
    let desk = Desk::new();
    let said = bench(&desk, &[&["push", "--swallow"][..], &SMALL].concat()).with(1);
    let results: Value = serde_json::from_str(&said.out).expect("without a file the results are on stdout");
    assert_eq!(results["valid"], false);
    let lost = results["rows"].as_array().into_iter().flatten().map(|row| number(row, "lost"));
    assert!((lost.sum::<f64>() - 1.0).abs() < f64::EPSILON, "{results}");
}

#[test]
fn a_backlog_outlives_a_hub_that_is_killed() {
    let desk = Desk::new();
    bench(&desk, &["restart", "--count", "300", "--json", "results.json"]).with(0);
    let row = &results(&desk)["rows"][0];
    assert!((number(row, "sets") - 300.0).abs() < f64::EPSILON, "{row}");
    let figure = |name: &str| number(&row["figures"], name);
    assert!(figure("ready after, ms") > 0.0 && figure("ready after, ms") <= figure("first SET after, ms"));
}

#[test]
fn scenarios_are_listed_and_others_refused() {
    let desk = Desk::new();
    let list = bench(&desk, &[]).with(0).out;
    for scenario in ["ingest", "push", "poll", "hub-to-hub", "fairness", "catch-up", "restart", "idle-polls"]
    {
        assert!(list.contains(scenario), "{list}");
    }
    let refused = bench(&desk, &["pull"]).with(2);
    assert!(refused.err.contains("\"pull\" is no scenario"), "{}", refused.err);
    bench(&desk, &["push", "--quick"]).with(2);
    bench(&desk, &["push", "--rate", "0"]).with(2);
}

/// Whoever is impatient must not find a hub that runs on.
#[test]
#[cfg(target_os = "linux")]
fn nothing_is_left_of_a_run_that_is_stopped() {
    let desk = Desk::new();
    let folder = desk.path("data");
    std::fs::create_dir(&folder).expect("the folder can be made");
    // The whole path, which the hub then has in its arguments.
    let path = folder.to_string_lossy();
    let bench = desk.start(&["bench", "push", "--secs", "60", "--data", &path]);
    bench.err.line("2/2 push");
    let left = || std::fs::read_dir(&folder).expect("the folder can be read").count();
    running::patiently("the folder of the hub", || (left() > 0).then_some(()));
    let hubs = || {
        let is_hub = |process: &std::fs::DirEntry| {
            let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            line.contains("serve\0") && line.contains(&*path)
        };
        std::fs::read_dir("/proc").expect("there is /proc").flatten().filter(is_hub).count()
    };
    running::patiently("the hub", || (hubs() == 1).then_some(()));
    bench.terminate();
    bench.ended().with(3);
    assert_eq!(left(), 0, "the folder of the hub is gone");
    assert_eq!(hubs(), 0, "and so is the hub");
}
