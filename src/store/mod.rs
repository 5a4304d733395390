//! The database: one SQLite file in the data folder.
//!
//! One thread owns the only connection that writes ([`Writer`]); it takes whatever batches wait, commits them in one
//! transaction and then moves the [`Watermark`]. [`Reader`]s have connections of their own.
//!
//! * A batch is on disk (WAL, `synchronous=FULL`) when the watermark has reached its number, and not before.
//! * Batches are committed in the order in which they were given.
//! * A message is there once for each (account, chat, id).
//! * A database of a newer version is refused, never changed. One process at a time holds the data folder.

mod lock;
mod reader;
mod rows;
mod schema;
mod writer;

use std::path::{Path, PathBuf};

pub use lock::FolderLock;
pub use reader::Reader;
pub use writer::{Batch, Watermark, Writer};

use crate::state::{AccountId, Linking, Message, Pending, RestrictionView};

/// Why the database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the data folder.
    #[error("another pilothouse{} uses the data folder {folder}; stop it, or choose another folder with --data-dir",
        holder.as_deref().map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Held {
        /// The folder.
        folder: PathBuf,
        /// The other process, when it says.
        holder: Option<String>,
    },
    /// The folder or a file in it can't be used.
    #[error("can't use {path}: {source}; check that the folder exists and belongs to you")]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
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
    /// SQLite refuses.
    #[error("the database {path} can't be used: {source}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

/// An opened store, and what was in it.
#[derive(Debug)]
pub struct Store {
    /// Where the one writing thread takes its batches from.
    pub writer: Writer,
    /// For looking things up.
    pub reader: Reader,
    /// What the last process left.
    pub restored: Restored,
    /// Held for as long as the store is used.
    pub lock: FolderLock,
}

/// What the last process left.
#[derive(Debug, Default)]
pub struct Restored {
    /// The last messages, oldest first.
    pub feed: Vec<Message>,
    /// The unsettled messages, in the order in which they were accepted.
    pub pending: Vec<Pending>,
    /// How the operator wants to link.
    pub linking: Option<Linking>,
    /// What WhatsApp does not let the account do.
    pub restriction: Option<RestrictionView>,
    /// The bridge that the operator chose.
    pub bridge: Option<String>,
}

impl Store {
    /// Opens the store in `folder`, making both when they are missing, and starts the writing thread.
    ///
    /// # Errors
    /// A [`StoreError`] that says what is in the way.
    pub fn open(folder: &Path, account: AccountId, feed_length: usize) -> Result<Self, StoreError> {
        let lock = FolderLock::take(folder)?;
        let path = folder.join("pilothouse.db");
        let sqlite = |source| StoreError::Sqlite { path: path.clone(), source };
        let connection = schema::open(&path)?;
        let reader = Reader::open(&path, account.clone()).map_err(sqlite)?;
        let restored = Restored {
            feed: reader.last_messages(feed_length).map_err(sqlite)?,
            pending: reader.pending().map_err(sqlite)?,
            linking: reader.setting("linking").map_err(sqlite)?.and_then(|text| serde_json::from_str(&text).ok()),
            restriction: reader
                .setting("restriction")
                .map_err(sqlite)?
                .and_then(|text| serde_json::from_str(&text).unwrap_or_default()),
            bridge: reader.setting("bridge").map_err(sqlite)?,
        };
        let writer = Writer::start(connection, account).map_err(|source| StoreError::Io { path, source })?;
        Ok(Self { writer, reader, restored, lock })
    }
}

#[cfg(test)]
mod tests;
