//! Figures over time, in rings of a fixed size: five minutes, an hour, a day.
//!
//! Nothing runs to move them on: where in time a bar stands follows from when it is looked at.

use crate::clock::Timestamp;

/// The time that graphs show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Range {
    /// 30 bars of 10 seconds.
    #[default]
    FiveMinutes,
    /// 60 bars of a minute.
    Hour,
    /// 96 bars of a quarter of an hour.
    Day,
}

impl Range {
    /// All of them, the shortest first.
    pub const ALL: [Self; 3] = [Self::FiveMinutes, Self::Hour, Self::Day];

    /// How long it is, in words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FiveMinutes => "5 min",
            Self::Hour => "1 h",
            Self::Day => "24 h",
        }
    }

    /// How long one bar is, in words.
    pub const fn bar_name(self) -> &'static str {
        match self {
            Self::FiveMinutes => "10 s",
            Self::Hour => "1 min",
            Self::Day => "15 min",
        }
    }

    /// How long one bar is, in milliseconds.
    pub const fn bar_ms(self) -> i64 {
        match self {
            Self::FiveMinutes => 10_000,
            Self::Hour => 60_000,
            Self::Day => 900_000,
        }
    }

    /// How long it is, in milliseconds.
    pub const fn ms(self) -> i64 {
        self.bar_ms() * self.bars() as i64
    }

    const fn bars(self) -> usize {
        match self {
            Self::FiveMinutes => 30,
            Self::Hour => 60,
            Self::Day => 96,
        }
    }

    /// The next longer one.
    #[must_use]
    pub const fn longer(self) -> Self {
        match self {
            Self::FiveMinutes => Self::Hour,
            Self::Hour | Self::Day => Self::Day,
        }
    }

    /// The next shorter one.
    #[must_use]
    pub const fn shorter(self) -> Self {
        match self {
            Self::Day => Self::Hour,
            Self::Hour | Self::FiveMinutes => Self::FiveMinutes,
        }
    }

    const fn place(self) -> usize {
        match self {
            Self::FiveMinutes => 0,
            Self::Hour => 1,
            Self::Day => 2,
        }
    }
}

/// What a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// How often something happened: a bar adds up.
    Count,
    /// How much of something there is: a bar is the most there was, and it stays until another figure comes.
    Level,
}

/// One figure over each of the times.
#[derive(Clone, Debug)]
pub struct Series {
    kind: Kind,
    rings: [Ring; 3],
    level: u32,
}

/// The bars of one time.
#[derive(Clone, Debug, Default)]
struct Ring {
    /// The bar with the number `n` stands at `n` modulo the length. Empty until something comes.
    bars: Vec<u32>,
    /// The number of the newest bar since the Unix epoch.
    newest: i64,
}

impl Series {
    /// Of what is counted.
    pub fn of_counts() -> Self {
        Self { kind: Kind::Count, rings: Default::default(), level: 0 }
    }

    /// Of what has a level.
    pub fn of_levels() -> Self {
        Self { kind: Kind::Level, ..Self::of_counts() }
    }

    /// So many more, now.
    pub fn count(&mut self, more: u32, now: Timestamp) {
        self.put(more, now, u32::saturating_add);
    }

    /// So much there is, now.
    pub fn set(&mut self, level: u32, now: Timestamp) {
        self.put(level, now, u32::max);
        self.level = level;
    }

    fn put(&mut self, value: u32, now: Timestamp, join: fn(u32, u32) -> u32) {
        for range in Range::ALL {
            let before = self.level;
            let Some(ring) = self.rings.get_mut(range.place()) else { continue };
            let bar = now.as_millis().div_euclid(range.bar_ms());
            if ring.bars.is_empty() {
                ring.bars = vec![0; range.bars()];
                ring.newest = bar;
            }
            let length = i64::try_from(ring.bars.len()).unwrap_or(1);
            let passed = bar.saturating_sub(ring.newest).clamp(0, length);
            for n in (bar - passed + 1)..=bar {
                if let Some(slot) = ring.slot(n) {
                    *slot = before;
                }
            }
            ring.newest = ring.newest.max(bar);
            if let Some(slot) = ring.slot(bar) {
                *slot = join(*slot, value);
            }
        }
    }

    /// The bars up to now, the oldest first, in at most so many columns: several bars may share one.
    pub fn bars(&self, range: Range, now: Timestamp, columns: usize) -> Vec<u32> {
        let all: Vec<u32> = self.all(range, now).collect();
        let each = all.len().div_ceil(columns.max(1)).max(1);
        let join = |chunk: &[u32]| match self.kind {
            Kind::Count => chunk.iter().fold(0, |sum: u32, n| sum.saturating_add(*n)),
            Kind::Level => chunk.iter().copied().max().unwrap_or(0),
        };
        all.rchunks(each).rev().map(join).collect()
    }

    /// The most in one bar.
    pub fn most(&self, range: Range, now: Timestamp) -> u32 {
        self.all(range, now).max().unwrap_or(0)
    }

    /// All bars are the same: time changes nothing.
    pub fn is_flat(&self, range: Range, now: Timestamp) -> bool {
        let first = self.all(range, now).next();
        self.all(range, now).all(|bar| Some(bar) == first)
    }

    fn all(&self, range: Range, now: Timestamp) -> impl Iterator<Item = u32> + '_ {
        let bar = now.as_millis().div_euclid(range.bar_ms());
        let length = i64::try_from(range.bars()).unwrap_or(1);
        let ring = self.rings.get(range.place());
        (bar - length + 1..=bar).map(move |n| match ring {
            Some(ring) if n <= ring.newest => ring.get(n),
            Some(_) | None => self.level,
        })
    }
}

impl Ring {
    fn place(&self, bar: i64) -> usize {
        let length = i64::try_from(self.bars.len()).unwrap_or(1).max(1);
        usize::try_from(bar.rem_euclid(length)).unwrap_or(0)
    }

    fn slot(&mut self, bar: i64) -> Option<&mut u32> {
        let place = self.place(bar);
        self.bars.get_mut(place)
    }

    /// The bar with this number, which is not newer than the newest.
    fn get(&self, bar: i64) -> u32 {
        let length = i64::try_from(self.bars.len()).unwrap_or(0);
        if bar <= self.newest - length { 0 } else { self.bars.get(self.place(bar)).copied().unwrap_or(0) }
    }
}

/// What the console keeps over time: 4 bytes for each of 186 bars, and so less than 4 kB in all.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// Messages that came in.
    pub received: Series,
    /// Messages of ours that WhatsApp took.
    pub sent: Series,
    /// Requests to the HTTP API.
    pub requests: Series,
    /// The resident memory of this process, in KiB.
    pub host: Series,
    /// That of the bridge, in KiB.
    pub bridge: Series,
    /// When this console began: what was before is not known here.
    pub since: Timestamp,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            received: Series::of_counts(),
            sent: Series::of_counts(),
            requests: Series::of_counts(),
            host: Series::of_levels(),
            bridge: Series::of_levels(),
            since: Timestamp::default(),
        }
    }
}

impl Traffic {
    /// Since when it is known what happened, when that is not all of this time.
    pub fn known_since(&self, range: Range, now: Timestamp) -> Option<Timestamp> {
        Some(self.since).filter(|since| now.as_millis().saturating_sub(since.as_millis()) < range.ms())
    }

    /// Nothing happened in this time: its passing is worth no drawing. Levels move on with what else is drawn.
    pub fn is_flat(&self, range: Range, now: Timestamp) -> bool {
        [&self.received, &self.sent, &self.requests].iter().all(|series| series.is_flat(range, now))
    }
}

/// A memory in bytes as KiB.
pub fn kib(bytes: Option<u64>) -> u32 {
    u32::try_from(bytes.unwrap_or(0) >> 10).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn seen(series: &Series, range: Range, seconds: i64) -> Vec<u32> {
        series.bars(range, at(seconds), 100)
    }

    #[test]
    fn what_is_counted_stands_where_it_happened_and_moves_on_by_itself() {
        let mut series = Series::of_counts();
        series.count(2, at(1_000));
        series.count(1, at(1_009));
        series.count(5, at(1_020));
        let bars = seen(&series, Range::FiveMinutes, 1_029);
        assert_eq!((bars.len(), &bars[27..]), (30, &[3, 0, 5][..]));
        let bars = seen(&series, Range::FiveMinutes, 1_040);
        assert_eq!(&bars[25..], &[3, 0, 5, 0, 0]);
        assert_eq!(seen(&series, Range::Hour, 1_040).iter().sum::<u32>(), 8);
        assert!(series.is_flat(Range::FiveMinutes, at(1_340)) && !series.is_flat(Range::Hour, at(1_340)));
        assert!(series.is_flat(Range::Day, at(1_340 + 86_400)));
    }

    #[test]
    fn a_level_stays_until_another_comes() {
        let mut series = Series::of_levels();
        series.set(7, at(1_000));
        series.set(4, at(1_030));
        assert_eq!(&seen(&series, Range::FiveMinutes, 1_055)[24..], &[7, 7, 7, 7, 4, 4][..]);
        assert!(series.is_flat(Range::FiveMinutes, at(2_000)));
        assert_eq!(series.most(Range::Day, at(2_000)), 7);
    }

    #[test]
    fn bars_share_columns_where_there_are_few() {
        let mut series = Series::of_counts();
        series.count(1, at(3_600));
        series.count(2, at(3_660));
        let bars = series.bars(Range::Hour, at(3_661), 20);
        assert_eq!((bars.len(), bars.last()), (20, Some(&3)));
    }

    proptest! {
        #[test]
        fn whatever_the_clock_does_nothing_is_counted_twice(
            steps in prop::collection::vec((-100_000_i64..400_000, 0_u32..10), 0..40), columns in 0_usize..200
        ) {
            let (mut series, mut now, mut total) = (Series::of_counts(), 1_000_000, 0);
            for (step, n) in steps {
                now += step;
                series.count(n, at(now));
                total += n;
                for range in Range::ALL {
                    let bars = series.bars(range, at(now), columns);
                    prop_assert!(bars.len() <= columns.max(1) && bars.iter().sum::<u32>() <= total);
                }
            }
        }
    }
}
