//! What the gateway does, and what it is to do.

use serde_json::{Value, json};

use super::super::config::{Applied, Wanted as Settings};
use super::super::connection::Wanted as ConnectionAction;
use super::super::status::Status;
use super::operation::Operation;
use super::types::Types;

const METRICS: &str = "# HELP pilothouse_connected 1 when WhatsApp is connected, else 0.\n\
    # TYPE pilothouse_connected gauge\npilothouse_connected 1\n";

pub(super) fn operations(types: &mut Types) -> Vec<Operation> {
    let connected = json!({
        "name": "pilothouse_connected", "type": "gauge", "help": "1 when WhatsApp is connected, else 0.", "value": 1.0,
    });
    let times = json!({
        "name": "pilothouse_message_time_to_sent_seconds", "type": "histogram", "help": "From acceptance to sending.",
        "buckets": [{"le": 0.1, "count": 1}, {"le": 1.0, "count": 2}], "sum": 0.34, "count": 2,
    });
    let asked = json!({"type": "object", "properties": {"status": {"const": "asked"}}, "required": ["status"]});
    vec![
        Operation::get("/status", "getStatus", "Gateway", "Everything that the console shows").json(
            200,
            "How it is now.",
            types.written::<Status>(),
            &[("connected", status())],
        ),
        Operation::get("/metrics", "getMetrics", "Gateway", "Figures for Prometheus")
            .about("As `Accept` asks for it: Prometheus' text format 0.0.4, OpenMetrics 1.0, or JSON.")
            .text(200, "The figures.", "text/plain", METRICS)
            .text(200, "The figures.", "application/openmetrics-text", &format!("{METRICS}# EOF\n"))
            .json(200, "The figures.", figures(types), &[("json", json!([connected, times]))]),
        Operation::post("/connection", "setConnection", "Gateway", "Restart the bridge, or take the link back")
            .about("`GET /status` says what comes of it.")
            .body(
                types.read::<ConnectionAction>(),
                &[("restart", json!({"action": "restart"})), ("take_over", json!({"action": "take_over"}))],
            )
            .json(202, "It is asked for.", asked, &[("asked", json!({"status": "asked"}))])
            .problem("not-taken-over")
            .asks(),
        Operation::post("/config", "setConfig", "Gateway", "Change settings while running")
            .about("Any of them; all are checked first, kept over restarts, and applied at once.")
            .body(
                types.read::<Settings>(),
                &[
                    ("qr", json!({"use_pairing_code": false})),
                    ("code", json!({"use_pairing_code": true, "phone_number": "+584244370180"})),
                ],
            )
            .json(
                200,
                "What holds now.",
                types.written::<Applied>(),
                &[("code", json!({"use_pairing_code": true, "phone_number": "+584244370180"}))],
            )
            .asks(),
    ]
}

/// A list of figures.
fn figures(types: &mut Types) -> Value {
    let number = json!({"type": "number"});
    let count = json!({"type": "integer", "minimum": 0});
    let figure = json!({
        "description": "A figure: a `value`, or of a histogram its `buckets`, `sum` and `count`.",
        "type": "object",
        "required": ["name", "type", "help"],
        "properties": {
            "name": {"type": "string", "pattern": "^pilothouse_[a-z0-9_]+$"},
            "type": {"enum": ["counter", "gauge", "histogram", "info"]},
            "help": {"type": "string"},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "value": number,
            "buckets": {
                "description": "How many were at or below each bound, in seconds.",
                "type": "array",
                "items": {
                    "type": "object", "required": ["le", "count"], "properties": {"le": number, "count": count},
                },
            },
            "sum": number,
            "count": count,
        },
        "oneOf": [{"required": ["value"]}, {"required": ["buckets", "sum", "count"]}],
    });
    types.add("Metric", figure);
    json!({"type": "array", "items": {"$ref": "#/components/schemas/Metric"}})
}

fn status() -> Value {
    let (start, now) = ("2026-09-21T14:13:20.000Z", "2026-09-21T14:14:20.000Z");
    json!({
        "started_at": start, "uptime_seconds": 60, "connected": true,
        "connection": {"state": "open", "since": start, "reason": null, "retry_at": null, "proven_at": now},
        "timeline": [{"state": "open", "at": start, "seconds": 60, "reason": null}],
        "account": {"phone": "+15550009999", "lid": null, "name": "Office"},
        "pairing": null,
        "linking": {"use_pairing_code": false, "phone_number": null},
        "messages_received": 12, "messages_sent": 3,
        "counters": {
            "messages_received": 12, "messages_sent": 3, "messages_delivered": 3, "messages_read": 1,
            "messages_failed": 0, "messages_expired": 0, "messages_cancelled": 0, "duplicates": 0,
            "protocol_errors": 0, "unknown_events": 0, "log_lines_dropped": 0,
        },
        "queue": 0, "pacing": null, "restriction": null,
        "bridge": {
            "state": "running", "name": "baileys", "incarnation": 1, "pid": 4711, "restarts": 0,
            "restarts_by_reason": {}, "silent": false, "retry_at": null, "last_exit": null, "rss_bytes": 94_371_840,
        },
        "bridge_restarts": 0,
        "store": {"state": "ok", "reason": null},
        "webhooks": [{
            "name": "crm", "state": "going", "behind": 0, "waiting_since": null, "retry_at": null, "why": null,
            "lag_seconds": 0,
        }],
        "host": {"rss_bytes": 8_000_000, "api": {"requests": 40, "p50_micros": 70, "p99_micros": 130}},
        "last_error": null,
    })
}
