//! The rows of the table, a file for each group.

mod intake;
mod lag;
mod linking;
mod million;
mod requests;
mod rest;
mod start;
mod streams;

use crate::bench::Bench;

/// A group: its name, and what measures it.
type Group = (&'static str, fn(&mut Bench) -> anyhow::Result<()>);

/// All groups, in the order of the table.
pub const GROUPS: [Group; 8] = [
    ("start", start::measure),
    ("linking", linking::measure),
    ("rest", rest::measure),
    ("requests", requests::measure),
    ("streams", streams::measure),
    ("intake", intake::measure),
    ("lag", lag::measure),
    ("million", million::measure),
];
