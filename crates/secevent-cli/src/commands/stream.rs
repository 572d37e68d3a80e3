//! `secevent stream`: the stream management API (SSF 1.0 §8) as a client. Not built yet.

use crate::failure::{Exit, Failure};

/// Manage streams at a transmitter (not yet: use listen)
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secevent listen --issuer http://127.0.0.1:8417")]
pub(crate) struct Args {
    /// list, show, create, update, delete, status, subjects or verify
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    action: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let action = args.action.first().map(|action| format!(" {action}")).unwrap_or_default();
    Err(Failure::usage(format_args!(
        "not yet: `secevent stream{action}` is not built; `secevent listen` creates a stream, verifies it, prints \
         its signals and deletes it"
    ))
    .next("secevent listen --issuer http://127.0.0.1:8417"))
}
