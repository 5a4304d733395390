//! What keeps the database from being used, in words.

use std::path::{Path, PathBuf};

use rusqlite::{Error, ErrorCode};

/// Why the database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the data folder.
    #[error("another pilothouse{} uses the data folder {folder}; `pilothouse attach` shows its \
         console; or stop it, or choose another folder with --data-dir",
        holder.as_deref().map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Held {
        /// The folder.
        folder: PathBuf,
        /// The other process, when it says.
        holder: Option<String>,
    },
    /// The folder or a file in it can't be used.
    #[error("can't write to {path}: {source}; check that it belongs to you and is not read-only")]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is no database where one is wanted.
    #[error("there is no database at {path}: {source}; name the data folder with --data-dir")]
    Missing {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The database was written by a newer version.
    #[error(
        "the database {path} has version {found}, and this program knows versions up to {known}; use the newer program \
         that wrote it, or another data folder"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest that this program knows.
        known: u32,
    },
    /// The database can't be read as what it should be.
    #[error(
        "the database {path} is damaged ({why}); it was left as it is: restore a backup with `pilothouse restore`, or \
         move it away to start with an empty one"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// SQLite refuses.
    #[error("the database {path} can't be used: {}", words(source))]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

impl StoreError {
    pub(super) fn sqlite(path: &Path, source: Error) -> Self {
        let path = path.to_owned();
        if is_damage(&source) { Self::Damaged { path, why: source.to_string() } } else { Self::Sqlite { path, source } }
    }
}

/// The file is not a database, or a row is not what it must have been when it was written.
fn is_damage(error: &Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        || matches!(
            error,
            Error::FromSqlConversionFailure(..)
                | Error::IntegralValueOutOfRange(..)
                | Error::InvalidColumnType(..)
                | Error::Utf8Error(..)
        )
}

/// What SQLite says, and what can be done about it.
pub(super) fn words(error: &Error) -> String {
    if is_damage(error) {
        return format!("the database is damaged ({error}); stop, and restore a backup with `pilothouse restore`");
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full; free some space".to_owned(),
        Some(ErrorCode::SystemIoFailure) => {
            format!("{error}; the disk may be failing, or a limit on the size of files is reached")
        }
        Some(ErrorCode::ReadOnly) => format!("{error}; check the permissions of the data folder"),
        Some(_) | None => error.to_string(),
    }
}
