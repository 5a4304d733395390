//! Figures that are sampled every ten seconds, for those who watch.

use serde::{Deserialize, Serialize};

/// How this process and what hangs on it do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HostSample {
    /// The resident memory of this process in bytes.
    pub rss_bytes: Option<u64>,
    /// The HTTP API.
    pub api: ApiSample,
    /// How late the event loops run.
    pub event_loop_lag: LagSample,
    /// Who follows `/events`.
    pub event_streams: StreamsSample,
    /// How long messages of ours took.
    pub message_times: TimesSample,
    /// Lines of this program's own log that were not written, since the disk was too slow.
    pub log_lines_dropped: u64,
}

/// How the HTTP API does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ApiSample {
    /// Requests answered since the start.
    pub requests: u64,
    /// The median of the last answers' times, in microseconds.
    pub p50_micros: u64,
    /// The 99th percentile of the last answers' times, in microseconds.
    pub p99_micros: u64,
}

/// How late event loops run, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LagSample {
    /// This process's, when it was looked at last.
    pub host_ms: u64,
    /// The bridge's, as it last said; none: it says nothing of it.
    pub bridge_ms: Option<u64>,
}

/// Who follows `/events`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StreamsSample {
    /// How many streams are open.
    pub open: u64,
    /// How many events the one that is furthest behind has not gone over yet.
    pub behind: u64,
}

/// The bounds in milliseconds by which the times of messages are told apart. A message takes a moment when all is well,
/// and days when the phone of whom it is for is off.
pub const TIME_BOUNDS_MS: [u64; 16] = [
    100,
    250,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    30_000,
    60_000,
    5 * 60_000,
    15 * 60_000,
    60 * 60_000,
    6 * 60 * 60_000,
    24 * 60 * 60_000,
    3 * 24 * 60 * 60_000,
    7 * 24 * 60 * 60_000,
];

/// How many messages took no longer than each of [`TIME_BOUNDS_MS`], and longer than the bound before; the last: how many
/// took longer than all.
pub type TimesOfMessages = [u64; TIME_BOUNDS_MS.len() + 1];

/// How long messages of ours took, from their acceptance on, since the start of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TimesSample {
    /// To the acknowledgement of WhatsApp's server: how many took at most 0.1, 0.25, 0.5, 1, 2.5, 5, 10 and 30 seconds,
    /// 1, 5 and 15 minutes, 1, 6 and 24 hours, 3 and 7 days, and longer.
    pub until_sent: TimesOfMessages,
    /// To the recipient's phone, in the same way.
    pub until_delivered: TimesOfMessages,
}

/// Up to here a loop is as good as in time: a timer is a few milliseconds late on an idle machine as well.
const IN_TIME_MS: u64 = 10;

impl HostSample {
    /// Whether a console looks different with the other one. At rest nothing is drawn.
    pub fn looks_like(&self, other: &Self) -> bool {
        let (old, new) = (self.event_loop_lag, other.event_loop_lag);
        let bridge = match (old.bridge_ms, new.bridge_ms) {
            (Some(old), Some(new)) => same_lag(old, new),
            (old, new) => old == new,
        };
        let memory = !visibly_different(self.rss_bytes, other.rss_bytes);
        let rest = Self { rss_bytes: other.rss_bytes, event_loop_lag: new, ..*self };
        memory && bridge && same_lag(old.host_ms, new.host_ms) && rest == *other
    }
}

impl LagSample {
    /// A lag that is worth no figure.
    pub const fn is_in_time(ms: u64) -> bool {
        ms < IN_TIME_MS
    }
}

/// Two figures of memory differ by more than a sixteenth.
pub(super) fn visibly_different(old: Option<u64>, new: Option<u64>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => old.abs_diff(new) > old / 16,
        (old, new) => old != new,
    }
}

/// Both in time, or the same within a quarter.
const fn same_lag(old: u64, new: u64) -> bool {
    let in_time = LagSample::is_in_time(old) && LagSample::is_in_time(new);
    let crossed = LagSample::is_in_time(old) != LagSample::is_in_time(new);
    in_time || (!crossed && old.abs_diff(new) <= old / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_look_the_same_is_no_news() {
        let lag = |host_ms, bridge_ms| HostSample {
            event_loop_lag: LagSample { host_ms, bridge_ms },
            rss_bytes: Some(64 << 20),
            ..HostSample::default()
        };
        for (old, new, same) in [
            (lag(0, Some(1)), lag(9, Some(9)), true),
            (lag(9, None), lag(10, None), false),
            (lag(10, None), lag(9, None), false),
            (lag(100, None), lag(120, None), true),
            (lag(100, None), lag(130, None), false),
            (lag(0, Some(40)), lag(0, Some(90)), false),
            (lag(0, Some(0)), lag(0, None), false),
            (lag(0, None), HostSample { log_lines_dropped: 1, ..lag(0, None) }, false),
            (lag(0, None), HostSample { rss_bytes: Some(66 << 20), ..lag(0, None) }, true),
            (lag(0, None), HostSample { rss_bytes: Some(70 << 20), ..lag(0, None) }, false),
        ] {
            assert_eq!(old.looks_like(&new), same, "{old:?} {new:?}");
        }
    }
}
