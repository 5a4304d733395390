//! The clock: messages, codes and signatures go by it.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

use super::{Check, programs};
use crate::clock::Timestamp;
use crate::config::Config;

/// This program was made after that: the 1st of January 2026.
const MADE_AFTER: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// So much between two clocks is no rounding.
const MUCH: Duration = Duration::from_secs(60);

pub(super) async fn look(config: &Config, status: Option<&Value>, now: Timestamp) -> Option<Check> {
    let written = std::fs::metadata(config.data_dir.join("pilothouse.db")).and_then(|meta| meta.modified()).ok();
    let written = written.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let written = written.map(|since| Timestamp::from_millis(0).plus(since));
    let wrong = judged(now, written, status);
    if wrong.is_some() {
        return wrong;
    }
    let synchronized = programs::says("timedatectl", &["show", "--property=NTPSynchronized", "--value"]).await;
    Some(match synchronized.as_deref() {
        Some("yes") => Check::good("clock", format!("{now}, kept right over the network")),
        Some("no") => {
            let mend = "timedatectl set-ntp true; codes and QRs run out by the clock";
            Check::warning("clock", format!("{now}, and nothing keeps it right"), mend)
        }
        // How far it is from WhatsApp's can't be told: WhatsApp names no time.
        Some(_) | None => Check::note("clock", format!("{now}; whether it is right can't be told here")),
    })
}

/// What is wrong for certain.
fn judged(now: Timestamp, written: Option<Timestamp>, status: Option<&Value>) -> Option<Check> {
    let mend = "set the clock (timedatectl set-ntp true), then restart the gateway";
    if now < MADE_AFTER {
        return Some(Check::failure("clock", format!("it says {now}, which is over"), mend));
    }
    if let Some(written) = written.filter(|at| at.since(now) > MUCH) {
        return Some(Check::warning(
            "clock",
            format!("it says {now}, and the database was written at {written}"),
            mend,
        ));
    }
    // One of these goes by the calendar and the other does not.
    let started: Timestamp = serde_json::from_value(status?["started_at"].clone()).ok()?;
    let by_run = started.plus(Duration::from_secs(status?["uptime_seconds"].as_u64()?));
    let jumped = now.since(by_run).max(by_run.since(now));
    (jumped > MUCH).then(|| {
        let found = format!("it was set by {} s since the gateway started, or the computer slept", jumped.as_secs());
        Check::note("clock", found)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Level;
    use super::*;

    #[test]
    fn a_clock_that_can_not_be_right_is_told() {
        let now = Timestamp::from_millis(1_790_000_000_000);
        let hour = Duration::from_secs(3_600);
        let level = |now, written, status: Option<&Value>| judged(now, written, status).map(|check| check.level);
        assert_eq!(level(now, Some(now), None), None);
        assert_eq!(level(Timestamp::from_millis(0), None, None), Some(Level::Failure));
        assert_eq!(level(now, Some(now.plus(hour)), None), Some(Level::Warning));
        let status = |uptime: u64| json!({ "started_at": now.minus(hour), "uptime_seconds": uptime });
        assert_eq!(level(now, None, Some(&status(3_600))), None);
        assert_eq!(level(now, None, Some(&status(10))), Some(Level::Note));
        assert_eq!(level(now, None, Some(&Value::Null)), None);
    }
}
