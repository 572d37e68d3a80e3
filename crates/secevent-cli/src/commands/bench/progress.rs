//! How far a benchmark is, on stderr: a bar on a terminal, lines elsewhere.

use std::io::{IsTerminal as _, Write as _, stderr};

/// Fits beside the name of a scenario on a narrow terminal.
const BAR_WIDTH: usize = 20;

/// How far it is.
pub(super) struct Progress {
    steps: usize,
    done: usize,
    on_terminal: bool,
}

impl Progress {
    pub(super) fn new(steps: usize) -> Self {
        Self { steps, done: 0, on_terminal: stderr().is_terminal() }
    }

    /// The next step begins.
    pub(super) fn step(&mut self, name: &str) {
        let words = if self.on_terminal {
            format!("\r\x1b[K{} {}/{} {name}", self.bar(), self.done + 1, self.steps)
        } else {
            format!("{}/{} {name}\n", self.done + 1, self.steps)
        };
        say(&words);
        self.done += 1;
    }

    /// Everything is done.
    pub(super) fn end(&self) {
        if self.on_terminal {
            say("\r\x1b[K");
        }
    }

    fn bar(&self) -> String {
        let full = BAR_WIDTH * self.done / self.steps.max(1);
        format!("[{}{}]", "#".repeat(full), ".".repeat(BAR_WIDTH - full))
    }
}

/// There is nobody to tell if stderr is closed.
fn say(words: &str) {
    let mut err = stderr().lock();
    let _ = err.write_all(words.as_bytes());
    let _ = err.flush();
}
