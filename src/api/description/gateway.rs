//! What the gateway does, and what it is to do.

use serde_json::{Map, Value, json};

use super::super::config::{Applied, Changed, Wanted as Settings};
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
    types.add("Config", all_settings());
    let settings = json!({"$ref": "#/components/schemas/Config"});
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
        Operation::get("/config", "getConfig", "Gateway", "All settings")
            .about("Each under its name in the settings file, without secrets.")
            .json(200, "What holds now.", settings.clone(), &[("some", config())]),
        Operation::patch("/config", "changeConfig", "Gateway", "Change some settings, while running")
            .about(
                "A merge patch (RFC 7386): null takes back what was set here. All of it is done and kept over restarts, \
                 or nothing, and `errors` has each field that is wrong.",
            )
            .body(
                changes(),
                &[
                    ("pace", json!({"send_rate_per_minute": 20, "send_burst": 5})),
                    ("as_before", json!({"send_burst": null})),
                ],
            )
            .or_as("application/merge-patch+json")
            .json(
                200,
                "What came of it.",
                types.written::<Changed>(),
                &[("pace", json!({"took_effect": ["send_burst"], "needs_restart": [], "config": config()}))],
            )
            .problem("settings-not-kept")
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

/// What a patch of the settings may have.
fn changes() -> Value {
    let whole = |least: u32| json!({"type": ["integer", "null"], "minimum": least, "maximum": u32::MAX});
    let mut properties: Map<_, _> = [
        ("bridge_memory_mb", 0),
        ("bridge_patience_seconds", 0),
        ("bridge_rss_limit_mb", 0),
        ("proof_seconds", 0),
        ("queue_limit", 0),
        ("retention_days", 0),
        ("retention_mb", 0),
        ("send_burst", 1),
        ("send_rate_per_minute", 0),
    ]
    .map(|(name, least)| (name.to_owned(), whole(least)))
    .into_iter()
    .collect();
    let others = [
        ("bridge", json!({"type": ["string", "null"], "description": "The configured name of a bridge."})),
        ("log", json!({"type": ["string", "null"], "description": "As in `info,pilothouse=debug`."})),
        ("phone_number", json!({"type": ["string", "null"], "pattern": super::NUMBER})),
        ("use_pairing_code", json!({"type": ["boolean", "null"]})),
    ];
    properties.extend(others.map(|(name, schema)| (name.to_owned(), schema)));
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

/// All settings, and where they come from.
fn all_settings() -> Value {
    let names = json!({"type": "array", "items": {"type": "string"}});
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    json!({
        "description": "The settings by their names, and what there is to know of them.",
        "type": "object",
        "required": ["bridge", "bridges", "use_pairing_code", "phone_number", "origins", "changeable", "needs_restart"],
        "properties": {
            "bridge": {"description": "The one that runs.", "type": "string"},
            "bridges": {"description": "Those that may be chosen, with their programs.", "allOf": [texts]},
            "use_pairing_code": {"type": "boolean"},
            "phone_number": {"anyOf": [{"type": "string", "pattern": super::NUMBER}, {"type": "null"}]},
            "origins": {"description": "Where each comes from.", "allOf": [texts]},
            "changeable": {"description": "Those that a patch may have.", "allOf": [names]},
            "needs_restart": {"description": "Those that hold from the next start on.", "allOf": [names]},
        },
        "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
    })
}

fn config() -> Value {
    json!({
        "bridge": "default", "bridges": {}, "use_pairing_code": false, "phone_number": null, "send_burst": 5,
        "origins": {"send_burst": "the API, in /data/settings.json"}, "changeable": ["send_burst"], "needs_restart": [],
    })
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
        "queue": 0, "pacing": null, "lateness": null, "restriction": null,
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
        "host": {
            "rss_bytes": 8_000_000, "api": {"requests": 40, "p50_micros": 70, "p99_micros": 130},
            "event_loop_lag": {"host_ms": 1, "bridge_ms": 12}, "event_streams": {"open": 1, "behind": 0},
            "message_times": {
                "until_sent": [1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                "until_delivered": [0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            },
            "log_lines_dropped": 0,
        },
        "last_error": null,
    })
}
