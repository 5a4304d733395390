//! How fast messages are handed out: fast senders get their numbers banned.
//!
//! A token bucket, kept as the time at which it will be full (the generic cell rate algorithm): no tick, no rounding.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::{Mono, Timestamp};

/// How fast messages may be handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// So many a minute in the long run; 0: as fast as they come.
    pub per_minute: u32,
    /// So many at once after a pause; at least one.
    pub burst: u32,
}

/// What is shown of the pace while it makes messages wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PacingView {
    /// When the next message goes.
    pub next_send_at: Timestamp,
    /// How many messages wait for their turn.
    pub waiting: usize,
}

/// A token bucket.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket {
    pace: Pace,
    /// When all tokens will be back.
    full_at: Mono,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(pace: Pace) -> Self {
        Self { pace, full_at: Mono::default() }
    }

    /// One from which tokens were taken at these times by a process that ended: a restart is no new burst. The clock of
    /// this process begins `now`.
    pub(super) fn resumed(pace: Pace, now: Timestamp, taken: impl IntoIterator<Item = Timestamp>) -> Self {
        let mut bucket = Self::new(pace);
        let mut taken: Vec<_> = taken.into_iter().map(|at| at.min(now)).collect();
        taken.sort_unstable();
        let full_at = taken.into_iter().fold(None, |full: Option<Timestamp>, at| {
            let start = full.map_or(at, |full| full.max(at));
            Some(start.plus(bucket.interval()))
        });
        bucket.full_at = full_at.map_or_else(Mono::default, |at| Mono::default().plus(at.since(now)));
        bucket
    }

    /// Goes on at another pace. What has gone counts on: a change is no new burst.
    pub(super) fn change(&mut self, pace: Pace, now: Mono) {
        let interval = self.interval();
        let owed = if interval.is_zero() { 0.0 } else { self.full_at.since(now).div_duration_f64(interval) };
        self.pace = pace;
        self.full_at = now.plus(self.interval().mul_f64(owed.min(f64::from(u32::MAX))));
    }

    /// The time for which one token takes to come back.
    fn interval(&self) -> Duration {
        Duration::from_secs(60).checked_div(self.pace.per_minute).unwrap_or_default()
    }

    /// The time at which there is a token; in the past when there is one already.
    pub(super) fn next_at(&self) -> Mono {
        let others = self.interval().saturating_mul(self.pace.burst.saturating_sub(1));
        Mono::new(self.full_at.elapsed().saturating_sub(others))
    }

    /// Takes a token, whether there is one or not.
    pub(super) fn take(&mut self, now: Mono) {
        self.full_at = self.full_at.max(now).plus(self.interval());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: u64) -> Mono {
        Mono::new(Duration::from_millis(ms))
    }

    /// When so many messages go out that wait since `start`, in milliseconds.
    fn times(bucket: &mut Bucket, start: u64, count: usize) -> Vec<u64> {
        let mut now = at(start);
        let go = |_| {
            now = now.max(bucket.next_at());
            bucket.take(now);
            u64::try_from(now.elapsed().as_millis()).unwrap()
        };
        (0..count).map(go).collect()
    }

    #[test]
    fn after_a_burst_they_go_evenly_and_after_a_pause_there_is_a_burst_again() {
        let mut bucket = Bucket::new(Pace { per_minute: 30, burst: 3 });
        assert_eq!(times(&mut bucket, 0, 5), [0, 0, 0, 2_000, 4_000]);
        assert_eq!(times(&mut bucket, 7_000, 3), [7_000, 8_000, 10_000], "one had come back");
        assert_eq!(
            times(&mut bucket, 600_000, 4),
            [600_000, 600_000, 600_000, 602_000],
            "no more than a burst is saved"
        );
    }

    #[test]
    fn a_restart_is_no_new_burst() {
        let wall = |ms| Timestamp::from_millis(1_000_000 + ms);
        let pace = Pace { per_minute: 30, burst: 3 };
        let resumed = |taken: &[i64]| Bucket::resumed(pace, wall(0), taken.iter().copied().map(wall));
        assert_eq!(times(&mut resumed(&[]), 0, 4), [0, 0, 0, 2_000]);
        assert_eq!(times(&mut resumed(&[-500, -900, -700]), 0, 2), [1_100, 3_100]);
        assert_eq!(times(&mut resumed(&[-60_000]), 0, 4), [0, 0, 0, 2_000]);
        assert_eq!(times(&mut resumed(&[3_600_000]), 0, 3), [0, 0, 2_000], "the clock was set back");
        let none = Bucket::resumed(Pace::default(), wall(0), [wall(0)]);
        assert!(none.next_at() <= at(0));
    }

    #[test]
    fn another_pace_is_no_new_burst_and_holds_at_once() {
        let mut bucket = Bucket::new(Pace { per_minute: 30, burst: 3 });
        assert_eq!(times(&mut bucket, 0, 4), [0, 0, 0, 2_000]);
        bucket.change(Pace { per_minute: 60, burst: 3 }, at(2_000));
        assert_eq!(times(&mut bucket, 2_000, 2), [3_000, 4_000]);
        bucket.change(Pace { per_minute: 60, burst: 5 }, at(4_000));
        assert_eq!(times(&mut bucket, 4_000, 3), [4_000, 4_000, 5_000], "a larger burst has room for more");
        bucket.change(Pace { per_minute: 0, burst: 1 }, at(5_000));
        assert_eq!(times(&mut bucket, 5_000, 3), [5_000; 3]);
        bucket.change(Pace { per_minute: 1, burst: 1 }, at(5_000));
        assert_eq!(times(&mut bucket, 5_000, 2), [5_000, 65_000]);
    }

    #[test]
    fn without_a_pace_nothing_waits() {
        let mut bucket = Bucket::new(Pace { per_minute: 0, burst: 0 });
        assert_eq!(times(&mut bucket, 5, 100), [5; 100]);
        let mut bucket = Bucket::new(Pace { per_minute: 60, burst: 0 });
        assert_eq!(times(&mut bucket, 0, 3), [0, 1_000, 2_000], "a burst is one at least");
    }

    proptest! {
        #[test]
        fn no_minute_has_more_than_the_rate_and_a_burst(
            per_minute in 1_u32..200, burst in 1_u32..50, pauses in proptest::collection::vec(0_u64..40_000, 1..200),
        ) {
            let mut bucket = Bucket::new(Pace { per_minute, burst });
            let (mut now, mut sent) = (0, vec![]);
            for pause in pauses {
                now = times(&mut bucket, now + pause / 8, 1)[0];
                sent.push(now);
            }
            for (n, start) in sent.iter().enumerate() {
                let within = sent[n..].iter().take_while(|t| **t < start + 60_000).count();
                prop_assert!(within <= (per_minute + burst) as usize, "{within} after {start}");
            }
        }
    }
}
