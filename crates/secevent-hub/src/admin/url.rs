//! Parts of a URL; one that cannot be read is answered like every other mistake.

use axum::extract::{FromRequestParts, Path as AnyPath, Query as AnyQuery};
use http::request::Parts;
use secevent_http::router::Problem;
use serde::de::DeserializeOwned;

/// A part of the path.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = AnyPath::from_request_parts(parts, state).await;
        read.map(|AnyPath(part)| Self(part)).map_err(|refused| Problem::unreadable(&refused))
    }
}

/// The query.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = AnyQuery::from_request_parts(parts, state).await;
        read.map(|AnyQuery(query)| Self(query)).map_err(|refused| Problem::unreadable(&refused))
    }
}
