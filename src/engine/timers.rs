//! Timers: what wakes the engine later.

use std::collections::BTreeSet;

use crate::clock::{Clock, Mono};
use crate::state::TimerId;

/// The timers that are set. Nothing is taken back: a stale timer says itself that it is.
#[derive(Debug, Default)]
pub(super) struct Timers {
    set: BTreeSet<Entry>,
    count: u64,
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    at: Mono,
    /// Tells timers of the same moment apart.
    number: u64,
    timer: TimerId,
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl Timers {
    pub(super) fn set(&mut self, timer: TimerId, at: Mono) {
        self.count += 1;
        self.set.insert(Entry { at, number: self.count, timer });
    }

    /// Waits until a timer is due, and returns for when it was set; for ever when none is set. Cancel-safe.
    pub(super) async fn fired(&self, clock: &Clock) -> Mono {
        let Some(Entry { at, .. }) = self.set.first() else { return std::future::pending().await };
        tokio::time::sleep_until(clock.instant(*at).into()).await;
        *at
    }

    /// Takes out the timers that are due.
    pub(super) fn take(&mut self, now: Mono) -> impl Iterator<Item = TimerId> + '_ {
        std::iter::from_fn(move || {
            let due = self.set.first().is_some_and(|entry| entry.at <= now);
            due.then(|| self.set.pop_first().map(|entry| entry.timer)).flatten()
        })
    }
}
