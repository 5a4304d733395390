//! What the tests share: a folder of their own, the simulator, and the environment that a bridge sees.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pilothouse::packages::Plan;
use tempfile::TempDir;
use tokio::sync::OnceCell;
use whatsapp_simulator::Simulator;

/// How long a test may hang before it is given up. No test measures time.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A place for one test: a simulator, and folders that go with it.
pub struct Place {
    pub simulator: Simulator,
    folder: TempDir,
}

impl Place {
    /// With the bridge's packages installed.
    pub async fn new() -> Self {
        static PACKAGES: OnceCell<()> = OnceCell::const_new();
        PACKAGES
            .get_or_init(async || {
                let env = std::env::vars_os().collect();
                let plan = Plan { folder: bridge_folder(), node: "node".into(), env };
                plan.ensure().await.expect("the bridge's packages can be installed");
            })
            .await;
        Self {
            simulator: Simulator::start().await.expect("a simulator"),
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// An empty home, which is the working folder too.
    pub fn home(&self) -> &Path {
        self.folder.path()
    }

    pub fn session(&self) -> PathBuf {
        self.folder.path().join("session")
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// All of the environment that programs get here.
    pub fn env(&self) -> Vec<(String, OsString)> {
        let mut env: Vec<(String, OsString)> = vec![
            ("PATH".to_owned(), std::env::var_os("PATH").unwrap_or_default()),
            ("HOME".to_owned(), self.home().into()),
            ("TZ".to_owned(), "UTC".into()),
            ("WA_SESSION_DIR".to_owned(), self.session().into()),
            ("PILOTHOUSE_DATA_DIR".to_owned(), self.data().into()),
            ("PILOTHOUSE_LISTEN".to_owned(), "127.0.0.1:0".into()),
        ];
        env.extend(self.simulator.bridge_env().into_iter().map(|(name, value)| (name, value.into())));
        env
    }
}

/// Where the bundled bridge is.
pub fn bridge_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bridge")
}

/// Waits for it, and fails with `what` when it hangs.
pub async fn within<T>(what: &str, wait: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: nothing came within {} s", PATIENCE.as_secs()),
    }
}
