//! Values in their order.

use std::time::Duration;

/// The value that so great a part of the sorted values does not exceed: 0.5 is the median, 0.0 the least, 1.0 the most.
/// Not a number when there is none.
pub fn at(sorted: &[f64], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * part).round() as usize).copied().unwrap_or(f64::NAN)
}

/// Times in milliseconds, shortest first.
pub fn milliseconds(times: &[Duration]) -> Vec<f64> {
    let mut sorted: Vec<_> = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// A whole number with commas.
pub fn count(value: u64) -> String {
    with_commas(value as f64)
}

/// A number with about three significant digits, and commas in what is long.
pub fn number(value: f64) -> String {
    match value.abs() {
        v if !v.is_finite() => "?".to_owned(),
        0.0 => "0".to_owned(),
        v if v >= 1000.0 => {
            let digits = 10_f64.powi(v.log10().floor() as i32 - 2);
            with_commas((value / digits).round() * digits)
        }
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

fn with_commas(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n) % 3 == 0 && !out.ends_with('-') {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_values() {
        let values: Vec<_> = (0..=1_000).map(f64::from).collect();
        assert_eq!([0.0, 0.5, 0.99, 0.999, 1.0].map(|part| at(&values, part)), [0.0, 500.0, 990.0, 999.0, 1_000.0]);
        assert_eq!(at(&[3.0], 0.99), 3.0);
        assert!(at(&[], 0.5).is_nan());
    }

    #[test]
    fn times_are_sorted_in_milliseconds() {
        assert_eq!(milliseconds(&[Duration::from_millis(2), Duration::from_micros(500)]), [0.5, 2.0]);
    }

    #[test]
    fn numbers_have_three_digits() {
        let cases = [
            (0.0, "0"),
            (0.0123, "0.012"),
            (0.456, "0.46"),
            (12.34, "12.3"),
            (999.4, "999"),
            (11_234.0, "11,200"),
            (1_234_567.0, "1,230,000"),
            (f64::NAN, "?"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        assert_eq!([7, 1_000, 1_000_000].map(count), ["7", "1,000", "1,000,000"]);
    }
}
