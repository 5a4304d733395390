//! How long answers take.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::state::ApiSample;

/// The percentiles are over so many answers.
const WINDOW: usize = 1_024;

/// Figures of the API.
#[derive(Debug, Default)]
pub struct ApiStats {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    requests: u64,
    /// The last answers' times in microseconds, in no order that matters. Grows up to [`WINDOW`].
    micros: Vec<u32>,
}

impl ApiStats {
    /// An answer took this long.
    pub fn answered(&self, took: Duration) {
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let at = usize::try_from(inner.requests).unwrap_or_default() % WINDOW;
        inner.requests += 1;
        match inner.micros.get_mut(at) {
            Some(slot) => *slot = micros,
            None => inner.micros.push(micros),
        }
    }

    /// The figures now. Percentiles are zero when nothing was answered yet.
    pub fn sample(&self) -> ApiSample {
        let (requests, mut micros) = {
            let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            (inner.requests, inner.micros.clone())
        };
        micros.sort_unstable();
        let at = |percent: usize| micros.get((micros.len() * percent / 100).min(micros.len().saturating_sub(1)));
        let value = |percent| at(percent).copied().map_or(0, u64::from);
        ApiSample { requests, p50_micros: value(50), p99_micros: value(99) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_over_the_last_answers() {
        let stats = ApiStats::default();
        assert_eq!(stats.sample(), ApiSample::default());
        for _ in 0..WINDOW {
            stats.answered(Duration::from_secs(9));
        }
        for micros in 1..=WINDOW as u64 {
            stats.answered(Duration::from_micros(micros));
        }
        let sample = stats.sample();
        assert_eq!(sample.requests, 2 * WINDOW as u64);
        assert_eq!((sample.p50_micros, sample.p99_micros), (513, 1014));
    }
}
