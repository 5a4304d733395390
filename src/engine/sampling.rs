//! When figures are taken: often while something happens, and at rest with a timer that wakes the loop anyway.
//!
//! Waking up is most of what a process at rest costs: its memory has left the caches of the processor.

use std::time::Duration;

use crate::clock::Mono;

/// How often, while something happens. At rest no more often.
const OFTEN: Duration = Duration::from_secs(10);

/// When no timer wakes the loop. A bridge is asked for a sign of life more often, unless it gives none.
const AT_REST: Duration = Duration::from_secs(30);

/// When figures are taken next.
#[derive(Debug)]
pub(super) struct Sampling {
    last: Mono,
    due: Mono,
    /// Nothing has happened since the last time.
    quiet: bool,
}

impl Sampling {
    /// Figures are to be taken at once.
    pub(super) fn start(now: Mono) -> Self {
        Self { last: now, due: now, quiet: false }
    }

    /// When they are to be taken at the latest.
    pub(super) fn due(&self) -> Mono {
        self.due
    }

    /// Something happened that figures may tell of.
    pub(super) fn busy(&mut self, now: Mono) {
        if std::mem::take(&mut self.quiet) {
            self.due = self.due.min(self.last.plus(OFTEN)).max(now);
        }
    }

    /// Whether they are to be taken with a timer that wakes the loop now.
    pub(super) fn goes_with_timer(&self, now: Mono) -> bool {
        self.quiet && now.since(self.last) >= OFTEN
    }

    /// They are taken now.
    pub(super) fn taken(&mut self, now: Mono) {
        *self = Self { last: now, due: now.plus(AT_REST), quiet: true };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono::default().plus(Duration::from_secs(seconds))
    }

    #[test]
    fn figures_are_taken_every_ten_seconds_while_something_happens() {
        let mut sampling = Sampling::start(at(5));
        assert_eq!(sampling.due(), at(5), "at once");
        sampling.taken(at(5));
        sampling.busy(at(7));
        sampling.busy(at(8));
        assert_eq!(sampling.due(), at(15));
        assert!(!sampling.goes_with_timer(at(16)), "the one that is set tells how late the loop is");
        sampling.taken(at(16));
        assert_eq!(sampling.due(), at(46));
        sampling.busy(at(40));
        assert_eq!(sampling.due(), at(40), "that it is late is not the loop's fault");
    }

    #[test]
    fn at_rest_they_go_with_a_timer_that_wakes_the_loop_anyway() {
        let mut sampling = Sampling::start(at(0));
        assert!(!sampling.goes_with_timer(at(20)), "they are due, and that is no rest");
        sampling.taken(at(0));
        assert!(!sampling.goes_with_timer(at(9)));
        assert!(sampling.goes_with_timer(at(20)));
        sampling.taken(at(20));
        assert_eq!(sampling.due(), at(50), "without any");
    }
}
