//! Bridges that misbehave, one way each: what the operator sees, and that nothing is left behind.
//!
//! The program is the real one, headless; the bridge is `fake-bridge.sh`.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Gateway, Place, signal};

/// The most memory that the program may ever have used, in KiB. Built for debugging it needs 24 MiB at rest, of which 21
/// are pages of the program's file.
const MOST_KIB: u64 = 28 << 10;

/// The most bytes that a flood may leave in the log.
const MOST_LOG_BYTES: u64 = 1 << 20;

/// A way to misbehave, and what must be seen.
struct Row {
    fake: &'static str,
    settings: &'static [(&'static str, &'static str)],
    seen: fn(&Value) -> bool,
}

/// With little patience: rows in which it is to run out.
const IMPATIENT: &[(&str, &str)] = &[("PILOTHOUSE_BRIDGE_PATIENCE_SECONDS", "1")];

const SMALL: &[(&str, &str)] = &[("PILOTHOUSE_BRIDGE_PATIENCE_SECONDS", "6"), ("PILOTHOUSE_BRIDGE_RSS_LIMIT_MB", "64")];

const fn row(fake: &'static str, seen: fn(&Value) -> bool) -> Row {
    Row { fake, settings: &[], seen }
}

fn restarts(status: &Value, reason: &str) -> u64 {
    status["bridge"]["restarts_by_reason"][reason].as_u64().unwrap_or(0)
}

fn counter(status: &Value, name: &str) -> u64 {
    status["counters"][name].as_u64().unwrap()
}

fn runs(status: &Value) -> bool {
    status["connected"] == true && status["bridge"]["state"] == "running" && status["bridge"]["restarts"] == 0
}

fn refused(status: &Value) -> bool {
    status["bridge"]["state"] == "refused" && status["bridge"]["pid"].is_null()
}

fn last_error(status: &Value, words: &str) -> bool {
    status["last_error"]["text"].as_str().is_some_and(|text| text.contains(words))
}

fn last_exit(status: &Value, text: &str) -> bool {
    status["bridge"]["last_exit"]["text"] == text
}

const ROWS: &[Row] = &[
    row("no-hello", |s| runs(s) && s["bridge"]["name"].is_null()),
    row("other-major", |s| refused(s) && s["bridge"]["restarts"] == 0 && last_error(s, "version 2 of the protocol")),
    row("other-major-and-gone", |s| refused(s) && last_error(s, "version 2 of the protocol")),
    Row {
        settings: IMPATIENT,
        ..row("silent", |s| {
            // Tried anew three times, then left alone and shown.
            restarts(s, "silent") == 3 && s["bridge"]["silent"] == true && last_error(s, "says nothing")
        })
    },
    row("garbage", |s| runs(s) && counter(s, "protocol_errors") == 4),
    row("long-line", |s| {
        runs(s) && counter(s, "protocol_errors") == 1 && last_error(s, "a line of 10485760 bytes was skipped")
    }),
    row("half-line", |s| {
        restarts(s, "crash") > 0 && s["messages_received"] == 0 && counter(s, "protocol_errors") > restarts(s, "crash")
    }),
    row("exits-0", |s| restarts(s, "clean") > 0 && last_exit(s, "ended by itself (code 0)")),
    row("exits-1", |s| restarts(s, "crash") > 0 && last_exit(s, "exited with code 1")),
    row("exits-137", |s| restarts(s, "crash") > 0 && last_exit(s, "exited with code 137")),
    row("killed", |s| restarts(s, "crash") > 0 && last_exit(s, "was killed by signal 9")),
    row("exits-78", |s| refused(s) && s["bridge"]["restarts"] == 0 && last_error(s, "settings can't work")),
    row("crash-loop", |s| {
        let told = s["bridge"]["retry_at"].is_string() && last_error(s, "press r");
        s["bridge"]["state"] == "breaker_open" && restarts(s, "crash") == 4 && told
    }),
    row("ignores-term", runs),
    Row { settings: IMPATIENT, ..row("never-reads", |s| restarts(s, "unresponsive") > 0) },
    row("floods-stderr", |s| runs(s) && counter(s, "log_lines_dropped") > 10_000),
    row("floods-stdout", |s| runs(s) && counter(s, "unknown_events") > 50_000),
    row("floods-garbage", |s| runs(s) && counter(s, "protocol_errors") > 50_000),
    row("grandchild", |s| restarts(s, "crash") > 0),
    row("grandchild-that-left", |s| restarts(s, "crash") > 0),
    row("invalid-utf8", |s| runs(s) && counter(s, "protocol_errors") == 2 && s["messages_received"] == 1),
    Row {
        settings: SMALL,
        ..row("grows", |s| restarts(s, "memory") > 0 && s["bridge"]["restarts"] == restarts(s, "memory"))
    },
];

/// A gateway with a bridge that misbehaves.
struct Fake {
    name: &'static str,
    place: Place,
    gateway: Gateway,
    mark: String,
}

impl Fake {
    async fn start(name: &'static str, settings: &[(&str, &str)]) -> Self {
        let place = Place::bare().await;
        let mark = format!("{name}-{}", place.home().display());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/whole/fake-bridge.sh");
        let env = [settings, &[("WA_FAKE", name), ("WA_FAKE_MARK", &mark)]].concat();
        let gateway = Gateway::start_with(&place, &["--bridge", script.to_str().unwrap()], &env).await;
        Self { name, place, gateway, mark }
    }

    /// Ends it, and checks what holds whatever the bridge did: memory and log are bounded, the end is in order, and no
    /// process is left.
    async fn end(self) {
        let Self { name, place, gateway, mark } = self;
        let most = peak_memory_kib(gateway.pid());
        assert!(most < MOST_KIB, "{name}: the program used {most} KiB");
        let status = gateway.end().await;
        assert!(status.success(), "{name}: {status}");
        let logs = std::fs::read_dir(place.data().join("logs")).unwrap();
        let bytes: u64 = logs.map(|file| file.unwrap().metadata().unwrap().len()).sum();
        assert!(bytes < MOST_LOG_BYTES, "{name}: {bytes} bytes were logged");
        let (strays, left): (Vec<_>, Vec<_>) =
            marked_processes(&mark).into_iter().partition(|pid| leads_a_session(*pid));
        assert!(left.is_empty(), "{name}: left behind: {left:?}");
        // What went into a session of its own can't be reached any more, only outlived.
        strays.into_iter().for_each(|pid| signal(pid, "KILL"));
    }
}

fn peak_memory_kib(pid: i64) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// The processes that have this mark in their environment. A process that has ended has none.
fn marked_processes(mark: &str) -> Vec<i64> {
    let mark = format!("WA_FAKE_MARK={mark}");
    let pids =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    pids.filter(|pid| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    })
    .collect()
}

fn leads_a_session(pid: i64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let session = stat.rsplit(')').next().and_then(|fields| fields.split_whitespace().nth(3));
    session == Some(pid.to_string().as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_bridge_does_it_is_seen_bounded_and_ended() {
    let mut rows = JoinSet::new();
    let mut names = HashMap::new();
    for Row { fake, settings, seen } in ROWS {
        let row = rows.spawn(async move {
            let fake = Fake::start(fake, settings).await;
            fake.gateway.until(seen).await;
            fake.end().await;
        });
        names.insert(row.id(), fake);
    }
    let mut failed: Vec<&str> = Vec::new();
    while let Some(row) = rows.join_next().await {
        failed.extend(row.err().map(|error| names[&error.id()]));
    }
    assert!(failed.is_empty(), "{failed:?}: see above");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_restart_closes_the_breaker() {
    let fake = Fake::start("crash-loop", &[]).await;
    fake.gateway.until(|s| s["bridge"]["state"] == "breaker_open").await;
    fake.gateway.post("/config", json!({"bridge": "default"})).await;
    let status = fake.gateway.until(|s| restarts(s, "crash") > 4).await;
    assert_ne!(status["bridge"]["state"], "breaker_open", "it is forgiven, not a mere probe");
    fake.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_of_the_base_level_that_does_not_read_is_noticed_by_its_full_pipe() {
    let fake = Fake::start("never-reads-at-base-level", IMPATIENT).await;
    fake.gateway.until(|s| s["connected"] == true).await;
    for to in ["+15551112222", "+15551113333"] {
        let sent = fake.gateway.post("/send", json!({"to": to, "text": "x".repeat(60_000)})).await;
        assert_eq!(sent.status, 202, "{}", sent.json);
    }
    fake.gateway.until(|s| restarts(s, "unresponsive") > 0).await;
    fake.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_is_drained_before_it_is_restarted_for_its_memory() {
    let fake = Fake::start("memory", SMALL).await;
    fake.gateway.until(|s| s["connected"] == true).await;
    let send = async |text: &str| fake.gateway.post("/send", json!({"to": "+15551112222", "text": text})).await;
    let first = send("the answer comes late").await.json["id"].as_str().unwrap().to_owned();
    fake.gateway.until(|s| s["bridge"]["state"] == "draining").await;
    let second = send("this one waits").await.json["id"].as_str().unwrap().to_owned();
    let status = fake.gateway.until(|s| restarts(s, "memory") == 1).await;
    assert_eq!(status["bridge"]["restarts"], 1, "{status}");
    let state = async |id: &str| fake.gateway.get(&format!("/messages/{id}")).await.json;
    let first = state(&first).await;
    assert_eq!((&first["state"], &first["attempts"]), (&json!("sent"), &json!(1)), "{first}");
    fake.gateway.until(|s| counter(s, "messages_sent") == 2).await;
    let second = state(&second).await;
    assert_eq!((&second["state"], &second["attempts"]), (&json!("sent"), &json!(1)), "{second}");
    fake.end().await;
}
