//! The npm packages of the bundled bridge: installed when they are missing or the lock file has changed.
//!
//! * Never half-installed: npm works in a folder beside, which is then swapped in by a rename.
//! * One process at a time: a lock in the bridge's folder; the second finds everything done.
//! * When all is in place no process is started: two files are compared, no more.

mod npm;

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// The oldest Node that the bundled bridge runs on.
pub const OLDEST_NODE: u32 = 20;

/// Where a copy of the lock file is kept that the installed packages come from.
const STAMP: &str = ".pilothouse-lock.json";

/// Where folders beside begin with.
const BESIDE: &str = ".node_modules-";

/// Why the packages are not there. Each says what is missing and what to do.
#[derive(Debug, thiserror::Error)]
pub enum PackagesError {
    /// There is no Node.
    #[error(
        "Node is missing: {program:?} can't be started; install Node {OLDEST_NODE} or later (with npm), then press r"
    )]
    NoNode {
        /// What was tried.
        program: PathBuf,
    },
    /// Node is too old.
    #[error("Node {found} is too old; install Node {OLDEST_NODE} or later, or name another one with --node")]
    OldNode {
        /// Its version.
        found: String,
    },
    /// There is no npm.
    #[error("npm is missing; install it (it usually comes with Node), then press r")]
    NoNpm,
    /// The packages can't be fetched.
    #[error(
        "the bridge's packages can't be downloaded: there is no network ({code}); when there is one, press r or type: \
         cd {folder} && npm ci --omit=dev --ignore-scripts"
    )]
    NoNetwork {
        /// What npm calls it.
        code: String,
        /// Where.
        folder: PathBuf,
    },
    /// npm fails for another reason.
    #[error(
        "npm could not install the bridge's packages: {why}; to see more, type: cd {folder} && npm ci --omit=dev --ignore-scripts"
    )]
    Npm {
        /// Its last words.
        why: String,
        /// Where.
        folder: PathBuf,
    },
    /// The folder can't be used.
    #[error("can't install the bridge's packages in {folder}: {source}")]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What is needed to install.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The bridge's folder, with `package.json` and `package-lock.json`.
    pub folder: PathBuf,
    /// The program that runs Node scripts.
    pub node: PathBuf,
    /// The environment for npm.
    pub env: Vec<(std::ffi::OsString, std::ffi::OsString)>,
}

impl Plan {
    /// Whether the installed packages are those of the lock file. A folder without a lock file needs none.
    pub fn is_done(&self) -> bool {
        match std::fs::read(self.folder.join("package-lock.json")) {
            Err(_) => true,
            Ok(lock) => std::fs::read(self.folder.join("node_modules").join(STAMP)).is_ok_and(|stamp| stamp == lock),
        }
    }

    /// The version of Node, when it is new enough.
    ///
    /// # Errors
    /// [`PackagesError::NoNode`] or [`PackagesError::OldNode`].
    pub async fn node_version(&self) -> Result<String, PackagesError> {
        npm::check_node(self).await
    }

    /// Installs the packages unless they are there.
    ///
    /// # Errors
    /// A [`PackagesError`] that says what is missing and what to do. What was installed before stays.
    pub async fn ensure(&self) -> Result<(), PackagesError> {
        if self.is_done() {
            return Ok(());
        }
        npm::check_node(self).await?;
        let lock = self.clone();
        let held = tokio::task::spawn_blocking(move || lock.hold()).await.map_err(io::Error::other);
        let _held = held.and_then(|held| held).map_err(|e| self.folder_error(e))?;
        if self.is_done() {
            return Ok(());
        }
        tracing::info!(folder = %self.folder.display(), "installing the bridge's packages; this takes some seconds");
        self.remove_leftovers();
        let beside = self.folder.join(format!("{BESIDE}{}", std::process::id()));
        let result = self.install(&beside).await;
        let _ = std::fs::remove_dir_all(&beside);
        if result.is_ok() {
            tracing::info!("the bridge's packages are installed");
        }
        result
    }

    async fn install(&self, beside: &Path) -> Result<(), PackagesError> {
        let io = |e| self.folder_error(e);
        std::fs::create_dir_all(beside).map_err(io)?;
        for name in ["package.json", "package-lock.json"] {
            std::fs::copy(self.folder.join(name), beside.join(name)).map_err(io)?;
        }
        npm::ci(self, beside).await?;
        let fresh = beside.join("node_modules");
        std::fs::copy(beside.join("package-lock.json"), fresh.join(STAMP)).map_err(io)?;
        let place = self.folder.join("node_modules");
        match std::fs::rename(&place, beside.join("old")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
            Err(_) | Ok(()) => {}
        }
        std::fs::rename(&fresh, &place).map_err(io)
    }

    /// Waits for the right to install here.
    fn hold(&self) -> io::Result<File> {
        let path = self.folder.join(".install.lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        flock(&file, FlockOperation::LockExclusive)?;
        Ok(file)
    }

    /// Removes what killed installations left beside.
    fn remove_leftovers(&self) {
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(BESIDE) {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    }

    fn folder_error(&self, source: io::Error) -> PackagesError {
        PackagesError::Folder { folder: self.folder.clone(), source }
    }
}

#[cfg(test)]
mod tests;
