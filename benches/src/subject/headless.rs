//! The program without a terminal.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::bail;

use super::{Client, PATIENCE, Room, terminate, until, until_within};
use crate::process::{Usage, child};

/// The program without a terminal, as a child process. It is killed when it was not ended before.
pub struct Headless {
    child: Child,
    started: Instant,
    address: SocketAddr,
    token: PathBuf,
    log: PathBuf,
}

impl Headless {
    /// Starts it.
    ///
    /// # Errors
    /// It can't be started.
    pub fn start(program: &Path, room: &Room) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command.arg("--headless").env_clear().envs(room.settings()?).current_dir(room.folder());
        let log = room.folder().join("log");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(std::fs::File::create(&log)?);
        let started = Instant::now();
        Ok(Self { child: command.spawn()?, started, address: room.address(), token: room.token(), log })
    }

    /// The same, and waits for its API.
    ///
    /// # Errors
    /// It can't be started, or ends.
    pub fn ready(program: &Path, room: &Room) -> anyhow::Result<Self> {
        let mut headless = Self::start(program, room)?;
        headless.until_answer()?;
        Ok(headless)
    }

    /// Where its API is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The token of its API, which it has made once it answers.
    ///
    /// # Errors
    /// It does not answer yet.
    pub fn token(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(&self.token)?.trim().to_owned())
    }

    /// A caller of its API.
    ///
    /// # Errors
    /// It does not answer yet.
    pub fn client(&self) -> anyhow::Result<Client> {
        Client::connect(self.address, &self.token()?)
    }

    /// The time from the start to the first answer of the API.
    ///
    /// # Errors
    /// It ended, or does not answer.
    pub fn until_answer(&mut self) -> anyhow::Result<Duration> {
        let Self { child, started, address, log, .. } = self;
        until_within(PATIENCE, "an answer of the API", Duration::from_micros(100), &mut || {
            if let Ok(mut client) = Client::connect(*address, "") {
                client.get("/health")?;
                return Ok(Some(started.elapsed()));
            }
            match child.try_wait()? {
                Some(status) => {
                    bail!("the program ended: {status}: {}", std::fs::read_to_string(&*log).unwrap_or_default())
                }
                None => Ok(None),
            }
        })
    }

    /// Waits until so many messages were received.
    ///
    /// # Errors
    /// They don't come.
    pub fn until_received(&self, messages: u64) -> anyhow::Result<()> {
        let mut client = self.client()?;
        until("receiving all messages", || Ok((client.received()? >= messages).then_some(())))
    }

    /// What it has used so far.
    ///
    /// # Errors
    /// It has ended.
    pub fn usage(&self) -> anyhow::Result<Usage> {
        Usage::of(self.child.id())
    }

    /// What its bridge has used so far.
    ///
    /// # Errors
    /// There is no bridge.
    pub fn bridge_usage(&self) -> anyhow::Result<Usage> {
        Usage::of(child(self.child.id())?)
    }

    /// Ends it.
    ///
    /// # Errors
    /// It has ended already.
    pub fn end(mut self) -> anyhow::Result<()> {
        terminate(self.child.id())?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Headless {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
