//! `Retry-After` (RFC 9110 §10.2.3) without a clock.

use http::header::{DATE, RETRY_AFTER};

use super::Response;

/// Seconds from the answer on. A date counts from the `Date` of the same answer, one in the past as 0; anything
/// else is not understood.
// spec: PUSH-044, POLL-054
pub(super) fn seconds(response: &Response) -> Option<u64> {
    let field = response.header(RETRY_AFTER)?.trim();
    if field.bytes().all(|b| b.is_ascii_digit()) && !field.is_empty() {
        return Some(field.parse().unwrap_or(u64::MAX));
    }
    let until = httpdate::parse_http_date(field).ok()?;
    let now = httpdate::parse_http_date(response.header(DATE)?).ok()?;
    Some(until.duration_since(now).map_or(0, |wait| wait.as_secs()))
}
