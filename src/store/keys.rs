//! Which row has a message, by the message's key.
//!
//! Keys are spread evenly, whatever comes. In one table of all of them each new key would change a page of its own, which
//! is then written anew, into the log and later into the file, and the pages to look it up would be as many as there are.
//! So they go on from one place to the next, each much larger than the one before it, as in a log-structured merge-tree:
//!
//! 1. *Runs* (`key_runs`): what one transaction adds is one row, sorted. They are looked through in memory.
//! 2. *Generations* (`key_parts`): all runs together become one, when they are many enough, in rows of [`PARTS`] parts by
//!    the first bits of the keys. A filter in memory says which generation may have a key, so that hardly ever one is read
//!    in vain.
//! 3. *Buckets* (`key_buckets`): all others. A bucket is a row of about a page, with all keys up to its number, from that of
//!    the one before it on. One part of all generations goes on into them at a time: so several keys come into each bucket.
//!    A filter in a file ([`FileFilter`]) says of nearly all keys that are in no bucket that they are not.
//!
//! * A key is added in the transaction of its message. It goes on in one transaction as well, so it is in one place at each
//!   moment. Whoever looks without a transaction looks in this order, and does not miss it.
//! * A key alone proves nothing. Whoever looks up compares the names in the row as well.

mod bucket_filter;
mod buckets;
mod entries;
mod file_filter;
mod filter;
mod merger;
mod packed;
mod view;

use std::sync::Arc;

use rusqlite::{CachedStatement, Connection};

pub(super) use self::entries::{Entry, Key, entry, migrated};
pub(super) use self::merger::Merger;
pub(super) use self::view::Recent;

use self::file_filter::FileFilter;
use self::packed::Packed;
use self::view::View;
use crate::state::Lookup;

/// In how many parts a generation is. The more there are, the fewer keys go on at a time.
const PARTS: i64 = 64;

/// What a message of ours is looked up by, wherever it went: answers and receipts name it by its id alone.
pub(super) fn of_ours(account: &str, id: &str) -> Key {
    Key::of([account, "", id])
}

/// What a message that is not ours is looked up by.
pub(super) fn of(account: &str, chat: &str, id: &str) -> Key {
    Key::of([account, chat, id])
}

/// The keys by which this finds something.
pub(super) fn of_lookup(account: &str, lookup: &Lookup) -> impl Iterator<Item = Key> {
    let (message, ours) = match lookup {
        Lookup::Incoming(chat, id) => (Some(of(account, chat.as_str(), id.as_str())), None),
        Lookup::FromUs(chat, id) => {
            (Some(of(account, chat.as_str(), id.as_str())), Some(of_ours(account, id.as_str())))
        }
        Lookup::Ours(id) => (None, Some(of_ours(account, id.as_str()))),
    };
    message.into_iter().chain(ours)
}

/// The rows that have a key, for whoever looks up several: with the runs and generations as they were at the first.
pub(super) struct Rows<'a> {
    connection: &'a Connection,
    view: Arc<View>,
    filter: Option<Arc<FileFilter>>,
    bucket: CachedStatement<'a>,
}

impl<'a> Rows<'a> {
    pub(super) fn of(connection: &'a Connection, recent: &Recent) -> rusqlite::Result<Self> {
        Self::seen(connection, recent.view(connection)?, recent)
    }

    fn seen(connection: &'a Connection, view: Arc<View>, recent: &Recent) -> rusqlite::Result<Self> {
        Ok(Self { connection, view, filter: recent.filter(), bucket: connection.prepare_cached(buckets::OF)? })
    }

    /// What the first of the rows that have this key gives, in the order of the places.
    pub(super) fn first<T>(
        &mut self,
        key: Key,
        mut read: impl FnMut(i64) -> rusqlite::Result<Option<T>>,
    ) -> rusqlite::Result<Option<T>> {
        for n in self.view.runs.iter().flat_map(|run| entries::with(run, key)) {
            if let Some(found) = read(n)? {
                return Ok(Some(found));
            }
        }
        for generation in self.view.generations.iter().rev().filter(|generation| generation.may_have(key)) {
            for n in generation.with(self.connection, key)? {
                if let Some(found) = read(n)? {
                    return Ok(Some(found));
                }
            }
        }
        // Only now: what has gone on since the generations were looked at is in it.
        if self.filter.as_ref().is_some_and(|filter| filter.lacks(key.prefix())) {
            return Ok(None);
        }
        let mut found = self.bucket.query([key.prefix()])?;
        if let Some(bucket) = found.next()? {
            for n in Packed::read(bucket.get(0)?, bucket.get_ref(1)?.as_blob()?)?.with(key.prefix()) {
                if let Some(found) = read(n)? {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    /// The same, where these `added` ones are in no run yet.
    pub(super) fn first_of<T>(
        &mut self,
        added: &[Entry],
        key: Key,
        mut read: impl FnMut(i64) -> rusqlite::Result<Option<T>>,
    ) -> rusqlite::Result<Option<T>> {
        for entry in added.iter().rev().filter(|entry| entries::key(entry) == key) {
            if let Some(found) = read(entries::row(entry))? {
                return Ok(Some(found));
            }
        }
        self.first(key, read)
    }

    /// Whether no row has it.
    pub(super) fn none_with(&mut self, key: Key) -> rusqlite::Result<bool> {
        Ok(self.first(key, |_| Ok(Some(())))?.is_none())
    }
}

/// Brings the keys of a version that had them in tables and runs into buckets.
pub(super) fn migrate(connection: &Connection) -> rusqlite::Result<()> {
    // Neighbours together: keys were numbers with a sign.
    for table in ["message_keys_2", "message_keys_1"] {
        for half in ["key >= 0", "key < 0"] {
            let mut keys = connection.prepare(&format!("SELECT key, n FROM {table} WHERE {half} ORDER BY key, n"))?;
            let mut rows = keys.query([])?;
            let mut some = Vec::with_capacity(MIGRATED_AT_ONCE);
            while let Some(row) = rows.next()? {
                some.push(migrated(row.get(0)?, row.get(1)?)?);
                if some.len() >= MIGRATED_AT_ONCE {
                    migrate_some(connection, &mut some)?;
                }
            }
            migrate_some(connection, &mut some)?;
        }
    }
    let mut runs = connection.prepare("SELECT keys FROM message_keys_0")?;
    let mut rows = runs.query([])?;
    let mut some = Vec::new();
    while let Some(row) = rows.next()? {
        for pair in row.get_ref(0)?.as_blob()?.as_chunks::<16>().0 {
            let number = |half: &[u8]| half.first_chunk().copied().map(i64::from_le_bytes).unwrap_or_default();
            let (key, n) = pair.split_at(8);
            some.push(migrated(number(key), number(n))?);
        }
    }
    migrate_some(connection, &mut some)
}

/// Packs the keys of a version that had [entries](Entry) in buckets.
pub(super) fn pack(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "ALTER TABLE key_buckets RENAME TO of_before;
         CREATE TABLE key_buckets (id INTEGER PRIMARY KEY, keys BLOB NOT NULL) STRICT;",
    )?;
    {
        let mut buckets = connection.prepare("SELECT keys FROM of_before ORDER BY id")?;
        let mut rows = buckets.query([])?;
        let mut some = Vec::with_capacity(MIGRATED_AT_ONCE);
        while let Some(row) = rows.next()? {
            some.extend_from_slice(entries::read(row.get_ref(0)?.as_blob()?)?);
            if some.len() >= MIGRATED_AT_ONCE {
                migrate_some(connection, &mut some)?;
            }
        }
        migrate_some(connection, &mut some)?;
    }
    connection.execute_batch("DROP TABLE of_before")
}

/// How many keys of an older version are brought over at once.
const MIGRATED_AT_ONCE: usize = 2_048;

fn migrate_some(connection: &Connection, some: &mut Vec<Entry>) -> rusqlite::Result<()> {
    buckets::add(connection, some)?;
    some.clear();
    Ok(())
}

/// Adds a key and the number of its row at once to a bucket.
#[cfg(test)]
pub(super) fn add(connection: &Connection, key: Key, n: i64) {
    buckets::add(connection, &[entry(key, n).unwrap()]).unwrap();
}

/// Adds a run with this number at once.
#[cfg(test)]
pub(super) fn add_run(connection: &Connection, id: i64, run: &[Entry]) {
    let run = rusqlite::params![id, run.as_flattened()];
    connection.execute("INSERT INTO key_runs (id, keys) VALUES (?1, ?2)", run).unwrap();
}

/// How many keys there are.
#[cfg(test)]
pub(super) fn count(connection: &Connection) -> usize {
    let mut all = std::collections::BTreeSet::new();
    for table in ["key_runs", "key_parts", "key_buckets"] {
        let mut statement = connection.prepare(&format!("SELECT id, keys FROM {table}")).unwrap();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let bytes = row.get_ref(1).unwrap().as_blob().unwrap();
            if table == "key_buckets" {
                all.extend(Packed::read(row.get(0).unwrap(), bytes).unwrap().pairs().unwrap());
            } else {
                all.extend(entries::read(bytes).unwrap().iter().map(packed::pair));
            }
        }
    }
    all.len()
}

#[cfg(test)]
mod tests;
