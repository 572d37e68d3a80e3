//! `secevent bench`: measurements with their calibration. Not built yet.

use crate::failure::{Exit, Failure};

/// Measure this machine (not yet: use demo)
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent demo --once --json")]
pub(crate) struct Args {
    /// What to measure
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    what: Vec<String>,
}

pub(crate) fn run(_: &Args) -> Result<Exit, Failure> {
    Err(Failure::usage(
        "not yet: `secevent bench` is not built; `secevent demo` tells the milliseconds of each signal",
    )
    .next("secevent demo --once --json"))
}
