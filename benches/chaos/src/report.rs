//! What a run did and found, as one table.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use crate::{Fault, Findings};

/// What a run did and found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The seed that repeats it.
    pub seed: u64,
    /// How long messages flowed.
    pub length: Duration,
    /// How often each fault came.
    pub faults: BTreeMap<Fault, usize>,
    /// Messages that contacts wrote.
    pub incoming: usize,
    /// Messages that the API accepted.
    pub outgoing: usize,
    /// Requests that were made again since their answer was lost.
    pub repeated: usize,
    /// Copies that reached contacts beyond the first: phones don't show them.
    pub copies: usize,
    /// Messages of the bridge that a contact could not decrypt and asked for again.
    pub unreadable: u64,
    /// The longest time from a kill until the program was connected again.
    pub recovery: Duration,
    /// What is wrong.
    pub findings: Findings,
}

impl Report {
    /// How many processes were killed.
    pub fn kills(&self) -> usize {
        self.faults.iter().filter(|(fault, _)| fault.is_kill()).map(|(_, count)| count).sum()
    }

    /// As a table of Markdown.
    pub fn markdown(&self) -> String {
        let mut rows: Vec<(String, String)> = Vec::new();
        let mut row = |name: &str, value: &dyn ToString| rows.push((name.to_owned(), value.to_string()));
        for fault in Fault::ALL {
            row(fault.name(), &self.faults.get(&fault).copied().unwrap_or_default());
        }
        row("messages from contacts", &self.incoming);
        row("messages to contacts", &self.outgoing);
        row("requests made again since the answer was lost", &self.repeated);
        row("copies that phones do not show", &self.copies);
        row("asked for again by contacts", &self.unreadable);
        row("longest time from a kill to connected, in seconds", &format!("{:.1}", self.recovery.as_secs_f64()));
        row("**lost**", &self.findings.lost.len());
        row("**doubled**", &self.findings.doubled.len());
        row("**overtaken**", &self.findings.overtaken.len());
        row("**told wrong**", &self.findings.untrue.len());
        let minutes = self.length.as_secs_f64() / 60.0;
        let mut table = format!("| {minutes:.1} minutes, seed {} | |\n| --- | ---: |\n", self.seed);
        for (name, value) in rows {
            let _ = writeln!(table, "| {name} | {value} |");
        }
        table
    }
}
