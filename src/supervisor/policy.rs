//! When a bridge that ended is started again. Pure: time and randomness are passed in.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Mono;

/// The times and counts of a [`Policy`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// The pause after a first failure; it doubles with each further one.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// A run that lasted this long was healthy: the next failure counts as a first one.
    pub healthy_after: Duration,
    /// So many failures…
    pub breaker_failures: usize,
    /// …within this time open the breaker.
    pub breaker_window: Duration,
    /// With the breaker open, the bridge is tried again only after this time.
    pub breaker_pause: Duration,
    /// So often a bridge that gives no sign of life is replaced…
    pub lifeless_budget: usize,
    /// …within this time.
    pub lifeless_window: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(60),
            healthy_after: Duration::from_secs(60),
            breaker_failures: 5,
            breaker_window: Duration::from_secs(120),
            breaker_pause: Duration::from_secs(300),
            lifeless_budget: 3,
            lifeless_window: Duration::from_secs(60 * 60),
        }
    }
}

/// What to do after a run that ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next {
    /// Start again after this pause.
    After(Duration),
    /// Too many failures: try once after this pause, or when the operator asks.
    BreakerOpen(Duration),
}

/// Exponential backoff with jitter, and a circuit breaker.
///
/// The streak of failures ends with a run that was healthy, not with a start: a bridge that dies young each time is
/// not restarted faster for having started.
#[derive(Clone, Debug)]
pub struct Policy {
    limits: Limits,
    streak: u32,
    failures: VecDeque<Mono>,
    /// When bridges were ended since they gave no sign of life.
    lifeless: VecDeque<Mono>,
}

impl Policy {
    /// A policy without failures so far.
    pub fn new(limits: Limits) -> Self {
        Self { limits, streak: 0, failures: VecDeque::new(), lifeless: VecDeque::new() }
    }

    /// A run ended at `now` after `ran_for`. `jitter` is a random number from 0 to 1: the pause is shortened by up to
    /// a quarter, so that many gateways don't start again at once.
    pub fn ended(&mut self, now: Mono, ran_for: Duration, jitter: f64) -> Next {
        if ran_for >= self.limits.healthy_after {
            self.streak = 0;
            self.failures.clear();
        }
        self.failures.push_back(now);
        while self.failures.front().is_some_and(|&at| now.since(at) > self.limits.breaker_window) {
            self.failures.pop_front();
        }
        if self.failures.len() >= self.limits.breaker_failures {
            return self.open_breaker(now);
        }
        let doubled = self.limits.first_pause.saturating_mul(1 << self.streak.min(16));
        self.streak += 1;
        let pause = doubled.min(self.limits.longest_pause);
        Next::After(pause.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 4.0))
    }

    /// A run was ended at `now` since it gave no sign of life. It was not healthy, however long it ran.
    pub fn lifeless(&mut self, now: Mono, jitter: f64) -> Next {
        let within_budget = self.may_end_the_lifeless(now);
        if self.lifeless.len() >= self.limits.lifeless_budget {
            self.lifeless.pop_front();
        }
        self.lifeless.push_back(now);
        if within_budget { self.ended(now, Duration::ZERO, jitter) } else { self.open_breaker(now) }
    }

    /// Whether a bridge that gives no sign of life may be replaced without opening the breaker.
    pub fn may_end_the_lifeless(&self, now: Mono) -> bool {
        let lately = self.lifeless.iter().filter(|&&at| now.since(at) <= self.limits.lifeless_window);
        lately.count() < self.limits.lifeless_budget
    }

    fn open_breaker(&mut self, now: Mono) -> Next {
        // The probe that follows counts as one failure more, so that a single one opens the breaker again.
        let failures = self.limits.breaker_failures.saturating_sub(1);
        self.failures = std::iter::repeat_n(now.plus(self.limits.breaker_pause), failures).collect();
        Next::BreakerOpen(self.limits.breaker_pause)
    }

    /// The operator asked for a start: whatever failed before is forgiven.
    pub fn operator_restarted(&mut self) {
        self.streak = 0;
        self.failures.clear();
        self.lifeless.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHORT: Duration = Duration::from_secs(1);

    fn at(seconds: u64) -> Mono {
        Mono::new(Duration::from_secs(seconds))
    }

    fn pause(next: Next) -> Duration {
        match next {
            Next::After(pause) | Next::BreakerOpen(pause) => pause,
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut policy = Policy::new(Limits { breaker_failures: 100, ..Limits::default() });
        let pauses: Vec<_> = (0..10).map(|n| pause(policy.ended(at(n), SHORT, 0.0)).as_millis()).collect();
        assert_eq!(pauses, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    }

    #[test]
    fn a_healthy_run_ends_the_streak_and_a_mere_start_does_not() {
        let mut policy = Policy::new(Limits::default());
        policy.ended(at(0), SHORT, 0.0);
        assert_eq!(policy.ended(at(1), SHORT, 0.0), Next::After(Duration::from_secs(1)));
        assert_eq!(policy.ended(at(90), Duration::from_secs(60), 0.0), Next::After(Duration::from_millis(500)));
    }

    #[test]
    fn five_failures_in_two_minutes_open_the_breaker_and_one_more_opens_it_again() {
        let mut policy = Policy::new(Limits::default());
        for n in 0..4 {
            assert!(matches!(policy.ended(at(n), SHORT, 0.0), Next::After(_)));
        }
        assert_eq!(policy.ended(at(4), SHORT, 0.0), Next::BreakerOpen(Duration::from_secs(300)));
        assert!(matches!(policy.ended(at(305), SHORT, 0.0), Next::BreakerOpen(_)));
        policy.operator_restarted();
        assert_eq!(policy.ended(at(306), SHORT, 0.0), Next::After(Duration::from_millis(500)));
    }

    #[test]
    fn a_bridge_without_a_sign_of_life_is_replaced_within_a_budget_and_then_the_breaker_opens() {
        let mut policy = Policy::new(Limits::default());
        for n in 0..3 {
            assert!(policy.may_end_the_lifeless(at(n * 200)));
            assert!(matches!(policy.lifeless(at(n * 200), 0.0), Next::After(_)), "{n}");
        }
        assert!(!policy.may_end_the_lifeless(at(3_600)));
        assert_eq!(policy.lifeless(at(3_600), 0.0), Next::BreakerOpen(Duration::from_secs(300)));
        assert!(matches!(policy.lifeless(at(3_900), 0.0), Next::BreakerOpen(_)), "the probe failed");
        policy.operator_restarted();
        assert!(policy.may_end_the_lifeless(at(3_902)));
    }

    #[test]
    fn failures_far_apart_do_not_open_the_breaker() {
        let mut policy = Policy::new(Limits::default());
        assert!((0..50).all(|n| matches!(policy.ended(at(n * 40), SHORT, 0.0), Next::After(_))));
    }

    proptest! {
        #[test]
        fn a_pause_is_never_zero_and_never_longer_than_the_breakers(
            runs in proptest::collection::vec((0_u64..100_000, 0_u64..200, 0.0_f64..=1.0), 1..60)
        ) {
            let mut policy = Policy::new(Limits::default());
            for (now, ran, jitter) in runs {
                let pause = pause(policy.ended(at(now), Duration::from_secs(ran), jitter));
                prop_assert!(pause >= Duration::from_millis(375) && pause <= Duration::from_secs(300));
            }
        }
    }
}
