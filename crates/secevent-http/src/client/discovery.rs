//! Discovery (SSF 1.0 §7.2): from an issuer to its metadata.

use http::header::ACCEPT;
use secevent_ssf::{
    Refusal,
    metadata::{SSF_CONFIGURATION, TransmitterMetadata, well_known},
};

use super::{Client, ClientError};

/// Metadata that was not found, or cannot be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoverError {
    /// The transmitter was not reached.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The issuer or its metadata breaks a rule.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Another status than 200.
    #[error("{url} answered with status {status}; check the issuer, character by character (SSF-052)")]
    Status {
        /// The well-known URL.
        url: String,
        /// The status.
        status: u16,
    },
}

/// Reads and checks the metadata of this issuer.
// spec: SSF-047, SSF-048, SSF-051, SSF-055, SSF-056, SSF-060
pub async fn discover(client: &Client, issuer: &str) -> Result<TransmitterMetadata, DiscoverError> {
    let allow_http = client.egress().allows_http();
    let url = well_known(issuer, SSF_CONFIGURATION, allow_http)?;
    let answer =
        client.get(&url).header(ACCEPT, "application/json").body_max(METADATA_BYTES_MAX).send().await?;
    if answer.status != 200 {
        return Err(DiscoverError::Status { url, status: answer.status });
    }
    Ok(TransmitterMetadata::parse(answer.whole()?, issuer, allow_http)?)
}

/// Metadata with every member has 2 KiB.
const METADATA_BYTES_MAX: usize = 256 * 1024;
