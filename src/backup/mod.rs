//! Backups: one file with the database and the bridge's credentials, made while the gateway runs.
//!
//! The file is a tar (0600, since the credentials are the account): `manifest.json` first, then `pilothouse.db`,
//! `settings.json`, `tokens.json`, `token` and `session/…`.
//!
//! * Each part is a state that was once there: of the database SQLite makes a copy in one read transaction, of the
//!   session see `session`.
//! * The session is copied before the database. What the bridge had not handed over by then is handed over again after
//!   a restore, and the database takes each message once; the other way round, messages could be in neither.
//! * The file appears under its name when it is whole and on disk, and never replaces another.
//! * A restore replaces nothing before all of the backup has been read and found to be good.
//!
//! A restored session is behind the one that went on. WhatsApp's encryption catches up with a contact's next message;
//! but two that run from one state end each other, so a restore is for when the original is gone.

mod files;
mod session;

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::clock::{Clock, Timestamp};
use crate::store::{self, FolderLock, StoreError};

/// The version of the file's form.
const FORMAT: u32 = 1;

const MANIFEST: &str = "manifest.json";
const DATABASE: &str = "pilothouse.db";
const SESSION: &str = "session";

/// What else of the data folder is backed up where it is there: the settings that were changed while the gateway ran, and
/// the tokens, so that programs go on with theirs.
const FILES: [&str; 3] = ["settings.json", "tokens.json", "token"];

/// What is backed up.
#[derive(Clone, Debug)]
pub struct Places {
    /// The data folder.
    pub data: PathBuf,
    /// The bridge's session folder.
    pub session: PathBuf,
}

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the file's form.
    pub format: u32,
    /// The version of the program that made it.
    pub pilothouse: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// How many files of the session it holds; none: no account was linked.
    pub session_files: usize,
}

/// Why there is no backup, or why it is not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file or folder can't be used.
    #[error("can't use {path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bridge wrote without a pause.
    #[error("the session in {0} did not hold still for a copy; try again when fewer messages come")]
    Restless(PathBuf),
    /// The file is not a backup, or not a whole one.
    #[error("{path} is not a backup that can be restored: {why}")]
    Invalid {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Something would be lost.
    #[error("{0} is in use already; move it away, or replace database and session with --force")]
    NotEmpty(PathBuf),
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> BackupError + use<> {
    let path = path.to_owned();
    |source| BackupError::Io { path, source }
}

/// Makes a backup, whether the gateway runs or not. Blocks.
///
/// # Errors
/// [`BackupError`]; then there is no file.
pub fn write(places: &Places, file: &Path, clock: Clock) -> Result<Manifest, BackupError> {
    let at = || io_at(file);
    if file.exists() {
        return Err(at()(io::ErrorKind::AlreadyExists.into()));
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Beside the file: there is room for it, and it gets its name without another copy. Both are 0600 or 0700.
    let staging = TempDir::with_prefix_in(".pilothouse-backup-", folder).map_err(at())?;
    let copied = staging.path().join(SESSION);
    let session = session::copy(&places.session, &copied).map_err(|error| {
        if error.kind() == io::ErrorKind::ResourceBusy {
            BackupError::Restless(places.session.clone())
        } else {
            io_at(&places.session)(error)
        }
    })?;
    let database = staging.path().join(DATABASE);
    store::copy(&places.data, &database)?;
    let manifest = Manifest {
        format: FORMAT,
        pilothouse: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: clock.now().wall,
        session_files: session.len(),
    };
    let out = tempfile::Builder::new().prefix(".pilothouse-backup-").tempfile_in(folder).map_err(at())?;
    let pack = || {
        let mut tar = tar::Builder::new(BufWriter::new(out.as_file()));
        let text = serde_json::to_vec_pretty(&manifest)?;
        append(&mut tar, Path::new(MANIFEST), text.len() as u64, &text[..], &manifest)?;
        append_file(&mut tar, Path::new(DATABASE), &database, &manifest)?;
        for name in FILES {
            // Each of them is replaced as a whole when it changes.
            match fs::read(places.data.join(name)) {
                Ok(text) => append(&mut tar, Path::new(name), text.len() as u64, &text[..], &manifest)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        for path in &session {
            append_file(&mut tar, &Path::new(SESSION).join(path), &copied.join(path), &manifest)?;
        }
        tar.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    };
    pack().map_err(at())?;
    out.persist_noclobber(file).map_err(|error| at()(error.error))?;
    files::sync_folder(folder).map_err(at())?;
    Ok(manifest)
}

fn append_file<W: io::Write>(
    tar: &mut tar::Builder<W>,
    name: &Path,
    path: &Path,
    manifest: &Manifest,
) -> io::Result<()> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    append(tar, name, bytes, file, manifest)
}

fn append<W: io::Write>(
    tar: &mut tar::Builder<W>,
    name: &Path,
    bytes: u64,
    content: impl io::Read,
    manifest: &Manifest,
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_mtime(u64::try_from(manifest.made_at.as_millis() / 1_000).unwrap_or_default());
    tar.append_data(&mut header, name, content)
}

/// Puts database and session back, into empty folders or, with `force`, in place of what is there. Settings and tokens
/// that are there already stay, unless with `force`. Blocks.
///
/// # Errors
/// [`BackupError`]; what was there is then as it was, unless the very last step failed.
pub fn restore(places: &Places, file: &Path, force: bool) -> Result<Manifest, BackupError> {
    let backup = File::open(file).map_err(io_at(file))?;
    let _lock = FolderLock::take(&places.data)?;
    let database = places.data.join(DATABASE);
    if !force {
        if database.exists() {
            return Err(BackupError::NotEmpty(places.data.clone()));
        }
        if !session::list(&places.session).map_err(io_at(&places.session))?.is_empty() {
            return Err(BackupError::NotEmpty(places.session.clone()));
        }
    }
    files::make_folder(&places.session).map_err(io_at(&places.session))?;
    // Each in the folder where it will stay, so that it only has to be renamed.
    let stage = |folder: &Path| TempDir::with_prefix_in(".restore-", folder).map_err(io_at(folder));
    let staging = Staging { data: stage(&places.data)?, session: stage(&places.session)? };
    let invalid = |why: String| BackupError::Invalid { path: file.to_owned(), why };
    let manifest = unpack(backup, &staging).map_err(|error| invalid(error.to_string()))?;
    let restored = staging.data.path().join(DATABASE);
    store::check(&restored)?;
    let found = session::list(staging.session.path()).map_err(io_at(&places.session))?.len();
    if found != manifest.session_files {
        return Err(invalid(format!("it holds {found} of {} files of the session", manifest.session_files)));
    }
    replace_database(&restored, &database).map_err(io_at(&database))?;
    replace_session(staging.session, &places.session).map_err(io_at(&places.session))?;
    for name in FILES {
        let (from, to) = (staging.data.path().join(name), places.data.join(name));
        if from.exists() && (force || !to.exists()) {
            fs::rename(from, &to).map_err(io_at(&to))?;
        }
    }
    files::sync_folder(&places.data).map_err(io_at(&places.data))?;
    Ok(manifest)
}

/// Where a backup is unpacked.
struct Staging {
    data: TempDir,
    session: TempDir,
}

fn unpack(backup: File, staging: &Staging) -> io::Result<Manifest> {
    let mut tar = tar::Archive::new(BufReader::new(backup));
    let mut manifest: Option<Manifest> = None;
    for entry in tar.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        if !plain || !entry.header().entry_type().is_file() {
            return Err(io::Error::other(format!("{path:?} does not belong in it")));
        }
        if path == Path::new(MANIFEST) {
            let read: Manifest = serde_json::from_reader(&mut entry)?;
            if read.format != FORMAT {
                let (found, known) = (read.format, FORMAT);
                return Err(io::Error::other(format!("it has form {found}, and this program knows form {known}")));
            }
            manifest = Some(read);
        } else if manifest.is_none() {
            return Err(io::Error::other("it does not begin with a manifest"));
        } else if path == Path::new(DATABASE) {
            files::write(&staging.data.path().join(DATABASE), &mut entry)?;
        } else if let Some(name) = FILES.into_iter().find(|name| path == Path::new(name)) {
            files::write(&staging.data.path().join(name), &mut entry)?;
        } else if let Ok(inside) = path.strip_prefix(SESSION) {
            files::write(&staging.session.path().join(inside), &mut entry)?;
        } else {
            return Err(io::Error::other(format!("{path:?} does not belong in it")));
        }
    }
    if !staging.data.path().join(DATABASE).exists() {
        return Err(io::Error::other("it holds no database"));
    }
    manifest.ok_or_else(|| io::Error::other("it is empty"))
}

fn replace_database(restored: &Path, database: &Path) -> io::Result<()> {
    // An old log would be taken for the new database's.
    for suffix in ["-wal", "-shm"] {
        let mut path = database.as_os_str().to_owned();
        path.push(suffix);
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    fs::rename(restored, database)?;
    database.parent().map_or(Ok(()), files::sync_folder)
}

fn replace_session(staging: TempDir, session: &Path) -> io::Result<()> {
    let staged = staging.path().file_name().map(ToOwned::to_owned);
    for entry in fs::read_dir(session)? {
        let entry = entry?;
        let name = entry.file_name();
        if Some(&name) == staged.as_ref() || name == ".gitkeep" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    for entry in fs::read_dir(staging.path())? {
        let entry = entry?;
        fs::rename(entry.path(), session.join(entry.file_name()))?;
    }
    staging.close()?;
    files::sync_folder(session)
}

#[cfg(test)]
mod tests;
