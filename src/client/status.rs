//! `pilothouse status`: how the gateway does.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::Value;

use super::out::{Style, text};
use super::{Client, Failure, Out, dates};
use crate::clock::{Clock, Timestamp};

/// The columns of the labels.
const LABEL: usize = 12;

/// Prints the state of everything.
///
/// # Errors
/// [`Failure::Told`] with the code of [`Failure::NotNow`] when WhatsApp is not connected, so that a script needs no more.
pub(super) async fn run(client: &Client, out: &mut Out, clock: Clock) -> Result<(), Failure> {
    let status = client.get("/status").await?;
    if out.json {
        out.document(&status)?;
    } else {
        for (label, value) in lines(&status, clock.now().wall, &TimeZone::system()) {
            let value = out.rest_of_line(&value, LABEL);
            let style = if label == "WhatsApp" { headline(&status) } else { None };
            let value = style.map(|style| out.styled(style, &value)).unwrap_or(value);
            let label = out.styled(Style::Dim, &format!("{label:LABEL$}"));
            out.line(&format!("{label}{value}"))?;
        }
    }
    if status["connected"] == true { Ok(()) } else { Err(Failure::Told(Failure::NotNow(String::new()).code())) }
}

fn headline(status: &Value) -> Option<Style> {
    match status.pointer("/connection/state").and_then(Value::as_str)? {
        "open" => Some(Style::Green),
        "closed" | "logged_out" | "down" => Some(Style::Red),
        _ => Some(Style::Yellow),
    }
}

fn lines(status: &Value, now: Timestamp, zone: &TimeZone) -> Vec<(&'static str, String)> {
    let mut lines = vec![("WhatsApp", connection(status, now))];
    let account = [text(status, "/account/phone", 40), text(status, "/account/name", 60)];
    let account = account.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    lines.push(("Account", if account.is_empty() { "none linked".to_owned() } else { account }));
    match status["pairing"].as_str() {
        Some("qr") => lines.push(("Link", "there is a QR to scan: `pilothouse qr`".to_owned())),
        Some("code") => lines.push(("Link", "a pairing code waits to be typed on the phone".to_owned())),
        Some(_) => lines.push(("Link", "the owner's passkey is asked for: see the console".to_owned())),
        None => {}
    }
    let count = |name: &str| status.pointer(&format!("/counters/messages_{name}")).and_then(Value::as_u64).unwrap_or(0);
    let mut messages = format!("{} in, {} out", count("received"), count("sent"));
    for (name, word) in [("failed", "failed"), ("expired", "not sent in time")] {
        if count(name) > 0 {
            messages.push_str(&format!(", {} {word}", count(name)));
        }
    }
    lines.push(("Messages", messages));
    lines.push(("Waiting", waiting(status, now)));
    if status["restriction"].is_object() {
        let until = dates::time(status, "/restriction/until").map(|at| dates::local(at, zone)).unwrap_or_default();
        lines.push(("Restricted", format!("until {until}: {}", text(status, "/restriction/text", 300))));
    }
    lines.push(("Bridge", bridge(status)));
    if status.pointer("/store/state").and_then(Value::as_str) == Some("failing") {
        lines.push(("Database", format!("can't be written: {}", text(status, "/store/reason", 300))));
    }
    let up = Duration::from_secs(status["uptime_seconds"].as_u64().unwrap_or(0));
    lines.push(("Gateway", format!("up {}{}", dates::span(up), memory(status, "/host/rss_bytes"))));
    if status["last_error"].is_object() {
        let at = dates::time(status, "/last_error/at").map(|at| dates::local(at, zone)).unwrap_or_default();
        lines.push(("Last error", format!("{at} {}", text(status, "/last_error/text", 400))));
    }
    lines
}

fn connection(status: &Value, now: Timestamp) -> String {
    let state = match text(status, "/connection/state", 30).as_str() {
        "open" => "connected".to_owned(),
        "linking" => "waits for somebody to link it".to_owned(),
        "unverified" => "connected, but nothing has come from WhatsApp for some time".to_owned(),
        "logged_out" => "logged out by the phone; link it again".to_owned(),
        "passkey" => "waits for the owner's passkey".to_owned(),
        state => state.replace('_', " "),
    };
    let since = dates::time(status, "/connection/since").map(|at| format!(" for {}", dates::span(now.since(at))));
    let reason = text(status, "/connection/reason/text", 300);
    let reason = if reason.is_empty() { reason } else { format!(": {reason}") };
    format!("{state}{}{reason}", since.unwrap_or_default())
}

fn waiting(status: &Value, now: Timestamp) -> String {
    let queue = status["queue"].as_u64().unwrap_or(0);
    let next = dates::time(status, "/pacing/next_send_at").filter(|at| *at > now);
    let next = next.map(|at| format!(", the next one goes in {}", dates::span(at.since(now)))).unwrap_or_default();
    match queue {
        1 => format!("1 message{next}"),
        n => format!("{n} messages{next}"),
    }
}

fn bridge(status: &Value) -> String {
    let mut line = text(status, "/bridge/state", 30).replace('_', " ");
    let name = text(status, "/bridge/name", 40);
    if !name.is_empty() {
        line = format!("{name}, {line}");
    }
    match status["bridge_restarts"].as_u64().unwrap_or(0) {
        0 => {}
        1 => line.push_str(", restarted once"),
        n => line.push_str(&format!(", restarted {n} times")),
    }
    line + &memory(status, "/bridge/rss_bytes")
}

fn memory(status: &Value, pointer: &str) -> String {
    let bytes = status.pointer(pointer).and_then(Value::as_u64);
    bytes.map(|bytes| format!(", {}.{} MiB", bytes >> 20, ((bytes & 0xf_ffff) * 10) >> 20)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn shown(status: &Value) -> String {
        lines(status, NOW, &TimeZone::UTC)
            .into_iter()
            .map(|(label, value)| format!("{label:LABEL$}{value}\n"))
            .collect()
    }

    #[test]
    fn what_is_wrong_is_said_and_what_is_not_there_is_left_out() {
        let well = json!({
            "connected": true, "connection": {"state": "open", "since": "2026-09-21T12:13:20.000Z"}, "uptime_seconds": 7_300,
            "account": {"phone": "+584244370180", "name": "Ana\u{1b}[31m"}, "queue": 1, "bridge_restarts": 1,
            "counters": {"messages_received": 3, "messages_sent": 2}, "host": {"rss_bytes": 8_388_608},
            "bridge": {"state": "running", "name": "baileys", "rss_bytes": null},
            "pacing": {"next_send_at": "2026-09-21T14:13:22.000Z"},
        });
        assert_eq!(
            shown(&well),
            "WhatsApp    connected for 2 h\n\
             Account     +584244370180 Ana␛[31m\n\
             Messages    3 in, 2 out\n\
             Waiting     1 message, the next one goes in 2 s\n\
             Bridge      baileys, running, restarted once\n\
             Gateway     up 2 h 1 min, 8.0 MiB\n"
        );
        let ill = shown(&json!({
            "connection": {"state": "closed", "reason": {"text": "the network is gone"}}, "pairing": "qr",
            "counters": {"messages_failed": 2}, "bridge": {"state": "backing_off"},
            "store": {"state": "failing", "reason": "the disk is full"},
            "last_error": {"at": "2026-09-21T14:13:20.000Z", "text": "it broke"},
        }));
        for words in [
            "closed: the network is gone",
            "none linked",
            "pilothouse qr",
            "2 failed",
            "backing off",
            "can't be written: the disk is full",
            "2026-09-21 14:13:20 it broke",
        ] {
            assert!(ill.contains(words), "{words}: {ill}");
        }
        shown(&Value::Null);
    }
}
