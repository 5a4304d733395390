//! This run beside an earlier one.

use super::spread::{at, number};
use super::table::draw;
use super::{Better, Record, Row};

/// A table of the figures that both runs have: how many times the old one the new one is, and what that means. A change
/// counts when the runs of the two do not overlap.
pub fn comparison(old: &Record, new: &Record) -> String {
    let rows = new.rows.iter().filter_map(|row| {
        let before = old.rows.iter().find(|before| before.key == row.key)?;
        let ratio = row.median() / before.median();
        Some(vec![row.what.clone(), before.told(), row.told(), number(ratio), verdict(before, row).to_owned()])
    });
    let table = draw(&["", "before", "now", "ratio", ""], rows);
    format!("{table}\nbefore: {}\nnow: {}\n", old.machine.line(), new.machine.line())
}

fn verdict(before: &Row, now: &Row) -> &'static str {
    let less = at(&now.values, 1.0) < at(&before.values, 0.0);
    let more = at(&now.values, 0.0) > at(&before.values, 1.0);
    match (less, more, now.better) {
        (true, _, Better::Less) | (_, true, Better::More) => "better",
        (true, _, Better::More) | (_, true, Better::Less) => "worse",
        (false, false, _) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;

    fn record(rows: Vec<Row>) -> Record {
        Record { machine: Machine::default(), quick: false, rows }
    }

    #[test]
    fn ratios_are_of_the_same_figures_and_say_what_is_worse() {
        let ms = |key, values: &[f64]| Row::new(key, key, "ms", values.to_vec());
        let old = record(vec![ms("a", &[1.0, 2.0]), ms("gone", &[1.0]), ms("b", &[4.0]).more_is_better()]);
        let new = record(vec![ms("a", &[1.9, 3.0]), ms("b", &[2.0]).more_is_better(), ms("new", &[1.0])]);
        let table = comparison(&old, &new);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines[2], "| a | 2.00 ms | 3.00 ms |  1.50 |       |");
        assert_eq!(lines[3], "| b | 4.00 ms | 2.00 ms |  0.50 | worse |");
        assert_eq!(lines[4], "");
    }

    #[test]
    fn a_change_within_the_spread_is_none() {
        let ms = |values: &[f64]| Row::new("a", "a", "ms", values.to_vec());
        assert_eq!(verdict(&ms(&[1.0, 2.0]), &ms(&[1.5, 9.0])), "");
        assert_eq!(verdict(&ms(&[1.0, 2.0]), &ms(&[2.5, 9.0])), "worse");
        assert_eq!(verdict(&ms(&[1.0, 2.0]), &ms(&[0.5, 0.9])), "better");
    }
}
