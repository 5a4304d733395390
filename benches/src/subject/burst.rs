//! Clients that ask as fast as they are answered, each on a connection of its own.
//!
//! All are in one thread, so that the processor is left to the program.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::figures::milliseconds;

/// What the clients saw.
pub struct Burst {
    /// Answers a second.
    pub rate: f64,
    /// How long each took in milliseconds, shortest first.
    pub times: Vec<f64>,
    /// How many requests were refused since the program was too busy, for each that was answered.
    pub refused: f64,
}

/// How long they ask.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// For a time.
    After(Duration),
    /// Until so many requests were made.
    Requests(u64),
}

/// What is asked: the n-th request of all.
type Request = Rc<dyn Fn(u64) -> String>;

/// Asks with so many clients.
///
/// # Errors
/// A connection broke, or an answer was not good.
pub fn burst(
    address: SocketAddr,
    clients: usize,
    until: Until,
    request: impl Fn(u64) -> String + 'static,
) -> anyhow::Result<Burst> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let request: Request = Rc::new(request);
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let mut connections = Vec::new();
        for _ in 0..clients {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            connections.push(stream);
        }
        let (start, asked) = (Instant::now(), Rc::new(Cell::new(0)));
        let tasks: Vec<_> = connections
            .into_iter()
            .map(|stream| {
                tokio::task::spawn_local(client(stream, start, until, Rc::clone(&asked), Rc::clone(&request)))
            })
            .collect();
        let mut times = Vec::new();
        for task in tasks {
            times.extend(task.await.context("a client ended by a panic")??);
        }
        let all = times.len() as f64;
        let times: Vec<_> = times.into_iter().flatten().collect();
        let good = times.len() as f64;
        let refused = (all - good) / good.max(1.0);
        Ok(Burst { rate: good / start.elapsed().as_secs_f64(), times: milliseconds(&times), refused })
    })
}

/// Returns how long each answer took; none: the request was refused.
async fn client(
    mut stream: TcpStream,
    start: Instant,
    until: Until,
    asked: Rc<Cell<u64>>,
    request: Request,
) -> anyhow::Result<Vec<Option<Duration>>> {
    let mut times = Vec::new();
    let mut answer = Vec::with_capacity(16 << 10);
    let goes_on = || match until {
        Until::After(length) => start.elapsed() < length,
        Until::Requests(most) => asked.get() < most,
    };
    while goes_on() {
        asked.set(asked.get() + 1);
        let request = request(asked.get());
        let from = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        answer.clear();
        let good = loop {
            if let Some(good) = is_whole(&answer)? {
                break good;
            }
            if stream.read_buf(&mut answer).await? == 0 {
                bail!("the connection was closed");
            }
        };
        times.push(good.then(|| from.elapsed()));
    }
    Ok(times)
}

/// Once an answer is there to its end: whether it is a good one, or the program is too busy. It may be nothing else.
fn is_whole(answer: &[u8]) -> anyhow::Result<Option<bool>> {
    let Some(head) = answer.windows(4).position(|part| part == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&answer[..head])?;
    let good = text.starts_with("HTTP/1.1 2");
    if !good && !text.starts_with("HTTP/1.1 503") {
        bail!("a request was answered with {text}");
    }
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let length = length.context("an answer has no length")?;
    Ok((answer.len() >= head + 4 + length).then_some(good))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_with_its_last_byte_and_good_or_too_busy() {
        let answer = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nab";
        assert_eq!(is_whole(answer).unwrap(), Some(true));
        for length in [0, 10, answer.len() - 1] {
            assert_eq!(is_whole(&answer[..length]).unwrap(), None);
        }
        assert_eq!(is_whole(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n").unwrap(), Some(false));
        assert!(is_whole(b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n").is_err());
        assert!(is_whole(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
