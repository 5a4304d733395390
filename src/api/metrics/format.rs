//! How figures are written down.
//!
//! Two text formats that differ in details: OpenMetrics names a counter's family without its `_total`, tells the unit,
//! has a kind for what is only labels, and ends with `# EOF`, so that half an answer is not taken for a whole one.

use std::fmt::Write as _;

use axum::http::{HeaderMap, header};
use serde_json::{Map, json};

use super::{Family, Kind, Sample, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Prometheus' text format 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
    Json,
}

impl Format {
    /// What the caller wants most of what there is. Who wants nothing of it gets the text: so do all that are asked for
    /// figures.
    pub(super) fn wanted(headers: &HeaderMap) -> Self {
        let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let mut best = (0.0, Self::Text);
        for (format, q) in accept.flat_map(|list| list.split(',')).filter_map(one) {
            if q > best.0 {
                best = (q, format);
            }
        }
        best.1
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Json => "application/json",
        }
    }

    pub(super) fn write(self, families: &[Family]) -> String {
        match self {
            Self::Json => in_json(families).to_string(),
            Self::Text => in_text(families, false),
            Self::OpenMetrics => {
                let mut out = in_text(families, true);
                out.push_str("# EOF\n");
                out
            }
        }
    }
}

/// A format that the caller takes, and how much he wants it; none: there is no such one here.
fn one(accepted: &str) -> Option<(Format, f64)> {
    let mut parts = accepted.split(';').map(str::trim);
    let kind = parts.next()?.to_ascii_lowercase();
    let (mut q, mut version) = (1.0, None);
    for (name, value) in parts.filter_map(|part| part.split_once('=')) {
        match name.trim().to_ascii_lowercase().as_str() {
            "q" => q = value.trim().parse().unwrap_or(0.0),
            "version" => version = Some(value.trim()),
            _ => {}
        }
    }
    let format = match (kind.as_str(), version) {
        ("application/openmetrics-text", None | Some("1.0.0")) => Format::OpenMetrics,
        ("text/plain", None | Some("0.0.4")) | ("text/*" | "*/*", _) => Format::Text,
        ("application/json", _) => Format::Json,
        _ => return None,
    };
    Some((format, q))
}

fn in_text(families: &[Family], open: bool) -> String {
    let mut out = String::with_capacity(families.len() * 512);
    for Family { name, kind, help, samples } in families {
        let (family, kind) = match kind {
            Kind::Counter if open => (name.strip_suffix("_total").unwrap_or(name), "counter"),
            Kind::Counter => (*name, "counter"),
            Kind::Gauge => (*name, "gauge"),
            Kind::Histogram => (*name, "histogram"),
            Kind::Info if open => (name.strip_suffix("_info").unwrap_or(name), "info"),
            Kind::Info => (*name, "gauge"),
        };
        let _ = writeln!(out, "# HELP {family} {help}\n# TYPE {family} {kind}");
        let unit = ["seconds", "bytes"].into_iter().find(|unit| family.ends_with(unit));
        if let (true, Some(unit)) = (open, unit) {
            let _ = writeln!(out, "# UNIT {family} {unit}");
        }
        for Sample { labels, value } in samples {
            let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
            let labels = labels.join(",");
            let braced = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
            match value {
                Value::Number(value) => {
                    let _ = writeln!(out, "{name}{braced} {value}");
                }
                Value::Times(times) => {
                    let comma = if labels.is_empty() { "" } else { "," };
                    for (bound, count) in &times.buckets {
                        // With a point in any case: OpenMetrics wants it, and so both formats make the same series.
                        let _ = writeln!(out, "{name}_bucket{{{labels}{comma}le=\"{bound:?}\"}} {count}");
                    }
                    let _ = writeln!(out, "{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {}", times.count);
                    let _ = writeln!(out, "{name}_sum{braced} {}\n{name}_count{braced} {}", times.sum, times.count);
                }
            }
        }
    }
    out
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// One object for each figure. A histogram has `buckets`, `sum` and `count` instead of a `value`.
fn in_json(families: &[Family]) -> serde_json::Value {
    let of = |family: &Family, sample: &Sample| {
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Info => "info",
        };
        let mut object = Map::new();
        let mut set = |name: &str, value| {
            object.insert(name.to_owned(), value);
        };
        set("name", json!(family.name));
        set("type", json!(kind));
        set("help", json!(family.help));
        if !sample.labels.is_empty() {
            let labels: Map<_, _> = sample.labels.iter().map(|(name, value)| ((*name).into(), json!(value))).collect();
            set("labels", json!(labels));
        }
        match &sample.value {
            Value::Number(value) => set("value", json!(value)),
            Value::Times(times) => {
                let buckets: Vec<_> =
                    times.buckets.iter().map(|(le, count)| json!({"le": le, "count": count})).collect();
                set("buckets", json!(buckets));
                set("sum", json!(times.sum));
                set("count", json!(times.count));
            }
        }
        serde_json::Value::Object(object)
    };
    families.iter().flat_map(|family| family.samples.iter().map(move |sample| of(family, sample))).collect()
}
