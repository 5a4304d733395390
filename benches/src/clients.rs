//! Clients that ask as fast as they are answered, each on a connection of its own.
//!
//! All are in one thread, so that the processor is left to the program.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What the clients saw.
pub struct Seen {
    /// Answers a second.
    pub rate: f64,
    /// How long each took, shortest first.
    pub times: Vec<Duration>,
}

impl Seen {
    /// The time in milliseconds that so great a part of the answers took at most.
    pub fn at(&self, part: f64) -> f64 {
        let last = self.times.len().saturating_sub(1);
        self.times.get((last as f64 * part) as usize).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    }
}

/// Asks for so long. `request` makes the n-th request of all.
pub fn run(
    address: SocketAddr,
    clients: usize,
    length: Duration,
    request: impl Fn(u64) -> String + 'static,
) -> anyhow::Result<Seen> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let request: Arc<dyn Fn(u64) -> String> = Arc::new(request);
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let mut connections = Vec::new();
        for _ in 0..clients {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            connections.push(stream);
        }
        let start = Instant::now();
        let asked = std::rc::Rc::new(std::cell::Cell::new(0));
        let tasks: Vec<_> = connections
            .into_iter()
            .map(|stream| tokio::task::spawn_local(client(stream, start + length, asked.clone(), Arc::clone(&request))))
            .collect();
        let mut times = Vec::new();
        for task in tasks {
            times.extend(task.await.context("a client ended by a panic")??);
        }
        let rate = times.len() as f64 / start.elapsed().as_secs_f64();
        times.sort_unstable();
        Ok(Seen { rate, times })
    })
}

async fn client(
    mut stream: TcpStream,
    end: Instant,
    asked: std::rc::Rc<std::cell::Cell<u64>>,
    request: Arc<dyn Fn(u64) -> String>,
) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::new();
    let mut answer = Vec::with_capacity(16 << 10);
    while Instant::now() < end {
        asked.set(asked.get() + 1);
        let request = request(asked.get());
        let from = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        answer.clear();
        while !is_whole(&answer)? {
            if stream.read_buf(&mut answer).await? == 0 {
                bail!("the connection was closed");
            }
        }
        times.push(from.elapsed());
    }
    Ok(times)
}

/// Whether an answer is there to its end. It has to be a good one.
fn is_whole(answer: &[u8]) -> anyhow::Result<bool> {
    let Some(head) = answer.windows(4).position(|part| part == b"\r\n\r\n") else { return Ok(false) };
    let text = std::str::from_utf8(&answer[..head])?;
    if !text.starts_with("HTTP/1.1 2") {
        bail!("a request was answered with {text}");
    }
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Ok(answer.len() >= head + 4 + length.context("an answer has no length")?)
}
