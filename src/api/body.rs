//! Reading a request's body and query, with errors that say what is wrong.

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;

use super::{MAX_BODY_BYTES, Problem};

/// How much of a body that is too large is read and thrown away. A caller who is cut off while he writes sees a broken
/// connection instead of the answer that says why.
const MAX_DRAINED_BYTES: usize = 16 << 20;

const JSON: &str = "application/json";

/// The media type of RFC 7386.
const MERGE_PATCH: &str = "application/merge-patch+json";

/// A JSON body.
///
/// It must be declared as JSON: that keeps web pages of other sites from posting forms to this API.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !is(request.headers(), JSON) {
            let detail = "send the body as JSON, with the header Content-Type: application/json";
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(Problem::new(status, "not-json", "The body is not declared as JSON", detail));
        }
        parsed(request).await.map(Self)
    }
}

/// A merge patch (RFC 7386): an object, declared as that or as JSON.
#[derive(Debug)]
pub(super) struct Patch(pub(super) serde_json::Map<String, serde_json::Value>);

impl<S: Send + Sync> FromRequest<S> for Patch {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !is(request.headers(), JSON) && !is(request.headers(), MERGE_PATCH) {
            let detail = format!("send a merge patch, with the header Content-Type: {MERGE_PATCH}");
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(Problem::new(status, "not-json", "The body is not declared as a merge patch", detail));
        }
        parsed(request).await.map(Self)
    }
}

async fn parsed<T: DeserializeOwned>(request: Request) -> Result<T, Problem> {
    let bytes = read(request.into_body()).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let detail = format!("the body can't be read: {error}");
        if error.is_data() {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-value", "A value is not valid", detail)
        } else {
            Problem::new(StatusCode::BAD_REQUEST, "bad-json", "The body is not valid JSON", detail)
        }
    })
}

/// All of a body that is not too large.
async fn read(mut body: axum::body::Body) -> Result<Vec<u8>, Problem> {
    let (mut bytes, mut seen) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, "bad-body", "The body can't be read", error.to_string())
        })?;
        let Ok(data) = frame.into_data() else { continue };
        seen += data.len();
        if seen <= MAX_BODY_BYTES {
            bytes.extend_from_slice(&data);
        } else if seen > MAX_DRAINED_BYTES {
            break;
        }
    }
    if seen > MAX_BODY_BYTES {
        let detail = format!("a body has at most {MAX_BODY_BYTES} bytes");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large", detail));
    }
    Ok(bytes)
}

fn is(headers: &HeaderMap, wanted: &str) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()) else { return false };
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(wanted)
}

/// Whether the caller prefers JSON to plain text.
pub(super) fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    accept
        .split(',')
        .map(|part| part.split(';').next().unwrap_or_default().trim())
        .any(|part| part == "application/json")
}
