//! A Python with another implementation of JOSE: it reads what we write, and we read what it writes.

use std::{env, path::PathBuf, process::Command};

use anyhow::{Result, ensure};

use crate::command::{run, succeeds};

/// The interpreter with joserfc installed, made at the first call in `target/python`.
pub(crate) fn path() -> Result<PathBuf> {
    let python = env::current_dir()?.join(FOLDER).join("bin/python");
    if !succeeds(&python, &["-c", HAS_JOSERFC]) {
        require_venv()?;
        run(Command::new("python3").args(["-m", "venv", "--clear", FOLDER]))?;
        run(Command::new(&python).args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            JOSERFC,
        ]))?;
    }
    Ok(python)
}

/// Debian ships Python without the parts that make an environment; as root we may add them.
fn require_venv() -> Result<()> {
    if succeeds("python3", &["-c", "import ensurepip, venv"]) {
        return Ok(());
    }
    ensure!(
        succeeds("sh", &["-c", r#"test "$(id -u)" = 0 && command -v apt-get"#]),
        "python3 with its venv module is missing: install it (on Debian `apt-get install python3-venv`)"
    );
    run(Command::new("apt-get").args(["update", "--quiet"]))?;
    run(Command::new("apt-get").args(["install", "--yes", "--quiet", "python3-venv"]))
}

const FOLDER: &str = "target/python";
const JOSERFC: &str = "joserfc==1.8.0";
const HAS_JOSERFC: &str =
    "import joserfc; from importlib.metadata import version; assert version('joserfc') == '1.8.0'";
