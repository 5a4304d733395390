//! Figures that are added to from anywhere and read when somebody asks.
//!
//! All of them are atomics of a fixed size: adding to one neither waits nor takes memory, and nothing is done for them
//! while nothing happens. What they are called and how they are written down is the API's matter.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Something that is counted.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add_one(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// How many there were.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A figure that goes up and down and may be unknown.
#[derive(Debug)]
pub struct Gauge(AtomicU64);

impl Default for Gauge {
    fn default() -> Self {
        Self(AtomicU64::new(Self::UNKNOWN))
    }
}

impl Gauge {
    const UNKNOWN: u64 = u64::MAX;

    /// It is this now; none: it is not known.
    pub fn set(&self, value: Option<u64>) {
        self.0.store(value.unwrap_or(Self::UNKNOWN), Relaxed);
    }

    /// What it is, when that is known.
    pub fn get(&self) -> Option<u64> {
        Some(self.0.load(Relaxed)).filter(|value| *value != Self::UNKNOWN)
    }
}

/// How often something took how long.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [Duration],
    /// One for each bound, and one for what is above them all.
    buckets: Box<[AtomicU64]>,
    /// In microseconds, so that it lasts for half a million years.
    sum: AtomicU64,
}

/// What a [`Histogram`] held at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// For each bound in seconds, how many took no longer.
    pub buckets: Vec<(f64, u64)>,
    /// How many there were.
    pub count: u64,
    /// How long all of them took together, in seconds.
    pub sum: f64,
}

impl Histogram {
    /// An empty one with these upper bounds, which grow.
    pub fn new(bounds: &'static [Duration]) -> Self {
        Self { bounds, buckets: (0..=bounds.len()).map(|_| AtomicU64::default()).collect(), sum: AtomicU64::default() }
    }

    /// Something took this long.
    pub fn observe(&self, took: Duration) {
        let at = self.bounds.partition_point(|bound| *bound < took);
        if let Some(bucket) = self.buckets.get(at) {
            bucket.fetch_add(1, Relaxed);
            self.sum.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
        }
    }

    /// How many took no longer than each bound and longer than the one before; the one after the last bound: longer than
    /// all. Bounds beyond the length are left out, and what has none is zero.
    pub fn counts<const N: usize>(&self) -> [u64; N] {
        std::array::from_fn(|at| self.buckets.get(at).map_or(0, |bucket| bucket.load(Relaxed)))
    }

    /// What it holds now.
    pub fn read(&self) -> Distribution {
        let mut count = 0;
        let mut below = self.buckets.iter().map(|bucket| {
            count += bucket.load(Relaxed);
            count
        });
        let buckets = self.bounds.iter().map(Duration::as_secs_f64).zip(&mut below).collect();
        let all = below.next();
        Distribution {
            buckets,
            count: all.unwrap_or_default(),
            sum: Duration::from_micros(self.sum.load(Relaxed)).as_secs_f64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_as_long_as_a_bound_is_within_it() {
        const BOUNDS: &[Duration] = &[Duration::from_millis(1), Duration::from_secs(1)];
        let histogram = Histogram::new(BOUNDS);
        assert_eq!(histogram.read(), Distribution { buckets: vec![(0.001, 0), (1.0, 0)], count: 0, sum: 0.0 });
        for micros in [0, 1_000, 1_001, 1_000_000, 1_000_001, 5_000_000] {
            histogram.observe(Duration::from_micros(micros));
        }
        assert_eq!(histogram.read(), Distribution { buckets: vec![(0.001, 2), (1.0, 4)], count: 6, sum: 7.002_002 });
        assert_eq!((histogram.counts(), histogram.counts()), ([2, 2, 2], [2, 2, 2, 0]));
        histogram.observe(Duration::MAX);
        assert_eq!(histogram.read().count, 7);
    }

    #[test]
    fn a_gauge_is_unknown_until_it_is_set_and_when_it_is_taken_back() {
        let gauge = Gauge::default();
        assert_eq!(gauge.get(), None);
        gauge.set(Some(0));
        assert_eq!(gauge.get(), Some(0));
        gauge.set(None);
        assert_eq!(gauge.get(), None);
    }
}
