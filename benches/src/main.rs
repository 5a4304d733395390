//! Measures the real program, as its users meet it, and prints one table: `cargo run --release -p bench`.
//!
//! Each figure is the median of several runs, with the least and the most, beside the least that does the same work. A
//! bridge of a few lines, this same file, takes WhatsApp's place, so that the host alone is measured; the group `linking`
//! alone has the bundled bridge and the simulator.

mod bench;
mod figures;
mod limits;
mod machine;
mod process;
mod roles;
mod rows;
mod subject;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, bail};
use clap::Parser;

use crate::bench::Bench;
use crate::figures::{Record, comparison, insert, readme, table};
use crate::machine::Machine;
use crate::roles::Role;
use crate::rows::GROUPS;

#[derive(Parser)]
#[command(about = "Measures Pilothouse and prints a table; takes less than ten minutes")]
struct Arguments {
    /// Only these groups of rows: start, linking, rest, requests, streams, intake, lag, million.
    groups: Vec<String>,
    /// Fewer and shorter runs, and 50,000 messages instead of 1,000,000: for trying the harness.
    #[arg(long)]
    quick: bool,
    /// Also writes all values to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Also prints how many times the figures of this earlier file the new ones are.
    #[arg(long)]
    compare: Option<PathBuf>,
    /// Prints the README's table instead of the whole one.
    #[arg(long)]
    markdown: bool,
    /// Another program than the one that is built from here.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Measures nothing, and prints what an earlier run wrote to this file.
    #[arg(long, conflicts_with_all = ["groups", "quick", "program"])]
    show: Option<PathBuf>,
    /// Keeps the figures as those of the project: in its record, and as tables in its texts. Those of groups that were not
    /// measured are left out, so this is for all of them.
    #[arg(long, conflicts_with_all = ["groups", "quick"])]
    keep: bool,
}

/// The project's record, from its root.
const KEPT: &str = "benches/figures.json";

/// What draws a table.
type Table = fn(&Record) -> String;

/// The files of the project that have tables, and what draws them.
const TABLES: [(&str, Table); 2] = [("README.md", readme), ("benches/README.md", table)];

fn main() -> ExitCode {
    let result = match Role::given() {
        Ok(Some(role)) => role.run(),
        Ok(None) => measure(&Arguments::parse()),
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// All groups, or those that were named.
fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    if let Some(wrong) = arguments.groups.iter().find(|name| GROUPS.iter().all(|(known, _)| known != name)) {
        let known: Vec<_> = GROUPS.iter().map(|(name, _)| *name).collect();
        bail!("there is no group {wrong}; there are {}", known.join(", "));
    }
    // Before minutes are spent.
    let old = arguments.compare.as_deref().map(Record::read).transpose()?;
    let (record, failed) = match &arguments.show {
        Some(file) => (Record::read(file)?, Vec::new()),
        None => run(arguments)?,
    };
    if let Some(path) = &arguments.json {
        record.write(path)?;
    }
    print!("{}", if arguments.markdown { readme(&record) } else { table(&record) });
    if let Some(old) = old {
        print!("\n{}", comparison(&old, &record));
    }
    if !failed.is_empty() {
        bail!("these groups failed: {}", failed.join(", "));
    }
    if arguments.keep { keep(&record) } else { Ok(()) }
}

/// Writes the project's record, and the tables of it.
fn keep(record: &Record) -> anyhow::Result<()> {
    let root = subject::root();
    record.write(&root.join(KEPT))?;
    for (path, draw) in TABLES {
        let path = root.join(path);
        let file = std::fs::read_to_string(&path).with_context(|| format!("{} can't be read", path.display()))?;
        let file = insert(&file, &draw(record)).with_context(|| format!("{} has no place for it", path.display()))?;
        std::fs::write(&path, file).with_context(|| format!("{} can't be written", path.display()))?;
    }
    Ok(())
}

/// Measures. Returns which groups failed as well.
fn run(arguments: &Arguments) -> anyhow::Result<(Record, Vec<&'static str>)> {
    let program = match &arguments.program {
        Some(program) => program.canonicalize()?,
        None => subject::find_or_build("pilothouse")?,
    };
    let machine = Machine::here(&std::env::temp_dir(), &subject::root(), &program);
    let record = Record { machine, quick: arguments.quick, rows: Vec::new() };
    let mut bench = Bench { program, quick: arguments.quick, record };
    let mut failed = Vec::new();
    for (name, group) in GROUPS {
        if arguments.groups.is_empty() || arguments.groups.iter().any(|wanted| wanted == name) {
            eprintln!("{name}");
            let begin = Instant::now();
            // What was measured before, in minutes, is not to be lost.
            if let Err(error) = group(&mut bench) {
                eprintln!("  {name} failed: {error:#}");
                failed.push(name);
            }
            eprintln!("  {} s", begin.elapsed().as_secs());
        }
    }
    Ok((bench.record, failed))
}
