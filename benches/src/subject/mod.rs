//! The program under measurement, and all that it needs: a place of its own, a bridge, a terminal, callers.

mod burst;
mod client;
mod console;
mod headless;
mod program;
mod qr;
mod room;
mod screen;
mod simulator;

pub use burst::{Burst, Until, burst};
pub use client::Client;
pub use console::Console;
pub use headless::Headless;
pub use program::{find_or_build, root};
pub use room::{Bridge, Room};
pub use screen::Painted;
pub use simulator::Simulator;

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::bail;

/// How long something may take before the measurement is given up.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Looks again and again until there is something.
///
/// # Errors
/// What `look` says, or that there was nothing in time.
pub fn until<T>(what: &str, mut look: impl FnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
    until_within(PATIENCE, what, Duration::from_millis(10), &mut look)
}

/// The same, with another patience and another pause between two looks.
///
/// # Errors
/// What `look` says, or that there was nothing in time.
pub fn until_within<T>(
    patience: Duration,
    what: &str,
    pause: Duration,
    look: &mut dyn FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let begin = Instant::now();
    while begin.elapsed() < patience {
        if let Some(found) = look()? {
            return Ok(found);
        }
        std::thread::sleep(pause);
    }
    bail!("{what} did not come about within {} s", patience.as_secs())
}

fn terminate(pid: u32) -> anyhow::Result<()> {
    if !Command::new("kill").args(["-TERM", &pid.to_string()]).status()?.success() {
        bail!("process {pid} is not there");
    }
    Ok(())
}
