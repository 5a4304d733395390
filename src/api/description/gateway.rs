//! What the gateway does, and what it is to do.

use serde_json::{Value, json};

use super::super::config::{Applied, Wanted as Settings};
use super::super::connection::Wanted as ConnectionAction;
use super::super::metrics::Metric;
use super::super::status::Status;
use super::operation::Operation;
use super::types::Types;

const METRICS: &str = "# HELP pilothouse_connected 1 when WhatsApp is connected, else 0.\n\
    # TYPE pilothouse_connected gauge\npilothouse_connected 1\n";

pub(super) fn operations(types: &mut Types) -> Vec<Operation> {
    let metric = json!({
        "name": "pilothouse_connected", "type": "gauge", "help": "1 when WhatsApp is connected, else 0.", "value": 1.0,
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
            .about("As text for Prometheus, or as JSON with `Accept: application/json`.")
            .text(200, "The figures.", "text/plain", METRICS)
            .json(200, "The figures.", types.written::<Vec<Metric>>(), &[("json", json!([metric]))]),
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
        "host": {"rss_bytes": 8_000_000, "api": {"requests": 40, "p50_micros": 70, "p99_micros": 130}},
        "last_error": null,
    })
}
