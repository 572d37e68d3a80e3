//! Push delivery as a client (RFC 8935 §2.1): one POST, one SET.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use secevent_ssf::delivery::{
    SetError,
    push::{self, Answer},
};

use super::Client;

/// POSTs one SET and reads what the receiver says; [`push::judge`] tells what it means.
///
/// `authorization` is the value of the stream's `authorization_header`; without it no such field is sent.
// spec: PUSH-001, PUSH-002, PUSH-003, PUSH-004, PUSH-005, PUSH-045, PUSH-058, PUSH-060
pub async fn push(
    client: &Client,
    endpoint_url: &str,
    authorization: Option<&str>,
    set: &str,
    timeout: Duration,
) -> Answer {
    let request = client
        .post(endpoint_url)
        .header(CONTENT_TYPE, push::CONTENT_TYPE)
        .header(ACCEPT, "application/json")
        .authorization(authorization)
        .body(set.to_owned())
        .deadline(timeout)
        .body_max(BODY_BYTES_MAX);
    match request.send().await {
        Ok(answer) => Answer::of(answer.status, SetError::parse(&answer.body), answer.retry_after_secs()),
        Err(error) => Answer::Failed(error.to_string()),
    }
}

/// A code and a sentence; the rest of an error page is not of interest.
const BODY_BYTES_MAX: usize = 8 * 1024;
