//! Has the linker place the code that runs together.
//!
//! The kernel maps 64 KiB around each page of code that is used, and what is mapped counts as memory in use. Rarely
//! used code between often used code so costs as much as what is used: 2 MB of 4 were never run. `warm.ld` names what
//! runs; `cargo run --release -p layout` writes it anew. A name that no longer fits only costs memory.

use std::env;
use std::path::Path;

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
}
