//! Processes that do next to nothing: what no program can do with less.

use std::io::Write;

/// Waits on the runtime that the program uses, until it is killed.
pub(super) fn run() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(std::future::pending())
}

/// Draws one line, and waits until it is killed.
pub(super) fn one_line() -> anyhow::Result<()> {
    println!("q quit");
    std::io::stdout().flush()?;
    run()
}
