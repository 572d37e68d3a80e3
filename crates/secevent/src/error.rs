//! Why a token was refused or could not be made.

use std::fmt;

use serde::Serialize;

use crate::finding::{Check, Finding, Level};

/// The registered SET delivery error codes (RFC 8935 §2.4 and its registry; SSF 1.0 §11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// Not a parseable SET, or a payload that breaks its definition.
    InvalidRequest,
    /// A key is invalid, unknown or not acceptable; the signature does not verify.
    InvalidKey,
    /// The issuer is not one the recipient accepts here.
    InvalidIssuer,
    /// The recipient is not in the audience.
    InvalidAudience,
    /// The transmitter could not be authenticated.
    AuthenticationFailed,
    /// The transmitter may not send this SET here.
    AccessDenied,
    /// A verification event has another `state` than the one expected.
    InvalidState,
}

impl ErrorCode {
    /// Every code of this enumeration.
    pub const ALL: [Self; 7] = [
        Self::InvalidRequest,
        Self::InvalidKey,
        Self::InvalidIssuer,
        Self::InvalidAudience,
        Self::AuthenticationFailed,
        Self::AccessDenied,
        Self::InvalidState,
    ];

    /// The code as it stands in `err`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidKey => "invalid_key",
            Self::InvalidIssuer => "invalid_issuer",
            Self::InvalidAudience => "invalid_audience",
            Self::AuthenticationFailed => "authentication_failed",
            Self::AccessDenied => "access_denied",
            Self::InvalidState => "invalid_state",
        }
    }

    /// The code of that exact name; codes are case-sensitive (PUSH-033).
    // spec: PUSH-033
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == name)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The other side sent something it must not send.
    Peer,
    /// The code that calls this library asked for something that the specifications forbid.
    Caller,
    /// Something on this machine failed, such as a signer.
    Local,
}

/// A token that was refused, or could not be issued, with everything that is wrong with it.
#[derive(Clone, Debug)]
pub struct Error {
    code: ErrorCode,
    fault: Fault,
    findings: Vec<Finding>,
}

impl Error {
    /// The code to answer the transmitter with (PUSH-035).
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// Who has to act.
    pub const fn fault(&self) -> Fault {
        self.fault
    }

    /// Whether the same token may be accepted later: keys may not have been published yet.
    pub const fn retry(&self) -> bool {
        matches!((self.fault, self.code), (Fault::Peer, ErrorCode::InvalidKey) | (Fault::Local, _))
    }

    /// Everything that was found, warnings included.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The code is that of the first finding of the heaviest level.
    pub(crate) fn from_check(check: Check, fault: Fault) -> Self {
        let worst = check.worst();
        let code = check
            .findings()
            .iter()
            .find(|finding| Some(finding.level) == worst)
            .map_or(ErrorCode::InvalidRequest, |finding| finding.code);
        Self { code, fault, findings: check.into_findings() }
    }

    pub(crate) fn peer(code: ErrorCode, id: &'static str, error: &impl fmt::Display, mend: &str) -> Self {
        let mut check = Check::new(crate::Role::Receiver);
        check.report(Level::Error, code, id, error.to_string(), mend);
        Self::from_check(check, Fault::Peer)
    }

    /// The same, with somebody else to act.
    pub(crate) const fn blamed_on(mut self, fault: Fault) -> Self {
        self.fault = fault;
        self
    }

    pub(crate) fn local(error: &secevent_jose::Error) -> Self {
        let mut check = Check::new(crate::Role::Issuer);
        check.error("SET-037", error.to_string(), "check the signer and its key");
        Self::from_check(check, Fault::Local)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut broken = self.findings.iter().filter(|finding| finding.level >= Level::OutsideProfile);
        match broken.next() {
            Some(first) => write!(f, "{first}")?,
            None => f.write_str(self.code.as_str())?,
        }
        match broken.count() {
            0 => Ok(()),
            more => write!(f, " (and {more} more)"),
        }
    }
}

impl std::error::Error for Error {}
