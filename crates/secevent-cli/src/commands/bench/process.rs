//! Child processes of a benchmark: the same program with other arguments, killed when they are dropped.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    thread,
};

use tokio::sync::mpsc;

use crate::failure::Failure;

/// A child process. It says lines, and hears lines.
pub(super) struct Process {
    child: Child,
    stdin: ChildStdin,
}

/// Lines that wait to be read; a child that says more waits itself.
const LINES_MAX: usize = 1024;

impl Process {
    /// Starts this program with other arguments. Its stderr goes to a file, for those who look for a mistake.
    pub(super) fn start(args: &[&str], log: &Path) -> Result<(Self, mpsc::Receiver<String>), Failure> {
        let cannot =
            |error: std::io::Error| Failure::could_not(format_args!("secevent {}: {error}", args[0]));
        let program = std::env::current_exe().map_err(cannot)?;
        let log = File::options().create(true).append(true).open(log).map_err(cannot)?;
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().map_err(cannot)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let stdin = stdin.expect("stdin is a pipe");
        let stdout = stdout.expect("stdout is a pipe");
        let (said, lines) = mpsc::channel(LINES_MAX);
        // It ends with the child, or with whoever listens.
        thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            lines.take_while(|line| said.blocking_send(line.clone()).is_ok()).for_each(drop);
        });
        Ok((Self { child, stdin }, lines))
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Says one line to the child.
    pub(super) fn tell(&mut self, line: &str) -> std::io::Result<()> {
        self.stdin.write_all(line.as_bytes())?;
        self.stdin.write_all(b"\n")?;
        self.stdin.flush()
    }
}

impl Process {
    /// Ends it at once, and waits until it is gone.
    pub(super) fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
