//! Reading a request's body, with errors that say what is wrong.
//!
//! Bodies are read after the token was looked at. One has at most [`MAX_BODY_BYTES`], all that are being read have at
//! most [`MAX_HELD_BYTES`] together, and each has to be there within [`PATIENCE`].

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use serde::de::{DeserializeOwned, Error, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::Number;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Api, MAX_BODY_BYTES, Problem};

/// How much of a body that is too large is read and thrown away. A caller who is cut off while he writes sees a broken
/// connection instead of the answer that says why.
const MAX_DRAINED_BYTES: usize = 16 << 20;

/// How many bytes of bodies are held at once. While they grow, they take up to twice as much memory.
const MAX_HELD_BYTES: usize = 8 << 20;

/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The room for bodies that are being read.
#[derive(Clone, Debug)]
pub struct Bodies(Arc<Semaphore>);

impl Default for Bodies {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_HELD_BYTES)))
    }
}

impl Bodies {
    /// Room for so many bytes more, until it is dropped.
    pub(super) fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let count = u32::try_from(bytes).unwrap_or(u32::MAX);
        Arc::clone(&self.0).try_acquire_many_owned(count).map_err(|_| {
            let detail = "too many large bodies are being read at once; try again";
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Problem::new(status, "too-many-bodies", "Too many bodies at once", detail).retry_after(1)
        })
    }
}
const JSON: &str = "application/json";

/// The media type of RFC 7386.
const MERGE_PATCH: &str = "application/merge-patch+json";

/// A JSON body.
///
/// It must be declared as JSON: that keeps web pages of other sites from posting forms to this API.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Api> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        if !is(request.headers(), JSON) {
            let detail = "send the body as JSON, with the header Content-Type: application/json";
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(Problem::new(status, "not-json", "The body is not declared as JSON", detail));
        }
        parsed(request, api).await.map(Self)
    }
}

/// A merge patch (RFC 7386): an object, declared as that or as JSON.
#[derive(Debug)]
pub(super) struct Patch(pub(super) serde_json::Map<String, serde_json::Value>);

impl FromRequest<Api> for Patch {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        if !is(request.headers(), JSON) && !is(request.headers(), MERGE_PATCH) {
            let detail = format!("send a merge patch, with the header Content-Type: {MERGE_PATCH}");
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(Problem::new(status, "not-json", "The body is not declared as JSON", detail));
        }
        parsed(request, api).await.map(Self)
    }
}

async fn parsed<T: DeserializeOwned>(request: Request, api: &Api) -> Result<T, Problem> {
    let (bytes, _room) = read_in_time(request.into_body(), &api.bodies).await?;
    let wrong =
        |detail| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-value", "A value is not valid", detail);
    let body = serde_json::from_slice(&bytes).map_err(|error| {
        let detail = format!("the body can't be read: {error}");
        if error.is_data() {
            wrong(detail)
        } else {
            Problem::new(StatusCode::BAD_REQUEST, "bad-json", "The body is not valid JSON", detail)
        }
    })?;
    // Serde takes a list of the fields' values for an object too.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(wrong("the body can't be read: it has to be an object".to_owned()));
    }
    Ok(body)
}

/// A body, and the room that it takes.
type Held = (Vec<u8>, Option<OwnedSemaphorePermit>);

/// All of a body that is neither too large nor too slow.
pub(super) async fn read_in_time(body: axum::body::Body, bodies: &Bodies) -> Result<Held, Problem> {
    tokio::time::timeout(PATIENCE, read(body, bodies)).await.unwrap_or_else(|_| {
        let detail = format!("a body has to be here within {} s; send it again, faster", PATIENCE.as_secs());
        Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", "The body came too slowly", detail))
    })
}

async fn read(mut body: axum::body::Body, bodies: &Bodies) -> Result<Held, Problem> {
    let (mut bytes, mut seen, mut held) = (Vec::new(), 0, None::<OwnedSemaphorePermit>);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, "bad-body", "The body can't be read", error.to_string())
        })?;
        let Ok(data) = frame.into_data() else { continue };
        seen += data.len();
        if seen <= MAX_BODY_BYTES {
            let room = bodies.room(data.len())?;
            match &mut held {
                Some(held) => held.merge(room),
                None => held = Some(room),
            }
            bytes.extend_from_slice(&data);
        } else if seen > MAX_DRAINED_BYTES {
            break;
        }
    }
    if seen > MAX_BODY_BYTES {
        let detail = format!("a body has at most {MAX_BODY_BYTES} bytes");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large", detail));
    }
    Ok((bytes, held))
}

fn is(headers: &HeaderMap, wanted: &str) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()) else { return false };
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(wanted)
}

/// A whole number, also one that is written as `600.0`, as some callers' libraries do: JSON has one sort of numbers.
pub(super) fn whole<'de, D: Deserializer<'de>, T: TryFrom<u64>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let Some(number) = Option::<Number>::deserialize(deserializer)? else { return Ok(None) };
    let whole = number.as_u64().or_else(|| number.as_f64().and_then(exactly));
    let whole = whole.and_then(|whole| T::try_from(whole).ok()).map(Some);
    let expected = "a whole number that is not negative, and not too large";
    whole.ok_or_else(|| D::Error::invalid_value(Unexpected::Other(&number.to_string()), &expected))
}

/// The same as a whole number, where each has a form of its own.
pub(super) fn exactly(number: f64) -> Option<u64> {
    const FORMS: std::ops::RangeInclusive<f64> = 0.0..=9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is looked at before")]
    (number.fract() == 0.0 && FORMS.contains(&number)).then_some(number as u64)
}
