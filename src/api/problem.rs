//! Errors as RFC 9457 has them.

use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::engine::Unavailable;
use crate::state::{Check, Refusal};

/// A field that is wrong, among several.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct FieldError {
    /// Its name.
    field: String,
    /// What is wrong with it.
    detail: String,
}

impl FieldError {
    /// Its name as far as a caller may be told it again, and what is wrong.
    pub(super) fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: field.into().chars().take(100).collect(), detail: detail.into() }
    }
}

/// An error that a caller can act on.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Problem {
    /// A stable name of the kind of problem.
    #[serde(rename = "type")]
    kind: Box<str>,
    /// The kind in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong this time, and what to do.
    detail: Box<str>,
    /// The field that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    /// Each field that is wrong, where there may be several.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: Box<[FieldError]>,
    /// How far linking has come.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    /// What was looked at, when that is what was asked for.
    #[serde(flatten)]
    checked: Option<Box<Checked>>,
    /// The seconds after which it makes sense to ask again; sent as `Retry-After`.
    #[serde(skip)]
    retry_after: Option<u32>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Checked {
    /// What is not in order, by name.
    failing: Vec<&'static str>,
    /// All that was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<Check>>,
}

impl Problem {
    /// A problem of the kind `urn:pilothouse:problem:NAME`.
    pub fn new(status: StatusCode, name: &str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:pilothouse:problem:{name}").into(),
            title,
            status: status.as_u16(),
            detail: detail.into().into(),
            field: None,
            errors: Box::default(),
            state: None,
            checked: None,
            retry_after: None,
        }
    }

    /// A value of the request is wrong.
    pub fn bad_field(field: &'static str, detail: impl Into<String>) -> Self {
        let detail = format!("{field}: {}", detail.into());
        Self {
            field: Some(field),
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-value", "A value is not valid", detail)
        }
    }

    /// Values of the request are wrong, and nothing of it was done.
    pub(super) fn bad_fields(errors: Vec<FieldError>) -> Self {
        let all =
            errors.iter().map(|error| format!("{}: {}", error.field, error.detail)).collect::<Vec<_>>().join("; ");
        let detail = format!("nothing was changed: {all}");
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self { errors: errors.into(), ..Self::new(status, "invalid-value", "A value is not valid", detail) }
    }

    /// A parameter of the query is wrong.
    pub(super) fn bad_parameter(field: &'static str, detail: impl Into<String>) -> Self {
        Self { field: Some(field), ..Self::bad_query(format!("{field}: {}", detail.into())) }
    }

    /// The query can't be read.
    pub(super) fn bad_query(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-query", "The query is not valid", detail)
    }

    /// Linking is over: there is nothing to link with.
    pub(super) fn already_linked() -> Self {
        let detail = Refusal::AlreadyLinked.to_string();
        Self::new(StatusCode::CONFLICT, "already-linked", "Already linked", detail).linking("linked")
    }

    /// The database can't be read.
    pub fn store(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "reading the database");
        let detail = format!("the database can't be read ({error}); try again");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "store-failed", "The database can't be used", detail).retry_after(5)
    }

    /// Says how far linking has come.
    #[must_use]
    pub fn linking(mut self, state: &'static str) -> Self {
        self.state = Some(state);
        self
    }

    /// Names the checks that failed; with `verbose` all checks are told.
    #[must_use]
    pub(super) fn checked(mut self, checks: Vec<Check>, verbose: bool) -> Self {
        let failing = checks.iter().filter(|check| !check.is_ok()).map(|check| check.name).collect();
        self.checked = Some(Box::new(Checked { failing, checks: verbose.then_some(checks) }));
        self
    }

    /// Says when to ask again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::REQUEST_TIMEOUT {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Unavailable> for Problem {
    fn from(error: Unavailable) -> Self {
        let detail = format!("{error}; try again");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The gateway is busy or stopping", detail)
            .retry_after(1)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            Refusal::EmptyText | Refusal::TextTooLong { .. } => Self::bad_field("text", detail),
            Refusal::BadExpiry { .. } => Self::bad_field("expires_in", detail),
            Refusal::NoSuchMessage => Self::new(StatusCode::NOT_FOUND, "no-such-message", "No such message", detail),
            Refusal::TooLateToCancel { .. } => {
                Self::new(StatusCode::CONFLICT, "too-late-to-cancel", "The message doesn't wait any more", detail)
            }
            Refusal::KeyReused => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                Self::new(status, "idempotency-key-reused", "The Idempotency-Key was used for another request", detail)
            }
            Refusal::NumberMissing => Self::bad_field("phone_number", detail),
            Refusal::QueueFull { .. } | Refusal::QueueTooLarge { .. } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "queue-full", "Too many messages wait", detail).retry_after(10)
            }
            Refusal::BridgeDown => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Self::new(status, "bridge-down", "The bridge does not run", detail).retry_after(5)
            }
            Refusal::NoPasskeyAsked => {
                Self::new(StatusCode::CONFLICT, "no-passkey-asked", "No passkey is asked for", detail)
            }
            Refusal::PasskeyAnswered => {
                Self::new(StatusCode::CONFLICT, "passkey-answered", "The passkey was answered already", detail)
            }
            Refusal::NotThePasskeysAnswer { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-value", "A value is not valid", detail)
            }
            Refusal::NothingToCompare => {
                Self::new(StatusCode::CONFLICT, "nothing-to-compare", "There is no code to compare", detail)
            }
            Refusal::AlreadyLinked => Self::already_linked(),
            Refusal::NotLinked => Self::new(StatusCode::CONFLICT, "not-linked", "No account is linked", detail),
            Refusal::NotConnected => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Self::new(status, "not-connected", "WhatsApp is not connected", detail).retry_after(10)
            }
            Refusal::LogoutUnsupported => {
                let status = StatusCode::NOT_IMPLEMENTED;
                Self::new(status, "logout-unsupported", "The bridge can't log out", detail)
            }
            Refusal::NotTakenOver => {
                Self::new(StatusCode::CONFLICT, "not-taken-over", "The link was not taken over", detail)
            }
            Refusal::NoSuchWebhook => Self::new(StatusCode::NOT_FOUND, "no-such-webhook", "No such webhook", detail),
            Refusal::StoreFailed { .. } => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Self::new(status, "store-failed", "The database can't be used", detail).retry_after(5)
            }
            Refusal::Unavailable => Unavailable.into(),
        }
    }
}

/// The answer for a path that is not there.
pub(super) async fn not_found(uri: Uri) -> Problem {
    let detail = format!("there is nothing at {}", uri.path());
    Problem::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
}

/// The answer for a method that a path does not have.
pub(super) async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} does not take {method}; see the Allow header", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed", detail)
}
