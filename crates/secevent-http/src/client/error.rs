//! Why a request got no usable answer.

use std::time::Duration;

use super::EgressError;

/// A request that got no usable answer. The texts name the host, never path, query, header or body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The URL or the address behind it is not to be connected to.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// The caller gave a header value that no header can hold.
    #[error("the value of the header {name} has characters that no header can hold; give printable ASCII")]
    Header {
        /// The name of the header.
        name: String,
    },
    /// The name was not resolved.
    #[error("{host} is not found: {reason}; check the name and the resolver")]
    Resolve {
        /// The host.
        host: String,
        /// What the resolver said.
        reason: String,
    },
    /// No connection.
    #[error("no connection to {host}: {reason}")]
    Connect {
        /// The host.
        host: String,
        /// What the system said.
        reason: String,
    },
    /// No trust: certificate, name or protocol version.
    #[error(
        "no TLS with {host}: {reason}; check its certificate, or add its authority as extra_ca (PUSH-048)"
    )]
    Tls {
        /// The host.
        host: String,
        /// What the TLS library said.
        reason: String,
    },
    /// The deadline passed.
    #[error("{host} did not answer completely within {after:?}")]
    Timeout {
        /// The host.
        host: String,
        /// The deadline of the request.
        after: Duration,
    },
    /// The answer is longer than anything that was asked for.
    #[error("the answer of {host} has more than {max} bytes")]
    TooLong {
        /// The host.
        host: String,
        /// The most that is read.
        max: usize,
    },
    /// The answer is not what the protocol says, or broke off.
    #[error("{host} answered badly: {reason}")]
    Protocol {
        /// The host.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ClientError {
    /// Whether the same request may succeed later without anybody changing it.
    pub const fn retry(&self) -> bool {
        match self {
            Self::Egress(_) | Self::Header { .. } | Self::TooLong { .. } => false,
            Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::Tls { .. }
            | Self::Timeout { .. }
            | Self::Protocol { .. } => true,
        }
    }
}

/// An error with its causes, in one line.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        if text.contains(&cause) { text } else { format!("{text}: {cause}") }
    })
}
