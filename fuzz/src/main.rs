//! `cargo run --profile fuzz -p fuzz -- all --seconds 60`

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use clap::Parser;
use fuzz::{Session, TARGETS, Target, folder, target};

/// Feed mutated input to the parsers of the workspace
#[derive(Parser)]
struct Arguments {
    /// A target, or `all` of them one after the other
    #[arg(default_value = "all")]
    target: String,
    /// How long each target runs
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Decides the inputs; the same one finds the same again
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Run the target on these files only, such as those in fuzz/artifacts
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "seconds")]
    replay: Vec<PathBuf>,
    /// Write what the targets begin with to FOLDER/TARGET, for another fuzzer, and run nothing
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["seconds", "replay"])]
    seeds: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let targets = match arguments.target.as_str() {
        "all" => TARGETS,
        name => std::slice::from_ref(target(name).with_context(|| unknown(name))?),
    };
    if let Some(folder) = &arguments.seeds {
        for target in targets {
            write_seeds(target, &folder.join(target.name))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if !arguments.replay.is_empty() {
        for file in &arguments.replay {
            let input = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            for target in targets {
                (target.run)(&input);
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    println!("{:<10} {:>12} {:>10} {:>11}", "target", "executions", "per second", "slowest ms");
    for target in targets {
        if !run(target, &arguments)? {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn unknown(name: &str) -> String {
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    format!("no target is called {name:?}; there are {}", names.join(", "))
}

/// Whether the target survived. An input that panics, or takes longer than a second, is written to `artifacts`.
fn run(target: &Target, arguments: &Arguments) -> Result<bool> {
    let mut session = Session::new(target, arguments.seed);
    let start = now();
    let (mut slowest, mut end) = (Duration::ZERO, start);
    while end.duration_since(start).as_secs() < arguments.seconds {
        let input = session.next_input();
        let begin = now();
        let survived = session.survives(&input);
        end = now();
        let took = end.duration_since(begin);
        if !survived {
            let file = keep(target, "crash", &input)?;
            println!("{} panics after {} executions: {file}", target.name, session.executions());
            return Ok(false);
        }
        if took > slowest && took >= SLOW {
            println!("{} takes {} ms: {}", target.name, took.as_millis(), keep(target, "slow", &input)?);
        }
        slowest = slowest.max(took);
    }
    let executions = session.executions();
    let per_second = executions / end.duration_since(start).as_secs().max(1);
    println!("{:<10} {executions:>12} {per_second:>10} {:>11}", target.name, slowest.as_millis());
    Ok(true)
}

fn write_seeds(target: &Target, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for seed in target.corpus() {
        fs::write(folder.join(name_of(&seed)), seed)?;
    }
    Ok(())
}

/// A file name for an input, by its content.
fn name_of(input: &[u8]) -> String {
    secevent_jose::base64url(&secevent_jose::sha256(input)[..6])
}

/// Writes an input to a file named by its content.
fn keep(target: &Target, kind: &str, input: &[u8]) -> Result<String> {
    let folder = folder("artifacts");
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{}-{kind}-{}", target.name, name_of(input)));
    fs::write(&file, input).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file.display().to_string())
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the program, and nothing is decided by the clock but its end"
)]
fn now() -> Instant {
    Instant::now()
}

/// No document that is small enough to be read may cost more than this.
const SLOW: Duration = Duration::from_secs(1);
