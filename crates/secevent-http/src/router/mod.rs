//! Routers that merge into anybody's axum application.

mod bearer;
mod problem;
mod push_endpoint;
mod transmitter;

pub use bearer::bearer_token;
pub use problem::Problem;
pub use push_endpoint::{PushIntake, Refused, push_endpoint};
pub use transmitter::{Paths, TransmitterHost, transmitter_router};

use axum::body::{Body, Bytes};
use http_body_util::{BodyExt, Limited};

/// Reads a body to at most `max` bytes; 413 beyond, before it is buffered.
pub async fn read_body(body: Body, max: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            Err(Problem::new(413, "the body is too large", format!("send at most {max} bytes")))
        }
        Err(_) => Err(Problem::new(400, "the body could not be read", "the connection broke off")),
    }
}
