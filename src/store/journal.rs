//! Reads the journal.
//!
//! Numbers begin with 1, grow by one, and are never used again: not after a crash, since the counter is part of the
//! transaction, and not after the newest row was deleted. So a number that is missing between two rows was deleted, as
//! long as there is one account in a database.

use rusqlite::{OptionalExtension, params};

use super::Reader;
use crate::clock::Timestamp;
use crate::state::ChatId;

/// A row of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRow {
    /// Its number.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// Its type, as in `message.received`.
    pub kind: String,
    /// The version of what it tells.
    pub version: u32,
    /// The chat that it belongs to, if any.
    pub chat: Option<ChatId>,
    /// What it tells: a JSON object in one line.
    pub payload: String,
}

/// Some rows of the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalPage {
    /// In the order of their numbers.
    pub rows: Vec<JournalRow>,
    /// The highest number that was ever given, looked at before the rows were.
    pub head: u64,
}

impl Reader {
    /// The highest number that was ever given in the journal; 0: none yet. Its row may be deleted.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn journal_head(&self) -> rusqlite::Result<u64> {
        self.with(|c, _| {
            let head: Option<i64> = c
                .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'journal'")?
                .query_row([], |row| row.get(0))
                .optional()?;
            Ok(u64::try_from(head.unwrap_or_default()).unwrap_or_default())
        })
    }

    /// The rows of the journal after `seq`: at most `limit`, and none more once they have so many bytes of text.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn journal_after(&self, seq: u64, limit: usize, bytes: usize) -> rusqlite::Result<JournalPage> {
        let head = self.journal_head()?;
        let after = i64::try_from(seq).unwrap_or(i64::MAX);
        self.with(|c, account| {
            let mut statement = c.prepare_cached(
                "SELECT seq, at, type, version, chat, payload FROM journal
                 WHERE account = ?1 AND seq > ?2 ORDER BY seq",
            )?;
            let mut found = statement.query(params![account, after])?;
            let (mut rows, mut size) = (Vec::new(), 0);
            while rows.len() < limit && size < bytes {
                let Some(row) = found.next()? else { break };
                let row = JournalRow {
                    seq: u64::try_from(row.get::<_, i64>(0)?).unwrap_or_default(),
                    at: Timestamp::from_millis(row.get(1)?),
                    kind: row.get(2)?,
                    version: row.get(3)?,
                    chat: row.get_ref(4)?.as_str_or_null()?.map(ChatId::from),
                    payload: row.get(5)?,
                };
                size += row.payload.len();
                rows.push(row);
            }
            Ok(JournalPage { rows, head })
        })
    }
}
