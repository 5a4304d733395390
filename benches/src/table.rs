//! Figures, as medians with their spread.

use std::fmt::Write;

/// One figure.
pub struct Row {
    what: &'static str,
    unit: &'static str,
    values: Vec<f64>,
    target: String,
}

impl Row {
    /// The values of several runs. `target` is the most that it may be, or empty.
    pub fn new(what: &'static str, unit: &'static str, mut values: Vec<f64>, target: &'static str) -> Self {
        values.sort_by(f64::total_cmp);
        let target = if target.is_empty() { String::new() } else { format!("≤ {target} {unit}") };
        Self { what, unit, values, target }
    }

    /// The same, when it is the more the better.
    pub fn at_least(self, target: &str) -> Self {
        Self { target: format!("≥ {target} {}", self.unit), ..self }
    }

    fn at(&self, part: f64) -> f64 {
        let last = self.values.len().saturating_sub(1);
        self.values.get((last as f64 * part).round() as usize).copied().unwrap_or(f64::NAN)
    }
}

/// All figures.
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// Adds a figure, and tells it to whoever waits.
    pub fn add(&mut self, row: Row) {
        eprintln!("  {}: {} {}", row.what, number(row.at(0.5)), row.unit);
        self.rows.push(row);
    }

    /// The table in Markdown.
    pub fn markdown(&self, machine: &str) -> String {
        let mut out = String::from("| | median | middle half | runs | target |\n| --- | ---: | ---: | ---: | ---: |\n");
        for row in &self.rows {
            let (unit, target) = (row.unit, &row.target);
            let (low, median, high) = (number(row.at(0.25)), number(row.at(0.5)), number(row.at(0.75)));
            let runs = row.values.len();
            let _ = writeln!(out, "| {} | {median} {unit} | {low} to {high} | {runs} | {target} |", row.what);
        }
        let _ = writeln!(out, "\n{machine}");
        out
    }
}

/// A number with about three significant digits.
fn number(value: f64) -> String {
    match value {
        v if v == 0.0 || v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v if v >= 0.1 => format!("{v:.2}"),
        v => format!("{v:.3}"),
    }
}
