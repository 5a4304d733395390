//! `GET /metrics`: figures for Prometheus, in its own text format or as OpenMetrics, or as JSON.
//!
//! What there is, is in [`families`], and how it is written in [`format`]. Names, units and the rest are as Prometheus
//! wants them: base units, `_total` for what is counted, a moment as a timestamp, few values for each label. No label
//! says anything of a person.

mod families;
mod format;
mod webhooks;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::Api;
use crate::metrics::Distribution;
use format::Format;

/// All figures of one name.
#[derive(Debug)]
struct Family {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    samples: Vec<Sample>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
    /// Always 1: the labels are what it tells.
    Info,
}

/// A figure.
#[derive(Debug)]
struct Sample {
    /// What tells those of one name apart.
    labels: Vec<(&'static str, String)>,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Number(f64),
    Times(Distribution),
}

pub(super) async fn metrics(State(api): State<Api>, headers: HeaderMap) -> Response {
    let format = Format::wanted(&headers);
    let body = format.write(&families::collect(&api));
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}
