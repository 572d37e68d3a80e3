//! Exit codes, and the error that ends a command early.

use std::{fmt, io, process::ExitCode};

use secevent_ssf::store::StoreError;

use crate::output;

/// The answer of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    Yes = 0,
    No = 1,
    Usage = 2,
    CouldNotTell = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command gave no answer, and what to try next.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    /// Empty where nobody listens any more.
    what: String,
    next: Option<String>,
}

impl Failure {
    /// The caller asked for something that cannot be.
    pub(crate) fn usage(what: impl fmt::Display) -> Self {
        Self { exit: Exit::Usage, what: what.to_string(), next: None }
    }

    /// The answer is no, and these are the words.
    pub(crate) fn no(what: impl fmt::Display) -> Self {
        Self { exit: Exit::No, what: what.to_string(), next: None }
    }

    /// A file, a key or the network stood in the way.
    pub(crate) fn could_not(what: impl fmt::Display) -> Self {
        Self { exit: Exit::CouldNotTell, what: what.to_string(), next: None }
    }

    /// The command to try next.
    pub(crate) fn next(mut self, command: impl Into<String>) -> Self {
        self.next = Some(command.into());
        self
    }

    /// The command to try next where nothing better was said.
    pub(crate) fn or_next(mut self, command: &str) -> Self {
        self.next.get_or_insert_with(|| command.to_owned());
        self
    }

    /// One of several, of which the last has the command.
    pub(crate) fn without_next(mut self) -> Self {
        self.next = None;
        self
    }

    /// Says it on stderr.
    pub(crate) fn report(self) -> Exit {
        if !self.what.is_empty() {
            output::error(&self.what, self.next.as_deref());
        }
        self.exit
    }
}

/// A store stood in the way.
impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::could_not(error)
    }
}

/// Only writing results comes through here. A reader that went away, as `head` does, is no error worth a word.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::could_not(""),
            _ => Self::could_not(format_args!("cannot write the result: {error}")),
        }
    }
}
