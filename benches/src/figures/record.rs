//! All figures of a run, as they are written to a file and read again.

use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::Row;
use crate::machine::Machine;

/// All figures of a run, and where they were measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Where.
    pub machine: Machine,
    /// Fewer and shorter runs than what is to be relied on.
    pub quick: bool,
    /// The figures, in the order in which they are told.
    pub rows: Vec<Row>,
}

impl Record {
    /// Adds a figure, and tells it to whoever waits.
    pub fn add(&mut self, row: Row) {
        eprintln!("  {}: {}", row.what, row.told());
        self.rows.push(row);
    }

    /// Reads what an earlier run wrote.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("{} can't be read", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is not what --json writes", path.display()))
    }

    /// Writes it for later runs.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        std::fs::write(path, text).with_context(|| format!("{} can't be written", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("figures.json");
        let rows = vec![
            Row::new("a.b", "a", "ms", vec![1.5, 0.1 + 0.2]).target(2.0),
            Row::new("c", "c", "/s", vec![7.0]).more_is_better().seed(1.0).limit("most", vec![9.0]),
        ];
        let record = Record { machine: Machine::default(), quick: true, rows };
        record.write(&path).unwrap();
        assert_eq!(Record::read(&path).unwrap(), record);
    }

    #[test]
    fn another_file_is_refused_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.json");
        std::fs::write(&path, "{}").unwrap();
        assert!(format!("{:#}", Record::read(&path).unwrap_err()).contains("other.json is not what --json writes"));
        assert!(format!("{:#}", Record::read(folder.path()).unwrap_err()).contains("can't be read"));
    }
}
