//! Time: the only place that reads the system's clocks.
//!
//! Everything that decides gets a [`Now`] passed in, so that it can be tested without waiting.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in wall-clock time, in milliseconds since the Unix epoch.
///
/// It is serialized as an RFC 3339 string in UTC with milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The timestamp `ms` milliseconds after the Unix epoch.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The time from `earlier` to `self`; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// This time and `duration` after it.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This time and `duration` before it.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or_default()
    }

    /// `HH:MM:SS` in the given time zone.
    pub fn clock_time(self, zone: &jiff::tz::TimeZone) -> String {
        let t = self.to_jiff().to_zoned_datetime(zone.clone());
        format!("{:02}:{:02}:{:02}", t.hour(), t.minute(), t.second())
    }

    /// `YYYY-MM-DD` in the given time zone.
    pub fn calendar_date(self, zone: &jiff::tz::TimeZone) -> String {
        self.to_jiff().to_zoned_datetime(zone.clone()).date().to_string()
    }

    /// As HTTP's headers have it (RFC 9110, IMF-fixdate), to the second.
    pub fn to_http(self) -> String {
        self.to_jiff().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.to_jiff())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let t: jiff::Timestamp = text.parse().map_err(serde::de::Error::custom)?;
        Ok(Self(t.as_millisecond()))
    }
}

#[cfg(test)]
impl schemars::JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "A time as RFC 3339 has it, in UTC, with milliseconds.",
            "examples": ["2026-09-21T14:13:20.000Z"],
        })
    }
}

/// A point in monotonic time, counted from the start of the process: it never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(Duration);

impl Mono {
    /// The point `since_start` after the process started.
    pub const fn new(since_start: Duration) -> Self {
        Self(since_start)
    }

    /// The time since the process started.
    pub const fn elapsed(self) -> Duration {
        self.0
    }

    /// The point `duration` later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }

    /// The time from `earlier` to `self`; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Both clocks, read together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// What the calendar says; may jump.
    pub wall: Timestamp,
    /// Time since the start; never jumps.
    pub mono: Mono,
}

/// Reads the clocks. Cheap to copy; all copies count from the same start.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock whose monotonic time starts now.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// What the clocks show now.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { wall: Timestamp(i64::try_from(wall.as_millis()).unwrap_or(i64::MAX)), mono: self.mono() }
    }

    /// The monotonic one alone, for taking the time of something.
    pub fn mono(&self) -> Mono {
        Mono(self.start.elapsed())
    }

    /// The standard library's instant for a monotonic point, for timers.
    pub fn instant(&self, at: Mono) -> Instant {
        self.start + at.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_written_as_rfc_3339_and_read_back() {
        let t = Timestamp::from_millis(1_790_000_000_123);
        let text = serde_json::to_string(&t).unwrap();
        assert_eq!(text, "\"2026-09-21T14:13:20.123Z\"");
        assert_eq!(serde_json::from_str::<Timestamp>(&text).unwrap(), t);
    }

    #[test]
    fn a_timestamp_is_written_as_http_has_it() {
        assert_eq!(Timestamp::from_millis(784_111_777_999).to_http(), "Sun, 06 Nov 1994 08:49:37 GMT");
        let _ = Timestamp::from_millis(i64::MAX).to_http();
    }

    #[test]
    fn a_timestamp_out_of_the_calendar_does_not_panic() {
        for ms in [i64::MIN, i64::MAX] {
            let _ = Timestamp::from_millis(ms).to_string();
        }
        assert_eq!(Timestamp::from_millis(1).since(Timestamp::from_millis(2)), Duration::ZERO);
    }
}
