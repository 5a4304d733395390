//! The place in which most keys are.
//!
//! A bucket's number is the greatest prefix that it may have, and the last one's is [`LAST`]: so a key is in the bucket with
//! the least number that is not below its prefix. With the least prefix as its number each look-up would read two pages:
//! SQLite goes down to the first row that is not below what is looked for, and one step back from there is on another page.
//!
//! One that becomes too large is divided. The keys of a prefix are in one bucket, however many they are.

use rusqlite::{Connection, OptionalExtension, params};

use super::entries::{self, Entry, LAST, key};

/// How many keys a bucket has at most: as many as fit into a page of SQLite's, beside what it has there itself.
const FULL: usize = 400;

/// The statement that gives the bucket of a prefix.
pub(super) const OF: &str = "SELECT keys, id FROM key_buckets WHERE id >= ?1 ORDER BY id LIMIT 1";

/// Adds these, which are in order, each once.
pub(super) fn add(connection: &Connection, mut entries: &[Entry]) -> rusqlite::Result<()> {
    while let Some(Share { id, there, these, others }) = Share::of(connection, entries)? {
        write(connection, id, &entries::together(&there, these))?;
        entries = others;
    }
    Ok(())
}

/// Takes these out, which are in order. One that is not there is none the less gone.
pub(super) fn remove(connection: &Connection, mut entries: &[Entry]) -> rusqlite::Result<()> {
    while let Some(Share { id, mut there, these, others }) = Share::of(connection, entries)? {
        let before = there.len();
        there.retain(|entry| these.binary_search(entry).is_err());
        if there.is_empty() {
            connection.prepare_cached("DELETE FROM key_buckets WHERE id = ?1")?.execute([id])?;
        } else if there.len() < before {
            write(connection, id, &there)?;
        }
        entries = others;
    }
    Ok(())
}

/// The first of some entries, with the bucket that they share.
struct Share<'a> {
    id: i64,
    /// What is in it.
    there: Vec<Entry>,
    these: &'a [Entry],
    others: &'a [Entry],
}

impl<'a> Share<'a> {
    /// None: there are no entries.
    fn of(connection: &Connection, entries: &'a [Entry]) -> rusqlite::Result<Option<Self>> {
        let Some(first) = entries.first() else { return Ok(None) };
        let bucket = connection
            .prepare_cached(OF)?
            .query_row([key(first).prefix()], |row| {
                Ok((row.get(1)?, entries::read_all(row.get_ref(0)?.as_blob()?)?.to_vec()))
            })
            .optional()?;
        let (id, there) = bucket.unwrap_or((LAST, Vec::new()));
        let (these, others) = entries.split_at(entries.partition_point(|entry| key(entry).prefix() <= id));
        Ok(Some(Self { id, there, these, others }))
    }
}

/// Writes a bucket anew, as several if it is too large.
fn write(connection: &Connection, id: i64, entries: &[Entry]) -> rusqlite::Result<()> {
    let most = entries.len().div_ceil(entries.len().div_ceil(FULL).max(1));
    let mut statement = connection.prepare_cached("INSERT OR REPLACE INTO key_buckets (id, keys) VALUES (?1, ?2)")?;
    let prefix = |entry: &Entry| key(entry).prefix();
    let mut rest = entries;
    while let Some(last) = rest.get(most.saturating_sub(1)).filter(|_| rest.len() > most) {
        // Never between two of the same prefix.
        let (some, others) = rest.split_at(rest.partition_point(|entry| prefix(entry) <= prefix(last)));
        if others.is_empty() {
            break;
        }
        statement.execute(params![prefix(last), some.as_flattened()])?;
        rest = others;
    }
    statement.execute(params![id, rest.as_flattened()])?;
    Ok(())
}
