//! `GET /metrics`: figures for Prometheus, or as JSON when asked for.

use std::fmt::Write as _;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Api;
use super::body::wants_json;
use crate::state::ExitClass;

/// A figure. Those of one name follow one another.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Metric {
    name: &'static str,
    #[serde(rename = "type")]
    kind: Kind,
    help: &'static str,
    /// What tells those of one name apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<Labels>,
    value: f64,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "MetricLabels"))]
struct Labels {
    reason: &'static str,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "MetricKind"))]
#[serde(rename_all = "snake_case")]
enum Kind {
    Counter,
    Gauge,
}

pub(super) async fn metrics(State(api): State<Api>, headers: HeaderMap) -> Response {
    let metrics = collect(&api);
    if wants_json(&headers) {
        return Json(metrics).into_response();
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], exposition(&metrics)).into_response()
}

/// The text format 0.0.4 of Prometheus.
fn exposition(metrics: &[Metric]) -> String {
    let mut out = String::with_capacity(metrics.len() * 160);
    let mut last = "";
    for Metric { name, kind, help, labels, value } in metrics {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        if *name != last {
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
        }
        let _ = match labels {
            Some(Labels { reason }) => writeln!(out, "{name}{{reason=\"{reason}\"}} {value}"),
            None => writeln!(out, "{name} {value}"),
        };
        last = name;
    }
    out
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has only 64-bit floats")]
fn collect(api: &Api) -> Vec<Metric> {
    let uptime = api.clock.now().mono.elapsed().as_secs_f64();
    let sample = api.stats.sample();
    let (counters, queue, connected, bridge, rss) = api.engine.feed().look(|s| {
        (
            s.counters,
            s.queue,
            s.connected(),
            (s.bridge.restarts_by_reason.clone(), s.bridge.rss_bytes),
            s.host.rss_bytes,
        )
    });
    let counter =
        |name, help, value: u64| Metric { name, kind: Kind::Counter, help, labels: None, value: value as f64 };
    let gauge = |name, help, value: f64| Metric { name, kind: Kind::Gauge, help, labels: None, value };
    let mut metrics = vec![
        gauge("pilothouse_uptime_seconds", "Time since the process started.", uptime),
        gauge("pilothouse_connected", "1 when WhatsApp is connected, else 0.", f64::from(u8::from(connected))),
        counter("pilothouse_messages_received_total", "Messages that came in.", counters.messages_received),
        counter(
            "pilothouse_messages_sent_total",
            "Messages that WhatsApp's server acknowledged.",
            counters.messages_sent,
        ),
        counter(
            "pilothouse_messages_delivered_total",
            "Messages that reached the recipient's phone.",
            counters.messages_delivered,
        ),
        counter("pilothouse_messages_read_total", "Messages that were read.", counters.messages_read),
        counter("pilothouse_messages_failed_total", "Messages that failed.", counters.messages_failed),
        counter("pilothouse_messages_expired_total", "Messages not sent in time.", counters.messages_expired),
        counter("pilothouse_messages_cancelled_total", "Messages taken back.", counters.messages_cancelled),
        counter("pilothouse_duplicates_total", "Messages given twice and taken once.", counters.duplicates),
        gauge("pilothouse_queue_messages", "Messages that wait to be sent.", queue as f64),
        counter(
            "pilothouse_bridge_protocol_errors_total",
            "Lines of the bridge that were not events.",
            counters.protocol_errors,
        ),
        counter(
            "pilothouse_bridge_unknown_events_total",
            "Events of the bridge that are not known.",
            counters.unknown_events,
        ),
        gauge("pilothouse_event_streams", "Open streams of events.", api.events.streams() as f64),
        counter("pilothouse_http_requests_total", "HTTP requests answered.", sample.requests),
        gauge(
            "pilothouse_http_request_duration_p50_seconds",
            "Median time of the last 1,024 answers.",
            sample.p50_micros as f64 / 1e6,
        ),
        gauge(
            "pilothouse_http_request_duration_p99_seconds",
            "99th percentile of the last 1,024 answers' times.",
            sample.p99_micros as f64 / 1e6,
        ),
    ];
    // Each reason is there from the start: what appears with its first increase shows no increase.
    metrics.extend(ExitClass::ALL.map(|class| Metric {
        labels: Some(Labels { reason: class.label() }),
        ..counter(
            "pilothouse_bridge_restarts_total",
            "Starts of the bridge after the first, by how the one before ended.",
            bridge.0.get(&class).copied().unwrap_or_default(),
        )
    }));
    if let Some(rss) = rss {
        metrics.push(gauge("pilothouse_resident_memory_bytes", "Resident memory of this process.", rss as f64));
    }
    if let Some(rss) = bridge.1 {
        metrics.push(gauge("pilothouse_bridge_resident_memory_bytes", "Resident memory of the bridge.", rss as f64));
    }
    metrics
}
