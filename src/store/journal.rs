//! Reads the journal.
//!
//! Numbers begin with 1, grow by one, and are never used again: not after a crash, since the counter is part of the
//! transaction, and not after the newest row was deleted. So a number that is missing between two rows was deleted, as
//! long as there is one account in a database.
//!
//! What is told of a message of somebody else is not kept twice: its row has the number of the message (`n`) and its id,
//! since numbers may be given again. A row whose message is deleted counts as deleted.

use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, Row, params};

use super::Reader;
use super::rows::{self, COLUMNS, WIDTH};
use crate::clock::Timestamp;
use crate::state::{ChatId, JournalKind, MessageEvent};

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
            let columns = COLUMNS.split(", ").map(|name| format!("m.{name}")).collect::<Vec<_>>().join(", ");
            let mut statement = c.prepare_cached(&format!(
                "SELECT {columns}, j.seq, j.at, j.type, j.version, j.chat, j.payload, j.n
                 FROM journal j LEFT JOIN messages m ON m.n = j.n AND m.id = j.message_id
                 WHERE j.account = ?1 AND j.seq > ?2 ORDER BY j.seq"
            ))?;
            let mut found = statement.query(params![account, after])?;
            let (mut rows, mut size) = (Vec::new(), 0);
            while rows.len() < limit && size < bytes {
                let Some(row) = found.next()? else { break };
                if let Some(row) = told(row)? {
                    size += row.payload.len();
                    rows.push(row);
                }
            }
            Ok(JournalPage { rows, head })
        })
    }
}

/// What a row tells; none: its message is deleted.
fn told(row: &Row<'_>) -> rusqlite::Result<Option<JournalRow>> {
    let mut told = JournalRow {
        seq: u64::try_from(row.get::<_, i64>(WIDTH)?).unwrap_or_default(),
        at: Timestamp::from_millis(row.get(WIDTH + 1)?),
        kind: row.get(WIDTH + 2)?,
        version: row.get(WIDTH + 3)?,
        chat: row.get_ref(WIDTH + 4)?.as_str_or_null()?.map(ChatId::from),
        payload: row.get(WIDTH + 5)?,
    };
    if row.get_ref(WIDTH + 6)? == ValueRef::Null {
        return Ok(Some(told));
    }
    if row.get_ref(rows::ID)? == ValueRef::Null {
        return Ok(None);
    }
    let message = rows::message(row)?;
    told.version = JournalKind::of(&message).version();
    told.payload = rows::json(&MessageEvent::from(&message))?;
    told.chat = Some(message.chat.id);
    Ok(Some(told))
}
