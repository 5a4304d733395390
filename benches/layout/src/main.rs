//! Finds out which code of the program runs, and writes the linker's script that places it together: see `build.rs`.
//!
//! `cargo run --release -p layout`, with valgrind and binutils installed. It builds the program with its names, runs it
//! under callgrind without and with a console, and writes `benches/layout/warm.ld`.

mod names;
mod runs;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

fn main() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let (program, bridge) = built(&root)?;
    let folder = tempfile::tempdir()?;
    let headless = runs::headless(&program, &bridge, folder.path())?;
    let console = runs::console(&program, &bridge, folder.path())?;
    let functions = names::functions(&program)?;
    let script = names::script(&functions, &headless, &console);
    let file = root.join("benches/layout/warm.ld");
    std::fs::write(&file, &script.text).with_context(|| format!("can't write {}", file.display()))?;
    println!(
        "{} of {} KiB of code run without a console, {} more with one; {} names are in {}",
        script.headless >> 10,
        functions.values().sum::<u64>() >> 10,
        script.console >> 10,
        script.names,
        file.display()
    );
    Ok(())
}

/// The program as it is released, but with its names, and the benchmarks, which are a bridge too.
fn built(root: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    let target = root.join("target/layout");
    let build = |what: &[&str]| {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(what).args(["--release", "--locked", "--target-dir"]).arg(&target).current_dir(root);
        if what.contains(&"rustc") {
            cargo.args(["--", "-C", "strip=none"]);
        }
        let status = cargo.env("PILOTHOUSE_LAYOUT", "none").status()?;
        ensure!(status.success(), "cargo {} failed", what.join(" "));
        Ok(())
    };
    // Not together: they would have other features of the libraries. And the profile stays as it is: what it says is part
    // of what a compiler makes names from.
    build(&["rustc", "-p", "pilothouse", "--bin", "pilothouse"])?;
    build(&["build", "-p", "bench"])?;
    // As callgrind names it.
    Ok((target.join("release/pilothouse").canonicalize()?, target.join("release/bench")))
}
