//! Node alone, and the bundled bridge alone.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::process::Usage;
use crate::subject::{Bridge, Room, root};

/// Ends with whoever started it.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The memory in MB of a Node that does nothing.
///
/// # Errors
/// It can't be started.
pub fn empty_node() -> anyhow::Result<f64> {
    let mut command = Command::new("node");
    command.args(["-e", "console.log(1); setInterval(() => {}, 1e6)"]).stdout(Stdio::piped());
    let mut node = Killed(command.spawn().context("node can't be started")?);
    let mut line = String::new();
    BufReader::new(node.0.stdout.take().context("it has a stdout")?).read_line(&mut line)?;
    std::thread::sleep(Duration::from_secs(1));
    Ok(Usage::of(node.0.id())?.megabytes())
}

/// How long the bundled bridge takes from its start to a QR, with nobody around it.
///
/// # Errors
/// It ends before, or can't be started.
pub fn bridge_until_qr(settings: Vec<(String, String)>) -> anyhow::Result<Duration> {
    let room = Room::new(Bridge::Bundled(settings))?;
    let mut command = Command::new("node");
    command.arg(root().join("bridge/baileys-bridge.mjs")).env_clear().envs(room.settings()?);
    command.current_dir(room.folder()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let started = Instant::now();
    let mut node = Killed(command.spawn().context("node can't be started")?);
    let mut stdin = node.0.stdin.take().context("it has a stdin")?;
    writeln!(stdin, r#"{{"cmd":"connect","usePairingCode":false,"ack":true}}"#)?;
    for line in BufReader::new(node.0.stdout.take().context("it has a stdout")?).lines() {
        if line?.starts_with(r#"{"type":"qr""#) {
            return Ok(started.elapsed());
        }
    }
    bail!("the bridge gave no QR")
}
