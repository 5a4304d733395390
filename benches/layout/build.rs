//! Has the linker place the code that runs together.
//!
//! The kernel maps 64 KiB around each page of code that is used, and what is mapped counts as memory in use. Rarely
//! used code between often used code so costs as much as what is used: 2 MB of 4 were never run. `warm.ld` names what
//! runs; `cargo run --release -p layout` writes it anew. A name that no longer fits only costs memory.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=benches/layout/build.rs");
    println!("cargo::rerun-if-changed=benches/layout/warm.ld");
    println!("cargo::rerun-if-env-changed=PILOTHOUSE_LAYOUT");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let fits = is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    // These linkers take no scripts.
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let other = ["mold", "wild"].iter().any(|linker| flags.contains(linker));
    if !fits || other || is("PILOTHOUSE_LAYOUT", "none") {
        return;
    }
    let Some(root) = env::var_os("CARGO_MANIFEST_DIR") else { return };
    let script = Path::new(&root).join("benches/layout/warm.ld");
    println!("cargo::rustc-link-arg-bin=pilothouse=-Wl,-T,{}", script.display());
    if env::var_os("TARGET") == env::var_os("HOST") && c_library().is_some_and(|version| version >= (2, 36)) {
        println!("cargo::rustc-link-arg-bin=pilothouse=-Wl,-z,pack-relative-relocs");
    }
}

/// The version of the C library here, which the program will run with. From 2.36 on it knows relocations that are packed:
/// the start goes through 10 KB instead of 240.
fn c_library() -> Option<(u32, u32)> {
    let told = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let told = String::from_utf8(told.stdout).ok()?;
    let (major, minor) = told.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
