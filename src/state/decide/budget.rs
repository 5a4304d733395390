//! How often something drastic may be done within an hour.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Mono;

/// So often…
pub(super) const TIMES: usize = 3;

/// …within this time.
const WINDOW: Duration = Duration::from_secs(60 * 60);

/// What was done lately.
#[derive(Clone, Debug, Default)]
pub(super) struct Budget(VecDeque<Mono>);

impl Budget {
    /// Whether it may be done once more; if so, that is counted.
    pub(super) fn take(&mut self, now: Mono) -> bool {
        while self.0.front().is_some_and(|&at| now.since(at) > WINDOW) {
            self.0.pop_front();
        }
        let room = self.0.len() < TIMES;
        if room {
            self.0.push_back(now);
        }
        room
    }
}
