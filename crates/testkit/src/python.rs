//! Another implementation of JOSE to talk to.

use std::{env, path::PathBuf};

/// The Python interpreter with joserfc, named by `SECEVENT_PYTHON`; `cargo xtask ci` makes and exports it.
///
/// `None` on a developer's machine lets a test say that it was skipped.
///
/// # Panics
///
/// Where `CI` is set and the variable is not: there no test may skip itself.
pub fn python() -> Option<PathBuf> {
    let python = env::var_os("SECEVENT_PYTHON").map(PathBuf::from);
    assert!(
        python.is_some() || env::var_os("CI").is_none(),
        "SECEVENT_PYTHON is not set: run the tests through `cargo xtask ci --only test`"
    );
    python
}
