//! The program under measurement, as a child process: headless, and with the console in a pseudo-terminal.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;
use vt100::Parser;

use crate::bridge;
use crate::load::Client;

const PATIENCE: Duration = Duration::from_secs(60);
const COLUMNS: u16 = 120;
const ROWS: u16 = 40;

/// An empty folder, a free port and a bridge that tells so many messages.
pub struct Room {
    folder: TempDir,
    address: SocketAddr,
    messages: u64,
    rate: u64,
    linked: bool,
}

impl Room {
    /// A new one.
    pub fn new(messages: u64) -> anyhow::Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        Ok(Self { folder: tempfile::tempdir()?, address, messages, rate: 0, linked: true })
    }

    /// The same, with a bridge that tells so many in a second.
    pub fn paced(mut self, rate: u64) -> Self {
        self.rate = rate;
        self
    }

    /// The same, with a bridge that tells nothing more.
    pub fn quiet(mut self) -> Self {
        self.messages = 0;
        self
    }

    /// The same, with a bridge that never links.
    pub fn unlinked(mut self) -> Self {
        self.linked = false;
        self
    }

    fn settings(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        let path = |path: &Path| path.display().to_string();
        Ok(vec![
            ("PATH", std::env::var("PATH")?),
            ("HOME", path(self.folder.path())),
            ("TERM", "xterm-256color".to_owned()),
            ("PILOTHOUSE_DATA_DIR", path(&self.folder.path().join("data"))),
            ("PILOTHOUSE_SEND_RATE_PER_MINUTE", "0".to_owned()),
            ("PILOTHOUSE_QUEUE_LIMIT", "1000000".to_owned()),
            ("PILOTHOUSE_LISTEN", self.address.to_string()),
            ("WA_BRIDGE", path(&std::env::current_exe()?)),
            (bridge::LINKED, self.linked.to_string()),
            (bridge::MESSAGES, self.messages.to_string()),
            (bridge::RATE, self.rate.to_string()),
        ])
    }
}

/// What a process has used.
pub struct Usage {
    /// Resident memory, in bytes.
    pub rss: u64,
    /// Time on a processor.
    pub cpu: Duration,
}

fn usage(pid: u32) -> anyhow::Result<Usage> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("only Linux tells the memory")?;
    let kb = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    let rss = kb.context("no VmRSS")?.trim().parse::<u64>()? * 1024;
    let mut cpu = 0;
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let stat = std::fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
        cpu += stat.split(' ').next().and_then(|ns| ns.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(Usage { rss, cpu: Duration::from_nanos(cpu) })
}

fn terminate(pid: u32) -> anyhow::Result<()> {
    let status = Command::new("kill").args(["-TERM", &pid.to_string()]).status()?;
    if !status.success() {
        bail!("process {pid} is not there");
    }
    Ok(())
}

/// The program without a terminal.
pub struct Headless {
    child: std::process::Child,
    started: Instant,
    address: SocketAddr,
    token: PathBuf,
}

impl Headless {
    /// Starts it.
    pub fn start(program: &Path, room: &Room) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command.arg("--headless").env_clear().envs(room.settings()?).current_dir(room.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let started = Instant::now();
        let token = room.folder.path().join("data/token");
        Ok(Self { child: command.spawn()?, started, address: room.address, token })
    }

    /// Where its API is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The token of its API, which it has made once it answers.
    pub fn token(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(&self.token)?.trim().to_owned())
    }

    /// The time from the start to the first answer of the API.
    pub fn until_answer(&mut self) -> anyhow::Result<Duration> {
        while self.started.elapsed() < PATIENCE {
            if let Ok(mut client) = Client::connect(self.address, "") {
                client.get("/health")?;
                return Ok(self.started.elapsed());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the program ended: {status}");
            }
            std::thread::sleep(Duration::from_micros(100));
        }
        bail!("the API did not answer")
    }

    /// Waits until so many messages were received.
    pub fn until_received(&mut self, messages: u64) -> anyhow::Result<()> {
        let mut client = Client::connect(self.address, &self.token()?)?;
        while self.started.elapsed() < PATIENCE {
            let status: serde_json::Value = serde_json::from_slice(&client.get("/status")?)?;
            if status["messages_received"].as_u64() >= Some(messages) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("not all messages were received")
    }

    /// What it has used so far.
    pub fn usage(&self) -> anyhow::Result<Usage> {
        usage(self.child.id())
    }

    /// Ends it.
    pub fn end(mut self) -> anyhow::Result<()> {
        terminate(self.child.id())?;
        self.child.wait()?;
        Ok(())
    }
}

/// The program in a pseudo-terminal.
pub struct Console {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
    _keys: Box<dyn Write + Send>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    started: Instant,
}

struct Seen {
    parser: Parser,
    bytes: u64,
    ended: bool,
}

impl Console {
    /// Starts it.
    pub fn start(program: &Path, room: &Room) -> anyhow::Result<Self> {
        let pair =
            native_pty_system().openpty(PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 })?;
        let mut output = pair.master.try_clone_reader()?;
        let keys = pair.master.take_writer()?;
        let of = |n| NonZeroU16::new(n).context("a size is not zero");
        let seen = Seen { parser: Parser::new(of(ROWS)?, of(COLUMNS)?, 0), bytes: 0, ended: false };
        let seen = Arc::new((Mutex::new(seen), Condvar::new()));
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            loop {
                let n = output.read(&mut buffer).unwrap_or(0);
                let mut seen = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
                seen.parser.process(&buffer[..n]);
                seen.bytes += n as u64;
                seen.ended = n == 0;
                shared.1.notify_all();
                if n == 0 {
                    return;
                }
            }
        });
        let mut command = CommandBuilder::new(program);
        command.env_clear();
        for (name, value) in room.settings()? {
            command.env(name, value);
        }
        command.cwd(room.folder.path());
        let started = Instant::now();
        let child = pair.slave.spawn_command(command)?;
        Ok(Self { child, _master: pair.master, _keys: keys, seen, started })
    }

    /// The time from the start until the screen shows this.
    pub fn until_shown(&mut self, text: &str) -> anyhow::Result<Duration> {
        let mut seen = self.seen.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !seen.parser.screen().contents().contains(text) {
            if seen.ended || self.started.elapsed() > PATIENCE {
                bail!("{text:?} was not shown:\n{}", seen.parser.screen().contents());
            }
            let wait = self.seen.1.wait_timeout(seen, Duration::from_secs(1));
            seen = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(self.started.elapsed())
    }

    /// How many bytes it has written to the terminal.
    pub fn bytes(&self) -> u64 {
        self.seen.0.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }

    /// What it has used so far.
    pub fn usage(&self) -> anyhow::Result<Usage> {
        usage(self.child.process_id().context("it has ended")?)
    }

    /// Ends it.
    pub fn end(mut self) -> anyhow::Result<()> {
        terminate(self.child.process_id().context("it has ended")?)?;
        self.child.wait()?;
        Ok(())
    }
}
