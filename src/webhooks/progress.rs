//! How far a webhook has come, and when it goes on.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// The delay after the first failure. Each further one doubles it.
const FIRST_DELAY: Duration = Duration::from_secs(5);

/// The longest delay: a receiver that is back is found within an hour.
pub(super) const LONGEST_DELAY: Duration = Duration::from_secs(60 * 60);

/// How long one event is tried before the webhook is parked.
const PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// A webhook's place in the journal. It is kept on disk: after a restart it goes on from here.
///
/// One event is under way at a time, since a receiver is told everything in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Everything up to this number has arrived, or was not wanted.
    pub cursor: u64,
    /// What it is doing about the next.
    pub state: State,
}

/// What a webhook is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// It sends what comes.
    #[default]
    Going,
    /// The next event failed, and is tried again.
    Retrying {
        /// Since when.
        since: Timestamp,
        /// How often it failed.
        failures: u32,
        /// When it is tried again.
        due: Timestamp,
        /// What went wrong the last time.
        why: Arc<str>,
    },
    /// It was tried for long enough, and waits for the operator.
    Parked(Parked),
}

/// A webhook that waits for the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// When it was parked.
    pub at: Timestamp,
    /// How often the event failed.
    pub failures: u32,
    /// What went wrong the last time, and what to do.
    pub why: Arc<str>,
}

impl Progress {
    /// At this place.
    pub fn after(cursor: u64) -> Self {
        Self { cursor, state: State::Going }
    }

    /// When the next event may be tried; none: not before the operator says so.
    pub fn due(&self) -> Option<Timestamp> {
        match &self.state {
            State::Going => Some(Timestamp::from_millis(0)),
            State::Retrying { due, .. } => Some(*due),
            State::Parked(_) => None,
        }
    }

    /// The event with this number has arrived, or is not wanted. An old number is nothing new.
    pub fn passed(&mut self, seq: u64) {
        if seq > self.cursor {
            *self = Self::after(seq);
        }
    }

    /// The next event did not arrive.
    ///
    /// `asked` is the delay that the receiver asked for with `Retry-After`; `chance`, from 0 to 1, spreads the attempts
    /// of many, so that a receiver that comes back is not met by all at once.
    pub fn failed(&mut self, why: Arc<str>, asked: Option<Duration>, now: Timestamp, chance: f64) {
        let (since, failures) = match &self.state {
            State::Going => (now, 1),
            State::Retrying { since, failures, .. } => (*since, failures.saturating_add(1)),
            State::Parked(_) => return,
        };
        if now.since(since) >= PATIENCE {
            return self.park(failures, why, now);
        }
        let delay = delay(failures, chance).max(asked.unwrap_or_default().min(LONGEST_DELAY));
        self.state = State::Retrying { since, failures, due: now.plus(delay), why };
    }

    /// The receiver wants nothing more (410), or can't be what is meant: trying again does not help.
    pub fn refused(&mut self, why: Arc<str>, now: Timestamp) {
        let failures = match &self.state {
            State::Going => 1,
            State::Retrying { failures, .. } => failures.saturating_add(1),
            State::Parked(_) => return,
        };
        self.park(failures, why, now);
    }

    fn park(&mut self, failures: u32, why: Arc<str>, at: Timestamp) {
        self.state = State::Parked(Parked { at, failures, why });
    }

    /// The operator wants it to go on at once, from where it is or from an earlier place.
    pub fn resume(&mut self, from: Option<u64>) {
        *self = Self::after(from.map_or(self.cursor, |from| from.min(self.cursor)));
    }

    /// How many numbers of the journal it is behind, when the last one is `head`.
    pub fn lag(&self, head: u64) -> u64 {
        head.saturating_sub(self.cursor)
    }
}

/// The delay after so many failures: at least half of its step, at most all of it.
fn delay(failures: u32, chance: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let step = FIRST_DELAY.saturating_mul(1 << doublings).min(LONGEST_DELAY);
    let chance = if chance.is_finite() { chance.clamp(0.0, 1.0) } else { 1.0 };
    step.mul_f64(0.5 + chance / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn failing(progress: &mut Progress, now: Timestamp, chance: f64) {
        progress.failed("503".into(), None, now, chance);
    }

    /// The delays, in seconds, of a webhook that never arrives, until it is parked.
    fn delays(chance: f64) -> Vec<u64> {
        let (mut progress, mut now, mut delays) = (Progress::after(7), NOW, Vec::new());
        failing(&mut progress, now, chance);
        while let Some(due) = progress.due() {
            delays.push(due.since(now).as_secs());
            now = due;
            failing(&mut progress, now, chance);
        }
        assert_eq!(progress.cursor, 7, "it keeps its place");
        delays
    }

    #[test]
    fn delays_double_up_to_an_hour_and_end_after_a_day() {
        let longest = delays(1.0);
        assert_eq!(longest[..5], [5, 10, 20, 40, 80]);
        assert_eq!(longest.iter().max(), Some(&3_600));
        assert!((86_400..=90_000).contains(&longest.iter().sum::<u64>()), "{longest:?}");
        assert_eq!(delays(0.0)[..4], [2, 5, 10, 20], "spread over half of the step");
        for chance in [f64::NAN, f64::INFINITY, -1.0, 2.0] {
            let delay = delay(u32::MAX, chance);
            assert!(delay >= LONGEST_DELAY / 2 && delay <= LONGEST_DELAY, "{chance}");
        }
    }

    #[test]
    fn what_arrives_is_forgotten_as_a_failure_and_an_old_number_changes_nothing() {
        let mut progress = Progress::after(7);
        failing(&mut progress, NOW, 1.0);
        let retrying = progress.clone();
        progress.passed(7);
        assert_eq!(progress, retrying, "told again by an attempt that was thought lost");
        progress.passed(8);
        assert_eq!((progress.clone(), progress.due().unwrap() <= NOW, progress.lag(10)), (Progress::after(8), true, 2));
        failing(&mut progress, NOW, 1.0);
        assert_eq!(progress.due(), Some(NOW.plus(FIRST_DELAY)), "the delay begins anew");
    }

    #[test]
    fn the_receivers_own_delay_counts_within_reason() {
        let due = |asked| {
            let mut progress = Progress::default();
            progress.failed("429".into(), Some(Duration::from_secs(asked)), NOW, 1.0);
            progress.due().unwrap().since(NOW).as_secs()
        };
        assert_eq!([due(0), due(60), due(1_000_000)], [5, 60, 3_600]);
    }

    #[test]
    fn a_parked_webhook_waits_for_the_operator_and_goes_on_from_where_he_says() {
        let mut progress = Progress::after(7);
        progress.refused("410".into(), NOW);
        let parked = progress.clone();
        assert!(matches!(&parked.state, State::Parked(Parked { failures: 1, .. })) && parked.due().is_none());
        failing(&mut progress, NOW, 1.0);
        progress.refused("410".into(), NOW.plus(PATIENCE));
        assert_eq!(progress, parked, "an attempt that was still under way changes nothing");
        for (from, cursor) in [(None, 7), (Some(3), 3), (Some(9), 7)] {
            let mut progress = parked.clone();
            progress.resume(from);
            assert_eq!(progress, Progress::after(cursor), "nothing is left out");
        }
    }

    #[test]
    fn it_is_the_same_after_a_restart() {
        let mut progress = Progress::after(7);
        for change in [
            Progress::passed as fn(&mut Progress, u64),
            |p, _| failing(p, NOW, 0.5),
            |p, _| p.refused("410".into(), NOW),
        ] {
            change(&mut progress, 8);
            let text = serde_json::to_string(&progress).unwrap();
            assert_eq!(serde_json::from_str::<Progress>(&text).unwrap(), progress, "{text}");
        }
    }
}
