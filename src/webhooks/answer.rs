//! What a receiver's answer means.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The receiver has it.
    Delivered,
    /// It is to be tried again.
    Failed {
        /// What went wrong, and what to do.
        why: Arc<str>,
        /// The delay that the receiver asks for.
        asked: Option<Duration>,
    },
    /// The receiver wants nothing more.
    Gone,
}

impl Outcome {
    /// An attempt that got no answer.
    pub(super) fn failed(why: impl Into<Arc<str>>) -> Self {
        Self::Failed { why: why.into(), asked: None }
    }

    /// What an answer with this status means, with the text of its `Retry-After`.
    pub(super) fn of(status: u16, retry_after: Option<&str>, now: Timestamp) -> Self {
        let why = match status {
            200..=299 => return Self::Delivered,
            410 => return Self::Gone,
            300..=399 => format!("it answered {status}: redirects are not followed; give the address that it leads to"),
            401 | 403 => format!("it answered {status}: see whether it has the webhook's secret"),
            404 => "it answered 404: see whether the address is right".to_owned(),
            _ => format!("it answered {status}"),
        };
        Self::Failed { why: why.into(), asked: retry_after.and_then(|text| delay(text, now)) }
    }
}

/// The delay of a `Retry-After`: seconds, or a date.
fn delay(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp::from_millis(date.as_millisecond()).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_2xx_is_delivered_and_only_410_is_the_end() {
        let now = Timestamp::default();
        for status in 100..600 {
            let outcome = Outcome::of(status, None, now);
            let same = match outcome {
                Outcome::Delivered => (200..300).contains(&status),
                Outcome::Gone => status == 410,
                Outcome::Failed { why, asked } => {
                    asked.is_none() && why.contains(&status.to_string()) && !(200..300).contains(&status)
                }
            };
            assert!(same, "{status}");
        }
    }

    #[test]
    fn the_delay_that_is_asked_for_is_in_seconds_or_until_a_date() {
        // 2026-09-21T14:13:20Z
        let now = Timestamp::from_millis(1_790_000_000_000);
        let asked = |text| match Outcome::of(503, Some(text), now) {
            Outcome::Failed { asked, .. } => asked.map(|asked| asked.as_secs()),
            Outcome::Delivered | Outcome::Gone => panic!(),
        };
        assert_eq!(asked("120"), Some(120));
        assert_eq!(asked("Mon, 21 Sep 2026 14:14:20 GMT"), Some(60));
        assert_eq!(asked("Mon, 21 Sep 2026 14:12:20 GMT"), Some(0), "it has passed");
        for text in ["", "soon", "-1", "1.5", "99999999999999999999999"] {
            assert_eq!(asked(text), None, "{text}");
        }
    }
}
