//! Many programs that follow events at once.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::program::{Headless, Room};
use crate::table::{Row, Table};

/// How many streams there are.
const STREAMS: usize = 1_000;

/// How many events come, and how many in a second.
const EVENTS: u64 = 1_000;
const RATE: u64 = 100;

/// How long the streams are left alone between two looks at them.
const PAUSE: Duration = Duration::from_millis(20);

const PATIENCE: Duration = Duration::from_secs(60);

/// What an event begins with.
const MARK: &[u8] = b"\nevent: message.received";

/// The memory that the streams take, and the processor, once each has been told everything.
pub fn measure(program: &Path, table: &mut Table) -> anyhow::Result<()> {
    let (mut memory, mut cpu) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let room = Room::new(EVENTS)?.paced(RATE);
        let mut headless = Headless::start(program, &room)?;
        headless.until_answer()?;
        let before = headless.usage()?;
        let token = headless.token()?;
        let begin = Instant::now();
        let mut streams =
            (0..STREAMS).map(|_| Stream::open(headless.address(), &token)).collect::<Result<Vec<_>, _>>()?;
        let mut peak = before.rss;
        while streams.iter().any(|stream| stream.told < EVENTS) {
            if begin.elapsed() > PATIENCE {
                bail!("not every stream was told everything");
            }
            std::thread::sleep(PAUSE);
            for stream in &mut streams {
                stream.read()?;
            }
            peak = peak.max(headless.usage()?.rss);
        }
        let used = headless.usage()?.cpu - before.cpu;
        memory.push(peak.saturating_sub(before.rss) as f64 / 1e6);
        cpu.push(used.as_secs_f64() / begin.elapsed().as_secs_f64() * 100.0);
        drop(streams);
        headless.end()?;
    }
    table.add(Row::new("memory for 1,000 streams of 100 events a second", "MB", memory, "60"));
    table.add(Row::new("CPU for them", "%", cpu, ""));
    Ok(())
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
