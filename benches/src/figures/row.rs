//! One figure.

use serde::{Deserialize, Serialize};

use super::spread::{at, number};

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// The less the better.
    Less,
    /// The more the better.
    More,
}

/// What a figure can be at best: the least that does the same work, measured in the same run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// What that is.
    pub what: String,
    /// What each run gave, in the unit of the figure, least first.
    pub values: Vec<f64>,
}

impl Limit {
    /// The median.
    pub fn median(&self) -> f64 {
        at(&self.values, 0.5)
    }
}

/// One figure, as several runs gave it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// By what it is found again in an earlier record. It never changes.
    pub key: String,
    /// What was measured.
    pub what: String,
    /// In which unit.
    pub unit: String,
    /// Which way is better.
    pub better: Better,
    /// The value of each run, least first.
    pub values: Vec<f64>,
    /// What it is to be at most, or at least.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<f64>,
    /// The figure to beat.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seed: Option<f64>,
    /// What it can be at best.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<Limit>,
}

impl Row {
    /// The values of several runs, of which less is better.
    pub fn new(key: &str, what: &str, unit: &str, mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let (key, what, unit) = (key.to_owned(), what.to_owned(), unit.to_owned());
        Self { key, what, unit, better: Better::Less, values, target: None, seed: None, limit: None }
    }

    /// The same, of which more is better.
    pub fn more_is_better(self) -> Self {
        Self { better: Better::More, ..self }
    }

    /// What it is to be at most, or at least where more is better.
    pub fn target(self, target: f64) -> Self {
        Self { target: Some(target), ..self }
    }

    /// The figure to beat.
    pub fn seed(self, seed: f64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// What it can be at best, as the values of several runs.
    pub fn limit(self, what: &str, mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self { limit: Some(Limit { what: what.to_owned(), values }), ..self }
    }

    /// The median.
    pub fn median(&self) -> f64 {
        at(&self.values, 0.5)
    }

    /// The median with its unit.
    pub fn told(&self) -> String {
        self.with_unit(self.median())
    }

    /// The least and the most.
    pub fn spread(&self) -> String {
        let [low, high] = [0.0, 1.0].map(|part| number(at(&self.values, part)));
        if low == high { low } else { format!("{low} to {high}") }
    }

    /// The target with its unit, or nothing.
    pub fn told_target(&self) -> String {
        let sign = match self.better {
            Better::Less => '≤',
            Better::More => '≥',
        };
        self.target.map_or_else(String::new, |target| format!("{sign} {}", self.with_unit(target)))
    }

    /// Whether the target is reached; none: there is none, or nothing was measured.
    pub fn reached(&self) -> Option<bool> {
        let (target, median) = (self.target?, self.median());
        if median.is_nan() {
            return None;
        }
        Some(match self.better {
            Better::Less => median <= target,
            Better::More => median >= target,
        })
    }

    /// The figure to beat with its unit, or nothing.
    pub fn told_seed(&self) -> String {
        self.seed.map_or_else(String::new, |seed| self.with_unit(seed))
    }

    /// How close it is to its limit, or nothing.
    pub fn told_limit(&self) -> String {
        let Some(limit) = &self.limit else { return String::new() };
        let least = limit.median();
        let value = self.with_unit(least);
        match (self.better, least == 0.0) {
            (_, true) => format!("{}: {value}", limit.what),
            (Better::Less, false) => format!("{} × {}: {value}", number(self.median() / least), limit.what),
            (Better::More, false) => {
                format!("{} % of {}: {value}", number(self.median() / least * 100.0), limit.what)
            }
        }
    }

    fn with_unit(&self, value: f64) -> String {
        let space = if self.unit.is_empty() || self.unit.starts_with('/') { "" } else { " " };
        format!("{}{space}{}", number(value), self.unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_median_spread_and_how_far_it_is_from_target_and_limit() {
        let row = Row::new("k", "memory", "MB", vec![9.0, 8.0, 10.0]).target(8.0).seed(8.0).limit("tokio", vec![3.0]);
        assert_eq!((row.told().as_str(), row.spread().as_str()), ("9.00 MB", "8.00 to 10.0"));
        assert_eq!((row.told_target().as_str(), row.reached()), ("≤ 8.00 MB", Some(false)));
        assert_eq!(row.told_limit(), "3.00 × tokio: 3.00 MB");
        let row = Row::new("k", "rate", "/s", vec![50_000.0]).more_is_better().target(40_000.0);
        let row = row.limit("axum", vec![100_000.0]);
        assert_eq!((row.told_target().as_str(), row.reached()), ("≥ 40,000/s", Some(true)));
        assert_eq!(row.told_limit(), "50.0 % of axum: 100,000/s");
    }

    #[test]
    fn what_was_not_measured_reaches_nothing() {
        assert_eq!(Row::new("k", "w", "ms", vec![]).target(1.0).reached(), None);
        assert_eq!(Row::new("k", "w", "ms", vec![]).told_limit(), "");
    }
}
