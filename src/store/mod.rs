//! The database: one SQLite file in the data folder.
//!
//! One thread owns the only connection that writes ([`Writer`]); it takes whatever batches wait, commits them in one
//! transaction and then moves the [`Watermark`]. [`Reader`]s have connections of their own.
//!
//! * A batch is on disk (WAL, `synchronous=FULL`) when the watermark has reached its number, and not before.
//! * Batches are committed in the order in which they were given.
//! * A message is there once for each (account, chat, id). What is about an earlier one (an edit, a revocation, a
//!   reaction) is a message of its own, with that one's id: nothing that was told is ever changed by it.
//! * A database of a newer version is refused, never changed. One process at a time holds the data folder.
//!
//! What is too old or too much is deleted between batches: see [`Retention`]. Databases can give pages back
//! (`auto_vacuum=INCREMENTAL`); one that was made before that is written anew once, at its first start.
//!
//! # When the disk does not do what it should
//!
//! * **A commit fails** (the disk is full, a limit is reached, the database turns out to be damaged): nothing of the
//!   batch was acknowledged, and nothing of it is lost while the process lives. [`Watermark::failing`] says why; the
//!   engine shows it, refuses requests with the reason, and stops reading from the bridge, which waits. The commit is
//!   tried again each second, and all goes on as soon as one succeeds. Before that all of the log must have got into the
//!   file, since after a failure the system may take for written what is not: see [`log`](self). A process that is to end
//!   meanwhile ends with an error, and what was not acknowledged is not kept.
//! * **What the bridge tells of a message of ours can't be decided on**, since the message can't be looked up: neither that
//!   nor anything after it is acknowledged to the bridge, and it is tried again each second. Meanwhile all is as when a
//!   commit fails. A message that can't be looked up itself is looked for once more by the thread that writes it.
//! * **The folder can't be written at the start**: one sentence, and no start.
//! * **The database is damaged at the start**: one sentence that says what to do, and no start. The files are left as
//!   they are; a new database is made only where there is none. What the start reads (the schema, the settings, the
//!   unsettled and the last messages, the keys that came last) is found to be damaged there; reading all of a large
//!   database would take some seconds, so damage elsewhere is found when it is reached, and by `pilothouse backup`, which
//!   reads everything.

mod copy;
mod failure;
mod find;
mod groups;
mod index;
mod journal;
mod keys;
mod lock;
mod log;
mod near;
mod reader;
mod retention;
mod rows;
mod schema;
mod webhooks;
mod writer;

use std::path::Path;

pub use copy::{check, copy};
pub use failure::StoreError;
pub use journal::{JournalPage, JournalRow};
pub use lock::FolderLock;
pub use reader::Reader;
pub use retention::Retention;
pub use writer::{Batch, Commits, Watermark, Writer};

use keys::{Merger, Recent};
use log::Log;

use crate::state::{AccountId, Linking, Message, Pending, RestrictionView, Subjects, WebhookRecord};

/// The name of the database in its folder.
const FILE: &str = "pilothouse.db";

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
    /// What groups are called.
    pub groups: Subjects,
    /// The bridge that the operator chose.
    pub bridge: Option<String>,
    /// The webhooks, and how far each had come.
    pub webhooks: Vec<WebhookRecord>,
}

impl Store {
    /// Opens the store in `folder`, making both when they are missing, and starts the writing thread.
    ///
    /// # Errors
    /// A [`StoreError`] that says what is in the way.
    pub fn open(folder: &Path, account: AccountId, feed_length: usize) -> Result<Self, StoreError> {
        Self::open_with(folder, account, feed_length, None)
    }

    /// The same; what is beyond this retention is deleted while it is open.
    ///
    /// # Errors
    /// A [`StoreError`] that says what is in the way.
    pub fn open_with(
        folder: &Path,
        account: AccountId,
        feed_length: usize,
        retention: Option<Retention>,
    ) -> Result<Self, StoreError> {
        let lock = FolderLock::take(folder)?;
        let path = folder.join(FILE);
        let sqlite = |source| StoreError::sqlite(&path, source);
        let left = log::is_left(&path);
        let mut connection = schema::open(&path)?;
        let log = Log::of(&mut connection, left).map_err(sqlite)?;
        let recent = Recent::default();
        let reader = Reader::beside(&path, account.clone(), recent.clone()).map_err(sqlite)?;
        let restored = Restored {
            feed: reader.last_messages(feed_length).map_err(sqlite)?,
            pending: reader.pending().map_err(sqlite)?,
            linking: reader.setting("linking").map_err(sqlite)?.and_then(|text| serde_json::from_str(&text).ok()),
            restriction: reader
                .setting("restriction")
                .map_err(sqlite)?
                .and_then(|text| serde_json::from_str(&text).unwrap_or_default()),
            groups: reader.subjects().map_err(sqlite)?,
            bridge: reader.setting("bridge").map_err(sqlite)?,
            webhooks: reader.webhooks().map_err(sqlite)?,
        };
        let mut keys = Merger::new(recent);
        keys.ready(&connection).map_err(sqlite)?;
        let writer = Writer::start(connection, log, account, keys, retention)
            .map_err(|source| StoreError::Io { path, source })?;
        Ok(Self { writer, reader, restored, lock })
    }
}

#[cfg(test)]
mod tests;
