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
        Ok(answer) => {
            let error = SetError::parse(&answer.body).map(|error| without(error, authorization));
            Answer::of(answer.status, error, answer.retry_after_secs())
        }
        Err(error) => Answer::Failed(error.to_string()),
    }
}

/// The words of a receiver that repeats the credential it was sent: they go to the log and to dead letters.
fn without(error: SetError, authorization: Option<&str>) -> SetError {
    let Some(value) = authorization else { return error };
    let credential = value.split_once(' ').map_or(value, |(_, credential)| credential.trim());
    let secrets = [value, credential].into_iter().filter(|secret| secret.len() >= SECRET_BYTES_MIN);
    let clean = |text: String| secrets.clone().fold(text, |text, secret| text.replace(secret, HIDDEN));
    SetError { err: clean(error.err), description: clean(error.description) }
}

const HIDDEN: &str = "(credential)";
/// Shorter ones keep no secret, and are found in words that have nothing to do with them.
const SECRET_BYTES_MIN: usize = 8;
/// A code and a sentence; the rest of an error page is not of interest.
const BODY_BYTES_MAX: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    // spec: PUSH-060
    #[test]
    fn a_credential_that_is_repeated_to_us_is_not_repeated_by_us() {
        let error =
            |description: &str| SetError { err: "invalid_request".into(), description: description.into() };
        for (authorization, said, words) in [
            (Some("Bearer 8f2c31aa"), "got `Bearer 8f2c31aa`, 8f2c31aa", "got `(credential)`, (credential)"),
            (Some("8f2c31aa"), "8f2c31aa?", "(credential)?"),
            (Some("Bearer r"), "a receiver", "a receiver"),
            (None, "8f2c31aa", "8f2c31aa"),
        ] {
            assert_eq!(without(error(said), authorization), error(words), "{authorization:?}");
        }
    }
}
