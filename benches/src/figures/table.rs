//! Tables in Markdown, with columns that also line up in a terminal.

use super::{Record, Row};

/// All figures.
pub fn table(record: &Record) -> String {
    let rows = record.rows.iter().map(|row| {
        let runs = row.values.len().to_string();
        vec![row.what.clone(), row.told(), row.spread(), runs, target(row), row.told_limit()]
    });
    let table = draw(&["", "median", "least to most", "runs", "wanted", "of its limit"], rows);
    format!("{table}\n{}\n", about(record))
}

/// The figures that are claimed: those with a target or with a figure to beat. For the README.
pub fn readme(record: &Record) -> String {
    let claimed = record.rows.iter().filter(|row| row.target.is_some() || row.seed.is_some());
    let rows = claimed
        .map(|row| vec![row.what.clone(), row.told(), row.spread(), row.told_seed(), target(row), row.told_limit()]);
    let table = draw(&["", "median", "least to most", "to beat", "wanted", "of its limit"], rows);
    format!("{table}\n{}\n", about(record))
}

fn target(row: &Row) -> String {
    let missed = if row.reached() == Some(false) { ": not reached" } else { "" };
    format!("{}{missed}", row.told_target())
}

fn about(record: &Record) -> String {
    let quick = if record.quick { " Measured with --quick: too short to be relied on." } else { "" };
    format!("{}.{quick}", record.machine.line())
}

/// Where tables are in a file: what is between these lines is written by `--keep`.
const MARKS: [&str; 2] = ["<!-- written by `bench --keep` -->\n", "<!-- until here -->\n"];

/// A file with another table in the place of the one that it has; none: it has no place for one.
pub fn insert(file: &str, table: &str) -> Option<String> {
    let (before, rest) = file.split_once(MARKS[0])?;
    let (_, after) = rest.split_once(MARKS[1])?;
    Some(format!("{before}{}\n{table}\n{}{after}", MARKS[0], MARKS[1]))
}

/// A table in Markdown. The first column is text, the last one too, the others are numbers.
pub(super) fn draw(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows: Vec<_> = rows.collect();
    let mut widths: Vec<_> = head.iter().map(|cell| cell.chars().count().max(1)).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let last = head.len().saturating_sub(1);
    let is_text = |column: usize| column == 0 || column == last;
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if is_text(column) { format!(" {cell:<width$} |") } else { format!(" {cell:>width$} |") }
        });
        format!("|{}\n", cells.collect::<String>())
    };
    let rule = widths.iter().enumerate().map(|(column, width)| {
        let dashes = "-".repeat(*width);
        if is_text(column) { format!(" {dashes} |") } else { format!(" {}: |", &dashes[..width.saturating_sub(1)]) }
    });
    let head: Vec<_> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let body: String = rows.iter().map(|row| line(row)).collect();
    format!("{}|{}\n{body}", line(&head), rule.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;

    fn record() -> Record {
        let rows = vec![
            Row::new("a", "memory", "MB", vec![9.0]).target(8.0).limit("tokio", vec![3.0]),
            Row::new("b", "how often", "/s", vec![1.0, 2.0, 4.0]).more_is_better(),
        ];
        Record { machine: Machine::default(), quick: true, rows }
    }

    #[test]
    fn columns_line_up_and_a_missed_target_is_said() {
        let text = table(&record());
        let lines: Vec<_> = text.lines().collect();
        let widths: Vec<_> = lines[..4].iter().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
        assert!(lines[2].contains("≤ 8.00 MB: not reached | 3.00 × tokio: 3.00 MB |"), "{text}");
        assert!(lines[3].contains(" 2.00/s |  1.00 to 4.00 |    3 |"), "{text}");
        assert!(text.ends_with("--quick: too short to be relied on.\n"), "{text}");
    }

    #[test]
    fn the_readme_has_what_is_claimed() {
        let text = readme(&record());
        assert!(text.contains("memory") && !text.contains("how often"), "{text}");
    }

    #[test]
    fn a_table_takes_the_place_of_the_one_before_it() {
        let [begin, end] = MARKS;
        let file = format!("a\n{begin}old\n{end}b\n");
        let new = insert(&file, "| t |\n").unwrap();
        assert_eq!(new, format!("a\n{begin}\n| t |\n\n{end}b\n"));
        assert_eq!(insert(&new, "| t |\n").unwrap(), new);
        assert_eq!(insert("a\n", "t"), None);
    }

    /// Nobody writes figures by hand.
    #[test]
    fn the_tables_of_the_project_are_of_its_record() {
        let root = crate::subject::root();
        let record = Record::read(&root.join(crate::KEPT)).unwrap();
        assert!(!record.quick);
        for (path, draw) in crate::TABLES {
            let file = std::fs::read_to_string(root.join(path)).unwrap();
            assert!(
                insert(&file, &draw(&record)).is_some_and(|new| new == file),
                "bench --show {} --keep",
                crate::KEPT
            );
        }
    }
}
