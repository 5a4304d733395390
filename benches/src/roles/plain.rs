//! What an API can reach at most here: an axum server that answers a constant, on one thread as the program is.

use std::io::BufRead;
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::Router;
use axum::http::header;
use axum::routing::get;

use super::Role;
use crate::process::Usage;
use crate::subject::Client;

/// Serves until it is killed. Its address is the first line that it writes.
pub(super) fn run(length: usize) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let body: &'static str = "x".repeat(length).leak();
    let answer = move || async move { ([(header::CONTENT_TYPE, "application/json")], body) };
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        axum::serve(listener, Router::new().route("/status", get(answer))).await?;
        Ok(())
    })
}

/// Such a server as a child process.
pub struct Plain {
    child: Child,
    /// Where it is.
    pub address: SocketAddr,
    /// How long it took until it answered.
    pub start: Duration,
}

impl Plain {
    /// Starts it, and waits until it answers.
    ///
    /// # Errors
    /// It can't be started.
    pub fn start(length: usize) -> anyhow::Result<Self> {
        let mut command = Role::Plain(length).command()?;
        let started = Instant::now();
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.take().context("it has a stdout")?).read_line(&mut line)?;
        let address = line.trim().parse()?;
        Client::connect(address, "")?.get("/status")?;
        Ok(Self { child, address, start: started.elapsed() })
    }

    /// What it has used so far.
    ///
    /// # Errors
    /// It has ended.
    pub fn usage(&self) -> anyhow::Result<Usage> {
        Usage::of(self.child.id())
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
