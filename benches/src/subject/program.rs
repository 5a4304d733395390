//! Where the programs are.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::roles::this_program;

/// The checkout that this harness was built from.
pub fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.canonicalize().unwrap_or(root)
}

/// The program of a package, built anew when it is not up to date, in the profile that this one was built in.
///
/// # Errors
/// It can't be built.
pub fn find_or_build(package: &str) -> anyhow::Result<PathBuf> {
    let release = if cfg!(debug_assertions) { &[][..] } else { &["--release"] };
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--locked", "--package", package, "--bin", package])
        .args(release)
        .current_dir(root())
        .status()
        .context("cargo can't be started")?;
    if !status.success() {
        bail!("{package} can't be built");
    }
    let program = this_program()?.with_file_name(package);
    if !program.exists() {
        bail!("{} is not there; CARGO_TARGET_DIR has to be the same for both", program.display());
    }
    Ok(program)
}
