//! A second implementation to ask: a Python script that reads a question and writes an answer a line, as JSON.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::Value;

/// A script, started once and ended when dropped.
#[derive(Debug)]
pub struct PythonPeer {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl PythonPeer {
    /// Starts a script; `None` where there is no Python with joserfc, which is said.
    ///
    /// # Panics
    /// When Python does not start.
    pub fn start(script: impl AsRef<Path>) -> Option<Self> {
        let Some(python) = crate::python() else {
            println!("skipped: SECEVENT_PYTHON names no interpreter with joserfc");
            return None;
        };
        let mut child = Command::new(python)
            .args(["-W", "ignore"])
            .arg(script.as_ref())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let questions = child.stdin.take().expect("stdin is a pipe");
        let answers = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        Some(Self { child, questions, answers })
    }

    /// Asks one question.
    ///
    /// # Panics
    /// When the script ends, answers in another form, or with an `error`.
    #[expect(clippy::needless_pass_by_value, reason = "a question reads best where it is asked")]
    pub fn ask(&mut self, question: Value) -> Value {
        writeln!(self.questions, "{question}").expect("Python listens");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("Python answers");
        let answer: Value = serde_json::from_str(&answer).expect("in JSON");
        assert_eq!(answer.get("error"), None, "{} {}", question["do"], question["alg"]);
        answer
    }
}

impl Drop for PythonPeer {
    fn drop(&mut self) {
        // It is idle: nothing is lost, and a failing test does not wait for it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
