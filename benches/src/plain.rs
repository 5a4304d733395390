//! What an API can reach at most here: an axum server that answers a constant, on one thread as the program is.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use axum::Router;
use axum::http::header;
use axum::routing::get;

/// The variable that makes this program such a server: how long its answer is, in bytes.
pub const BODY: &str = "WA_BENCH_PLAIN";

/// Serves until it is killed. Its address is the first line that it writes.
pub fn run(length: usize) -> anyhow::Result<()> {
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
}

impl Plain {
    /// Starts it.
    pub fn start(length: usize) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.env(BODY, length.to_string()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let mut stdout = std::io::BufReader::new(child.stdout.take().context("it has a stdout")?);
        std::io::BufRead::read_line(&mut stdout, &mut line)?;
        Ok(Self { child, address: line.trim().parse()? })
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
