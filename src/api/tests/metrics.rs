//! Figures: what they say after something has happened, how they are written, and that they are documented.

mod rules;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command as Process, Stdio};

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

use super::{Answer, ask, get, post};
use crate::engine::harness::Harness;
use crate::protocol::Command;
use rules::{Exposition, Kind};

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

async fn accepting(harness: &Harness, accept: &str) -> Answer {
    let request = Request::get("/metrics").header(header::ACCEPT, accept);
    ask(harness, request.body(Body::empty()).unwrap()).await
}

/// A gateway through which a message went out, was read, and another came in.
async fn busy() -> Harness {
    let mut harness = Harness::connected().await;
    harness.says(r#"{"type":"message","from":"+15551112222","body":"Hola"}"#).await;
    let accepted = post(&harness, "/send", json!({"to": "+15551112222", "text": "Hi"})).await.json();
    let id = accepted["id"].as_str().unwrap();
    assert!(matches!(harness.command().await, Command::Send { .. }));
    harness.says(&format!(r#"{{"type":"sent","to":"+15551112222","messageId":"{id}","ok":true}}"#)).await;
    harness.says(&format!(r#"{{"type":"receipt","messageId":"{id}","status":"read"}}"#)).await;
    harness.says(r#"{"type":"pong","id":1,"eventLoopLagMs":250}"#).await;
    harness.says("{\"type\":\"dance\"}").await;
    harness.until(|s| s.counters.messages_read == 1 && s.counters.unknown_events == 1).await;
    harness
}

#[tokio::test]
async fn figures_say_what_has_happened() {
    let harness = busy().await;
    assert_eq!(get(&harness, "/messages/none").await.status.as_u16(), 404);
    let told = Exposition::read(&get(&harness, "/metrics").await.text, false);
    let value = |series: &str| told.value(series).unwrap_or_else(|| panic!("{series}: {told:?}"));
    for (series, expected) in [
        ("pilothouse_connected", 1.0),
        ("pilothouse_connection_state{state=\"open\"}", 1.0),
        ("pilothouse_connection_state{state=\"logged_out\"}", 0.0),
        ("pilothouse_bridge_state{state=\"running\"}", 1.0),
        ("pilothouse_bridge_restarts_total{reason=\"memory\"}", 0.0),
        ("pilothouse_bridge_event_loop_lag_seconds", 0.25),
        ("pilothouse_bridge_unknown_events_total", 1.0),
        ("pilothouse_messages_accepted_total", 1.0),
        ("pilothouse_messages_total{direction=\"in\",outcome=\"received\"}", 1.0),
        ("pilothouse_messages_total{direction=\"out\",outcome=\"sent\"}", 1.0),
        ("pilothouse_messages_total{direction=\"out\",outcome=\"failed\"}", 0.0),
        ("pilothouse_message_receipts_total{receipt=\"read\"}", 1.0),
        ("pilothouse_message_time_to_sent_seconds_count", 1.0),
        ("pilothouse_message_time_to_delivered_seconds_count", 1.0),
        ("pilothouse_message_time_to_sent_seconds_bucket{le=\"604800.0\"}", 1.0),
        ("pilothouse_queue_messages", 0.0),
        ("pilothouse_queue_oldest_age_seconds", 0.0),
        ("pilothouse_store_writable", 1.0),
        ("pilothouse_store_commit_failures_total", 0.0),
        ("pilothouse_journal_consumers{consumer=\"event_streams\"}", 0.0),
        ("pilothouse_log_lines_dropped_total{source=\"bridge\"}", 0.0),
        ("pilothouse_build_info{version=\"0.1.0\"}", 1.0),
    ] {
        assert_eq!(value(series), expected, "{series}");
    }
    assert!(value("pilothouse_store_commit_duration_seconds_count") >= 3.0);
    assert!(value("pilothouse_event_loop_lag_seconds_count") >= 1.0);
    assert!(value("pilothouse_connection_proven_timestamp_seconds") > 1.7e9);
    harness.end().await;
}

#[tokio::test]
async fn answers_are_told_apart_by_route_and_not_by_what_callers_invent() {
    let harness = busy().await;
    let api = super::api(&harness);
    for path in ["/messages/one", "/messages/two", "/nowhere", "/nowhere/else"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        tower::ServiceExt::oneshot(api.clone(), request).await.unwrap();
    }
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let text = super::answered(tower::ServiceExt::oneshot(api, request).await.unwrap()).await.text;
    let told = Exposition::read(&text, false);
    let count = |route: &str| {
        let labels = format!("method=\"GET\",route=\"{route}\",status=\"4xx\"");
        told.value(&format!("pilothouse_http_request_duration_seconds_count{{{labels}}}"))
    };
    assert_eq!((count("/messages/{id}"), count("unmatched"), count("/nowhere")), (Some(2.0), Some(2.0), None));
    harness.end().await;
}

#[tokio::test]
async fn the_oldest_message_that_waits_has_an_age() {
    let harness = Harness::new();
    let age = async || {
        let told = Exposition::read(&get(&harness, "/metrics").await.text, false);
        told.value("pilothouse_queue_oldest_age_seconds").unwrap()
    };
    assert_eq!(age().await, 0.0);
    post(&harness, "/send", json!({"to": "+15551112222", "text": "Hi"})).await;
    let accepted = harness.clock.now().wall;
    while harness.clock.now().wall == accepted {
        tokio::task::yield_now().await;
    }
    assert!(age().await > 0.0);
    harness.end().await;
}

#[tokio::test]
async fn the_caller_chooses_how_figures_are_written() {
    let harness = busy().await;
    let prometheus_2 = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;\
                        q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;\
                        escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    for (accept, kind) in [
        ("", TEXT),
        ("*/*", TEXT),
        ("image/png", TEXT),
        ("text/plain", TEXT),
        ("text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5", TEXT),
        ("application/openmetrics-text;version=0.0.1,text/plain;version=0.0.4;q=0.5", TEXT),
        ("application/openmetrics-text", OPEN_METRICS),
        ("Application/OpenMetrics-Text; Version=1.0.0; Q=0.9, text/plain;q=0.8", OPEN_METRICS),
        (prometheus_2, OPEN_METRICS),
        (prometheus_3, OPEN_METRICS),
        ("application/json", "application/json"),
        ("application/json;q=0, text/plain;q=0.1", TEXT),
        (";;q=,=;q=x,", TEXT),
    ] {
        let answer = accepting(&harness, accept).await;
        assert_eq!(answer.headers[header::CONTENT_TYPE], kind, "{accept}");
        assert_eq!(answer.headers[header::VARY], "accept");
    }
    harness.end().await;
}

#[tokio::test]
async fn both_text_formats_keep_their_rules_and_tell_the_same() {
    let harness = busy().await;
    let text = Exposition::read(&get(&harness, "/metrics").await.text, false);
    let open = Exposition::read(&accepting(&harness, OPEN_METRICS).await.text, true);
    let series = |told: &Exposition| told.series().map(str::to_owned).collect::<BTreeSet<_>>();
    assert!(series(&text).is_subset(&series(&open)), "{:?}", series(&text).difference(&series(&open)));
    assert_eq!(open.family("pilothouse_messages").unwrap().kind, Kind::Counter);
    assert_eq!(text.family("pilothouse_messages_total").unwrap().kind, Kind::Counter);
    assert_eq!(open.family("pilothouse_build").unwrap().kind, Kind::Info);
    assert_eq!(open.family("pilothouse_start_time_seconds").unwrap().unit.as_deref(), Some("seconds"));
    harness.end().await;
}

#[tokio::test]
async fn figures_in_json_are_one_object_each() {
    let harness = busy().await;
    let told = accepting(&harness, "application/json").await.json();
    let all = told.as_array().unwrap();
    let find = |name: &str| all.iter().find(|one| one["name"] == name).unwrap();
    let help = "1 when WhatsApp is connected, else 0.";
    let connected = json!({"name": "pilothouse_connected", "type": "gauge", "help": help, "value": 1.0});
    assert_eq!(find("pilothouse_connected"), &connected);
    assert_eq!(find("pilothouse_messages_total")["labels"], json!({"direction": "in", "outcome": "received"}));
    let times = find("pilothouse_message_time_to_sent_seconds");
    assert_eq!((&times["count"], &times["buckets"][15]), (&json!(1), &json!({"le": 604_800.0, "count": 1})));
    harness.end().await;
}

#[tokio::test]
async fn no_figure_tells_of_a_person() {
    let harness = busy().await;
    for accept in [TEXT, OPEN_METRICS, "application/json"] {
        let text = accepting(&harness, accept).await.text;
        assert!(!text.contains("1555") && !text.contains("Hola"), "{text}");
    }
    harness.end().await;
}

/// Where there is promtool, it has the last word: CI has it.
#[tokio::test]
async fn promtool_finds_nothing_to_say() {
    let harness = busy().await;
    let text = get(&harness, "/metrics").await.text;
    harness.end().await;
    let promtool = Process::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).spawn();
    let Ok(mut promtool) = promtool else { return };
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(promtool.wait_with_output().unwrap().status.success());
}

fn project_file(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The names of figures in a text, as they are written there.
fn names_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("pilothouse_")).map(str::to_owned).collect()
}

async fn described() -> Exposition {
    let harness = busy().await;
    let told = Exposition::read(&get(&harness, "/metrics").await.text, false);
    harness.end().await;
    told
}

#[tokio::test]
async fn the_readme_describes_each_figure_and_no_other() {
    let readme = project_file("README.md");
    let section = readme.split("### Figures\n").nth(1).expect("the section").split("\n### ").next().unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows: BTreeSet<_> = section.lines().filter(|line| line.starts_with("| `")).flat_map(names_in).collect();
    let told: BTreeSet<_> = described().await.families().map(str::to_owned).collect();
    assert_eq!(rows, told);
}

#[tokio::test]
async fn the_dashboard_shows_what_is_told_and_nothing_else() {
    let dashboard: Value = serde_json::from_str(&project_file("assets/grafana-dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "each panel has an id of its own");
    let told = described().await;
    let mut shown = BTreeSet::new();
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{}", panel["title"]);
        for target in targets {
            let names = names_in(target["expr"].as_str().unwrap());
            assert!(!names.is_empty(), "{target}");
            shown.extend(names);
        }
    }
    for name in &shown {
        let parts = ["_bucket", "_sum", "_count"].into_iter().filter_map(|part| name.strip_suffix(part));
        let of_histogram = |name: &str| told.family(name).is_some_and(|family| family.kind == Kind::Histogram);
        let exists = parts.clone().any(of_histogram) || told.family(name).is_some() && !of_histogram(name);
        assert!(exists, "the dashboard asks for {name}");
    }
}
