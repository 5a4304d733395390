//! The place in which most keys are.
//!
//! A bucket's number is the greatest prefix that it may have, and the last one's is [`LAST`]: so a key is in the bucket with
//! the least number that is not below its prefix. With the least prefix as its number each look-up would read two pages:
//! SQLite goes down to the first row that is not below what is looked for, and one step back from there is on another page.
//!
//! One that becomes too large is divided. The keys of a prefix are in one bucket, however many they are.

use rusqlite::{Connection, OptionalExtension, params};

use super::entries::{self, Entry, LAST, Prefix};
use super::packed::{self, Packed, Pair};

/// The statement that gives the bucket of a prefix.
pub(super) const OF: &str = "SELECT id, keys FROM key_buckets WHERE id >= ?1 ORDER BY id LIMIT 1";

/// Adds these, each once.
pub(super) fn add(connection: &Connection, entries: &[Entry]) -> rusqlite::Result<()> {
    let pairs = pairs(entries);
    let mut rest = &*pairs;
    while let Some(Share { id, there, these, others }) = Share::of(connection, rest)? {
        write(connection, id, &entries::together(&there, these))?;
        rest = others;
    }
    Ok(())
}

/// Takes these out. One that is not there is none the less gone.
pub(super) fn remove(connection: &Connection, entries: &[Entry]) -> rusqlite::Result<()> {
    let pairs = pairs(entries);
    let mut rest = &*pairs;
    while let Some(Share { id, mut there, these, others }) = Share::of(connection, rest)? {
        let before = there.len();
        there.retain(|pair| these.binary_search(pair).is_err());
        if there.is_empty() {
            connection.prepare_cached("DELETE FROM key_buckets WHERE id = ?1")?.execute([id])?;
        } else if there.len() < before {
            write(connection, id, &there)?;
        }
        rest = others;
    }
    Ok(())
}

/// The prefixes in the bucket of this one, in order, and the first prefix that is in none up to that bucket.
pub(super) fn next_from(connection: &Connection, from: Prefix) -> rusqlite::Result<(Vec<Prefix>, Prefix)> {
    let found = connection
        .prepare_cached(OF)?
        .query_row([from], |row| {
            let id: Prefix = row.get(0)?;
            let pairs = Packed::read(id, row.get_ref(1)?.as_blob()?)?.pairs()?;
            Ok((pairs.iter().map(|(prefix, _)| *prefix).collect(), id.saturating_add(1)))
        })
        .optional()?;
    Ok(found.unwrap_or((Vec::new(), LAST + 1)))
}

/// About how many keys are in all buckets, by how close together those of the first bucket are. None: in no bucket is any.
pub(super) fn estimate(connection: &Connection) -> rusqlite::Result<Option<usize>> {
    let (prefixes, below) = next_from(connection, 0)?;
    let share = LAST / below.max(1) + 1;
    let all = prefixes.len().saturating_mul(usize::try_from(share).unwrap_or(usize::MAX));
    Ok((all > 0).then_some(all))
}

/// These in the order in which buckets have them.
fn pairs(entries: &[Entry]) -> Vec<Pair> {
    let mut pairs: Vec<_> = entries.iter().map(packed::pair).collect();
    pairs.sort_unstable();
    pairs
}

/// The first of some pairs, with the bucket that they share.
struct Share<'a> {
    id: Prefix,
    /// What is in it.
    there: Vec<Pair>,
    these: &'a [Pair],
    others: &'a [Pair],
}

impl<'a> Share<'a> {
    /// None: there are no pairs.
    fn of(connection: &Connection, pairs: &'a [Pair]) -> rusqlite::Result<Option<Self>> {
        let Some((first, _)) = pairs.first() else { return Ok(None) };
        let bucket = connection
            .prepare_cached(OF)?
            .query_row([first], |row| {
                let id = row.get(0)?;
                Ok((id, Packed::read(id, row.get_ref(1)?.as_blob()?)?.pairs()?))
            })
            .optional()?;
        let (id, there) = bucket.unwrap_or((LAST, Vec::new()));
        let (these, others) = pairs.split_at(pairs.partition_point(|(prefix, _)| *prefix <= id));
        Ok(Some(Self { id, there, these, others }))
    }
}

/// Writes a bucket anew, as several if it is too large.
fn write(connection: &Connection, id: Prefix, pairs: &[Pair]) -> rusqlite::Result<()> {
    let most = pairs.len().div_ceil(pairs.len().div_ceil(packed::room(id, pairs)).max(1));
    let mut statement = connection.prepare_cached("INSERT OR REPLACE INTO key_buckets (id, keys) VALUES (?1, ?2)")?;
    let mut rest = pairs;
    while let Some((last, _)) = rest.get(most.saturating_sub(1)).filter(|_| rest.len() > most) {
        // Never between two of the same prefix.
        let (some, others) = rest.split_at(rest.partition_point(|(prefix, _)| prefix <= last));
        if others.is_empty() {
            break;
        }
        statement.execute(params![last, packed::pack(*last, some)])?;
        rest = others;
    }
    statement.execute(params![id, packed::pack(id, rest)])?;
    Ok(())
}
