//! What is derived from the messages, for finding them: their words, the hours they are of, the chats' last ones.
//!
//! The writing thread does it in small steps of its own when no batch waits, in the order of `n`, and notes in the same
//! transaction how far it is. So a batch never waits for words to be sorted in, an older database is filled in while the
//! program runs, and what is cut off goes on at the next start. Whoever searches is told whether all is in.
//!
//! * A message's text never changes, so neither does what is derived from it. What retention deletes is taken out by the
//!   same text ([`forget`]).
//! * The words are kept without positions and without the texts (`detail=none`, contentless): that is small, and enough
//!   for *all words, the last one as a beginning*.
//! * Chat, direction and kind are words as well, each behind [`MARK`], so that a search in one chat does not look at the
//!   others.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior, params};

/// The most messages that one step takes, and the bytes of text after which it takes no further one. While batches come
/// they wait for a step that goes on; when none does, many are taken at once: so many fewer times the last message of a chat
/// is written.
const STEP_ROWS: i64 = 100;
pub(super) const REST_ROWS: i64 = 200;
const STEP_BYTES: usize = 64 << 10;

/// How long no batch has come when the index goes on: callers who wait for their answers send the next message right
/// after, and it should not wait for words to be sorted in.
const PAUSE: Duration = Duration::from_millis(10);

/// How long no batch has come when the memory is given back that the index and batches used. What comes sooner finds the
/// pages of the database in it.
const REST: Duration = Duration::from_millis(500);

/// While batches come without a pause there is a step after so many groups of them, if they made so many writes: in a
/// flood batches go first, of whose messages a twentieth is taken in meanwhile, and a step that takes little costs nearly as
/// much as one that takes much.
const GROUPS_A_STEP: u32 = 16;
const WRITES_A_STEP: usize = 100;

/// A private character that the tokenizer keeps: words that begin with it come from nobody's keyboard.
pub(super) const MARK: char = '\u{e000}';

/// The hour that a time in milliseconds is in.
pub(super) const fn hour(at: i64) -> i64 {
    at.div_euclid(60 * 60 * 1_000)
}

/// When there is something to do, and doing it.
#[derive(Debug)]
pub(super) struct Indexer {
    left: Left,
    groups: u32,
    writes: usize,
}

/// What is left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// There may be messages to take in: those of batches that came just now, or older ones, which wait for nothing.
    Messages {
        new: bool,
    },
    /// Memory is to be given back.
    Memory,
    Nothing,
}

impl Indexer {
    /// For a database in which something may be left to do.
    pub(super) const fn new() -> Self {
        Self { left: Left::Messages { new: true }, groups: 0, writes: 0 }
    }

    /// How long no batch has to come for a step; none: there is nothing to do.
    pub(super) const fn wait(&self) -> Option<Duration> {
        match self.left {
            Left::Messages { new: true } => Some(PAUSE),
            Left::Messages { new: false } => Some(Duration::ZERO),
            Left::Memory => Some(REST),
            Left::Nothing => None,
        }
    }

    /// A group of batches with so many writes was committed. Makes a step when there was no pause for one for long.
    pub(super) fn committed(&mut self, connection: &mut Connection, writes: usize) {
        self.left = Left::Messages { new: true };
        self.groups += 1;
        self.writes = self.writes.saturating_add(writes);
        if self.groups >= GROUPS_A_STEP && self.writes >= WRITES_A_STEP {
            self.take(connection, STEP_ROWS);
        }
    }

    /// Makes a step while no batch waits. One that fails is tried again after the next commit.
    pub(super) fn step(&mut self, connection: &mut Connection) {
        self.take(connection, REST_ROWS);
    }

    fn take(&mut self, connection: &mut Connection, most: i64) {
        (self.groups, self.writes) = (0, 0);
        self.left = match self.left {
            Left::Messages { .. } => match step(connection, most) {
                Ok(true) => Left::Messages { new: false },
                Ok(false) => Left::Memory,
                Err(error) => {
                    tracing::warn!(%error, "the index of messages could not be written; it is tried again later");
                    Left::Memory
                }
            },
            Left::Memory => {
                let _ = connection.execute_batch("PRAGMA shrink_memory");
                Left::Nothing
            }
            Left::Nothing => Left::Nothing,
        };
    }
}

/// One step. Returns whether there may be more to do.
///
/// It is not waited for until it is on disk: after a loss of power a step is made again. The next commit of a batch
/// waits, and brings it to disk with itself.
pub(super) fn step(connection: &mut Connection, most: i64) -> rusqlite::Result<bool> {
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let upto = upto(connection)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (mut last, mut rows, mut bytes) = (upto, 0, 0);
    {
        let mut messages = transaction.prepare_cached(
            "SELECT n, account, chat, direction, kind, body, at, CASE WHEN direction = 'in' AND chat_kind = 'person'
                 THEN name END FROM messages WHERE n > ?1 ORDER BY n LIMIT ?2",
        )?;
        let mut insert = transaction.prepare_cached("INSERT INTO message_text (rowid, text) VALUES (?1, ?2)")?;
        let mut found = messages.query(params![upto, most])?;
        let (mut hours, mut chats) = (BTreeMap::new(), BTreeMap::new());
        while bytes < STEP_BYTES {
            let Some(row) = found.next()? else { break };
            let text = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str()?);
            let (n, account, chat) = (row.get(0)?, text(1)?, text(2)?);
            let document = document(account, chat, text(3)?, text(4)?, text(5)?);
            insert.execute(params![n, document])?;
            let (_, last_of_hour) = hours.entry((account.to_owned(), hour(row.get(6)?))).or_insert((n, n));
            *last_of_hour = n;
            let last_of_chat: &mut (i64, Option<String>) =
                chats.entry((account.to_owned(), chat.to_owned())).or_default();
            let name = row.get_ref(7)?.as_str_or_null()?.map(str::to_owned);
            *last_of_chat = (n, name.or(last_of_chat.1.take()));
            (last, rows, bytes) = (n, rows + 1, bytes + document.len());
        }
        note_hours(&transaction, hours)?;
        note_chats(&transaction, chats)?;
    }
    if rows == 0 {
        return Ok(false);
    }
    transaction.prepare_cached("UPDATE indexed SET upto = ?1")?.execute([last])?;
    transaction.commit()?;
    Ok(rows == most || bytes >= STEP_BYTES)
}

/// The first and the last message of each hour of an account.
fn note_hours(connection: &Connection, hours: BTreeMap<(String, i64), (i64, i64)>) -> rusqlite::Result<()> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO message_hours (account, hour, first_n, last_n) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (account, hour) DO UPDATE SET
             first_n = min(first_n, excluded.first_n), last_n = max(last_n, excluded.last_n)",
    )?;
    for ((account, hour), (first, last)) in hours {
        upsert.execute(params![account, hour, first, last])?;
    }
    Ok(())
}

/// The last message of each chat of an account, and the name that was told last.
fn note_chats(
    connection: &Connection,
    chats: BTreeMap<(String, String), (i64, Option<String>)>,
) -> rusqlite::Result<()> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO chats (account, chat, last_n, name) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (account, chat) DO UPDATE SET
             last_n = excluded.last_n, name = coalesce(excluded.name, name)",
    )?;
    for ((account, chat), (last, name)) in chats {
        upsert.execute(params![account, chat, last, name])?;
    }
    Ok(())
}

/// The last message that is in.
pub(super) fn upto(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("SELECT upto FROM indexed")?.query_row([], |row| row.get(0))
}

/// Takes a message out that is about to be deleted.
pub(super) fn forget(connection: &Connection, n: i64) -> rusqlite::Result<()> {
    if n > upto(connection)? {
        return Ok(());
    }
    let (account, document) = connection
        .prepare_cached("SELECT account, chat, direction, kind, body FROM messages WHERE n = ?1")?
        .query_row([n], |row| {
            let text = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str()?);
            Ok((text(0)?.to_owned(), document(text(0)?, text(1)?, text(2)?, text(3)?, text(4)?)))
        })?;
    connection
        .prepare_cached("INSERT INTO message_text (message_text, rowid, text) VALUES ('delete', ?1, ?2)")?
        .execute(params![n, document])?;
    // Its last message is the one of a chat that goes last.
    connection.prepare_cached("DELETE FROM chats WHERE account = ?1 AND last_n = ?2")?.execute(params![account, n])?;
    Ok(())
}

/// After messages were deleted: their hours go as well, and a number that may be given again counts as not yet in.
pub(super) fn forgot(connection: &Connection) -> rusqlite::Result<()> {
    for sql in [
        "DELETE FROM message_hours WHERE last_n < (SELECT min(n) FROM messages) OR NOT EXISTS (SELECT 1 FROM messages)",
        "UPDATE indexed SET upto = min(upto, (SELECT coalesce(max(n), 0) FROM messages))",
    ] {
        connection.prepare_cached(sql)?.execute([])?;
    }
    Ok(())
}

/// What is sorted in for a message.
fn document(account: &str, chat: &str, direction: &str, kind: &str, body: &str) -> String {
    let mut document = String::with_capacity(body.len() + 3 * (WORD_BYTES + 1));
    document.push_str(body);
    for word in [chat_word(account, chat), direction_word(direction), kind_word(kind)] {
        document.push(' ');
        document.push_str(&word);
    }
    document
}

/// The word of all messages in this chat, and of hardly any other.
pub(super) fn chat_word(account: &str, chat: &str) -> String {
    word('c', fnv(fnv(FNV_START, account.as_bytes()), chat.as_bytes()))
}

/// The word of all messages of this direction.
pub(super) fn direction_word(direction: &str) -> String {
    word('d', fnv(FNV_START, direction.as_bytes()))
}

/// The word of all messages of this kind, and of hardly any other.
pub(super) fn kind_word(kind: &str) -> String {
    word('k', fnv(FNV_START, kind.as_bytes()))
}

/// The bytes of the words that are derived.
const WORD_BYTES: usize = MARK.len_utf8() + 1 + 16;

/// The mark, a letter and 16 digits. Not by `format!`, which takes longer than all else about it.
fn word(letter: char, hash: u64) -> String {
    let mut word = String::with_capacity(WORD_BYTES);
    word.extend([MARK, letter]);
    word.extend((0..16).rev().filter_map(|digit| char::from_digit((hash >> (4 * digit)) as u32 & 15, 16)));
    word
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, which is the same in every version of this program: the words are on disk.
fn fnv(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    #[test]
    fn new_messages_wait_for_a_pause_older_ones_for_nothing_and_memory_is_given_back_at_rest() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = schema::open(&folder.path().join("pilothouse.db")).unwrap();
        let mut indexer = Indexer::new();
        indexer.step(&mut connection);
        assert_eq!(indexer.wait(), Some(REST));
        indexer.step(&mut connection);
        assert_eq!(indexer.wait(), None);
        let add = |connection: &Connection, count: i64| {
            connection
                .execute(
                    "WITH RECURSIVE c (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c WHERE n < ?1)
                     INSERT INTO messages (account, chat, id, direction, chat_kind, sender, kind, body, at)
                     SELECT 'main', 'a@g.us', n, 'in', 'group', '', 'text', 'hi', 1 FROM c",
                    [count],
                )
                .unwrap();
        };
        add(&connection, REST_ROWS + 1);
        indexer.committed(&mut connection, 1);
        assert_eq!(indexer.wait(), Some(PAUSE));
        indexer.step(&mut connection);
        assert_eq!((indexer.wait(), upto(&connection).unwrap()), (Some(Duration::ZERO), REST_ROWS));
        indexer.step(&mut connection);
        assert_eq!((indexer.wait(), upto(&connection).unwrap()), (Some(REST), REST_ROWS + 1));
        add(&connection, STEP_ROWS + 1);
        // Without a pause, and before the memory is given back: many small ones, then a large one.
        for _ in 0..2 * GROUPS_A_STEP {
            indexer.committed(&mut connection, 1);
        }
        assert_eq!((indexer.wait(), upto(&connection).unwrap()), (Some(PAUSE), REST_ROWS + 1));
        indexer.committed(&mut connection, WRITES_A_STEP);
        assert_eq!((indexer.wait(), upto(&connection).unwrap()), (Some(Duration::ZERO), REST_ROWS + 1 + STEP_ROWS));
    }
}
