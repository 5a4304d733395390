//! Requests at a steady rate over a few open connections.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

const CONNECTIONS: u32 = 8;

/// How long each request took. A request that waited for a late answer before it counts from when it was due.
pub fn get(address: SocketAddr, token: &str, path: &str, rate: u32, length: Duration) -> anyhow::Result<Vec<Duration>> {
    let start = Instant::now();
    let pace = Duration::from_secs(1) * CONNECTIONS / rate;
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|n| {
            let first = start + pace * n / CONNECTIONS;
            let (token, path) = (token.to_owned(), path.to_owned());
            std::thread::spawn(move || worker(address, &token, &path, first, pace, start + length))
        })
        .collect();
    let mut times = Vec::new();
    for worker in workers {
        times.extend(worker.join().ok().context("a worker ended by a panic")??);
    }
    Ok(times)
}

fn worker(
    address: SocketAddr,
    token: &str,
    path: &str,
    mut due: Instant,
    pace: Duration,
    end: Instant,
) -> anyhow::Result<Vec<Duration>> {
    let mut client = Client::connect(address, token)?;
    let mut times = Vec::new();
    let mut free = Instant::now();
    while due < end {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let from = if free > due { due } else { Instant::now() };
        client.get(path)?;
        free = Instant::now();
        times.push(free - from);
        due += pace;
    }
    Ok(times)
}

/// A connection to the API that stays open.
pub struct Client {
    stream: BufReader<TcpStream>,
    host: SocketAddr,
    token: String,
}

impl Client {
    /// Connects, for requests with this token.
    pub fn connect(host: SocketAddr, token: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream: BufReader::new(stream), host, token: token.to_owned() })
    }

    /// The body of the answer, which has to be good.
    pub fn get(&mut self, path: &str) -> anyhow::Result<Vec<u8>> {
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\r\n", self.host, self.token);
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        if !line.starts_with("HTTP/1.1 200") {
            bail!("{path} was answered with {line:?}");
        }
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            match line.trim_end().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse()?,
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }
}
