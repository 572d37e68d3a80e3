//! The one gate: every check in order, stopping at the first that fails.

use std::{process::Command, time::Instant};

use anyhow::{Context, Result};

use crate::{
    command::{cargo, flag, run as run_command, succeeds},
    python, trace,
};

struct Step {
    name: &'static str,
    promise: &'static str,
    run: fn() -> Result<()>,
}

/// Every MUST of these tables has a test or a reason.
const COVERED: &str = "SET,JWT,BCP,CHK,SUB,CAEP,RISC,BCL,SCIM,SSF,PUSH,POLL,CIOP";

/// Cheap checks first, so that a slip is told early.
const STEPS: &[Step] = &[
    Step { name: "fmt", promise: "the code is formatted", run: || cargo("fmt --all --check") },
    Step { name: "clippy", promise: "no lint is broken", run: clippy },
    Step { name: "docs", promise: "the documentation builds without a warning", run: docs },
    Step { name: "deny", promise: "every dependency is one we chose", run: deny },
    Step { name: "trace", promise: "requirements are covered", run: || trace::run(&["--check", COVERED]) },
    Step {
        name: "python",
        promise: "a second implementation stands ready",
        run: || python::path().map(drop),
    },
    Step { name: "test", promise: "the tests pass", run: test },
    Step {
        name: "doctest",
        promise: "the examples run",
        run: || cargo("test --workspace --all-features --doc"),
    },
];

/// Runs the gate, or one step of it.
pub(crate) fn run(only: Option<&str>) -> Result<()> {
    let steps = match only {
        None => STEPS,
        Some(name) => std::slice::from_ref(find(name)?),
    };
    let mut seconds = Vec::new();
    let mut outcome = Ok(());
    for step in steps {
        println!("\n=== {}: {}", step.name, step.promise);
        let took;
        (outcome, took) = timed(step.run);
        println!("=== {}: {took:.1} s", step.name);
        seconds.push(took);
        if outcome.is_err() {
            break;
        }
    }
    summary(steps, &seconds, outcome.is_ok());
    outcome
}

fn find(name: &str) -> Result<&'static Step> {
    STEPS.iter().find(|step| step.name == name).with_context(|| {
        let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        format!("no step is called {name:?}; there are {}", names.join(", "))
    })
}

#[expect(clippy::disallowed_methods, reason = "the gate times its own steps; nothing is decided by it")]
fn timed(work: fn() -> Result<()>) -> (Result<()>, f64) {
    let start = Instant::now();
    let outcome = work();
    (outcome, start.elapsed().as_secs_f64())
}

fn summary(steps: &[Step], seconds: &[f64], passed: bool) {
    println!("\n{:<9}{:>9}", "step", "seconds");
    for (at, step) in steps.iter().enumerate() {
        match seconds.get(at) {
            Some(took) if passed || at + 1 < seconds.len() => println!("{:<9}{took:>9.1}", step.name),
            Some(took) => println!("{:<9}{took:>9.1}  failed", step.name),
            None => println!("{:<9}{:>9}  not run", step.name, "-"),
        }
    }
    println!(
        "{:<9}{:>9.1}  {}",
        "total",
        seconds.iter().sum::<f64>(),
        if passed { "passed" } else { "failed" }
    );
}

fn clippy() -> Result<()> {
    cargo("clippy --workspace --all-targets --all-features -- -D warnings")
}

fn docs() -> Result<()> {
    let mut doc = Command::new("cargo");
    doc.args(["doc", "--workspace", "--all-features", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
    run_command(&mut doc)
}

/// The advisory database is left out: it cannot be had everywhere, and the gate says the same on every machine.
fn deny() -> Result<()> {
    if !succeeds("cargo", &["deny", "--version"]) {
        if flag("SECEVENT_SKIP_DENY") && !flag("CI") {
            println!(
                "!!! SECEVENT_SKIP_DENY: licences, bans and sources of the dependencies were NOT checked !!!"
            );
            return Ok(());
        }
        println!(
            "cargo-deny is missing and is installed now: some minutes, once (SECEVENT_SKIP_DENY=1 skips)"
        );
        cargo("install cargo-deny --locked --version 0.20.2")?;
    }
    cargo("deny --workspace check bans licenses sources")
}

fn test() -> Result<()> {
    let words: &[&str] = if succeeds("cargo", &["nextest", "--version"]) {
        &["nextest", "run", "--workspace", "--all-features"]
    } else {
        &["test", "--workspace", "--all-features", "--all-targets"]
    };
    run_command(Command::new("cargo").args(words).env("SECEVENT_PYTHON", python::path()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_does_not_exist_is_answered_with_those_that_do() {
        let error = find("lint").err().expect("there is no such step").to_string();
        assert!(error.contains("clippy") && error.contains("doctest"), "{error}");
    }
}
