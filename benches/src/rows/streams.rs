//! Many programs that follow events at once.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::bench::Bench;
use crate::figures::Row;
use crate::roles::{Plain, Script};
use crate::subject::{Bridge, Client, Headless, PATIENCE, Room};

/// How many streams there are.
const STREAMS: usize = 1_000;

/// How many events come, and how many in a second.
const EVENTS: u64 = 500;
const RATE: u32 = 100;

/// How long the streams are left alone between two looks at them.
const PAUSE: Duration = Duration::from_millis(20);

/// What an event begins with.
const MARK: &[u8] = b"\nevent: message.received";

/// The memory that the streams take, and the processor, once each has been told everything.
pub(super) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let (mut memory, mut least, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
    let messages = if bench.quick { EVENTS / 5 } else { EVENTS };
    for _ in 0..bench.runs(3) {
        least.push(connections()?);
        let room = Room::new(Bridge::Told(Script { linked: true, messages, rate: RATE, ..Script::default() }))?;
        let headless = Headless::ready(&bench.program, &room)?;
        let before = headless.usage()?;
        let token = headless.token()?;
        let begin = Instant::now();
        let mut streams =
            (0..STREAMS).map(|_| Stream::open(headless.address(), &token)).collect::<Result<Vec<_>, _>>()?;
        let mut peak = before.rss;
        while streams.iter().any(|stream| stream.told < messages) {
            if begin.elapsed() > PATIENCE {
                bail!("not every stream was told everything");
            }
            std::thread::sleep(PAUSE);
            streams.iter_mut().try_for_each(Stream::read)?;
            peak = peak.max(headless.usage()?.rss);
        }
        let used = headless.usage()?.cpu() - before.cpu();
        memory.push(peak.saturating_sub(before.rss) as f64 / 1e6);
        cpu.push(used.as_secs_f64() / begin.elapsed().as_secs_f64() * 100.0);
        drop(streams);
        headless.end()?;
    }
    let row = Row::new("streams.memory", "memory for 1,000 SSE clients of 100 events a second", "MB", memory);
    bench.record.add(row.target(60.0).limit("1,000 connections of a bare axum server", least));
    bench.record.add(Row::new("streams.cpu", "CPU for them, of one core", "%", cpu));
    Ok(())
}

/// The memory in MB that as many connections take in a server that does nothing.
fn connections() -> anyhow::Result<f64> {
    let plain = Plain::start(16)?;
    let before = plain.usage()?.rss;
    let mut clients = (0..STREAMS).map(|_| Client::connect(plain.address, "")).collect::<Result<Vec<_>, _>>()?;
    for client in &mut clients {
        client.get("/status")?;
    }
    Ok(plain.usage()?.rss.saturating_sub(before) as f64 / 1e6)
}

/// One program that follows.
struct Stream {
    socket: TcpStream,
    /// The end of what was read: an event may begin in it.
    rest: Vec<u8>,
    told: u64,
}

impl Stream {
    fn open(address: SocketAddr, token: &str) -> anyhow::Result<Self> {
        let mut socket = TcpStream::connect(address)?;
        let request = format!(
            "GET /events?after=0&type=message.received HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n"
        );
        socket.write_all(request.as_bytes())?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, rest: Vec::new(), told: 0 })
    }

    /// Reads what is there, and counts it.
    fn read(&mut self) -> anyhow::Result<()> {
        let mut buffer = [0; 16 << 10];
        loop {
            match self.socket.read(&mut buffer) {
                Ok(0) => bail!("a stream ended"),
                Ok(n) => self.rest.extend_from_slice(&buffer[..n]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("a stream broke"),
            }
            self.told += self.rest.windows(MARK.len()).filter(|part| *part == MARK).count() as u64;
            self.rest.drain(..self.rest.len().saturating_sub(MARK.len() - 1));
        }
    }
}
