//! The WhatsApp server for tests, as a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::Context;

/// The simulator. It is killed when this is dropped.
pub struct Simulator {
    child: Child,
    stdin: ChildStdin,
    settings: Vec<(String, String)>,
}

impl Simulator {
    /// Starts it.
    ///
    /// # Errors
    /// It can't be started, or does not say where it is.
    pub fn start(program: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command.args(["--port", "0"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let stdin = child.stdin.take().context("it has a stdin")?;
        let mut lines = BufReader::new(child.stdout.take().context("it has a stdout")?).lines();
        let mut settings = Vec::new();
        while settings.is_empty() {
            settings = variables(&lines.next().context("the simulator ended")??);
        }
        // What it says later nobody reads, and it must not wait for that.
        std::thread::spawn(move || lines.count());
        Ok(Self { child, stdin, settings })
    }

    /// What the bridge has to be told.
    pub fn settings(&self) -> Vec<(String, String)> {
        self.settings.clone()
    }

    /// Scans the QR of a gateway.
    ///
    /// # Errors
    /// The simulator has ended.
    pub fn link(&mut self, gateway: SocketAddr, token: &str) -> anyhow::Result<()> {
        Ok(writeln!(self.stdin, "link {gateway} {token}")?)
    }

    /// From now on so many messages come in a second; 0: none.
    ///
    /// # Errors
    /// The simulator has ended.
    pub fn rate(&mut self, rate: u32) -> anyhow::Result<()> {
        Ok(writeln!(self.stdin, "rate {rate}")?)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The variables of a line as it is typed into a shell: `NAME='value' … command`.
fn variables(line: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = line.trim_start();
    while let Some((name, behind)) = rest.split_once("='")
        && !name.contains(' ')
        && let Some((value, behind)) = behind.split_once('\'')
    {
        found.push((name.to_owned(), value.to_owned()));
        rest = behind.trim_start();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_of_a_shells_line() {
        let found = variables("  A_URL='ws://127.0.0.1:1/x' OPTIONS='--import /a b.mjs' cargo run --release");
        let of = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(found, [of("A_URL", "ws://127.0.0.1:1/x"), of("OPTIONS", "--import /a b.mjs")]);
        assert!(variables("A WhatsApp server for +1 at ws://127.0.0.1:1. In another terminal:").is_empty());
    }
}
