//! The program in a pseudo-terminal.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::screen::{Screen, Seen};
use super::{Client, PATIENCE, Room, terminate};
use crate::process::Usage;

/// The terminal's size.
pub const COLUMNS: u16 = 120;
/// The terminal's size.
pub const ROWS: u16 = 40;

/// The program in a pseudo-terminal. It is killed when it was not ended before.
pub struct Console {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    screen: Arc<Screen>,
    started: Instant,
    address: SocketAddr,
    token: PathBuf,
}

impl Console {
    /// Starts it.
    ///
    /// # Errors
    /// It can't be started.
    pub fn start(program: &Path, room: &Room) -> anyhow::Result<Self> {
        let mut command = CommandBuilder::new(program);
        command.env_clear();
        for (name, value) in room.settings()? {
            command.env(name, value);
        }
        command.cwd(room.folder());
        Self::spawn(command, room)
    }

    /// Starts whatever draws into a terminal.
    ///
    /// # Errors
    /// It can't be started.
    pub fn spawn(command: CommandBuilder, room: &Room) -> anyhow::Result<Self> {
        let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size)?;
        let keys = pair.master.take_writer()?;
        let screen = Screen::watch(pair.master.try_clone_reader()?, COLUMNS, ROWS)?;
        let started = Instant::now();
        let child = pair.slave.spawn_command(command)?;
        let (address, token) = (room.address(), room.token());
        Ok(Self { child, _master: pair.master, keys, screen, started, address, token })
    }

    /// The time from the start until the screen shows this.
    ///
    /// # Errors
    /// It never does.
    pub fn until_shown(&self, text: &str) -> anyhow::Result<Duration> {
        self.until(text, |seen| seen.contents().contains(text).then_some(()))?;
        Ok(self.started.elapsed())
    }

    /// The time from the start until a QR is on the screen, which is then read and has to be the gateway's.
    ///
    /// # Errors
    /// There never is one, or it says something else.
    pub fn until_qr(&self) -> anyhow::Result<Duration> {
        self.until("a QR", |seen| seen.has_qr().then_some(()))?;
        let time = self.started.elapsed();
        let shown = self.until("a QR that can be read", Seen::qr)?;
        anyhow::ensure!(self.client()?.json("/qr")?["qr"] == *shown, "the QR on the screen is not the gateway's");
        Ok(time)
    }

    /// Waits until the screen is as wanted.
    ///
    /// # Errors
    /// It never is, with all of the screen.
    pub fn until<T>(&self, what: &str, look: impl FnMut(&Seen) -> Option<T>) -> anyhow::Result<T> {
        match self.screen.until(PATIENCE, look) {
            Some(found) => Ok(found),
            None => bail!("{what:?} was not shown:\n{}", self.screen.look(Seen::contents)),
        }
    }

    /// Looks at what came so far.
    pub fn look<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        self.screen.look(look)
    }

    /// From now on the screen's messages are noted as they are painted.
    pub fn note_messages(&self) {
        self.screen.note_messages();
    }

    /// Types.
    ///
    /// # Errors
    /// It takes nothing.
    pub fn types(&mut self, keys: &str) -> anyhow::Result<()> {
        self.keys.write_all(keys.as_bytes())?;
        Ok(self.keys.flush()?)
    }

    /// Where its API is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The token of its API.
    ///
    /// # Errors
    /// It has none yet.
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

    /// What it has used so far.
    ///
    /// # Errors
    /// It has ended.
    pub fn usage(&self) -> anyhow::Result<Usage> {
        Usage::of(self.child.process_id().context("it has ended")?)
    }

    /// Ends it.
    ///
    /// # Errors
    /// It has ended already.
    pub fn end(mut self) -> anyhow::Result<()> {
        terminate(self.child.process_id().context("it has ended")?)?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
