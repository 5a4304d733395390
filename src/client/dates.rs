//! Times and spans as people read them.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::clock::Timestamp;

/// A time of a document; none: there is none.
pub(super) fn time(document: &Value, pointer: &str) -> Option<Timestamp> {
    serde_json::from_value(document.pointer(pointer)?.clone()).ok()
}

/// A time here, to the second: `2026-11-25 09:30:00`.
pub(super) fn local(at: Timestamp, zone: &TimeZone) -> String {
    format!("{} {}", at.calendar_date(zone), at.clock_time(zone))
}

/// How long something lasts, in the two largest units.
pub(super) fn span(time: Duration) -> String {
    let of = |large: u64, unit: &str, small: u64, less: &str| match small {
        0 => format!("{large} {unit}"),
        small => format!("{large} {unit} {small} {less}"),
    };
    match time.as_secs() {
        s @ 0..120 => format!("{s} s"),
        s @ 120..3_600 => of(s / 60, "min", s % 60, "s"),
        s @ 3_600..86_400 => of(s / 3_600, "h", s / 60 % 60, "min"),
        s => of(s / 86_400, "d", s / 3_600 % 24, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_their_two_largest_units() {
        let of = |s| span(Duration::from_secs(s));
        assert_eq!(
            [0, 119, 120, 3_599, 3_600, 90_000].map(of),
            ["0 s", "119 s", "2 min", "59 min 59 s", "1 h", "1 d 1 h"]
        );
    }
}
