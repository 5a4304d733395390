//! Which row has a message, by the message's key.
//!
//! Keys are spread evenly, whatever comes. In one table of all of them each new key would change a page of its own, which
//! is then written anew, into the log and later into the file. So they go on from one place to the next, each much larger
//! than the one before it, as in a log-structured merge-tree:
//!
//! 1. *Runs* ([`Recent`]): what one transaction adds is one row, sorted. They are looked through in memory.
//! 2. `message_keys_1`: many runs together go on into it, so that several share a page there.
//! 3. `message_keys_2`: all others. They come into it in neighbourhoods, for the same reason.
//!
//! * A key is added in the transaction of its message. From then on it is at each moment in at least one of the places. It
//!   may be in all three: a run's row stays until the last of the keys that go on with it is in the first table, and
//!   those that went before may have gone on into the second by then.
//! * A key alone proves nothing. Whoever looks up compares the names in the row as well.

mod merger;
mod recent;

use std::sync::Arc;

use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

pub(super) use self::merger::Merger;
pub(super) use self::recent::Recent;

use crate::state::Lookup;

/// What a message of ours is looked up by, wherever it went: answers and receipts name it by its id alone.
pub(super) fn of_ours(account: &str, id: &str) -> i64 {
    of(account, "", id)
}

/// What a message that is not ours is looked up by. Nobody can choose names so that many messages have the same.
pub(super) fn of(account: &str, chat: &str, id: &str) -> i64 {
    let mut hash = Sha256::new();
    for name in [account, chat, id] {
        hash.update(u64::try_from(name.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(name);
    }
    let hash: [u8; 32] = hash.finalize().into();
    let (first, _) = hash.split_first_chunk().unwrap_or((&[0; 8], &[]));
    i64::from_le_bytes(*first)
}

/// The keys by which this finds something.
pub(super) fn of_lookup(account: &str, lookup: &Lookup) -> impl Iterator<Item = i64> {
    let (message, ours) = match lookup {
        Lookup::Incoming(chat, id) => (Some(of(account, chat.as_str(), id.as_str())), None),
        Lookup::FromUs(chat, id) => {
            (Some(of(account, chat.as_str(), id.as_str())), Some(of_ours(account, id.as_str())))
        }
        Lookup::Ours(id) => (None, Some(of_ours(account, id.as_str()))),
    };
    message.into_iter().chain(ours)
}

/// The rows that have a key, for whoever looks up several: with the runs as they were at the first.
pub(super) struct Rows<'a> {
    connection: &'a Connection,
    runs: Arc<[recent::Run]>,
}

impl<'a> Rows<'a> {
    pub(super) fn of(connection: &'a Connection, recent: &Recent) -> rusqlite::Result<Self> {
        Ok(Self { connection, runs: recent.runs(connection)? })
    }

    /// What the first of the rows that have this key gives.
    pub(super) fn first<T>(
        &self,
        key: i64,
        read: impl FnMut(i64) -> rusqlite::Result<Option<T>>,
    ) -> rusqlite::Result<Option<T>> {
        first(self.connection, self.runs.iter().map(|run| run.as_slice()), key, read)
    }

    /// Whether no row has it.
    pub(super) fn none_with(&self, key: i64) -> rusqlite::Result<bool> {
        Ok(self.runs.iter().all(|run| recent::with(run, key).next().is_none())
            && !self.connection.prepare_cached(IN_TABLES)?.exists([key])?)
    }
}

/// Adds a key and the number of its row at once to a table.
#[cfg(test)]
pub(super) const ADD: &str = "INSERT INTO message_keys_1 (key, n) VALUES (?1, ?2)";

/// Adds a run with this number at once.
#[cfg(test)]
pub(super) fn add_run(connection: &Connection, id: i64, run: &[(i64, i64)]) {
    let bytes = recent::bytes(run);
    connection.execute("INSERT INTO message_keys_0 (id, keys) VALUES (?1, ?2)", params![id, bytes]).unwrap();
}

/// How many keys there are.
#[cfg(test)]
pub(super) fn count(connection: &Connection) -> usize {
    let mut statement = connection.prepare("SELECT key, n FROM message_keys").unwrap();
    let tables = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap);
    let runs = recent::read(connection).unwrap().into_iter().flat_map(|(_, run)| run.to_vec());
    runs.chain(tables).collect::<std::collections::BTreeSet<(i64, i64)>>().len()
}

const IN_TABLES: &str = "SELECT n FROM message_keys WHERE key = ?1";

/// What the first gives of the rows that have this key, by their numbers: those in runs, which are the latest, and then those
/// in the tables. One that is about to go on is in both.
fn first<'a, T>(
    connection: &Connection,
    runs: impl Iterator<Item = &'a [(i64, i64)]>,
    key: i64,
    mut read: impl FnMut(i64) -> rusqlite::Result<Option<T>>,
) -> rusqlite::Result<Option<T>> {
    for n in runs.flat_map(|run| recent::with(run, key)) {
        if let Some(found) = read(n)? {
            return Ok(Some(found));
        }
    }
    let mut statement = connection.prepare_cached(IN_TABLES)?;
    let mut rows = statement.query([key])?;
    while let Some(row) = rows.next()? {
        if let Some(found) = read(row.get(0)?)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Takes the key of a message that is about to be deleted out of the tables. Returns whether it was in the first.
fn forget(connection: &Connection, n: i64) -> rusqlite::Result<bool> {
    let key = connection
        .prepare_cached("SELECT account, chat, id, direction = 'out' FROM messages WHERE n = ?1")?
        .query_row([n], |row| {
            let text = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str()?);
            let (account, id) = (text(0)?, text(2)?);
            Ok(if row.get(3)? { of_ours(account, id) } else { of(account, text(1)?, id) })
        })?;
    let delete = |table| {
        connection.prepare_cached(&format!("DELETE FROM {table} WHERE key = ?1 AND n = ?2"))?.execute(params![key, n])
    };
    let first = delete("message_keys_1")?;
    delete("message_keys_2")?;
    Ok(first > 0)
}

#[cfg(test)]
mod tests;
