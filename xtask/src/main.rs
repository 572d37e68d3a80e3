//! The project's own tasks: `cargo xtask ci` is the one gate, `cargo xtask trace` the map from requirement to code.

use std::{env, path::Path, process::ExitCode};

use anyhow::{Result, bail};

mod ci;
mod command;
mod python;
mod trace;

const USAGE: &str = "\
usage:
  cargo xtask ci [--only STEP]                           every check in order, until one fails
  cargo xtask trace [--write] [--check PREFIX[,PREFIX]]  where each requirement is kept and tested";

fn main() -> ExitCode {
    match dispatch() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace");
    env::set_current_dir(root)?;
    let args: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        ["ci"] => ci::run(None),
        ["ci", "--only", step] => ci::run(Some(step)),
        ["trace", ref options @ ..] => trace::run(options),
        _ => bail!("{USAGE}"),
    }
}
