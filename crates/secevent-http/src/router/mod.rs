//! Routers that merge into anybody's axum application.

mod bearer;
mod challenge;
mod problem;
mod push_endpoint;
mod transmitter;

pub use bearer::bearer_token;
pub use challenge::Challenge;
pub use problem::Problem;
pub use push_endpoint::{PushIntake, Refused, push_endpoint};
pub use transmitter::{JWKS_MAX_AGE, Paths, Scope, TransmitterHost, UpdateMethod, transmitter_router};

use axum::body::{Body, Bytes};
use http_body_util::{BodyExt, Limited};

/// Reads a body to at most `max` bytes; 413 beyond, before it is buffered, and 408 when it ends with
/// [`TimedOut`](std::io::ErrorKind::TimedOut), as a server with a deadline lets it.
pub async fn read_body(body: Body, max: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            Err(Problem::new(413, "the body is too large", format!("send at most {max} bytes")))
        }
        Err(error) if is_late(&*error) => {
            Err(Problem::new(408, "the body took too long", "send it faster, or in smaller parts"))
        }
        Err(_) => Err(Problem::new(400, "the body could not be read", "the connection broke off")),
    }
}

fn is_late(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |cause| cause.source());
    let io = causes.find_map(|cause| cause.downcast_ref::<std::io::Error>());
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
}
