//! Requests that are not looked at: their head is too large, or there are too many connections.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};

use super::super::Problem;
use super::Caller;

/// The longest path with its query, in bytes.
const MAX_URI_BYTES: usize = 8 << 10;

/// The most header fields, and their names and values together in bytes.
const MAX_FIELDS: usize = 64;
const MAX_FIELD_BYTES: usize = 16 << 10;

/// Refuses what is too large, and all but the `open` paths when there are too many connections.
pub(in super::super) fn check(request: &Request, open: bool) -> Result<(), Problem> {
    let uri = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    if uri > MAX_URI_BYTES {
        let detail = format!("path and query have {uri} bytes, and may have {MAX_URI_BYTES}");
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "uri-too-long", "The address is too long", detail));
    }
    let (fields, bytes) = (request.headers().len(), size(request.headers()));
    if fields > MAX_FIELDS || bytes > MAX_FIELD_BYTES {
        let detail = format!(
            "there are {fields} header fields of {bytes} bytes, and may be {MAX_FIELDS} of {MAX_FIELD_BYTES} together"
        );
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Err(Problem::new(status, "headers-too-large", "The header is too large", detail));
    }
    let crowded = request.extensions().get::<Caller>().is_some_and(|caller| caller.crowded);
    if crowded && !open {
        let detail = "too many connections are open; close some, keep fewer open, or try later";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let problem = Problem::new(status, "too-many-connections", "Too many connections are open", detail);
        return Err(problem.retry_after(5));
    }
    Ok(())
}

fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}
