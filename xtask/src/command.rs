//! Other programs, run where the workspace begins.

use std::{
    ffi::OsStr,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

/// Runs `cargo` with these words, its output going where ours goes.
pub(crate) fn cargo(words: &str) -> Result<()> {
    run(Command::new("cargo").args(words.split_whitespace()))
}

/// Runs a command to its end; anything but success is an error that shows the command.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = shown(command);
    let status = command.status().with_context(|| format!("could not start `{line}`"))?;
    ensure!(status.success(), "`{line}` failed ({status})");
    Ok(())
}

/// Whether a command exists and succeeds. Prints nothing.
pub(crate) fn succeeds(program: impl AsRef<OsStr>, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Whether a variable of the environment is set to something that means yes.
pub(crate) fn flag(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !["", "0", "false"].iter().any(|no| value == *no))
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
