//! A bridge that is linked at once, tells some messages, and answers what it is asked.

use std::io::{BufRead, BufWriter, Write};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The variable that makes this program a bridge: how many messages it tells.
pub const MESSAGES: &str = "WA_BENCH_MESSAGES";

/// The variable that says how many of them it tells in a second; 0: all at once.
pub const RATE: &str = "WA_BENCH_RATE";

/// The variable that says whether it is linked, `true` or `false`.
pub const LINKED: &str = "WA_BENCH_LINKED";

/// How long it waits between two messages.
pub fn pace() -> Duration {
    let rate = std::env::var(RATE).ok().and_then(|rate| rate.parse().ok()).filter(|rate| *rate > 0);
    rate.map_or(Duration::ZERO, |rate: u32| Duration::from_secs(1) / rate)
}

/// Serves until stdin closes.
pub fn run(messages: u64, pace: Duration) -> anyhow::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let linked = std::env::var(LINKED).is_ok_and(|linked| linked == "true");
    let capabilities = ["ids", "receipts", "connection", "heartbeat"];
    let protocol = json!({"major": 1, "minor": 0});
    writeln!(
        out,
        "{}",
        json!({"type": "hello", "protocol": protocol, "bridge": "bench", "capabilities": capabilities})
    )?;
    out.flush()?;
    for line in std::io::stdin().lock().lines() {
        let command: Value = serde_json::from_str(&line?)?;
        match command["cmd"].as_str() {
            Some("connect") if linked => {
                let account = json!({"phone": "+15550009999"});
                writeln!(out, "{}", json!({"type": "connection", "state": "open", "account": account}))?;
                writeln!(out, "{}", json!({"type": "ready", "account": account}))?;
                let mut due = Instant::now();
                for n in 1..=messages {
                    writeln!(out, "{}", message(n))?;
                    if !pace.is_zero() {
                        out.flush()?;
                        due += pace;
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    }
                }
            }
            Some("send") => {
                let id = &command["messageId"];
                writeln!(out, "{}", json!({"type": "sent", "to": command["to"], "ok": true, "messageId": id}))?;
            }
            Some("ping") => writeln!(out, "{}", json!({"type": "pong", "id": command["id"], "lastFrameAgeMs": 1}))?,
            _ => {}
        }
        out.flush()?;
    }
    Ok(())
}

/// A hundred people write in turn.
fn message(n: u64) -> Value {
    let phone = format!("+1555111{:04}", n % 100);
    let id = format!("{}@s.whatsapp.net", &phone[1..]);
    json!({
        "type": "message", "from": phone, "body": format!("message {n}: the shipment has arrived, see you at nine"),
        "messageId": format!("3A{n:016X}"), "kind": "text", "fromMe": false, "timestampMs": 1_790_000_000_000 + n,
        "name": format!("Contact {}", n % 100), "chat": {"kind": "person", "id": id, "phone": phone},
    })
}
