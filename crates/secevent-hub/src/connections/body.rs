//! Bodies that arrive in time, or not at all.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use hyper::body::{Body as HttpBody, Bytes, Frame, Incoming};
use tokio::time::{Sleep, sleep};

use super::places::Guest;

/// A body that ends with an error when it is not there in time. Only when it is there has its guest asked for something.
pub(super) fn in_time(body: Incoming, wait: Duration, guest: Arc<Guest>) -> Body {
    if body.is_end_stream() {
        guest.asks();
        return Body::empty();
    }
    Body::new(Timely { body, deadline: Box::pin(sleep(wait)), guest })
}

struct Timely {
    body: Incoming,
    deadline: Pin<Box<Sleep>>,
    guest: Arc<Guest>,
}

impl HttpBody for Timely {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        if self.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::TimedOut).into())));
        }
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(frame, Poll::Ready(None)) || self.body.is_end_stream() {
            self.guest.asks();
        }
        frame.map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}
