//! Reading the part of a path that a route leaves open.

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::Problem;

/// The one part that the route leaves open, without its percent-encoding.
#[derive(Debug)]
pub(super) struct Part(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Part {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(part) = Path::from_request_parts(parts, state).await.map_err(|_| {
            let detail = "the path can't be read: write it as UTF-8, percent-encoded";
            Problem::new(StatusCode::BAD_REQUEST, "bad-path", "The path is not valid", detail)
        })?;
        Ok(Self(part))
    }
}
