//! A place for the program: a folder, a port, a bridge.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::program::root;
use crate::roles::{Role, Script, this_program};

/// Which bridge the program gets.
#[derive(Clone, Debug)]
pub enum Bridge {
    /// The one of a few lines, so that the host alone is measured.
    Told(Script),
    /// The bundled one, with these variables.
    Bundled(Vec<(String, String)>),
}

/// A folder of its own, a free port and a bridge.
pub struct Room {
    folder: TempDir,
    address: SocketAddr,
    bridge: Bridge,
}

impl Room {
    /// An empty one.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn new(bridge: Bridge) -> anyhow::Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        Ok(Self { folder: tempfile::Builder::new().prefix("bench-").tempdir()?, address, bridge })
    }

    /// An empty one, with a bridge that is linked and tells so many messages as fast as they are taken.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn told(messages: u64) -> anyhow::Result<Self> {
        Self::new(Bridge::Told(Script { linked: true, messages, ..Script::default() }))
    }

    /// From the next start on there is another bridge.
    pub fn set_bridge(&mut self, script: Script) {
        self.bridge = Bridge::Told(script);
    }

    /// The working folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the API listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The file with the API's token.
    pub fn token(&self) -> PathBuf {
        self.folder.path().join("data/token")
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("data/pilothouse.db")
    }

    /// All of the environment that the program gets. Nothing is deleted and nothing is slowed down on purpose.
    ///
    /// # Errors
    /// There is no `PATH`.
    pub fn settings(&self) -> anyhow::Result<Vec<(String, String)>> {
        let path = |path: &Path| path.display().to_string();
        let (bridge, more) = match &self.bridge {
            Bridge::Told(script) => (path(&this_program()?), vec![Role::Bridge(script.clone()).variable()?]),
            Bridge::Bundled(_) => (path(&root().join("bridge/baileys-bridge.mjs")), Vec::new()),
        };
        let mut settings = vec![
            ("PATH", std::env::var("PATH")?),
            ("HOME", path(self.folder.path())),
            ("TERM", "xterm-256color".to_owned()),
            ("TZ", "UTC".to_owned()),
            ("PILOTHOUSE_DATA_DIR", path(&self.folder.path().join("data"))),
            ("PILOTHOUSE_SEND_RATE_PER_MINUTE", "0".to_owned()),
            ("PILOTHOUSE_QUEUE_LIMIT", "1000000".to_owned()),
            ("PILOTHOUSE_RETENTION_DAYS", "0".to_owned()),
            ("PILOTHOUSE_RETENTION_MB", "0".to_owned()),
            ("PILOTHOUSE_LISTEN", self.address.to_string()),
            ("WA_SESSION_DIR", path(&self.folder.path().join("session"))),
            ("WA_BRIDGE", bridge),
        ];
        settings.extend(more);
        let mut settings: Vec<_> = settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        if let Bridge::Bundled(env) = &self.bridge {
            settings.extend(env.iter().cloned());
        }
        Ok(settings)
    }
}
